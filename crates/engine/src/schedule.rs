//! In which order the nodes of a graph are computed, and when a value is needed no more.

use burn::tensor::Tensor;
use hnas_compiler::Graph;

/// What is done at a node, with the places of its layers in [`Parameters`](crate::parameters::Parameters).
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Input,
    Conv { convolution: usize, stride: usize },
    Depthwise { convolution: usize, stride: usize },
    Separable { depthwise: usize, pointwise: usize, stride: usize, relu_between: bool },
    MaxPool,
    AvgPool,
    Identity,
    Concat,
    Sum,
    GlobalAvgPool,
    Linear { linear: usize },
}

/// The nodes that the output depends on, in topological order.
///
/// Invariant: an input of a task is an earlier task, or 0, the image; its value is moved out by its last reader, so that
/// no feature map lives longer than needed and kernels may write in place.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    tasks: Vec<Task>,
    nodes: usize,
    output: usize,
}

#[derive(Clone, Debug)]
struct Task {
    node: usize,
    work: Work,
    reads: Vec<Read>,
}

#[derive(Clone, Copy, Debug)]
struct Read {
    node: usize,
    /// Nobody reads the value afterwards.
    last: bool,
}

impl Schedule {
    /// `work` holds what is done at each node of `graph`.
    pub(crate) fn new(graph: &Graph, work: Vec<Work>) -> Schedule {
        let live = graph.live();
        let output = graph.output().index();
        // Walked backwards, the first reader met is the last one. The output is read at the very end.
        let mut read_later = vec![false; work.len()];
        read_later[output] = true;
        let mut tasks: Vec<Task> = Vec::with_capacity(work.len());
        for ((id, node), work) in graph.iter().zip(work).rev() {
            if !live[id.index()] || node.inputs.is_empty() {
                continue;
            }
            let mut reads: Vec<Read> = Vec::with_capacity(node.inputs.len());
            // A node may read a value twice: then the last of its reads moves it.
            for input in node.inputs.iter().rev() {
                let node = input.index();
                reads.push(Read { node, last: !std::mem::replace(&mut read_later[node], true) });
            }
            reads.reverse();
            tasks.push(Task { node: id.index(), work, reads });
        }
        tasks.reverse();
        Schedule { tasks, nodes: live.len(), output }
    }

    /// Computes the output from `images`; `compute` does the work of one node on its inputs.
    pub(crate) fn run(
        &self,
        images: Tensor<4>,
        mut compute: impl FnMut(&Work, Vec<Tensor<4>>) -> Tensor<4>,
    ) -> Tensor<4> {
        let mut values: Vec<Option<Tensor<4>>> = vec![None; self.nodes];
        values[0] = Some(images);
        for Task { node, work, reads } in &self.tasks {
            let inputs = reads.iter().map(|read| take(&mut values, *read)).collect();
            values[*node] = Some(compute(work, inputs));
        }
        take(&mut values, Read { node: self.output, last: true })
    }
}

fn take(values: &mut [Option<Tensor<4>>], Read { node, last }: Read) -> Tensor<4> {
    let value = if last { values[node].take() } else { values[node].clone() };
    value.expect("a value is computed before it is read, and moved by its last reader only")
}
