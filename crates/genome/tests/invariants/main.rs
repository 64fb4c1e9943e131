//! The invariants G1 to G4 over arbitrary spaces and genotypes.

mod expansion;
mod valid;

use expansion::contributing;
use hnas_genome::{Edge, Genotype, GenotypeError, Motif, MotifError, MutationRule, SearchSpace};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use valid::{genotypes, motifs, rules, spaces};

proptest! {
    #[test]
    fn g1_edges_go_forward_and_come_back_in_order(
        nodes in 2..=12_usize,
        edges in proptest::collection::vec((0..=13_usize, 0..=13_usize, 0..9_usize), 0..20),
    ) {
        let edges: Vec<Edge> = edges.into_iter().map(|(from, to, op)| Edge { from, to, op }).collect();
        let mut sorted = edges.clone();
        sorted.sort_by_key(|edge| (edge.to, edge.from));
        let repeated = sorted.windows(2).any(|two| (two[0].from, two[0].to) == (two[1].from, two[1].to));
        let outside = edges.iter().any(|edge| edge.from == 0 || edge.from > nodes || edge.to == 0 || edge.to > nodes);
        let backward = edges.iter().any(|edge| edge.from >= edge.to);
        match Motif::new(nodes, edges.iter().copied()) {
            Ok(motif) => {
                prop_assert!(!repeated && !outside && !backward);
                prop_assert_eq!(motif.edges().collect::<Vec<_>>(), sorted);
                prop_assert!(edges.iter().all(|edge| motif.operation(edge.from, edge.to) == Some(edge.op)));
            }
            Err(MotifError::NodeCount { .. }) => prop_assert!(false, "the number of nodes is possible"),
            Err(MotifError::NodeOutOfRange { .. }) => prop_assert!(outside),
            Err(MotifError::NotForward { .. }) => prop_assert!(backward),
            Err(MotifError::Repeated { .. }) => prop_assert!(repeated),
        }
    }

    #[test]
    fn g2_every_operation_exists_one_level_below(genotype in genotypes()) {
        for level in 2..=genotype.space().top() {
            for motif in genotype.motifs(level) {
                prop_assert!(motif.edges().all(|edge| edge.op < genotype.space().pool(level)));
            }
        }
    }

    #[test]
    fn g2_an_operation_beyond_the_pool_is_refused(genotype in genotypes(), pick in any::<proptest::sample::Index>()) {
        let mut places = Vec::new();
        let mut levels: Vec<Vec<Motif>> = Vec::new();
        for level in 2..=genotype.space().top() {
            levels.push(genotype.motifs(level).to_vec());
            places.extend((0..genotype.motifs(level).len()).map(|motif| (level, motif)));
        }
        let (level, motif) = *pick.get(&places);
        let (nodes, pool) = (genotype.space().level(level).nodes, genotype.space().pool(level));
        levels[level - 2][motif] = Motif::new(nodes, [Edge { from: 1, to: nodes, op: pool }]).expect("valid alone");
        let error = Genotype::new(genotype.space().clone(), levels);
        let expected =
            GenotypeError::NoSuchOperation { level, motif: motif + 1, from: 1, to: nodes, operation: pool, pool };
        prop_assert_eq!(error, Err(expected));
    }

    #[test]
    fn g3_a_genotype_is_one_exactly_if_its_expansion_connects_source_and_sink(
        (space, levels) in spaces().prop_flat_map(motifs),
    ) {
        let contributing = contributing(&space, &levels);
        let connected = contributing[space.top() - 2][0];
        match Genotype::new(space.clone(), levels) {
            Ok(genotype) => {
                prop_assert!(connected);
                prop_assert_eq!(genotype.used_motifs(), contributing);
            }
            Err(GenotypeError::SinkUnreachable { level, sink }) => {
                prop_assert!(!connected);
                prop_assert_eq!((level, sink), (space.top(), space.level(space.top()).nodes));
            }
            Err(error) => prop_assert!(false, "unexpected: {}", error),
        }
    }

    #[test]
    fn g3_a_genotype_of_live_edges_alone_is_the_same_network(genotype in genotypes()) {
        let live = |level: usize, index: usize| {
            let edges = genotype.live_edges(level, index);
            Motif::new(genotype.space().level(level).nodes, edges).expect("edges of a motif")
        };
        let levels = (2..=genotype.space().top())
            .map(|level| (0..genotype.motifs(level).len()).map(|index| live(level, index)).collect());
        let pruned = Genotype::new(genotype.space().clone(), levels.collect());
        let pruned = pruned.expect("live edges connect source and sink");
        prop_assert_eq!(pruned.used_motifs(), genotype.used_motifs());
        for level in 2..=genotype.space().top() {
            for index in 0..genotype.motifs(level).len() {
                prop_assert_eq!(pruned.live_edges(level, index), genotype.live_edges(level, index));
                prop_assert_eq!(pruned.motif(level, index).edges().count(), genotype.live_edges(level, index).len());
            }
        }
    }

    #[test]
    fn g4_reading_returns_what_was_written(genotype in genotypes()) {
        let text = genotype.to_ron();
        let read = Genotype::from_ron(&text).expect("written by us");
        prop_assert_eq!(&read, &genotype);
        prop_assert_eq!(read.to_ron(), text);
        // Inside another file serde writes and reads it.
        let inside = ron::to_string(&genotype).expect("serialises");
        prop_assert_eq!(&ron::from_str::<Genotype>(&inside).expect("written by us"), &genotype);
        prop_assert_eq!(&Genotype::from_ron(&inside).expect("written by us"), &genotype);
        let space = genotype.space();
        prop_assert_eq!(&ron::from_str::<SearchSpace>(&space.to_string()).expect("written by us"), space);
        prop_assert_eq!(&ron::from_str::<SearchSpace>(&ron::to_string(space).expect("serialises")).expect("ours"), space);
    }

    #[test]
    fn g4_no_text_makes_the_reader_panic(
        genotype in genotypes(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<char>()), 0..3),
        digits in proptest::collection::vec((any::<proptest::sample::Index>(), proptest::char::range('0', '9')), 0..3),
        end in any::<proptest::sample::Index>(),
    ) {
        let mut text: Vec<char> = genotype.to_ron().chars().collect();
        let numbers: Vec<usize> = (0..text.len()).filter(|place| text[*place].is_ascii_digit()).collect();
        // A digit for a digit gets past the syntax to the counts, nodes and names.
        for (place, digit) in digits {
            text[numbers[place.index(numbers.len())]] = digit;
        }
        for (place, char) in changes {
            let place = place.index(text.len());
            text[place] = char;
        }
        text.truncate(end.index(2 * text.len()).max(1));
        if let Ok(read) = Genotype::from_ron(&text.iter().collect::<String>()) {
            prop_assert_eq!(Genotype::from_ron(&read.to_ron()), Ok(read));
        }
    }

    #[test]
    fn g4_sampling_and_mutating_stay_in_the_space(genotype in genotypes(), rule in rules(), seed in any::<u64>()) {
        let child = genotype.mutate(rule, &mut ChaCha8Rng::seed_from_u64(seed)).genotype;
        for genotype in [genotype, child] {
            let levels = (2..=genotype.space().top()).map(|level| genotype.motifs(level).to_vec());
            let again = Genotype::new(genotype.space().clone(), levels.collect());
            prop_assert_eq!(again, Ok(genotype));
        }
    }

    #[test]
    fn g4_a_mutation_changes_its_edge_and_no_other(genotype in genotypes(), rule in rules(), seed in any::<u64>()) {
        let sampled = genotype.mutate(rule, &mut ChaCha8Rng::seed_from_u64(seed));
        let mutation = sampled.mutation.expect("a child has a mutation");
        let child = sampled.genotype;
        prop_assert_eq!(child.space(), genotype.space());
        prop_assert_eq!(genotype.motif(mutation.level, mutation.motif).operation(mutation.from, mutation.to), mutation.old);
        for level in 2..=genotype.space().top() {
            for (index, (before, after)) in genotype.motifs(level).iter().zip(child.motifs(level)).enumerate() {
                for to in 2..=before.nodes() {
                    for from in 1..to {
                        let here = (level, index, from, to);
                        let mutated = here == (mutation.level, mutation.motif, mutation.from, mutation.to);
                        let expected = if mutated { mutation.new } else { before.operation(from, to) };
                        prop_assert_eq!(after.operation(from, to), expected);
                    }
                }
            }
        }
        match rule {
            MutationRule::Uniform => {}
            MutationRule::MustChange => {
                prop_assert_ne!(mutation.old, mutation.new);
                prop_assert_ne!(child, genotype);
            }
        }
    }

    #[test]
    fn mutations_survive_their_file(genotype in genotypes(), rule in rules(), seed in any::<u64>()) {
        let mutation = genotype.mutate(rule, &mut ChaCha8Rng::seed_from_u64(seed)).mutation.expect("a child has one");
        let text = ron::to_string(&mutation).expect("serialises");
        prop_assert_eq!(ron::from_str(&text), Ok(mutation));
    }
}

#[test]
fn the_papers_spaces_have_the_papers_sizes() {
    let hierarchical = SearchSpace::hierarchical();
    assert_eq!((hierarchical.top(), hierarchical.edges()), (3, 46));
    assert_eq!((hierarchical.pool(2), hierarchical.pool(3)), (6, 6));
    let flat = SearchSpace::flat();
    assert_eq!((flat.top(), flat.edges(), flat.pool(2)), (2, 55, 6));
}

/// The cell that the paper's appendix shows, as others transcribed it.
#[test]
fn the_learned_cell_uses_motifs_1_3_4_and_5() {
    let text = r#"(
    space: (primitives: [Conv1x1, Depthwise3x3, Separable3x3, MaxPool3x3, AvgPool3x3, Identity], levels: [(motifs: 6, nodes: 4, followed_by: Some(Conv1x1)), (motifs: 1, nodes: 5, followed_by: None)], merge: Concat),
    levels: [
        [ // level 2
            ["1->2 MaxPool3x3", "1->3 Conv1x1", "2->3 Depthwise3x3", "1->4 Separable3x3", "2->4 Conv1x1", "3->4 MaxPool3x3"],
            ["1->2 MaxPool3x3", "1->3 Depthwise3x3", "2->3 Depthwise3x3", "1->4 Conv1x1", "2->4 Separable3x3", "3->4 Separable3x3"],
            ["1->2 Separable3x3", "1->3 Depthwise3x3", "2->3 Separable3x3", "1->4 Separable3x3", "2->4 Identity", "3->4 AvgPool3x3"],
            ["1->2 AvgPool3x3", "1->3 Separable3x3", "2->3 Separable3x3", "1->4 Identity", "2->4 MaxPool3x3", "3->4 AvgPool3x3"],
            ["1->2 Identity", "1->3 Separable3x3", "2->3 Identity", "1->4 Separable3x3", "2->4 Identity", "3->4 Separable3x3"],
            ["1->2 Depthwise3x3", "1->3 MaxPool3x3", "2->3 MaxPool3x3", "1->4 Separable3x3", "2->4 Identity", "3->4 AvgPool3x3"],
        ],
        [ // level 3
            ["1->2 Motif5", "1->3 Motif3", "2->3 Motif3", "1->4 Motif3", "2->4 Motif1", "3->4 Motif3", "1->5 Motif4", "2->5 Motif5", "3->5 Motif5", "4->5 Motif5"],
        ],
    ],
)"#;
    let genotype = Genotype::from_ron(text).expect("valid");
    assert_eq!(genotype.space(), &SearchSpace::hierarchical());
    assert_eq!(genotype.used_motifs(), [vec![true, false, true, true, true, false], vec![true]]);
    assert_eq!(genotype.live_edges(3, 0).len(), 10);
    assert_eq!(genotype.operation_name(3, genotype.cell().operation(1, 4).expect("an edge")), "Motif3");
    assert_eq!(genotype.to_ron(), text);
}
