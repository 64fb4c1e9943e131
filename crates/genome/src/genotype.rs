//! Genotypes: every motif of every level of one architecture, in its search space.

use thiserror::Error;

use crate::{Edge, Motif, MotifError, SearchSpace, SpaceError, liveness};

/// An architecture as the search sees it: all motifs of all levels (paper section 2.2).
///
/// Invariants: the numbers of levels, motifs and nodes are those of its search space. G1, an edge goes forward, holds by
/// [`Motif`]. G2: an edge's operation exists one level below. G3: the top level has one motif, and its sink is reachable
/// from its source when expanded; other motifs may be broken, and unused ones are (neutral genes). G4: reading, sampling
/// and mutating all end in [`Genotype::new`]; there is no other way in.
///
/// In files it is RON that can be read and written by hand: see [`Genotype::to_ron`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Genotype {
    space: SearchSpace,
    levels: Vec<Vec<Motif>>,
}

impl Genotype {
    /// A genotype of these motifs; `levels[0]` is level 2.
    ///
    /// # Errors
    /// If the invariants of [`Genotype`] do not hold; the message names level, motif and edge.
    pub fn new(space: SearchSpace, levels: Vec<Vec<Motif>>) -> Result<Genotype, GenotypeError> {
        check_counts(&space, &levels)?;
        for (level, motifs) in (2..).zip(&levels) {
            let (nodes, pool) = (space.level(level).nodes, space.pool(level));
            for (motif, graph) in (1..).zip(motifs) {
                if graph.nodes() != nodes {
                    return Err(GenotypeError::NodeCount { level, motif, found: graph.nodes(), expected: nodes });
                }
                if let Some(Edge { from, to, op }) = graph.edges().find(|edge| edge.op >= pool) {
                    return Err(GenotypeError::NoSuchOperation { level, motif, from, to, operation: op, pool });
                }
            }
        }
        if !liveness::working(&levels)[space.top() - 2][0] {
            return Err(GenotypeError::SinkUnreachable { level: space.top(), sink: space.level(space.top()).nodes });
        }
        Ok(Genotype { space, levels })
    }

    /// The trivial genotype that sampling starts from (paper section 3.2): every motif of level 2 a chain of identities,
    /// every motif above a chain of the first motif below.
    pub fn identity_chain(space: &SearchSpace) -> Genotype {
        let chains = (2..=space.top()).map(|level| {
            let op = if level == 2 { space.identity() } else { 0 };
            vec![Motif::chain(space.level(level).nodes, op); space.level(level).motifs]
        });
        Genotype::new(space.clone(), chains.collect()).expect("chains reach their sinks at every level")
    }

    /// The search space it belongs to.
    pub fn space(&self) -> &SearchSpace {
        &self.space
    }

    /// The motifs of a level, 2 to [`SearchSpace::top`].
    ///
    /// # Panics
    /// If there is no such level.
    pub fn motifs(&self, level: usize) -> &[Motif] {
        assert!((2..=self.space.top()).contains(&level), "no level {level}: there are 2 to {}", self.space.top());
        &self.levels[level - 2]
    }

    /// One motif of a level; `index` counts from 0.
    ///
    /// # Panics
    /// If there is no such level or motif.
    pub fn motif(&self, level: usize, index: usize) -> &Motif {
        &self.motifs(level)[index]
    }

    /// The one motif of the top level.
    pub fn cell(&self) -> &Motif {
        self.motif(self.space.top(), 0)
    }

    /// The edges of a motif that lie on a path from its source to its sink when everything is expanded, ordered as in
    /// [`Motif::edges`]; the others are dead. A broken motif has none.
    ///
    /// # Panics
    /// If there is no such level or motif.
    pub fn live_edges(&self, level: usize, index: usize) -> Vec<Edge> {
        let motif = self.motif(level, index);
        let working = liveness::working(&self.levels[..level - 2]);
        liveness::live_edges(motif, working.last().map(Vec::as_slice))
    }

    /// For each level and motif, `[level - 2][motif]`: does the network contain it? That is, can it be reached from the
    /// cell through live edges?
    pub fn used_motifs(&self) -> Vec<Vec<bool>> {
        liveness::used(&self.levels)
    }

    /// The name that files use for operation `op` of an edge of `level`: `MaxPool3x3` at level 2, `Motif5` above.
    pub fn operation_name(&self, level: usize, op: usize) -> String {
        self.space.operation_name(level, op)
    }

    /// All motifs, `[level - 2][motif]`.
    pub(crate) fn levels(&self) -> &[Vec<Motif>] {
        &self.levels
    }
}

/// Compares the numbers of levels and motifs with those of the space.
pub(crate) fn check_counts<M>(space: &SearchSpace, levels: &[Vec<M>]) -> Result<(), GenotypeError> {
    if levels.len() != space.levels().len() {
        return Err(GenotypeError::LevelCount { found: levels.len(), expected: space.levels().len() });
    }
    for (level, motifs) in (2..).zip(levels) {
        let expected = space.level(level).motifs;
        if motifs.len() != expected {
            return Err(GenotypeError::MotifCount { level, found: motifs.len(), expected });
        }
    }
    Ok(())
}

/// What is wrong with a genotype. Levels, motifs and nodes are numbered as in the paper: levels from 2, the rest from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GenotypeError {
    /// The text is not RON, or not of the shape of a genotype.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Its search space is not one.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// Not the space's number of levels.
    #[error("the number of levels above the primitives is {found}, in the search space it is {expected}")]
    LevelCount {
        /// Levels of the genotype.
        found: usize,
        /// Levels of the space.
        expected: usize,
    },
    /// Not the space's number of motifs at a level.
    #[error("level {level}: the number of motifs is {found}, in the search space it is {expected}")]
    MotifCount {
        /// The level.
        level: usize,
        /// Motifs of the genotype.
        found: usize,
        /// Motifs of the space.
        expected: usize,
    },
    /// Not the space's number of nodes.
    #[error("level {level}, motif {motif}: the number of nodes is {found}, in the search space it is {expected}")]
    NodeCount {
        /// The level.
        level: usize,
        /// The motif.
        motif: usize,
        /// Nodes of the motif.
        found: usize,
        /// Nodes of the space.
        expected: usize,
    },
    /// A string that does not describe an edge.
    #[error("level {level}, motif {motif}: {text:?} is not an edge such as \"1->2 Identity\" or \"1->2 Motif3\"")]
    NotAnEdge {
        /// The level.
        level: usize,
        /// The motif.
        motif: usize,
        /// The string, shortened.
        text: String,
    },
    /// A motif that is not one (G1).
    #[error("level {level}, motif {motif}: {error}")]
    Motif {
        /// The level.
        level: usize,
        /// The motif.
        motif: usize,
        /// What is wrong with it.
        error: MotifError,
    },
    /// The name of an operation that the level below does not have (G2).
    #[error("level {level}, motif {motif}: edge {from} -> {to} carries {name:?}, which is none of {possible}")]
    UnknownOperation {
        /// The level.
        level: usize,
        /// The motif.
        motif: usize,
        /// The node the edge comes from.
        from: usize,
        /// The node it goes to.
        to: usize,
        /// The name, shortened.
        name: String,
        /// The names that are possible.
        possible: String,
    },
    /// The number of an operation that the level below does not have (G2).
    #[error(
        "level {level}, motif {motif}: edge {from} -> {to} carries operation {operation}, counted from 0, of {pool}"
    )]
    NoSuchOperation {
        /// The level.
        level: usize,
        /// The motif.
        motif: usize,
        /// The node the edge comes from.
        from: usize,
        /// The node it goes to.
        to: usize,
        /// The operation, counted from 0.
        operation: usize,
        /// How many there are.
        pool: usize,
    },
    /// The cell does not connect its input with its output (G3).
    #[error("level {level}, motif 1: node {sink}, the sink of the cell, cannot be reached from node 1 when expanded")]
    SinkUnreachable {
        /// The top level.
        level: usize,
        /// The sink.
        sink: usize,
    },
}
