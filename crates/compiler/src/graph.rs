//! The network graph and the builder that is the only way to one.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use crate::op::check_size;
use crate::{Op, Shape};

/// The number of a node of one graph: dense, from 0, in topological order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The id written `%number`.
    pub(crate) fn from_number(number: u32) -> NodeId {
        NodeId(number)
    }

    /// The id of position `index`; graphs are far smaller than 2^32 nodes.
    pub(crate) fn from_index(index: usize) -> NodeId {
        NodeId(u32::try_from(index).expect("a graph has fewer than 2^32 nodes"))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// One operation and what it is applied to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// The nodes it reads, in order; all earlier in the graph.
    pub inputs: Vec<NodeId>,
    /// Shape of its output.
    pub shape: Shape,
    /// Which set of parameters it owns; `None` when its operation has none.
    ///
    /// Sets are numbered from 0 in the order of the graph as assembled. A pass keeps the number, so a node of the
    /// optimised graph computes with the parameters of the node of the plain graph that has the same number. Two nodes
    /// never share a number: parameters are never shared.
    pub param: Option<u32>,
}

/// A network: operations in topological order, one input and one output.
///
/// Invariant C1: ids are dense, inputs come before their users, every shape is what the operation's own rule gives for
/// the shapes of its inputs. Held by [`GraphBuilder`], the only way in. Node 0 is the one [`Op::Input`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: NodeId,
}

impl Graph {
    /// All nodes in topological order; the position is the id's [`index`](NodeId::index).
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All nodes with their ids, in topological order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId::from_index(index), node))
    }

    /// The node of an id of this graph.
    ///
    /// # Panics
    /// When the id is of a larger graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The node whose value is the network's output.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Shape of the image that goes in.
    pub fn input_shape(&self) -> Shape {
        self.nodes[0].shape
    }

    /// For each node, whether the output depends on it.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        live[self.output.index()] = true;
        for (id, node) in self.iter().rev() {
            if live[id.index()] {
                for input in &node.inputs {
                    live[input.index()] = true;
                }
            }
        }
        live
    }
}

/// Why a node cannot be added to a graph.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum GraphError {
    #[error("a graph has exactly one input, its first node")]
    SecondInput,
    #[error("node {node} does not exist yet: the graph has {nodes} node(s) so far")]
    NoSuchNode { node: NodeId, nodes: usize },
    #[error("{op}: {attribute} is {value}, allowed is {allowed}")]
    Attribute { op: &'static str, attribute: &'static str, value: usize, allowed: &'static str },
    #[error("{op} takes {expected} input(s), not {found}")]
    InputCount { op: &'static str, expected: &'static str, found: usize },
    #[error("{op}: the first input is {first}, but input {} is {other}", position + 1)]
    InputsDiffer { op: &'static str, first: Shape, position: usize, other: Shape },
    #[error("linear needs an input of 1x1 pixels, not {shape}")]
    LinearOverPixels { shape: Shape },
    #[error("a feature map of {shape} is empty")]
    EmptyShape { shape: Shape },
    #[error("a feature map of {shape} is too large: at most {channels} channels and {elements} values")]
    TooLarge { shape: Shape, channels: usize, elements: usize },
    #[error("{op} has no parameters, but parameter set {param} is asked for")]
    NoParameters { op: &'static str, param: u32 },
    #[error("parameter set {param} is already that of an earlier node")]
    ParameterTaken { param: u32 },
}

/// Builds a [`Graph`] node by node; infers and checks every shape.
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    taken: BTreeSet<u32>,
}

impl GraphBuilder {
    /// A graph that has only its input, node 0, of shape `input`.
    ///
    /// # Errors
    /// When the shape is empty or too large.
    pub fn new(input: Shape) -> Result<GraphBuilder, GraphError> {
        check_size(input)?;
        let node = Node { op: Op::Input, inputs: Vec::new(), shape: input, param: None };
        Ok(GraphBuilder { nodes: vec![node], taken: BTreeSet::new() })
    }

    /// The id of the input.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Shape of the output of a node added before; `None` when there is none of this id.
    pub fn shape(&self, id: NodeId) -> Option<Shape> {
        self.nodes.get(id.index()).map(|node| node.shape)
    }

    /// Adds a node. One with parameters gets the next parameter set.
    ///
    /// # Errors
    /// When an input does not exist yet, or the operation's rule of shapes refuses its inputs.
    pub fn push(&mut self, op: Op, inputs: impl IntoIterator<Item = NodeId>) -> Result<NodeId, GraphError> {
        let next = self.taken.last().map_or(0, |&last| last.saturating_add(1));
        self.push_with(op, inputs, op.has_parameters().then_some(next))
    }

    /// Adds a node that owns the given parameter set, for passes and for parsing.
    ///
    /// # Errors
    /// As [`push`](GraphBuilder::push); also when the set is taken, or given to an operation without parameters. `None`
    /// for an operation with parameters takes the next set.
    pub fn push_with(
        &mut self,
        op: Op,
        inputs: impl IntoIterator<Item = NodeId>,
        param: Option<u32>,
    ) -> Result<NodeId, GraphError> {
        let inputs: Vec<NodeId> = inputs.into_iter().collect();
        let nodes = self.nodes.len();
        let shape_of = |&node: &NodeId| self.shape(node).ok_or(GraphError::NoSuchNode { node, nodes });
        let shapes = inputs.iter().map(shape_of).collect::<Result<Vec<Shape>, GraphError>>()?;
        let shape = op.output_shape(&shapes)?;
        if let Some(param) = param {
            if !op.has_parameters() {
                return Err(GraphError::NoParameters { op: op.name(), param });
            }
            if !self.taken.insert(param) {
                return Err(GraphError::ParameterTaken { param });
            }
        } else if op.has_parameters() {
            return self.push(op, inputs);
        }
        self.nodes.push(Node { op, inputs, shape, param });
        Ok(NodeId::from_index(nodes))
    }

    /// The graph whose output is that of `output`.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn finish(self, output: NodeId) -> Result<Graph, GraphError> {
        let nodes = self.nodes.len();
        if output.index() >= nodes {
            return Err(GraphError::NoSuchNode { node: output, nodes });
        }
        Ok(Graph { nodes: self.nodes, output })
    }
}
