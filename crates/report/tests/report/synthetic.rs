//! Searches that never trained: real genotypes, networks, keys and sizes, with a made-up fitness. For tests and examples.

use std::collections::BTreeMap;

use hnas_compiler::{Shape, Skeleton, assemble, cost, optimize};
use hnas_genome::{Genotype, MutationRule, Primitive, Sampled, SearchSpace};
use hnas_ledger::{Outcome, Proposal, Run, Trial, Verdict};
use hnas_report::{Arm, Claim, Difference, Evidence, FinalRun, Page, Published, Retraining, Seed};
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
        top_5: None,
        loss: 0.5,
        seconds: 30.0,
    };
    let runs: Vec<Run> = (0..2).map(|seed| run(seed, rng)).collect();
    let mean = runs.iter().map(|run| run.accuracy).sum::<f64>() / runs.len() as f64;
    Outcome::Scored { fitness: Fitness::new(mean).expect("finite"), runs }
}

/// A search and what was retrained of it: the first trial and the best in one model, the best in a second one as well.
pub(crate) fn seed(study: &str, space: &SearchSpace, plan: &Plan, seed: u64) -> Seed {
    let trials = search(space, plan, seed);
    let study = format!("{study}/seed-{seed}");
    let best = trials.iter().rev().max_by_key(|trial| fitness(trial)).filter(|trial| fitness(trial).is_some());
    let middle = trials[..trials.len().min(1 + trials.len() / 4)].iter().rev().max_by_key(|trial| fitness(trial));
    let mut chosen: Vec<(&Trial, u64)> = Vec::new();
    for trial in trials.first().into_iter().chain(middle).chain(best) {
        if fitness(trial).is_some() && chosen.iter().all(|(other, _)| other.seq != trial.seq) {
            chosen.push((trial, 64));
        }
    }
    chosen.extend(best.map(|best| (best, 128)));
    let retrainings = chosen.into_iter().map(|(trial, width)| retraining(&study, trial, width)).collect();
    Seed { seed, study, planned: plan.trials, trials, winner: None, retrainings }
}

/// Three trainings of a trial's genotype. The large model ranks nearly as the small one does.
fn retraining(study: &str, trial: &Trial, width: u64) -> Retraining {
    let id = trial.proposal.id;
    let mut rng = ChaCha8Rng::seed_from_u64(trial.proposal.parameters + width);
    let accuracy = 0.62 + 0.37 * fitness(trial).map_or(0.0, Fitness::get) + rng.random_range(-0.004..0.004);
    let run = |seed: u64, rng: &mut ChaCha8Rng| FinalRun {
        seed: Some(seed),
        test_accuracy: Some(accuracy + rng.random_range(-0.0012..0.0012)),
        top_5_accuracy: (width > 64).then(|| accuracy.sqrt()),
        failure: None,
        seconds: 5400.0 + 60.0 * seed as f64,
    };
    Retraining {
        study: format!("{study}/trial-{id}/c0-{width}"),
        trial: id,
        model: format!("c0 = {width}"),
        parameters: trial.proposal.parameters * 29 * width * width / 4096,
        planned: 3,
        runs: (1..=3).map(|seed| run(seed, &mut rng)).collect(),
    }
}

/// The arm that is the first `trials` trials of each search of another, with its own winner retrained.
pub(crate) fn first(of: &Arm, trials: u64, name: &str) -> Arm {
    let seed = |whole: &Seed| {
        let trials: Vec<Trial> = whole.trials.iter().take(trials as usize).cloned().collect();
        let best = trials.iter().rev().max_by_key(|trial| fitness(trial)).filter(|trial| fitness(trial).is_some());
        let retrainings = best.map(|best| retraining(&whole.study, best, 64)).into_iter().collect();
        Seed {
            planned: trials.len() as u64,
            winner: best.map(|best| best.proposal.id),
            trials,
            retrainings,
            ..whole.clone()
        }
    };
    Arm {
        name: name.to_owned(),
        description: format!("The best of the first {trials} of {}.", of.name),
        published_error: Some("4.04 +- 0.2".to_owned()),
        seeds: of.seeds.iter().map(seed).collect(),
    }
}

/// A page with arms of every kind: evolution and random search in two spaces, with several seeds and with one, the first
/// trials of another arm, one whose trials all failed, one that is half finished, one that has not begun.
pub(crate) fn page(trials: u64) -> Page {
    let plan = |initial: u64| Plan { trials, initial, limit: 2_000_000 };
    let evolution = trials / 5;
    let (hierarchical, flat) = (SearchSpace::hierarchical(), SearchSpace::flat());
    let arm = |name: &str, description: &str, published: Option<&str>, seeds: Vec<Seed>| Arm {
        name: name.to_owned(),
        description: description.to_owned(),
        published_error: published.map(str::to_owned),
        seeds,
    };
    let evolved = "Tournament evolution from random genotypes.";
    let drawn = "Random search: the best of genotypes drawn independently.";
    let seeds = |study: &str, space: &SearchSpace, plan: &Plan| -> Vec<Seed> {
        (1..=3).map(|number| seed(study, space, plan, number)).collect()
    };
    let evolution_arm = arm(
        "hierarchical, evolution",
        evolved,
        Some("3.75 +- 0.12"),
        seeds("hierarchical-evolution", &hierarchical, &plan(evolution)),
    );
    let mut unlucky = seed("flat-evolution", &flat, &plan(evolution), 3);
    if let Some(retraining) = unlucky.retrainings.last_mut() {
        let failure = Some("out of memory".to_owned());
        retraining.runs[2] = FinalRun { seed: None, test_accuracy: None, top_5_accuracy: None, failure, seconds: 12.0 };
    }
    let mut half = seed("flat-random", &flat, &plan(trials), 5);
    half.trials.truncate(trials as usize / 2);
    half.retrainings.clear();
    let arms = vec![
        first(&evolution_arm, evolution, "hierarchical, random search (short)"),
        evolution_arm,
        arm(
            "hierarchical, random search",
            drawn,
            Some("3.91 +- 0.15"),
            seeds("hierarchical-random", &hierarchical, &plan(trials)),
        ),
        arm("flat, evolution", evolved, Some("3.92 +- 0.06"), vec![unlucky]),
        arm("flat, random search, half finished", drawn, None, vec![half]),
        arm(
            "flat, parameter-constrained",
            "Every network is refused.",
            Some("4.17 +- 0.08"),
            vec![seed("flat-constrained", &flat, &Plan { trials: 12, initial: 6, limit: 1000 }, 4)],
        ),
        arm(
            "not begun",
            "",
            None,
            vec![Seed { seed: 1, study: "later/seed-1".to_owned(), planned: trials, ..Seed::default() }],
        ),
    ];
    let difference = |what: &str, paper: &str, here: &str| Difference {
        what: what.to_owned(),
        paper: paper.to_owned(),
        here: here.to_owned(),
    };
    let error = |arm: &str, published: &str| Claim {
        what: format!("{arm}: test error"),
        published: format!("{published} %"),
        source: "Liu et al., 2018, Table 1".to_owned(),
        evidence: Evidence::TestError { arm: arm.to_owned(), model: "c0 = 64".to_owned() },
    };
    let mut claims: Vec<Claim> =
        arms.iter().filter_map(|arm| Some(error(&arm.name, arm.published_error.as_ref()?))).collect();
    claims.push(Claim {
        what: "evolution finds better cells than random search does".to_owned(),
        published: "3.75 against 3.91".to_owned(),
        source: "Liu et al., 2018, Table 1".to_owned(),
        evidence: Evidence::LowerTestError {
            arm: "hierarchical, evolution".to_owned(),
            than: "hierarchical, random search".to_owned(),
            model: "c0 = 64".to_owned(),
        },
    });
    claims.push(Claim {
        what: "the cell found on CIFAR-10, trained on ImageNet".to_owned(),
        published: "20.3 / 5.2 %".to_owned(),
        source: "Liu et al., 2018, Table 3".to_owned(),
        evidence: Evidence::Nothing,
    });
    Page {
        title: "Made-up searches".to_owned(),
        scale: format!("{trials} evaluations an arm that never trained anything; the paper has 7000"),
        differences: vec![
            difference("evaluations of evolution", "7000", &trials.to_string()),
            difference("random genotypes first", "200", &evolution.to_string()),
            difference("training steps of one fitness", "5000", "0"),
            difference("runs averaged into one fitness", "4", "2"),
        ],
        claims,
        arms,
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
