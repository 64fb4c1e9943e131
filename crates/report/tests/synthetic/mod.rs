//! Searches that never trained: real genotypes, networks, keys and sizes, with a made-up fitness. For tests and examples.

use std::collections::BTreeMap;

use hnas_compiler::{Shape, Skeleton, assemble, cost, optimize};
use hnas_genome::{Genotype, MutationRule, Primitive, Sampled, SearchSpace};
use hnas_ledger::{Outcome, Proposal, Run, Trial, Verdict};
use hnas_report::{Arm, Difference, FinalRun, Page, Published};
use hnas_search::{Fitness, TrialId};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};

/// How a made-up search proceeds.
pub(crate) struct Plan {
    /// Trials in all.
    pub trials: u64,
    /// Trials drawn at random before the first is bred.
    pub initial: u64,
    /// Largest number of parameters that is not refused.
    pub limit: u64,
}

/// A made-up search: random genotypes, then children of the best of a few.
pub(crate) fn search(space: &SearchSpace, plan: &Plan, seed: u64) -> Vec<Trial> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut trials: Vec<Trial> = Vec::new();
    let mut first_of: BTreeMap<String, TrialId> = BTreeMap::new();
    for id in 1..=plan.trials {
        let parent = if id <= plan.initial { None } else { tournament(&trials, &mut rng) };
        let Sampled { genotype, mutation, redraws } = match parent {
            Some(parent) => parent.proposal.genotype.mutate(MutationRule::Uniform, &mut rng),
            None => Genotype::random(space, 1000, &mut rng),
        };
        let graph = assemble(&genotype, &Skeleton::cifar_small(), Shape::new(3, 32, 32)).expect("a small network");
        let graph = optimize(graph);
        let (key, cost) = (graph.key().to_string(), cost(&graph).total);
        let same_as = first_of.get(&key).copied();
        first_of.entry(key.clone()).or_insert(TrialId(id));
        let parent = parent.map(|parent| parent.proposal.id);
        let parameters = cost.parameters;
        let refused = parameters > plan.limit;
        let outcome = if refused {
            Outcome::Failed { reason: format!("more parameters than the limit of {}", plan.limit) }
        } else {
            train(&genotype, parameters, &mut rng)
        };
        let verdict = match &outcome {
            Outcome::Scored { fitness, runs } if runs.is_empty() => Verdict::Reuse(*fitness),
            Outcome::Failed { reason } if refused => Verdict::Refuse(reason.clone()),
            Outcome::Scored { .. } | Outcome::Failed { .. } => Verdict::Evaluate,
        };
        let multiply_adds = cost.multiply_adds;
        let proposal = Proposal {
            id: TrialId(id),
            genotype,
            key,
            parent,
            mutation,
            redraws,
            parameters,
            multiply_adds,
            same_as,
            verdict,
        };
        let seconds = 40.0 + parameters as f64 / 5e3;
        let worker = "host:1".to_owned();
        let seq = id as i64;
        trials.push(Trial {
            seq,
            proposal,
            outcome,
            worker,
            attempt: 1,
            seconds,
            finished_unix: 1_790_000_000 + 60 * seq,
        });
    }
    trials
}

fn fitness(trial: &Trial) -> Option<Fitness> {
    trial.finished().fitness
}

fn tournament<'a>(trials: &'a [Trial], rng: &mut impl Rng) -> Option<&'a Trial> {
    let some = trials.iter().filter(|trial| fitness(trial).is_some() && rng.random_bool(0.08));
    some.collect::<Vec<_>>().into_iter().max_by_key(|trial| fitness(trial))
}

/// Fitness grows with the share of separable convolutions and with size, and has noise.
fn train(genotype: &Genotype, parameters: u64, rng: &mut impl Rng) -> Outcome {
    if rng.random_bool(0.02) {
        return Outcome::Failed { reason: "the loss was not finite at step 812".to_owned() };
    }
    let used = &genotype.used_motifs()[0];
    let ops = (0..used.len()).filter(|&motif| used[motif]).flat_map(|motif| genotype.live_edges(2, motif));
    let ops: Vec<Primitive> = ops.map(|edge| genotype.space().primitives()[edge.op]).collect();
    let separable = ops.iter().filter(|&&op| op == Primitive::Separable3x3).count() as f64 / ops.len().max(1) as f64;
    let base = 0.80 + 0.07 * separable + 0.012 * (parameters as f64 / 2e5).ln().clamp(-2.0, 2.0);
    let run = |seed: u64, rng: &mut dyn Rng| Run {
        seed,
        accuracy: base + rng.random_range(-0.004..0.004),
        loss: 0.5,
        seconds: 30.0,
    };
    let runs: Vec<Run> = (0..2).map(|seed| run(seed, rng)).collect();
    let mean = runs.iter().map(|run| run.accuracy).sum::<f64>() / runs.len() as f64;
    Outcome::Scored { fitness: Fitness::new(mean).expect("finite"), runs }
}

/// A page with arms of every kind: evolution and random search in two spaces, one whose trials all failed, one that has not
/// begun.
pub(crate) fn page(trials: u64) -> Page {
    let plan = |initial: u64| Plan { trials, initial, limit: 2_000_000 };
    let evolution = trials / 5;
    let (hierarchical, flat) = (SearchSpace::hierarchical(), SearchSpace::flat());
    let finals = |accuracy: f64, parameters: u64| -> Vec<FinalRun> {
        let noise = [0.0011, -0.0007, 0.0002];
        let run = |(seed, noise): (u64, f64)| FinalRun {
            seed,
            test_accuracy: Some(accuracy + noise),
            failure: None,
            parameters,
            seconds: 5400.0 + 60.0 * seed as f64,
        };
        (1..).zip(noise).map(run).collect()
    };
    let mut unlucky = finals(0.9214, 4_400_000);
    unlucky.push(FinalRun {
        seed: 4,
        test_accuracy: None,
        failure: Some("out of memory".to_owned()),
        parameters: 4_400_000,
        seconds: 12.0,
    });
    let arm = |name: &str, description: &str, published: Option<&str>, search: Vec<Trial>, finals: Vec<FinalRun>| Arm {
        name: name.to_owned(),
        description: description.to_owned(),
        published_error: published.map(str::to_owned),
        search,
        finals,
        winner: None,
    };
    let evolved = "Tournament evolution from random genotypes.";
    let drawn = "Random search: the best of genotypes drawn independently.";
    let difference = |what: &str, paper: &str, here: &str| Difference {
        what: what.to_owned(),
        paper: paper.to_owned(),
        here: here.to_owned(),
    };
    Page {
        title: "Made-up searches".to_owned(),
        scale: format!("{trials} evaluations an arm that never trained anything; the paper has 7000"),
        differences: vec![
            difference("evaluations of evolution", "7000", &trials.to_string()),
            difference("random genotypes first", "200", &evolution.to_string()),
            difference("training steps of one fitness", "5000", "0"),
            difference("runs averaged into one fitness", "4", "2"),
        ],
        arms: vec![
            arm(
                "hierarchical, evolution",
                evolved,
                Some("3.75 +- 0.12"),
                search(&hierarchical, &plan(evolution), 1),
                finals(0.9342, 15_710_000),
            ),
            arm(
                "hierarchical, random search",
                drawn,
                Some("3.91 +- 0.15"),
                search(&hierarchical, &plan(trials), 2),
                finals(0.9281, 11_200_000),
            ),
            arm("flat, evolution", evolved, Some("3.92 +- 0.06"), search(&flat, &plan(evolution), 3), unlucky),
            arm(
                "flat, parameter-constrained",
                "Every network is refused.",
                Some("4.17 +- 0.08"),
                search(&flat, &Plan { trials: 12, initial: 6, limit: 1000 }, 4),
                Vec::new(),
            ),
            arm("not begun", "", None, Vec::new(), Vec::new()),
        ],
        published: vec![
            Published {
                what: "NASNet-A, test error on CIFAR-10".to_owned(),
                value: "3.41 %".to_owned(),
                source: "Zoph et al., 2018".to_owned(),
            },
            Published {
                what: "hierarchical evolution, c0 = 128".to_owned(),
                value: "3.63 +- 0.10 %".to_owned(),
                source: "Liu et al., 2018, table 2".to_owned(),
            },
        ],
        facts: [
            ("seed", "1"),
            ("device", "none"),
            ("revision", "0123456789abcdef0123456789abcdef01234567"),
            ("hours of evaluation, over all workers", "0.00"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    }
}
