//! A plain directed acyclic multigraph, all that the canonical order needs to know of a network.

/// Vertices `0 .. len` and their edges in both directions. An edge may occur several times: `Concat(x, x)` has two from x.
///
/// Invariant: the inputs of each vertex, and its users, are sorted by number, so that equal edges stand together.
#[derive(Debug)]
pub(crate) struct Dag {
    inputs: Adjacency,
    users: Adjacency,
}

impl Dag {
    /// The graph of the edges `(input, user)`, in any order, with repeats.
    pub(crate) fn new(vertices: usize, edges: &[(u32, u32)]) -> Dag {
        let reversed: Vec<(u32, u32)> = edges.iter().map(|&(input, user)| (user, input)).collect();
        Dag { inputs: Adjacency::new(vertices, &reversed), users: Adjacency::new(vertices, edges) }
    }

    /// Number of vertices.
    pub(crate) fn len(&self) -> usize {
        self.inputs.starts.len() - 1
    }

    /// The vertices that `vertex` reads, with repeats, sorted.
    pub(crate) fn inputs(&self, vertex: u32) -> &[u32] {
        self.inputs.of(vertex)
    }

    /// The vertices that read `vertex`, with repeats, sorted.
    pub(crate) fn users(&self, vertex: u32) -> &[u32] {
        self.users.of(vertex)
    }

    /// For each vertex, in `order`, its colour, the number of its inputs, and their places in `order`, sorted.
    ///
    /// This describes the coloured graph completely. Two orders, of one or of two graphs, give the same certificate
    /// exactly when mapping the first order to the second is an isomorphism that keeps the colours.
    pub(crate) fn certificate(&self, order: &[u32], colour: impl Fn(u32) -> u32) -> Vec<u32> {
        let place = inverse(order);
        let mut certificate = Vec::with_capacity(2 * order.len() + self.inputs.ends.len());
        for &vertex in order {
            let inputs = self.inputs(vertex);
            certificate.extend([colour(vertex), as_u32(inputs.len())]);
            let first = certificate.len();
            certificate.extend(inputs.iter().map(|&input| place[input as usize]));
            certificate[first..].sort_unstable();
        }
        certificate
    }
}

/// The place of each vertex in `order`, which has every vertex once.
pub(crate) fn inverse(order: &[u32]) -> Vec<u32> {
    let mut place = vec![0; order.len()];
    for (index, &vertex) in (0..).zip(order) {
        place[vertex as usize] = index;
    }
    place
}

/// Networks are far smaller than 2^32 vertices or edges.
pub(crate) fn as_u32(count: usize) -> u32 {
    u32::try_from(count).expect("a network has fewer than 2^32 nodes and edges")
}

/// Neighbours of all vertices in one list, those of vertex `v` at `starts[v] .. starts[v + 1]`.
#[derive(Debug)]
struct Adjacency {
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Adjacency {
    fn new(vertices: usize, edges: &[(u32, u32)]) -> Adjacency {
        let mut starts = vec![0; vertices + 1];
        for &(from, _) in edges {
            starts[from as usize + 1] += 1;
        }
        for vertex in 0..vertices {
            starts[vertex + 1] += starts[vertex];
        }
        let mut free = starts.clone();
        let mut ends = vec![0; edges.len()];
        for &(from, to) in edges {
            ends[free[from as usize] as usize] = to;
            free[from as usize] += 1;
        }
        for vertex in 0..vertices {
            ends[starts[vertex] as usize..starts[vertex + 1] as usize].sort_unstable();
        }
        Adjacency { starts, ends }
    }

    fn of(&self, vertex: u32) -> &[u32] {
        &self.ends[self.starts[vertex as usize] as usize..self.starts[vertex as usize + 1] as usize]
    }
}
