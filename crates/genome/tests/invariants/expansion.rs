//! What a genotype is when everything is expanded, in another way than the crate finds it.

use hnas_genome::{Motif, SearchSpace};

/// For each level and motif, `[level - 2][motif]`: does it contribute an edge between source and sink of the cell?
/// Slow: expands everything to one graph of primitives.
pub(crate) fn contributing(space: &SearchSpace, levels: &[Vec<Motif>]) -> Vec<Vec<bool>> {
    let mut expansion = Expansion { levels, nodes: 2, edges: Vec::new() };
    expansion.add(space.top() - 2, 0, 0, 1, &[]);
    let from_source = expansion.reached(0, |edge| (edge.from, edge.to));
    let to_sink = expansion.reached(1, |edge| (edge.to, edge.from));
    let mut contributing: Vec<Vec<bool>> = levels.iter().map(|motifs| vec![false; motifs.len()]).collect();
    for edge in expansion.edges.iter().filter(|edge| from_source[edge.from] && to_sink[edge.to]) {
        for (level, index) in &edge.around {
            contributing[*level][*index] = true;
        }
    }
    contributing
}

struct Expansion<'a> {
    levels: &'a [Vec<Motif>],
    nodes: usize,
    edges: Vec<PrimitiveEdge>,
}

struct PrimitiveEdge {
    from: usize,
    to: usize,
    /// The motifs it is in, outermost first, as (level - 2, motif).
    around: Vec<(usize, usize)>,
}

impl Expansion<'_> {
    fn add(&mut self, level: usize, index: usize, source: usize, sink: usize, around: &[(usize, usize)]) {
        let around = [around, &[(level, index)]].concat();
        let motif = &self.levels[level][index];
        let inner = self.nodes;
        self.nodes += motif.nodes() - 2;
        let node = |number: usize| match number {
            1 => source,
            number if number == motif.nodes() => sink,
            number => inner + number - 2,
        };
        for edge in motif.edges() {
            let (from, to) = (node(edge.from), node(edge.to));
            if level == 0 {
                self.edges.push(PrimitiveEdge { from, to, around: around.clone() });
            } else {
                self.add(level - 1, edge.op, from, to, &around);
            }
        }
    }

    /// The nodes reached from `start` over edges read in one direction.
    fn reached(&self, start: usize, ends: impl Fn(&PrimitiveEdge) -> (usize, usize)) -> Vec<bool> {
        let mut next = vec![Vec::new(); self.nodes];
        for (from, to) in self.edges.iter().map(ends) {
            next[from].push(to);
        }
        let mut reached = vec![false; self.nodes];
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut reached[node], true) {
                open.extend(&next[node]);
            }
        }
        reached
    }
}
