//! Genotypes as RON: edges as short strings with the paper's numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::space::RawSearchSpace;
use crate::{Edge, Genotype, GenotypeError, Motif, Primitive, SearchSpace, genotype};

/// A genotype as it stands in a file, not yet checked: `levels[level - 2][motif][edge]`, an edge such as `1->2 Motif5`.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Genotype", deny_unknown_fields)]
struct RawGenotype {
    space: RawSearchSpace,
    levels: Vec<Vec<Vec<String>>>,
}

impl TryFrom<RawGenotype> for Genotype {
    type Error = GenotypeError;

    fn try_from(raw: RawGenotype) -> Result<Genotype, GenotypeError> {
        let space = SearchSpace::try_from(raw.space)?;
        genotype::check_counts(&space, &raw.levels)?;
        let levels = (2..).zip(&raw.levels).map(|(level, motifs)| {
            let motifs = (1..).zip(motifs).map(|(motif, edges)| Place { space: &space, level, motif }.motif(edges));
            motifs.collect::<Result<Vec<Motif>, GenotypeError>>()
        });
        let levels = levels.collect::<Result<Vec<_>, _>>()?;
        Genotype::new(space, levels)
    }
}

impl From<&Genotype> for RawGenotype {
    fn from(genotype: &Genotype) -> RawGenotype {
        let edges = |level, motif: &Motif| motif.edges().map(|edge| edge_text(genotype, level, edge)).collect();
        let motifs = |(level, motifs): (usize, &Vec<Motif>)| motifs.iter().map(|motif| edges(level, motif)).collect();
        RawGenotype {
            space: genotype.space().clone().into(),
            levels: (2..).zip(genotype.levels()).map(motifs).collect(),
        }
    }
}

impl Serialize for Genotype {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawGenotype::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Genotype {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Genotype, D::Error> {
        Genotype::try_from(RawGenotype::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Genotype {
    /// Reads a genotype from RON.
    ///
    /// # Errors
    /// With line and column where the text is not of the shape of a genotype; with level, motif and edge where it is,
    /// but the invariants of [`Genotype`] do not hold.
    pub fn from_ron(text: &str) -> Result<Genotype, GenotypeError> {
        let raw: RawGenotype = ron::from_str(text).map_err(|error| GenotypeError::Syntax {
            line: error.span.start.line,
            column: error.span.start.col,
            message: error.code.to_string(),
        })?;
        Genotype::try_from(raw)
    }

    /// The genotype as RON, one motif a line; edges that carry none are left out. [`Genotype::from_ron`] reads it back.
    pub fn to_ron(&self) -> String {
        self.to_string()
    }
}

/// RON: see [`Genotype::to_ron`].
impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "(\n    space: {},\n    levels: [", self.space())?;
        for (level, motifs) in (2..).zip(self.levels()) {
            writeln!(f, "        [ // level {level}")?;
            for motif in motifs {
                let edges: Vec<String> =
                    motif.edges().map(|edge| format!("{:?}", edge_text(self, level, edge))).collect();
                writeln!(f, "            [{}],", edges.join(", "))?;
            }
            writeln!(f, "        ],")?;
        }
        write!(f, "    ],\n)")
    }
}

fn edge_text(genotype: &Genotype, level: usize, Edge { from, to, op }: Edge) -> String {
    format!("{from}->{to} {}", genotype.operation_name(level, op))
}

/// The motif that is being read, for the messages.
struct Place<'a> {
    space: &'a SearchSpace,
    level: usize,
    /// From 1.
    motif: usize,
}

impl Place<'_> {
    fn motif(&self, edges: &[String]) -> Result<Motif, GenotypeError> {
        let edges = edges.iter().map(|text| self.edge(text)).collect::<Result<Vec<Edge>, _>>()?;
        Motif::new(self.space.level(self.level).nodes, edges).map_err(|error| GenotypeError::Motif {
            level: self.level,
            motif: self.motif,
            error,
        })
    }

    fn edge(&self, text: &str) -> Result<Edge, GenotypeError> {
        let (level, motif) = (self.level, self.motif);
        let (from, to, name) =
            split(text).ok_or_else(|| GenotypeError::NotAnEdge { level, motif, text: shorten(text) })?;
        let op = self.operation(name).ok_or_else(|| {
            let (name, possible) = (shorten(name), self.possible());
            GenotypeError::UnknownOperation { level, motif, from, to, name, possible }
        })?;
        Ok(Edge { from, to, op })
    }

    fn operation(&self, name: &str) -> Option<usize> {
        if self.level == 2 {
            let primitive = Primitive::from_name(name)?;
            self.space.primitives().iter().position(|own| *own == primitive)
        } else {
            let number = number(name.strip_prefix("Motif")?)?;
            (1..=self.space.pool(self.level)).contains(&number).then(|| number - 1)
        }
    }

    fn possible(&self) -> String {
        let names = (0..self.space.pool(self.level)).map(|op| self.space.operation_name(self.level, op));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Takes `1->2 Name` apart; spaces around the parts do not matter.
fn split(text: &str) -> Option<(usize, usize, &str)> {
    let (from, rest) = text.split_once("->")?;
    let (to, name) = rest.trim().split_once(char::is_whitespace)?;
    Some((number(from.trim())?, number(to)?, name.trim()))
}

/// A plain decimal number. `parse` alone would take a sign as well.
fn number(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A string for a message, cut where it would fill the screen.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
