//! From graph to program: which step computes which node, and what is read in place.

use std::collections::HashMap;

use thiserror::Error;

use super::{Map, MapId, Normalization, Product, Program, Step};
use crate::op::check_size;
use crate::{Graph, GraphError, Node, NodeId, Op, SeparableInner, Shape};

impl Program {
    /// The program of `graph` for images of shape `input`, which may have another height and width than the graph's own
    /// input: all shapes are inferred anew. The graph need not be optimised.
    ///
    /// # Errors
    /// When the images have another number of channels than the graph's input, an operation that the output depends on
    /// refuses its new shapes, or the output is not a linear layer.
    pub fn lower(graph: &Graph, input: Shape) -> Result<Program, LowerError> {
        let (expected, output) = (graph.input_shape(), graph.output());
        if input.channels != expected.channels {
            return Err(LowerError::Channels { input, expected });
        }
        let Node { op, shape, .. } = graph.node(output);
        if !matches!(op, Op::Linear { .. }) {
            return Err(LowerError::Output { node: output, op: *op, shape: *shape });
        }
        let live = graph.live();
        let mut lowering = Lowering::default();
        let mut values: Vec<Value> = Vec::with_capacity(graph.nodes().len());
        for (id, node) in graph.iter() {
            let value = if live[id.index()] {
                let inputs: Vec<&Value> = node.inputs.iter().map(|input| &values[input.index()]).collect();
                let at_node = |error| LowerError::Rule { node: id, input, error };
                let shape = infer(node.op, input, &inputs).map_err(at_node)?;
                Value { shape, maps: lowering.lower(node.op, shape, &inputs) }
            } else {
                // No live node reads it, so its shape does not matter.
                Value { shape: node.shape, maps: Vec::new() }
            };
            values.push(value);
            lowering.count(node.op);
        }
        let Lowering { maps, steps, .. } = lowering;
        Ok(Program { maps, steps, output: values[output.index()].maps[0] })
    }
}

/// Why a graph has no program for images of some shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum LowerError {
    #[error("the images are {input}, but the input of the graph, %0, has {} channel(s)", expected.channels)]
    Channels { input: Shape, expected: Shape },
    #[error("{node}, for images of {input}: {error}")]
    Rule { node: NodeId, input: Shape, error: GraphError },
    #[error("the output {node} is {op} of {shape}, not a linear layer")]
    Output { node: NodeId, op: Op, shape: Shape },
}

/// The value of a node.
struct Value {
    /// Its shape in all.
    shape: Shape,
    /// Where it is: the channels of these maps one behind the other. Empty if the output does not depend on it.
    maps: Vec<MapId>,
}

fn infer(op: Op, images: Shape, inputs: &[&Value]) -> Result<Shape, GraphError> {
    if op == Op::Input {
        return check_size(images).map(|()| images);
    }
    op.output_shape(&inputs.iter().map(|value| value.shape).collect::<Vec<Shape>>())
}

/// What is computed of each channel on its own and without parameters, so once for each map.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Pool {
    Max,
    Average,
    Global,
}

/// A program that is being made.
#[derive(Default)]
struct Lowering {
    maps: Vec<Map>,
    steps: Vec<Step>,
    /// For each list of maps, the step of its 1x1 convolutions.
    pointwise: HashMap<Vec<MapId>, usize>,
    /// What each pool of each map gave.
    pooled: HashMap<(Pool, MapId), MapId>,
    /// Number of the node's convolution, if it has one.
    convolution: usize,
    /// Number of the node's linear layer, if it is one.
    linear: usize,
}

impl Lowering {
    /// Counts the convolutions and linear layers of a node, whether it is live or not.
    fn count(&mut self, op: Op) {
        match op {
            Op::Conv { .. } | Op::Depthwise { .. } => self.convolution += 1,
            Op::Separable { .. } => self.convolution += 2,
            Op::Linear { .. } => self.linear += 1,
            Op::Input | Op::MaxPool | Op::AvgPool | Op::Identity | Op::Concat | Op::Sum | Op::GlobalAvgPool => {}
        }
    }

    /// Adds the steps of a node whose output has the given shape; returns where its value is.
    fn lower(&mut self, op: Op, shape: Shape, inputs: &[&Value]) -> Vec<MapId> {
        let read: Vec<MapId> = inputs.iter().flat_map(|value| &value.maps).copied().collect();
        let convolution = self.convolution;
        match op {
            Op::Input => vec![self.map(shape, None)],
            Op::Identity | Op::Concat => read,
            Op::Conv { kernel: 1, stride: 1, channels: _ } => vec![self.pointwise(read, shape, convolution)],
            Op::Conv { kernel, stride, channels: _ } => {
                let output = self.map(shape, Some(Normalization { convolution, first: 0, relu: true }));
                self.steps.push(Step::Conv { inputs: read, convolution, kernel, stride, output });
                vec![output]
            }
            Op::Depthwise { stride } => self.depthwise(&read, stride, Some(true)),
            Op::Separable { stride, channels: _, inner } => {
                let relu = match inner {
                    SeparableInner::Nothing => None,
                    SeparableInner::BatchNorm => Some(false),
                    SeparableInner::BatchNormRelu => Some(true),
                };
                let middle = self.depthwise(&read, stride, relu);
                vec![self.pointwise(middle, shape, convolution + 1)]
            }
            Op::MaxPool => read.into_iter().map(|map| self.pool(Pool::Max, map)).collect(),
            Op::AvgPool => read.into_iter().map(|map| self.pool(Pool::Average, map)).collect(),
            Op::GlobalAvgPool => read.into_iter().map(|map| self.pool(Pool::Global, map)).collect(),
            Op::Sum if inputs.len() == 1 => read,
            Op::Sum => {
                let inputs = inputs.iter().flat_map(|value| self.with_offsets(&value.maps)).collect();
                let output = self.map(shape, None);
                self.steps.push(Step::Sum { inputs, output });
                vec![output]
            }
            Op::Linear { classes: _ } => {
                let output = self.map(shape, None);
                self.steps.push(Step::Linear { inputs: read, linear: self.linear, output });
                vec![output]
            }
        }
    }

    /// A 1x1 convolution, in the step of the others of the same maps if there is one. That step may be far up: what it
    /// reads is there.
    fn pointwise(&mut self, inputs: Vec<MapId>, shape: Shape, convolution: usize) -> MapId {
        let output = self.map(shape, Some(Normalization { convolution, first: 0, relu: true }));
        let product = Product { convolution, output };
        let first = self.pointwise.get(&inputs).map(|&step| &mut self.steps[step]);
        if let Some(Step::Pointwise { inputs: _, products }) = first {
            products.push(product);
        } else {
            self.pointwise.insert(inputs.clone(), self.steps.len());
            self.steps.push(Step::Pointwise { inputs, products: vec![product] });
        }
        output
    }

    /// A depthwise convolution, one step a map; `relu` is `None` where no batch normalisation follows.
    fn depthwise(&mut self, inputs: &[MapId], stride: usize, relu: Option<bool>) -> Vec<MapId> {
        let convolution = self.convolution;
        let mut outputs = Vec::with_capacity(inputs.len());
        for (input, first) in self.with_offsets(inputs) {
            let shape = self.maps[input.index()].shape.strided(stride);
            let output = self.map(shape, relu.map(|relu| Normalization { convolution, first, relu }));
            self.steps.push(Step::Depthwise { input, convolution, first, stride, output });
            outputs.push(output);
        }
        outputs
    }

    fn pool(&mut self, pool: Pool, input: MapId) -> MapId {
        if let Some(&output) = self.pooled.get(&(pool, input)) {
            return output;
        }
        let shape = self.maps[input.index()].shape;
        let output = match pool {
            Pool::Max | Pool::Average => self.map(shape, None),
            Pool::Global => self.map(Shape { height: 1, width: 1, ..shape }, None),
        };
        self.steps.push(match pool {
            Pool::Max => Step::MaxPool { input, output },
            Pool::Average => Step::AvgPool { input, output },
            Pool::Global => Step::GlobalAvgPool { input, output },
        });
        self.pooled.insert((pool, input), output);
        output
    }

    fn map(&mut self, shape: Shape, normalization: Option<Normalization>) -> MapId {
        self.maps.push(Map { shape, normalization });
        MapId::from_index(self.maps.len() - 1)
    }

    /// Each map with the number of channels before it in the list.
    fn with_offsets(&self, maps: &[MapId]) -> Vec<(MapId, usize)> {
        let channels = |map: MapId| self.maps[map.index()].shape.channels;
        let with_offset = |before: &mut usize, &map: &MapId| {
            let offset = *before;
            *before += channels(map);
            Some((map, offset))
        };
        maps.iter().scan(0, with_offset).collect()
    }
}
