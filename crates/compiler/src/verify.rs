//! The verifier. It collects everything that is wrong, not the first thing only.
//!
//! Rules of every graph, [`verify`]:
//! - C1: node 0 is the input, and no other node is one;
//! - C1: a node's inputs come before it;
//! - C1: a node's shape is what its operation's own rule gives for the shapes of its inputs;
//! - C3: exactly the operations that have parameters own a parameter set, and no two nodes own the same;
//! - the output is a node of the graph.
//!
//! Rule of an optimised graph, [`verify_optimized`]:
//! - C2: every node is on a path from the input to the output. A node other than the input has inputs by C1, so it is
//!   enough that every node but the input leads to the output.
//!
//! Rules of a pass, [`verify_pass`]:
//! - the shapes of input and output stay;
//! - C3: every parameter set on which the output depended is still there, under the same operation and of the same
//!   shape, and there is none that was not there before.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{Graph, GraphError, Node, NodeId, Op, Shape};

/// Something that is wrong with a graph, or with what a pass made of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum VerifyError {
    #[error("the graph has no nodes")]
    Empty,
    #[error("{node} is {op}, but the input is node %0 and no other")]
    Input { node: NodeId, op: Op },
    #[error("{node} reads {input}, which does not come before it")]
    Order { node: NodeId, input: NodeId },
    #[error("{node}: {error}")]
    Rule { node: NodeId, error: GraphError },
    #[error("{node}: {op} gives {expected}, but the node says {found}")]
    Shape { node: NodeId, op: Op, expected: Shape, found: Shape },
    #[error("{node}: {op} has parameters, but owns no parameter set")]
    ParameterMissing { node: NodeId, op: Op },
    #[error("{node}: {op} has no parameters, but owns parameter set {param}")]
    ParameterWithoutUse { node: NodeId, op: Op, param: u32 },
    #[error("{node} and {first} both own parameter set {param}")]
    ParameterShared { node: NodeId, first: NodeId, param: u32 },
    #[error("the output is {output}, but the graph has {nodes} node(s)")]
    Output { output: NodeId, nodes: usize },
    #[error("{node}, {op}, does not lead to the output")]
    Dead { node: NodeId, op: Op },
    #[error("the {end} was {before} and became {after}")]
    EndChanged { end: &'static str, before: Shape, after: Shape },
    #[error("parameter set {param} of {op} was lost although the output depends on it")]
    ParameterLost { param: u32, op: Op },
    #[error("parameter set {param} belonged to {before} and now belongs to {after}")]
    ParameterChanged { param: u32, before: Op, after: Op },
    #[error("parameter set {param} of {op} was not there before")]
    ParameterInvented { param: u32, op: Op },
}

/// Checks the rules of every graph.
///
/// # Errors
/// All violations, in the order of the nodes.
pub fn verify(graph: &Graph) -> Result<(), Vec<VerifyError>> {
    let mut errors = Vec::new();
    if graph.nodes().is_empty() {
        errors.push(VerifyError::Empty);
    }
    let mut owners: BTreeMap<u32, NodeId> = BTreeMap::new();
    for (id, node) in graph.iter() {
        check_node(graph, id, node, &mut errors);
        let op = node.op;
        match node.param {
            None if op.has_parameters() => errors.push(VerifyError::ParameterMissing { node: id, op }),
            None => {}
            Some(param) if !op.has_parameters() => {
                errors.push(VerifyError::ParameterWithoutUse { node: id, op, param })
            }
            Some(param) => match owners.get(&param) {
                Some(&first) => errors.push(VerifyError::ParameterShared { node: id, first, param }),
                None => {
                    owners.insert(param, id);
                }
            },
        }
    }
    if graph.output().index() >= graph.nodes().len() {
        errors.push(VerifyError::Output { output: graph.output(), nodes: graph.nodes().len() });
    }
    collected(errors)
}

/// Input, order and shape of one node.
fn check_node(graph: &Graph, id: NodeId, node: &Node, errors: &mut Vec<VerifyError>) {
    let op = node.op;
    if (op == Op::Input) != (id.index() == 0) {
        errors.push(VerifyError::Input { node: id, op });
        return;
    }
    let late: Vec<NodeId> = node.inputs.iter().copied().filter(|&input| input >= id).collect();
    if !late.is_empty() {
        errors.extend(late.into_iter().map(|input| VerifyError::Order { node: id, input }));
        return;
    }
    if op == Op::Input {
        return;
    }
    let shapes: Vec<Shape> = node.inputs.iter().map(|&input| graph.node(input).shape).collect();
    match op.output_shape(&shapes) {
        Ok(expected) if expected != node.shape => {
            errors.push(VerifyError::Shape { node: id, op, expected, found: node.shape })
        }
        Ok(_) => {}
        Err(error) => errors.push(VerifyError::Rule { node: id, error }),
    }
}

/// Checks the rules of every graph and, when they hold, that of an optimised one.
///
/// # Errors
/// All violations, in the order of the nodes.
pub fn verify_optimized(graph: &Graph) -> Result<(), Vec<VerifyError>> {
    verify(graph)?;
    let live = graph.live();
    let dead = graph.iter().skip(1).filter(|(id, _)| !live[id.index()]);
    collected(dead.map(|(node, &Node { op, .. })| VerifyError::Dead { node, op }).collect())
}

/// Checks what a pass made of a valid graph: the rules of every graph and, when they hold, those of a pass.
///
/// # Errors
/// All violations.
pub(crate) fn verify_pass(before: &Graph, after: &Graph) -> Result<(), Vec<VerifyError>> {
    verify(after)?;
    let mut errors = Vec::new();
    let ends = [
        ("input", before.input_shape(), after.input_shape()),
        ("output", before.node(before.output()).shape, after.node(after.output()).shape),
    ];
    for (end, before, after) in ends {
        if before != after {
            errors.push(VerifyError::EndChanged { end, before, after });
        }
    }
    let live = before.live();
    let (old, new) = (parameter_sets(before), parameter_sets(after));
    for (&param, &(id, node)) in &old {
        match new.get(&param) {
            None if live[id.index()] => errors.push(VerifyError::ParameterLost { param, op: node.op }),
            Some(&(_, kept)) if kept.op != node.op || kept.shape != node.shape => {
                errors.push(VerifyError::ParameterChanged { param, before: node.op, after: kept.op })
            }
            None | Some(_) => {}
        }
    }
    let invented = new.iter().filter(|(param, _)| !old.contains_key(param));
    errors.extend(invented.map(|(&param, &(_, node))| VerifyError::ParameterInvented { param, op: node.op }));
    collected(errors)
}

fn parameter_sets(graph: &Graph) -> BTreeMap<u32, (NodeId, &Node)> {
    graph.iter().filter_map(|(id, node)| node.param.map(|param| (param, (id, node)))).collect()
}

fn collected(errors: Vec<VerifyError>) -> Result<(), Vec<VerifyError>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Input, convolution, pool, sum.
    fn graph() -> Graph {
        let text = "%0 = input : 4x8x8\n%1 = conv 1x1 stride 1 channels 4 (%0)\n%2 = max_pool (%1)\n%3 = sum (%1, %2)";
        Graph::parse(&format!("{text}\noutput %3")).unwrap()
    }

    fn check(errors: Result<(), Vec<VerifyError>>, expected: Expect) {
        let errors: Vec<String> = errors.unwrap_err().iter().map(ToString::to_string).collect();
        expected.assert_eq(&errors.join("\n"));
    }

    fn check_broken(breakage: impl FnOnce(&mut Graph), expected: Expect) {
        let mut graph = graph();
        breakage(&mut graph);
        check(verify(&graph), expected);
    }

    #[test]
    fn c1_collects_every_violation() {
        assert_eq!(verify(&graph()), Ok(()));
        check_broken(
            |graph| graph.nodes.clear(),
            expect![[r#"
            the graph has no nodes
            the output is %3, but the graph has 0 node(s)"#]],
        );
        check_broken(
            |graph| graph.nodes[0].op = Op::MaxPool,
            expect!["%0 is max_pool, but the input is node %0 and no other"],
        );
        check_broken(
            |graph| graph.nodes[2].op = Op::Input,
            expect!["%2 is input, but the input is node %0 and no other"],
        );
        check_broken(
            |graph| graph.nodes[1].inputs = vec![NodeId::from_index(1), NodeId::from_index(3)],
            expect![[r#"
            %1 reads %1, which does not come before it
            %1 reads %3, which does not come before it"#]],
        );
        check_broken(
            |graph| {
                graph.nodes[1].shape.channels = 5;
                graph.nodes[2].inputs.clear();
                graph.output = NodeId::from_index(4);
            },
            expect![[r#"
                %1: conv 1x1 stride 1 channels 4 gives 4x8x8, but the node says 5x8x8
                %2: max_pool takes 1 input(s), not 0
                %3: sum: the first input is 5x8x8, but input 2 is 4x8x8
                the output is %4, but the graph has 4 node(s)"#]],
        );
    }

    #[test]
    fn c3_parameter_sets_belong_to_one_node_each() {
        check_broken(
            |graph| {
                graph.nodes[1].param = None;
                graph.nodes[2].param = Some(3);
            },
            expect![[r#"
                %1: conv 1x1 stride 1 channels 4 has parameters, but owns no parameter set
                %2: max_pool has no parameters, but owns parameter set 3"#]],
        );
        check_broken(
            |graph| graph.nodes[2] = Node { ..graph.nodes[1].clone() },
            expect!["%2 and %1 both own parameter set 0"],
        );
    }

    #[test]
    fn c2_every_node_leads_to_the_output() {
        assert_eq!(verify_optimized(&graph()), Ok(()));
        let mut graph = graph();
        graph.output = NodeId::from_index(1);
        check(
            verify_optimized(&graph),
            expect![[r#"
            %2, max_pool, does not lead to the output
            %3, sum, does not lead to the output"#]],
        );
    }

    #[test]
    fn c3_a_pass_keeps_live_parameters_and_shapes() {
        let before = graph();
        let parse = |text: &str| Graph::parse(text).unwrap();
        assert_eq!(verify_pass(&before, &before), Ok(()));
        check(
            verify_pass(&before, &parse("%0 = input : 4x8x8\n%1 = max_pool (%0)\noutput %1")),
            expect!["parameter set 0 of conv 1x1 stride 1 channels 4 was lost although the output depends on it"],
        );
        check(
            verify_pass(&before, &parse("%0 = input : 4x8x8\n%1 = depthwise stride 1 (%0) param 0\noutput %1")),
            expect!["parameter set 0 belonged to conv 1x1 stride 1 channels 4 and now belongs to depthwise stride 1"],
        );
        check(
            verify_pass(
                &before,
                &parse(
                    "%0 = input : 3x8x8\n%1 = conv 1x1 stride 1 channels 4 (%0) param 0\n\
                     %2 = depthwise stride 2 (%1) param 1\noutput %2",
                ),
            ),
            expect![[r#"
                the input was 4x8x8 and became 3x8x8
                the output was 4x8x8 and became 4x4x4
                parameter set 1 of depthwise stride 2 was not there before"#]],
        );
    }
}
