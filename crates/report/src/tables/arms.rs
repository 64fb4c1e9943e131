//! The tables about arms and their searches.

use super::{Table, cell, number};
use crate::Page;
use crate::bootstrap::Interval;
use crate::correlations;
use crate::figures::gain;
use crate::searches::Retrained;
use crate::summary::Summary;

pub(super) fn results(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for summary in summaries {
        for test in &summary.tests {
            let errors = test.accuracy.interval.map(|interval| interval.complement(1.0));
            rows.push(vec![
                summary.arm.name.clone(),
                test.model.to_owned(),
                number(1.0 - test.accuracy.mean),
                number(test.accuracy.deviation),
                number(test.top_5.as_ref().map(|top_5| 1.0 - top_5.mean)),
                number(errors.map(|errors| errors.low)),
                number(errors.map(|errors| errors.high)),
                test.accuracy.units.len().to_string(),
                test.seeds.to_string(),
                test.runs.to_string(),
                test.parameters.0.to_string(),
                test.parameters.1.to_string(),
                cell(summary.arm.published_error.as_ref()),
            ]);
        }
    }
    Table {
        name: "results",
        row: "the winners of an arm in one model; arms without a result have none",
        columns: &[
            ("arm", "", "name of the arm"),
            ("model", "", "the larger model"),
            ("test_error", "1", "mean over n"),
            ("standard_deviation", "1", "over n, with n - 1 in the denominator"),
            (
                "top_5_error",
                "1",
                "mean over n of the images whose class was not among the five likeliest; empty where it is not scored",
            ),
            ("interval_low", "1", "lower end of the 95 % bootstrap interval of the mean"),
            ("interval_high", "1", "its upper end"),
            ("n", "", "what is averaged: seeds, each the mean of its trainings, or the trainings of a single seed"),
            ("seeds", "", "seeds with a result"),
            ("trainings", "", "trainings with a result, of all seeds"),
            ("least_parameters", "", "trainable parameters of the smallest winner as this model"),
            ("most_parameters", "", "and of the largest"),
            ("published_error_percent", "%", "the paper's test error of the arm, as printed"),
        ],
        rows,
    }
}

pub(super) fn searches(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for summary in summaries {
        for seed in &summary.seeds {
            let counts = &seed.counts;
            let whole = [
                seed.seed.planned,
                counts.evaluations,
                counts.scored,
                counts.failed,
                counts.refused,
                counts.trained,
                counts.trainings,
                counts.repeated_genotypes,
                counts.repeated_networks,
                counts.reused,
                counts.networks,
                counts.redraws,
            ];
            let mut row = vec![summary.arm.name.clone(), seed.seed.seed.to_string(), seed.seed.study.clone()];
            row.extend(whole.map(|number| number.to_string()));
            row.extend([
                number(counts.seconds),
                number(seed.best.map(|(_, fitness)| fitness)),
                number(seed.median),
                cell(seed.winner.map(|trial| trial.proposal.id)),
                cell(seed.winner.map(|trial| trial.proposal.parameters)),
                cell(seed.winner.map(|trial| &trial.proposal.genotype)),
            ]);
            rows.push(row);
        }
    }
    Table {
        name: "searches",
        row: "a search: an arm with one seed",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "its seed"),
            ("study", "", "name of the search in the ledger"),
            ("planned", "", "evaluations planned: the budget"),
            ("evaluations", "", "trials finished"),
            ("scored", "", "trials with a fitness"),
            ("failed", "", "trials without, refused ones included"),
            ("refused", "", "trials that a cost limit refused"),
            ("trained", "", "trials that were trained and scored"),
            ("trainings", "", "trainings that were averaged into fitnesses"),
            ("repeated_genotypes", "", "trials whose genotype an earlier one had"),
            ("repeated_networks", "", "trials whose network, by key, an earlier one had"),
            ("reused", "", "repeats that were given the earlier fitness without training"),
            ("networks", "", "networks that differ"),
            ("redraws", "", "draws thrown away since they were not networks or above a limit"),
            ("seconds", "s", "time of all trials, over all workers"),
            ("best_fitness", "1", "largest fitness: validation accuracy of the small model"),
            ("median_fitness", "1", "median fitness"),
            ("winner", "", "the trial that won"),
            ("winner_parameters", "", "trainable parameters of its small model"),
            ("winner_genotype", "", "its genotype"),
        ],
        rows,
    }
}

pub(super) fn failures(summaries: &[Summary]) -> Table {
    let mut rows = Vec::new();
    for summary in summaries {
        for seed in &summary.seeds {
            for (reason, number) in &seed.counts.failures {
                rows.push(vec![
                    summary.arm.name.clone(),
                    seed.seed.seed.to_string(),
                    reason.clone(),
                    number.to_string(),
                ]);
            }
        }
    }
    Table {
        name: "failures",
        row: "a reason for which trials of a search failed",
        columns: &[
            ("arm", "", "name of the arm"),
            ("seed", "", "its seed"),
            ("reason", "", "why they failed"),
            ("trials", "", "how many trials"),
        ],
        rows,
    }
}

pub(super) fn correlations(page: &Page, retrained: &[Retrained]) -> Table {
    let measured = |found: Option<(f64, Option<Interval>)>| {
        let interval = found.and_then(|(_, interval)| interval);
        [
            number(found.map(|(value, _)| value)),
            number(interval.map(|interval| interval.low)),
            number(interval.map(|interval| interval.high)),
        ]
    };
    let row = |one: &correlations::Correlation| {
        let mut row = vec![one.model.to_owned(), one.n.to_string()];
        row.extend(measured(one.spearman));
        row.extend(measured(one.kendall));
        row
    };
    Table {
        name: "correlations",
        row: "a model in which genotypes were retrained",
        columns: &[
            ("model", "", "the larger model"),
            ("n", "", "genotypes with both a fitness and a test accuracy"),
            ("spearman_rho", "1", "rank correlation of the two; empty for fewer than three genotypes"),
            ("spearman_low", "1", "lower end of its 95 % bootstrap interval, over genotypes"),
            ("spearman_high", "1", "its upper end"),
            ("kendall_tau_b", "1", "rank correlation of the two, ties corrected"),
            ("kendall_low", "1", "lower end of its 95 % bootstrap interval"),
            ("kendall_high", "1", "its upper end"),
        ],
        rows: correlations::correlations(page, retrained).iter().map(row).collect(),
    }
}

/// What Figure 4 and the figures of small and large models show.
pub(super) fn gains(retrained: &[Retrained]) -> Table {
    let gains = gain(retrained);
    let row = |one: &Retrained| {
        let gain = gains.iter().find(|gain| std::ptr::eq(gain.of, one));
        vec![
            one.search.arm.name.clone(),
            one.search.seed.seed.to_string(),
            one.search.seed.study.clone(),
            one.trial.proposal.id.to_string(),
            one.model.to_owned(),
            one.study.to_owned(),
            one.parameters.to_string(),
            number(one.fitness),
            number(one.test.mean),
            number(one.test.deviation),
            one.test.n.to_string(),
            number(gain.map(|gain| gain.small)),
            number(gain.map(|gain| gain.large)),
        ]
    };
    Table {
        name: "gains",
        row: "a genotype that was trained as a small and as a large model",
        columns: &[
            ("arm", "", "the arm that holds most of its search"),
            ("seed", "", "seed of the search"),
            ("study", "", "name of the search in the ledger"),
            ("trial", "", "the trial: its evolution step"),
            ("model", "", "the larger model"),
            ("retraining", "", "name of the retraining in the ledger"),
            ("parameters", "", "trainable parameters of the larger model"),
            ("fitness", "1", "validation accuracy of the small model"),
            ("test_accuracy", "1", "mean test accuracy of the larger model"),
            ("standard_deviation", "1", "of the trainings"),
            ("trainings", "", "trainings with a result"),
            ("small_gain", "1", "fitness above that of the search's first trial, if that was retrained too"),
            ("large_gain", "1", "test accuracy above that of the search's first trial"),
        ],
        rows: retrained.iter().map(row).collect(),
    }
}
