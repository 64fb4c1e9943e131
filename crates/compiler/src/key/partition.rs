//! Ordered partitions of the vertices into cells of one colour, and colour refinement.

use std::cmp::Ordering;
use std::ops::Range;

use super::dag::{Dag, as_u32};

/// The vertices, cell after cell. The colour of a cell is the place of its first vertex, so colours are ordered as cells
/// are, and splitting a cell leaves the colours of all others alone.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    members: Vec<u32>,
    colours: Vec<u32>,
    /// Length of the cell that starts at a place; meaningless at other places.
    lengths: Vec<u32>,
}

impl Partition {
    /// Cells of the vertices that `compare` calls equal, in its order.
    pub(crate) fn new(vertices: usize, compare: impl Fn(u32, u32) -> Ordering) -> Partition {
        let mut members: Vec<u32> = (0..as_u32(vertices)).collect();
        members.sort_unstable_by(|&a, &b| compare(a, b));
        let mut partition = Partition { members, colours: vec![0; vertices], lengths: vec![0; vertices] };
        let mut start = 0;
        for end in 1..=vertices {
            if end == vertices || compare(partition.members[start], partition.members[end]).is_ne() {
                partition.recolour(start..end);
                start = end;
            }
        }
        partition
    }

    /// All vertices, cell after cell; within a cell in no particular order.
    pub(crate) fn members(&self) -> &[u32] {
        &self.members
    }

    /// The cell of a vertex.
    pub(crate) fn colour(&self, vertex: u32) -> u32 {
        self.colours[vertex as usize]
    }

    /// Whether the vertex is alone in its cell.
    pub(crate) fn is_single(&self, vertex: u32) -> bool {
        self.lengths[self.colour(vertex) as usize] == 1
    }

    /// The cells in their order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let length = *self.lengths.get(start)? as usize;
            start += length;
            Some(&self.members[start - length..start])
        })
    }

    /// Number of vertices of the cell of this colour.
    pub(crate) fn length(&self, colour: u32) -> usize {
        self.lengths[colour as usize] as usize
    }

    /// Splits cells until it is equitable: any two vertices of a cell have the same numbers of inputs and of users in
    /// every cell, with repeats. The result depends on the coloured graph only, not on the numbers of its vertices.
    pub(crate) fn refine(&mut self, dag: &Dag) {
        let mut sweep = Sweep::new(vec![true; self.members.len()]);
        sweep.run(self, dag);
    }

    /// Puts `vertex`, of a larger cell of an equitable partition, into a cell of its own before the rest, and refines.
    pub(crate) fn individualise(&mut self, dag: &Dag, vertex: u32) {
        let cell = self.cell_at(self.colour(vertex) as usize);
        let place = self.members[cell.clone()].iter().position(|&member| member == vertex);
        let place = cell.start + place.expect("a vertex is in its own cell");
        self.members.swap(cell.start, place);
        self.recolour(cell.start..cell.start + 1);
        self.recolour(cell.start + 1..cell.end);
        let mut sweep = Sweep::new(vec![false; self.members.len()]);
        sweep.mark(dag, vertex);
        sweep.run(self, dag);
    }

    fn cell_at(&self, start: usize) -> Range<usize> {
        start..start + self.lengths[start] as usize
    }

    /// Makes a cell of these places.
    fn recolour(&mut self, cell: Range<usize>) {
        self.lengths[cell.start] = as_u32(cell.len());
        for &vertex in &self.members[cell.clone()] {
            self.colours[vertex as usize] = as_u32(cell.start);
        }
    }
}

/// Colour refinement at work. Cells come ordered by depth at first, so sweeping forwards carries what a vertex is made
/// of all the way down in one go, and sweeping backwards what it is used for.
struct Sweep {
    /// Vertices with a neighbour whose colour changed since they were last looked at. A cell without one cannot split.
    stale: Vec<bool>,
    any_stale: bool,
    /// Room for the signatures of one cell: the sorted colours of the inputs, a separator, those of the users.
    colours: Vec<u32>,
    signatures: Vec<(Range<usize>, u32)>,
}

impl Sweep {
    fn new(stale: Vec<bool>) -> Sweep {
        Sweep { stale, any_stale: true, colours: Vec::new(), signatures: Vec::new() }
    }

    fn mark(&mut self, dag: &Dag, vertex: u32) {
        for &neighbour in dag.inputs(vertex).iter().chain(dag.users(vertex)) {
            self.stale[neighbour as usize] = true;
            self.any_stale = true;
        }
    }

    fn run(&mut self, partition: &mut Partition, dag: &Dag) {
        let vertices = partition.members.len();
        while self.any_stale {
            self.any_stale = false;
            let mut start = 0;
            while start < vertices {
                let cell = partition.cell_at(start);
                start = cell.end;
                self.split(partition, dag, cell);
            }
            if !self.any_stale {
                break;
            }
            self.any_stale = false;
            let mut end = vertices;
            while end > 0 {
                let cell = partition.cell_at(partition.colour(partition.members[end - 1]) as usize);
                end = cell.start;
                self.split(partition, dag, cell);
            }
        }
    }

    /// Splits one cell by the signatures of its members.
    fn split(&mut self, partition: &mut Partition, dag: &Dag, cell: Range<usize>) {
        if cell.len() == 1 {
            return;
        }
        let mut stale = false;
        for &member in &partition.members[cell.clone()] {
            stale |= std::mem::take(&mut self.stale[member as usize]);
        }
        if !stale {
            return;
        }
        self.colours.clear();
        self.signatures.clear();
        for &member in &partition.members[cell.clone()] {
            let first = self.colours.len();
            self.colours.extend(dag.inputs(member).iter().map(|&input| partition.colour(input)));
            self.colours[first..].sort_unstable();
            self.colours.push(u32::MAX);
            let users = self.colours.len();
            self.colours.extend(dag.users(member).iter().map(|&user| partition.colour(user)));
            self.colours[users..].sort_unstable();
            self.signatures.push((first..self.colours.len(), member));
        }
        let colours = &self.colours;
        let signature = |(range, _): &(Range<usize>, u32)| &colours[range.clone()];
        if self.signatures.iter().all(|entry| signature(entry) == signature(&self.signatures[0])) {
            return;
        }
        self.signatures.sort_unstable_by(|a, b| signature(a).cmp(signature(b)));
        let mut start = cell.start;
        let mut moved = Vec::new();
        for group in self.signatures.chunk_by(|a, b| signature(a) == signature(b)) {
            for (place, (_, member)) in group.iter().enumerate() {
                partition.members[start + place] = *member;
            }
            partition.recolour(start..start + group.len());
            if start > cell.start {
                moved.extend(group.iter().map(|&(_, member)| member));
            }
            start += group.len();
        }
        // The first group keeps its colour. A vertex that only reads members of that group has the same signature as
        // before, and a cell that splits also has a vertex that reads others.
        for member in moved {
            self.mark(dag, member);
        }
    }
}
