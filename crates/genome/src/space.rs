//! Search spaces: which primitives, how many levels, motifs and nodes, and how inputs of a node are merged.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Primitive;

/// How a node merges its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Merge {
    /// Concatenation along channels (the paper's).
    Concat,
    /// Sum; all inputs need the same width.
    Sum,
}

impl Merge {
    /// The name used in files: that of the variant.
    pub fn name(self) -> &'static str {
        match self {
            Merge::Concat => "Concat",
            Merge::Sum => "Sum",
        }
    }
}

/// One level above the primitives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Number of motifs of this level; 1 at the top.
    pub motifs: usize,
    /// Nodes of each motif, source and sink included; at least 2.
    pub nodes: usize,
    /// Primitive applied after each motif of this level (the paper: `Some(Conv1x1)` after level 2, when L = 3).
    // Named here so that the field has to be written: serde would take a missing one as `None`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub followed_by: Option<Primitive>,
}

impl Level {
    /// Edges of one motif of this level, those that carry none included.
    fn edges_of_a_motif(&self) -> usize {
        self.nodes * (self.nodes - 1) / 2
    }
}

/// A search space.
///
/// Invariant:
/// - no primitive is there twice, and `Identity` is among them, since sampling starts from a genotype made of it (paper
///   section 3.2);
/// - there are 1 to [`MAX_LEVELS`](Self::MAX_LEVELS) levels above the primitives, each with 1 to
///   [`MAX_MOTIFS`](Self::MAX_MOTIFS) motifs of 2 to [`MAX_NODES`](Self::MAX_NODES) nodes; the top level has exactly
///   one motif;
/// - there is something to choose: with one primitive and one edge at each level there would be a single genotype,
///   and a mutation could lead nowhere.
///
/// The limits bound the size of a genotype, not of its network: expanded, a cell can be exponentially large in the
/// number of levels, and whoever expands it has to bound that.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawSearchSpace", into = "RawSearchSpace")]
pub struct SearchSpace {
    primitives: Vec<Primitive>,
    levels: Vec<Level>,
    merge: Merge,
}

impl SearchSpace {
    /// Most levels above the primitives.
    pub const MAX_LEVELS: usize = 8;
    /// Most motifs of one level.
    pub const MAX_MOTIFS: usize = 64;
    /// Most nodes of one motif.
    pub const MAX_NODES: usize = 64;

    /// A space of these primitives and levels; `levels[0]` is level 2, the first above the primitives.
    ///
    /// # Errors
    /// If the invariant of [`SearchSpace`] does not hold; the message names the level and the numbers.
    pub fn new(primitives: Vec<Primitive>, levels: Vec<Level>, merge: Merge) -> Result<SearchSpace, SpaceError> {
        if let Some(repeated) = primitives.iter().enumerate().find(|(i, p)| primitives[..*i].contains(p)) {
            return Err(SpaceError::RepeatedPrimitive { primitive: *repeated.1 });
        }
        if !primitives.contains(&Primitive::Identity) {
            return Err(SpaceError::NoIdentity);
        }
        if levels.is_empty() || levels.len() > Self::MAX_LEVELS {
            return Err(SpaceError::LevelCount { count: levels.len() });
        }
        for (number, level) in (2..).zip(&levels) {
            if level.motifs == 0 || level.motifs > Self::MAX_MOTIFS {
                return Err(SpaceError::MotifCount { level: number, count: level.motifs });
            }
            if level.nodes < 2 || level.nodes > Self::MAX_NODES {
                return Err(SpaceError::NodeCount { level: number, count: level.nodes });
            }
        }
        let space = SearchSpace { primitives, levels, merge };
        let top = space.level(space.top());
        if top.motifs != 1 {
            return Err(SpaceError::SeveralTopMotifs { level: space.top(), count: top.motifs });
        }
        if space.primitives.len() == 1 && space.edges() == space.levels.len() {
            return Err(SpaceError::NothingToChoose);
        }
        Ok(space)
    }

    /// The paper's hierarchical space: six primitives, six motifs of 4 nodes, each followed by a 1x1 convolution, and one
    /// cell of 5 nodes made of them.
    pub fn hierarchical() -> SearchSpace {
        let motifs = Level { motifs: 6, nodes: 4, followed_by: Some(Primitive::Conv1x1) };
        let cell = Level { motifs: 1, nodes: 5, followed_by: None };
        SearchSpace::new(Primitive::PAPER.to_vec(), vec![motifs, cell], Merge::Concat)
            .expect("the paper's hierarchical space keeps the invariant")
    }

    /// The paper's flat space: six primitives and one cell of 11 nodes.
    pub fn flat() -> SearchSpace {
        let cell = Level { motifs: 1, nodes: 11, followed_by: None };
        SearchSpace::new(Primitive::PAPER.to_vec(), vec![cell], Merge::Concat)
            .expect("the paper's flat space keeps the invariant")
    }

    /// The primitives, level 1, in the order that operations of level 2 count them.
    pub fn primitives(&self) -> &[Primitive] {
        &self.primitives
    }

    /// The levels above the primitives; the first is level 2.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// How a node merges its inputs, at every level.
    pub fn merge(&self) -> Merge {
        self.merge
    }

    /// The level of that number, 2 to [`top`](Self::top), as in the paper.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn level(&self, level: usize) -> &Level {
        assert!((2..=self.top()).contains(&level), "no level {level}: there are levels 2 to {}", self.top());
        &self.levels[level - 2]
    }

    /// The number of the top level, the paper's L: 3 for the hierarchical space, 2 for the flat one.
    pub fn top(&self) -> usize {
        self.levels.len() + 1
    }

    /// How many operations an edge of a motif of `level` may carry, none not counted: the primitives at level 2, the
    /// motifs of the level below above it.
    ///
    /// # Panics
    /// If there is no such level.
    pub fn pool(&self, level: usize) -> usize {
        assert!((2..=self.top()).contains(&level), "no level {level}: there are levels 2 to {}", self.top());
        if level == 2 { self.primitives.len() } else { self.level(level - 1).motifs }
    }

    /// Edges of a whole genotype, those that carry none included: 46 for the hierarchical space, 55 for the flat one.
    pub fn edges(&self) -> usize {
        self.levels.iter().map(|level| level.motifs * level.edges_of_a_motif()).sum()
    }

    /// The name that files use for operation `op` of an edge of `level`: `MaxPool3x3` at level 2, `Motif5` above.
    pub fn operation_name(&self, level: usize, op: usize) -> String {
        if level > 2 {
            return format!("Motif{}", op + 1);
        }
        match self.primitives.get(op) {
            Some(primitive) => primitive.name().to_owned(),
            // Not an operation of this space; a record that was made in another one may say so.
            None => format!("Primitive{}", op + 1),
        }
    }

    /// The place of `Identity` among the primitives.
    pub(crate) fn identity(&self) -> usize {
        let place = self.primitives.iter().position(|primitive| *primitive == Primitive::Identity);
        place.expect("a search space has Identity among its primitives")
    }
}

/// RON on one line, as it stands in the file of a genotype.
impl fmt::Display for SearchSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let primitives: Vec<&str> = self.primitives.iter().map(|primitive| primitive.name()).collect();
        write!(f, "(primitives: [{}], levels: [", primitives.join(", "))?;
        for (i, Level { motifs, nodes, followed_by }) in self.levels.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}(motifs: {motifs}, nodes: {nodes}, followed_by: ")?;
            match followed_by {
                Some(primitive) => write!(f, "Some({primitive}))")?,
                None => write!(f, "None)")?,
            }
        }
        write!(f, "], merge: {})", self.merge.name())
    }
}

/// A search space as it stands in a file, not yet checked.
#[derive(Serialize, Deserialize)]
#[serde(rename = "SearchSpace", deny_unknown_fields)]
pub(crate) struct RawSearchSpace {
    primitives: Vec<Primitive>,
    levels: Vec<Level>,
    merge: Merge,
}

impl TryFrom<RawSearchSpace> for SearchSpace {
    type Error = SpaceError;

    fn try_from(raw: RawSearchSpace) -> Result<SearchSpace, SpaceError> {
        SearchSpace::new(raw.primitives, raw.levels, raw.merge)
    }
}

impl From<SearchSpace> for RawSearchSpace {
    fn from(SearchSpace { primitives, levels, merge }: SearchSpace) -> RawSearchSpace {
        RawSearchSpace { primitives, levels, merge }
    }
}

/// What is wrong with a search space. Levels are numbered as in the paper, from 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// A primitive is listed twice.
    #[error("search space: the primitive {primitive} is listed twice")]
    RepeatedPrimitive {
        /// The primitive.
        primitive: Primitive,
    },
    /// `Identity` is missing.
    #[error("search space: the primitive Identity is missing, of which the first genotype is made")]
    NoIdentity,
    /// No level, or too many.
    #[error("search space: the number of levels above the primitives is {count}, not 1 to {}", SearchSpace::MAX_LEVELS)]
    LevelCount {
        /// Levels found.
        count: usize,
    },
    /// A level without motifs, or with too many.
    #[error("search space, level {level}: the number of motifs is {count}, not 1 to {}", SearchSpace::MAX_MOTIFS)]
    MotifCount {
        /// The level.
        level: usize,
        /// Motifs found.
        count: usize,
    },
    /// Motifs too small to have a source and a sink, or too large.
    #[error("search space, level {level}: the number of nodes is {count}, not 2 to {}", SearchSpace::MAX_NODES)]
    NodeCount {
        /// The level.
        level: usize,
        /// Nodes found.
        count: usize,
    },
    /// The top level has more than one motif.
    #[error("search space, level {level}: the number of motifs is {count}, but the top level has exactly 1, the cell")]
    SeveralTopMotifs {
        /// The level.
        level: usize,
        /// Motifs found.
        count: usize,
    },
    /// The space has a single genotype.
    #[error("search space: one primitive and one edge at each level leave nothing to choose")]
    NothingToChoose,
}
