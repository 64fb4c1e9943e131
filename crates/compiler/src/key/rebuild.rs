//! The graph of a form: its nodes in canonical order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::dag::as_u32;
use super::form::{Form, Vertex};
use crate::{Graph, GraphBuilder, GraphError, NodeId, Op, Shape};

/// Builds the graph. It depends on the words of the form only, which describe the network completely.
pub(crate) fn rebuild(form: &Form, input: Shape) -> Graph {
    build(form, input).expect("the nodes are those of a graph, and an order of inputs does not change their shapes")
}

fn build(form: &Form, input: Shape) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new(input)?;
    let mut values: Vec<NodeId> = vec![builder.input(); form.vertices.len()];
    let mut missing: Vec<usize> = (0..as_u32(values.len())).map(|vertex| form.dag.inputs(vertex).len()).collect();
    // Of the vertices whose inputs are there, always the one that comes first in the canonical order.
    let mut ready: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
    let mut output = builder.input();
    ready.push(Reverse((form.place[0], 0)));
    while let Some(Reverse((_, vertex))) = ready.pop() {
        let mut inputs: Vec<u32> = form.dag.inputs(vertex).to_vec();
        inputs.sort_unstable_by_key(|&input| (position(form.vertices[input as usize]), form.place[input as usize]));
        let inputs: Vec<NodeId> = inputs.into_iter().map(|input| values[input as usize]).collect();
        output = match form.vertices[vertex as usize] {
            Vertex::Node(Op::Input, _) => builder.input(),
            Vertex::Node(op, _) => builder.push(op, inputs)?,
            Vertex::Position(_) => inputs[0],
        };
        values[vertex as usize] = output;
        for &user in form.dag.users(vertex) {
            missing[user as usize] -= 1;
            if missing[user as usize] == 0 {
                ready.push(Reverse((form.place[user as usize], user)));
            }
        }
    }
    // Every node leads to the output, so the output is the last one.
    builder.finish(output)
}

/// Where an input of an ordered concatenation goes; other inputs have no position.
fn position(vertex: Vertex) -> u32 {
    match vertex {
        Vertex::Node(..) => 0,
        Vertex::Position(position) => position,
    }
}
