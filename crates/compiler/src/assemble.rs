//! Expansion of a genotype into the network around it, motif by motif, level by level (paper sections 1 and 5).

use hnas_genome::{Edge, Genotype, Merge, Primitive};
use thiserror::Error;

use crate::{AfterLastCell, Graph, GraphBuilder, GraphError, NodeId, Op, SeparableInner, Shape, Skeleton};

/// Most nodes of an assembled graph. A hierarchy is exponential in its depth: eight levels of small motifs can stand for
/// more operations than a computer has bits. The paper's networks have a few hundred nodes.
pub const MAX_GRAPH_NODES: u64 = 100_000;

/// Builds the network of `skeleton` around the cell of `genotype`, for images of shape `input`, without any optimisation.
///
/// A node of a motif merges what its edges give, in the order of their predecessors; a single input is passed on as it
/// is. The primitive that follows a level stands behind each of its motifs. A node without inputs is dropped with what
/// only it feeds, and an edge that carries a motif without a way from its source to its sink counts as no edge.
/// Inside a cell of nominal width c, 1x1, 3x3 and separable convolutions give c channels whatever they receive;
/// depthwise convolutions, pools and identities keep what they receive. Nodes that lead nowhere are still there.
///
/// # Errors
/// When the network would have more than [`MAX_GRAPH_NODES`] nodes, which is known before anything is expanded; when a
/// feature map becomes too large.
pub fn assemble(genotype: &Genotype, skeleton: &Skeleton, input: Shape) -> Result<Graph, AssembleError> {
    let plan = Plan::new(genotype);
    let nodes = plan.nodes(skeleton);
    if nodes > MAX_GRAPH_NODES {
        return Err(AssembleError::TooManyNodes { nodes, cells: skeleton.cells(), limit: MAX_GRAPH_NODES });
    }
    let at = |place: &str| {
        let place = place.to_owned();
        move |error| AssembleError::Graph { place, error }
    };
    let builder = GraphBuilder::new(input).map_err(at("input"))?;
    let mut value = builder.input();
    let mut assembler = Assembler { plan: &plan, builder, inner: skeleton.separable_inner() };
    for stem in skeleton.stem() {
        let op = Op::Conv { kernel: 3, stride: stem.stride, channels: stem.width };
        value = assembler.builder.push(op, [value]).map_err(at("stem"))?;
    }
    let groups = skeleton.groups();
    for (index, group) in groups.iter().enumerate() {
        for cell in 1..=group.cells {
            let place = format!("group {}, cell {cell}", index + 1);
            value = assembler.motif(genotype.space().top(), 0, value, group.width).map_err(at(&place))?;
            let next = match (cell < group.cells, groups.get(index + 1), skeleton.after_last_cell()) {
                (true, _, _) => Some((1, group.width)),
                (false, Some(next), _) => Some((2, next.width)),
                (false, None, AfterLastCell::Separable { width }) => Some((1, width)),
                (false, None, AfterLastCell::Nothing) => None,
            };
            if let Some((stride, channels)) = next {
                let op = Op::Separable { stride, channels, inner: skeleton.separable_inner() };
                value = assembler.builder.push(op, [value]).map_err(at(&place))?;
            }
        }
    }
    value = assembler.builder.push(Op::GlobalAvgPool, [value]).map_err(at("classifier"))?;
    let linear = Op::Linear { classes: skeleton.classes() };
    value = assembler.builder.push(linear, [value]).map_err(at("classifier"))?;
    assembler.builder.finish(value).map_err(at("classifier"))
}

/// Why a network cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum AssembleError {
    #[error("the network would have at least {nodes} nodes in {cells} cell(s); at most {limit} are built")]
    TooManyNodes { nodes: u64, cells: usize, limit: u64 },
    #[error("{place}: {error}")]
    Graph { place: String, error: GraphError },
}

/// Which edges are expanded, for each motif of each level.
struct Plan<'a> {
    genotype: &'a Genotype,
    /// `[level - 2][motif]`: the edges whose predecessor has a value and whose operation works, ordered by successor.
    edges: Vec<Vec<Vec<Edge>>>,
    /// `[level - 2][motif]`: nodes that one instance is expanded to; stops counting at the largest number.
    nodes: Vec<Vec<u64>>,
}

impl Plan<'_> {
    fn new(genotype: &Genotype) -> Plan<'_> {
        let mut plan = Plan { genotype, edges: Vec::new(), nodes: Vec::new() };
        let mut works: Vec<bool> = vec![true; genotype.space().primitives().len()];
        for level in 2..=genotype.space().top() {
            let motifs = genotype.motifs(level);
            let mut fed_edges = Vec::with_capacity(motifs.len());
            let mut reaches = Vec::with_capacity(motifs.len());
            for motif in motifs {
                let mut fed = vec![false; motif.nodes() + 1];
                fed[1] = true;
                let mut edges: Vec<Edge> = motif.edges().filter(|edge| works[edge.op]).collect();
                // Edges come ordered by successor, so whether the predecessor has a value is known in time.
                edges.retain(|edge| {
                    fed[edge.to] |= fed[edge.from];
                    fed[edge.from]
                });
                reaches.push(fed[motif.nodes()]);
                fed_edges.push(edges);
            }
            let counts = fed_edges.iter().map(|edges| plan.count(level, edges)).collect();
            plan.edges.push(fed_edges);
            plan.nodes.push(counts);
            works = reaches;
        }
        plan
    }

    /// Nodes that a motif of `level` with these edges is expanded to.
    fn count(&self, level: usize, edges: &[Edge]) -> u64 {
        let mut nodes: u64 = 0;
        let mut previous = None;
        let mut merged = None;
        for edge in edges {
            nodes = nodes.saturating_add(match level {
                2 => 1,
                _ => self.nodes[level - 3][edge.op].saturating_add(u64::from(self.follows(level - 1).is_some())),
            });
            // The second edge into a node is the one that makes a merge necessary.
            if previous == Some(edge.to) && merged != previous {
                nodes = nodes.saturating_add(1);
                merged = previous;
            }
            previous = Some(edge.to);
        }
        nodes
    }

    /// Nodes of the whole network.
    fn nodes(&self, skeleton: &Skeleton) -> u64 {
        let top = self.genotype.space().top();
        let cell = self.nodes[top - 2][0].saturating_add(u64::from(self.follows(top).is_some()));
        let last = u64::from(matches!(skeleton.after_last_cell(), AfterLastCell::Separable { .. }));
        // Input, global average pooling and linear layer; a separable convolution after each cell but the last.
        let around = (skeleton.stem().len() as u64).saturating_add(last + 2);
        (skeleton.cells() as u64).saturating_mul(cell.saturating_add(1)).saturating_add(around)
    }

    fn follows(&self, level: usize) -> Option<Primitive> {
        self.genotype.space().level(level).followed_by
    }
}

/// Adds motifs to a graph.
struct Assembler<'a> {
    plan: &'a Plan<'a>,
    builder: GraphBuilder,
    inner: SeparableInner,
}

impl Assembler<'_> {
    /// Expands one motif, and what follows its level, over `input` in a cell of nominal width `width`.
    fn motif(&mut self, level: usize, index: usize, input: NodeId, width: usize) -> Result<NodeId, GraphError> {
        let nodes = self.plan.genotype.motif(level, index).nodes();
        let mut inputs: Vec<Vec<NodeId>> = vec![Vec::new(); nodes + 1];
        let mut values: Vec<Option<NodeId>> = vec![None; nodes + 1];
        values[1] = Some(input);
        let plan = self.plan;
        let mut edges = plan.edges[level - 2][index].iter().peekable();
        while let Some(edge) = edges.next() {
            let from = values[edge.from].expect("an edge is planned only when its predecessor has a value");
            let value = match level {
                2 => self.primitive(plan.genotype.space().primitives()[edge.op], from, width)?,
                _ => self.motif(level - 1, edge.op, from, width)?,
            };
            inputs[edge.to].push(value);
            if edges.peek().is_none_or(|next| next.to != edge.to) {
                values[edge.to] = Some(self.merge(std::mem::take(&mut inputs[edge.to]))?);
            }
        }
        let output = values[nodes].expect("only motifs whose sink is reachable are expanded: invariant G3");
        match plan.follows(level) {
            Some(primitive) => self.primitive(primitive, output, width),
            None => Ok(output),
        }
    }

    /// The value of a node: its inputs merged, or the only one as it is.
    fn merge(&mut self, inputs: Vec<NodeId>) -> Result<NodeId, GraphError> {
        if let [only] = inputs[..] {
            return Ok(only);
        }
        let op = match self.plan.genotype.space().merge() {
            Merge::Concat => Op::Concat,
            Merge::Sum => Op::Sum,
        };
        self.builder.push(op, inputs)
    }

    fn primitive(&mut self, primitive: Primitive, input: NodeId, width: usize) -> Result<NodeId, GraphError> {
        let op = match primitive {
            Primitive::Conv1x1 => Op::Conv { kernel: 1, stride: 1, channels: width },
            Primitive::Conv3x3 => Op::Conv { kernel: 3, stride: 1, channels: width },
            Primitive::Depthwise3x3 => Op::Depthwise { stride: 1 },
            Primitive::Separable3x3 => Op::Separable { stride: 1, channels: width, inner: self.inner },
            Primitive::MaxPool3x3 => Op::MaxPool,
            Primitive::AvgPool3x3 => Op::AvgPool,
            Primitive::Identity => Op::Identity,
        };
        self.builder.push(op, [input])
    }
}

#[cfg(test)]
mod tests {
    use hnas_genome::SearchSpace;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;

    /// The refusal of large networks relies on it.
    #[test]
    fn number_of_nodes_is_known_before_expanding() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let last = AfterLastCell::Separable { width: 64 };
        let skeletons = [
            Skeleton::cifar_small(),
            Skeleton::imagenet(),
            Skeleton::cifar_small().with_after_last_cell(last).unwrap(),
        ];
        for space in [SearchSpace::hierarchical(), SearchSpace::flat()] {
            for mutations in [0, 20, 1000].into_iter().cycle().take(60) {
                let genotype = Genotype::random(&space, mutations, &mut rng).genotype;
                for skeleton in &skeletons {
                    let graph = assemble(&genotype, skeleton, Shape::new(3, 32, 32)).unwrap();
                    assert_eq!(Plan::new(&genotype).nodes(skeleton), graph.nodes().len() as u64);
                }
            }
        }
    }
}
