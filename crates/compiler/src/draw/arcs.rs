//! Layout of one motif: nodes on a line, edges between neighbours along it, all others as flat arcs above and below.
//!
//! Every arc has a port of its own on both nodes and a lane of its own wherever it passes another arc, so two edges never
//! lie on each other; arcs which start or end at the same node are nested and do not cross. Which side an arc takes is
//! chosen to cross few others. Everything is a function of the motif alone, so equal motifs look equal.

use std::cmp::Reverse;
use std::collections::HashSet;

use hnas_genome::{Edge, Motif};

/// Height of a node in pixels; all lengths of this module are pixels, y grows downwards.
pub(super) const NODE_HEIGHT: f64 = 26.0;
/// Distance between neighbouring ports of a node.
const PORT_PITCH: f64 = 9.0;
/// Distance between neighbouring lanes: a label is 11 high and must not touch the next lane.
const LANE_PITCH: f64 = 20.0;
/// Distance between a node's border and the first lane.
const FIRST_LANE: f64 = 24.0;
/// Largest radii of an arc's two bends.
const BEND: (f64, f64) = (44.0, 56.0);
/// Length and half width of an arrow head.
const HEAD: (f64, f64) = (7.0, 3.2);
/// How many distances between places of a label and other arcs are measured at most, on either side of the middle.
const MOST_TRIED: usize = 50_000;
/// Free space kept at each side of a label.
const LABEL_MARGIN: f64 = 5.0;

/// A motif laid out; the left upper corner is (0, 0).
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Height of the line that the nodes' centres lie on.
    pub(super) axis: f64,
    /// Centre and width of each node, node 1 first.
    pub(super) nodes: Vec<(f64, f64)>,
    /// In the order of [`Motif::edges`].
    pub(super) arrows: Vec<Arrow>,
}

/// One edge, ready to be drawn.
pub(super) struct Arrow {
    pub(super) edge: Edge,
    /// Path data of the line, without its head.
    pub(super) line: String,
    /// Corners of the head.
    pub(super) head: [(f64, f64); 3],
    /// Centre of the label.
    pub(super) label: (f64, f64),
}

/// Which side of the line of nodes an arc takes; the number is the direction of y.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Above,
    Below,
}

impl Side {
    const BOTH: [Side; 2] = [Side::Above, Side::Below];

    fn sign(self) -> f64 {
        match self {
            Side::Above => -1.0,
            Side::Below => 1.0,
        }
    }

    fn other(self) -> Side {
        match self {
            Side::Above => Side::Below,
            Side::Below => Side::Above,
        }
    }
}

/// An edge that passes over at least one node. Once laid out, `start < end`.
#[derive(Debug)]
struct Arc {
    edge: Edge,
    side: Side,
    start: f64,
    end: f64,
    lane: usize,
}

/// Lays a motif out; `label_width` is the width of an operation's label.
pub(super) fn lay_out(motif: &Motif, label_width: impl Fn(usize) -> f64) -> Layout {
    let (nodes, arcs) = route(motif, &label_width);
    let reach = |side: Side| {
        let lanes = arcs.iter().filter(|arc| arc.side == side).map(|arc| arc.lane + 1).max();
        NODE_HEIGHT / 2.0 + lanes.map_or(0.0, |lanes| FIRST_LANE + (lanes - 1) as f64 * LANE_PITCH + 8.0)
    };
    let (axis, below) = (reach(Side::Above), reach(Side::Below));
    let arrows = motif
        .edges()
        .map(|edge| match arcs.iter().find(|arc| arc.edge == edge) {
            Some(arc) => draw_arc(arc, &arcs, axis, label_width(edge.op)),
            None => draw_straight(edge, &nodes, axis),
        })
        .collect();
    let width = nodes.last().map_or(0.0, |(x, width)| x + width / 2.0);
    Layout { width, height: axis + below, axis, nodes, arrows }
}

/// Centres and widths of the nodes, and all arcs with side, ports and lane.
fn route(motif: &Motif, label_width: impl Fn(usize) -> f64) -> (Vec<(f64, f64)>, Vec<Arc>) {
    let mut arcs: Vec<Arc> = motif
        .edges()
        .filter(|edge| edge.to - edge.from > 1)
        .map(|edge| Arc { edge, side: Side::Above, start: 0.0, end: 0.0, lane: 0 })
        .collect();
    choose_sides(&mut arcs);
    let neighbours = motif.edges().filter(|edge| edge.to - edge.from == 1);
    let widest = neighbours.map(|edge| label_width(edge.op)).fold(10.0, f64::max);
    let nodes = place_nodes(motif.nodes(), &arcs, widest + 2.0 * LABEL_MARGIN + 2.0 * HEAD.0 + 10.0);
    place_ports(&mut arcs, &nodes);
    choose_lanes(&mut arcs);
    (nodes, arcs)
}

/// Chooses sides by steepest descent over the number of crossings, then over the imbalance of the two sides.
fn choose_sides(arcs: &mut [Arc]) {
    let crosses = |a: &Edge, b: &Edge| {
        (a.from < b.from && b.from < a.to && a.to < b.to) || (b.from < a.from && a.from < b.to && b.to < a.to)
    };
    // For each arc, how many arcs above and below it would cross. All begin above.
    let mut crossed: Vec<[i64; 2]> = arcs
        .iter()
        .map(|arc| [arcs.iter().filter(|other| crosses(&arc.edge, &other.edge)).count() as i64, 0])
        .collect();
    let mut above = arcs.len() as i64;
    // Each accepted move lowers the pair (crossings, imbalance), so the loop ends; the bound keeps it short.
    for _ in 0..arcs.len() * 4 {
        let imbalance = |above: i64| (2 * above - arcs.len() as i64 - 1).abs();
        let best = (0..arcs.len())
            .map(|i| {
                let side = arcs[i].side;
                let gain = crossed[i][side.other() as usize] - crossed[i][side as usize];
                let moved = if side == Side::Above { above - 1 } else { above + 1 };
                (gain, imbalance(moved) - imbalance(above), i)
            })
            .min();
        match best {
            // Balance alone moves nothing: a drawing with every arc above is the easiest to read while nothing crosses.
            Some((gain, _, moved)) if gain < 0 => {
                let (edge, from) = (arcs[moved].edge, arcs[moved].side);
                arcs[moved].side = from.other();
                above += if from == Side::Above { -1 } else { 1 };
                for (_, crossed) in arcs.iter().zip(&mut crossed).filter(|(arc, _)| crosses(&arc.edge, &edge)) {
                    crossed[from as usize] -= 1;
                    crossed[from.other() as usize] += 1;
                }
            }
            Some(_) | None => break,
        }
    }
}

/// Centres and widths of the nodes: each wide enough for the ports of its busier side.
fn place_nodes(nodes: usize, arcs: &[Arc], gap: f64) -> Vec<(f64, f64)> {
    let mut left = 0.0;
    (1..=nodes)
        .map(|node| {
            let ports = |side| arcs.iter().filter(|arc| arc.side == side && touches(&arc.edge, node)).count();
            let busier = ports(Side::Above).max(ports(Side::Below));
            let width = NODE_HEIGHT.max(PORT_PITCH * busier as f64 + 14.0);
            let centre = left + width / 2.0;
            left += width + gap;
            (centre, width)
        })
        .collect()
}

fn touches(edge: &Edge, node: usize) -> bool {
    edge.from == node || edge.to == node
}

/// Gives each arc its ports. On each side of a node the incoming arcs come first, short ones outside, then the outgoing ones,
/// long ones inside: so arcs that share a node are nested.
fn place_ports(arcs: &mut [Arc], nodes: &[(f64, f64)]) {
    for (index, (centre, _)) in nodes.iter().enumerate() {
        let node = index + 1;
        for side in Side::BOTH {
            let span = |arcs: &[Arc], i: usize| arcs[i].edge.to - arcs[i].edge.from;
            let here = |of: fn(&Edge) -> usize, arcs: &[Arc]| -> Vec<usize> {
                (0..arcs.len()).filter(|&i| arcs[i].side == side && of(&arcs[i].edge) == node).collect()
            };
            let mut incoming = here(|edge| edge.to, arcs);
            let mut outgoing = here(|edge| edge.from, arcs);
            incoming.sort_by_key(|&i| span(arcs, i));
            outgoing.sort_by_key(|&i| Reverse(span(arcs, i)));
            let ports = incoming.len() + outgoing.len();
            let port = |place: usize| centre + (place as f64 - (ports as f64 - 1.0) / 2.0) * PORT_PITCH;
            for (place, &i) in incoming.iter().enumerate() {
                arcs[i].end = port(place);
            }
            for (place, &i) in outgoing.iter().enumerate() {
                arcs[i].start = port(incoming.len() + place);
            }
        }
    }
}

/// Gives each arc the lowest lane that lies above all arcs it spans and that no arc beside it uses.
fn choose_lanes(arcs: &mut [Arc]) {
    let mut order: Vec<usize> = (0..arcs.len()).collect();
    order.sort_by(|&a, &b| (arcs[a].end - arcs[a].start).total_cmp(&(arcs[b].end - arcs[b].start)).then(a.cmp(&b)));
    for (done, &i) in order.iter().enumerate() {
        let met: Vec<&Arc> = order[..done]
            .iter()
            .map(|&j| &arcs[j])
            .filter(|other| other.side == arcs[i].side && other.start < arcs[i].end && arcs[i].start < other.end)
            .collect();
        let spanned = met.iter().filter(|other| arcs[i].start < other.start && other.end < arcs[i].end);
        let lowest = spanned.map(|other| other.lane + 1).max().unwrap_or(0);
        let taken: HashSet<usize> = met.iter().map(|other| other.lane).collect();
        let free = (lowest..).find(|lane| !taken.contains(lane));
        arcs[i].lane = free.unwrap_or(lowest);
    }
}

/// Height above the border, and radii of the bends.
fn shape(arc: &Arc) -> (f64, f64, f64) {
    let height = FIRST_LANE + arc.lane as f64 * LANE_PITCH;
    (height, BEND.0.min((arc.end - arc.start) / 2.0 - 12.0), BEND.1.min(height))
}

/// How far an arc has bent away from its port at `height` above the border; `None` above the arc.
fn bent(arc: &Arc, height: f64) -> Option<f64> {
    let (top, rx, ry) = shape(arc);
    let t = ((height - (top - ry)) / ry).max(0.0);
    (t < 1.0).then(|| rx * (1.0 - (1.0 - t * t).sqrt()))
}

fn draw_arc(arc: &Arc, all: &[Arc], axis: f64, label_width: f64) -> Arrow {
    let sign = arc.side.sign();
    let border = axis + sign * (NODE_HEIGHT / 2.0 + 1.0);
    let (height, rx, ry) = shape(arc);
    let top = border + sign * height;
    let bend = top - sign * ry;
    let sweep = u8::from(arc.side == Side::Above);
    let tip = border + sign * HEAD.0;
    let line = format!(
        "M{:.1} {:.1}V{:.1}A{:.1} {:.1} 0 0 {sweep} {:.1} {:.1}H{:.1}A{:.1} {:.1} 0 0 {sweep} {:.1} {:.1}V{:.1}",
        arc.start,
        border,
        bend,
        rx,
        ry,
        arc.start + rx,
        top,
        arc.end - rx,
        rx,
        ry,
        arc.end,
        bend,
        tip
    );
    let head = [(arc.end, border), (arc.end - HEAD.1, tip), (arc.end + HEAD.1, tip)];
    Arrow { edge: arc.edge, line, head, label: (label_place(arc, all, height, label_width), top) }
}

/// Where on its lane an arc's label goes: as near to the middle as no other arc passes behind it.
fn label_place(arc: &Arc, all: &[Arc], height: f64, label_width: f64) -> f64 {
    let same_side = all.iter().filter(|other| other.side == arc.side && other.edge != arc.edge);
    let passing: Vec<f64> = same_side
        .filter_map(|other| bent(other, height).map(|bent| [other.start + bent, other.end - bent]))
        .flatten()
        .collect();
    let (_, rx, _) = shape(arc);
    let (first, last) = (arc.start + rx * 0.6 + label_width / 2.0, arc.end - rx * 0.6 - label_width / 2.0);
    let middle = (arc.start + arc.end) / 2.0;
    let room = |x: f64| passing.iter().map(|other| (other - x).abs()).fold(f64::INFINITY, f64::min);
    let wanted = label_width / 2.0 + LABEL_MARGIN;
    // In a motif of very many arcs no place is free, and not all are tried.
    let steps = (((last - first).max(0.0) / 4.0) as usize).min(MOST_TRIED / passing.len().max(1)) as i64;
    let places = (0..=steps).flat_map(|step| [middle + 2.0 * step as f64, middle - 2.0 * step as f64]);
    let mut roomiest = (middle, room(middle));
    for x in places {
        if room(x) >= wanted {
            return x;
        }
        if room(x) > roomiest.1 {
            roomiest = (x, room(x));
        }
    }
    roomiest.0
}

fn draw_straight(edge: Edge, nodes: &[(f64, f64)], axis: f64) -> Arrow {
    let ((from, from_width), (to, to_width)) = (nodes[edge.from - 1], nodes[edge.to - 1]);
    let (start, end) = (from + from_width / 2.0 + 1.0, to - to_width / 2.0 - 1.0);
    let tip = end - HEAD.0;
    Arrow {
        edge,
        line: format!("M{start:.1} {axis:.1}H{tip:.1}"),
        head: [(end, axis), (tip, axis - HEAD.1), (tip, axis + HEAD.1)],
        label: ((start + tip) / 2.0, axis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn motifs() -> impl Strategy<Value = Motif> {
        (2usize..=12).prop_flat_map(|nodes| {
            proptest::collection::vec(proptest::option::of(0usize..6), nodes * (nodes - 1) / 2).prop_map(move |ops| {
                let pairs = (2..=nodes).flat_map(|to| (1..to).map(move |from| (from, to)));
                let edges = pairs.zip(ops).filter_map(|((from, to), op)| op.map(|op| Edge { from, to, op }));
                Motif::new(nodes, edges).expect("every edge goes forward")
            })
        })
    }

    /// Every pair of arcs on one side of the nodes.
    fn pairs(arcs: &[Arc]) -> impl Iterator<Item = (&Arc, &Arc)> {
        let all = arcs.iter().enumerate().flat_map(|(i, a)| arcs[i + 1..].iter().map(move |b| (a, b)));
        all.filter(|(a, b)| a.side == b.side)
    }

    proptest! {
        #[test]
        fn two_edges_never_lie_on_each_other(motif in motifs()) {
            let (_, arcs) = route(&motif, |_| 30.0);
            for (a, b) in pairs(&arcs) {
                let ports = [a.start - b.start, a.start - b.end, a.end - b.start, a.end - b.end];
                prop_assert!(ports.iter().all(|distance| distance.abs() >= PORT_PITCH - 1e-9), "{a:?} {b:?}");
                let apart = a.end < b.start || b.end < a.start;
                prop_assert!(apart || a.lane != b.lane, "{a:?} and {b:?} share a lane");
            }
        }

        #[test]
        fn arcs_that_share_a_node_are_nested_or_apart(motif in motifs()) {
            let (_, arcs) = route(&motif, |_| 30.0);
            for (a, b) in pairs(&arcs) {
                let (outer, inner) = if a.end - a.start > b.end - b.start { (a, b) } else { (b, a) };
                if [a.edge.from, a.edge.to].iter().any(|&node| touches(&b.edge, node)) {
                    let apart = a.end < b.start || b.end < a.start;
                    let nested = outer.start < inner.start && inner.end < outer.end && outer.lane > inner.lane;
                    prop_assert!(apart || nested, "{a:?} {b:?}");
                }
            }
        }

        #[test]
        fn everything_lies_inside_the_layout(motif in motifs()) {
            let layout = lay_out(&motif, |_| 30.0);
            prop_assert_eq!(layout.arrows.len(), motif.edges().count());
            for arrow in &layout.arrows {
                let (x, y) = arrow.label;
                prop_assert!(15.0 <= x && x + 15.0 <= layout.width, "label at {x} of {}", layout.width);
                prop_assert!(6.0 <= y && y + 6.0 <= layout.height, "label at {y} of {}", layout.height);
            }
        }
    }

    #[test]
    fn the_largest_motif_there_can_be_is_laid_out() {
        let edges = (2..=64).flat_map(|to| (1..to).map(move |from| Edge { from, to, op: from % 6 }));
        let layout = lay_out(&Motif::new(64, edges).expect("every edge goes forward"), |_| 30.0);
        assert_eq!(layout.arrows.len(), 2016);
    }

    #[test]
    fn a_full_motif_of_four_nodes_crosses_nowhere() {
        let edges = (2..=4).flat_map(|to| (1..to).map(move |from| Edge { from, to, op: 0 }));
        let (_, arcs) = route(&Motif::new(4, edges).expect("every edge goes forward"), |_| 30.0);
        let sides: Vec<Side> = arcs.iter().map(|arc| arc.side).collect();
        assert_eq!(sides.iter().filter(|&&side| side == Side::Below).count(), 1, "{arcs:?}");
    }
}
