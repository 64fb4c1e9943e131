//! A genotype and a network graph in DOT, the language of Graphviz.

use std::fmt::Write;

use hnas_genome::Genotype;

use super::words::quote;
use crate::{Graph, Node, NodeId};

/// The genotype as DOT: one cluster a used motif, the cell first; edges on no path from source to sink are dotted.
///
/// Node `l2_m5_n1` is node 1 of motif 5 of level 2. The text is a function of the genotype alone.
pub fn genotype_dot(genotype: &Genotype) -> String {
    let top = genotype.space().top();
    let used = genotype.used_motifs();
    let mut dot = "digraph genotype {\n  rankdir=LR;\n  node [shape=circle, fontname=\"sans-serif\"];\n  \
                   edge [fontname=\"sans-serif\", fontsize=11];\n"
        .to_owned();
    for level in (2..=top).rev() {
        for (index, motif) in genotype.motifs(level).iter().enumerate().filter(|(index, _)| used[level - 2][*index]) {
            let name = format!("l{level}_m{}", index + 1);
            let title = if level == top { "cell".to_owned() } else { format!("motif {}", index + 1) };
            // Writing to a String cannot fail.
            let _ = writeln!(dot, "  subgraph cluster_{name} {{\n    label=\"{title}, level {level}\";");
            for node in 1..=motif.nodes() {
                let _ = writeln!(dot, "    {name}_n{node} [label=\"{node}\"];");
            }
            let live = genotype.live_edges(level, index);
            for edge in motif.edges() {
                let label = quote(&genotype.operation_name(level, edge.op));
                let style = if live.contains(&edge) { "" } else { ", style=dotted" };
                let _ = writeln!(dot, "    {name}_n{} -> {name}_n{} [label=\"{label}\"{style}];", edge.from, edge.to);
            }
            dot.push_str("  }\n");
        }
    }
    dot.push_str("}\n");
    dot
}

impl Graph {
    /// The network as DOT: one box a node with its operation and the shape of its output, from top to bottom.
    ///
    /// Node `n7` is the node with index 7. The output has a double border.
    pub fn to_dot(&self) -> String {
        let mut dot = "digraph network {\n  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
            .to_owned();
        for (id, node) in self.iter() {
            let Node { op, inputs, shape, param: _ } = node;
            let border = if id == self.output() { ", peripheries=2" } else { "" };
            let _ = writeln!(dot, "  {} [label=\"{}\\n{shape}\"{border}];", name(id), quote(&op.to_string()));
            for &input in inputs {
                let _ = writeln!(dot, "  {} -> {};", name(input), name(id));
            }
        }
        dot.push_str("}\n");
        dot
    }
}

fn name(id: NodeId) -> String {
    format!("n{}", id.index())
}
