//! The section of one arm: figures, how its trials went, its winners and their ancestry.

use hnas_compiler::genotype_svg;
use hnas_ledger::Trial;
use maud::{Markup, PreEscaped, html};

use super::{anchor, figures, query, table, text};
use crate::figures::Figure;
use crate::format::{MISSING, count, percent, points, quantity, share, whole};
use crate::query as sql;
use crate::summary::{SeedSummary, Summary, fitness};

/// An ancestry of more trials than this is folded.
const LONG: usize = 25;

/// The section of arm `number`, counted from 1.
pub(super) fn section(number: usize, summary: &Summary, drawn: &[Figure]) -> Markup {
    let best = summary.best_seed().map(std::ptr::from_ref);
    html! {
        section class="arm" id=(anchor(number)) {
            h2 { (summary.arm.name) }
            @if !summary.arm.description.is_empty() { p class="lead" { (summary.arm.description) } }
            @if summary.counts.evaluations == 0 {
                p { "No trial of this arm is finished." }
            } @else {
                (figures(drawn))
                (counts(summary))
                h3 { (if summary.seeds.len() == 1 { "Winner" } else { "Winners" }) }
                @if let [only] = &summary.seeds[..] {
                    (winner(only))
                } @else {
                    (winners(summary))
                    @for seed in &summary.seeds {
                        details open[best == Some(std::ptr::from_ref(seed))] {
                            summary { "Winner of seed " (seed.seed.seed) }
                            (winner(seed))
                        }
                    }
                }
            }
        }
    }
}

/// How the trials went; why some failed.
fn counts(summary: &Summary) -> Markup {
    let counts = &summary.counts;
    let lines = [
        ("trials finished", counts.evaluations, false),
        ("with a fitness", counts.scored, true),
        ("failed", counts.failed, true),
        ("refused by a cost limit, among the failed", counts.refused, true),
        ("genotype the same as an earlier trial's", counts.repeated_genotypes, true),
        ("network the same as an earlier trial's, by key", counts.repeated_networks, true),
        ("given the earlier fitness without training", counts.reused, true),
        ("different networks", counts.networks, true),
        ("draws thrown away: no network, or above a limit", counts.redraws, false),
    ];
    let rows = lines.map(|(what, number, part)| {
        vec![text(what), text(if part { share(number, counts.evaluations) } else { whole(number) })]
    });
    let seeds = &summary.arm.seeds;
    html! {
        div class="counts" {
            div {
                h3 { "How its trials went" }
                (table(&["", "trials"], &[false, true], rows.to_vec()))
                p class="note" { "Repeats are counted within each search." }
                (query(&sql::repeats(seeds)))
            }
            @if !counts.failures.is_empty() {
                div {
                    h3 { "Why trials failed" }
                    (table(&["reason", "trials"], &[false, true], counts.failures.iter().map(|(reason, number)| {
                        vec![text(reason), text(whole(*number))]
                    }).collect()))
                    (query(&sql::failures(seeds)))
                }
            }
        }
    }
}

/// One row a seed.
fn winners(summary: &Summary) -> Markup {
    let row = |seed: &SeedSummary| {
        let winner = seed.winner;
        let shown = |show: fn(&Trial) -> String| text(winner.map_or_else(|| MISSING.to_owned(), show));
        vec![
            text(seed.seed.seed.to_string()),
            text(share(seed.counts.evaluations, seed.seed.planned)),
            text(seed.median.map_or_else(|| MISSING.to_owned(), percent)),
            shown(|trial| trial.proposal.id.to_string()),
            shown(score),
            shown(|trial| quantity(trial.proposal.parameters as f64)),
            text(winner.map_or_else(|| MISSING.to_owned(), |_| whole(seed.ancestry.len().saturating_sub(1) as u64))),
        ]
    };
    table(
        &["seed", "trials of those planned", "median fitness", "winner", "its fitness", "parameters", "mutations"],
        &[true; 7],
        summary.seeds.iter().map(row).collect(),
    )
}

fn winner(seed: &SeedSummary) -> Markup {
    let Some(trial) = seed.winner else {
        return html! { p { "There is no winner: no trial has a fitness." } };
    };
    let proposal = &trial.proposal;
    html! {
        p {
            "Trial " (proposal.id) ": fitness " strong { (score(trial)) } ", " (quantity(proposal.parameters as f64))
            " parameters and " (quantity(proposal.multiply_adds as f64)) " multiply-adds an image as a small model."
        }
        figure class="drawing" {
            div class="scroll" tabindex="0" { (PreEscaped(genotype_svg(&proposal.genotype))) }
            figcaption { "The winning genotype at all its levels." }
        }
        details { summary { "The genotype as text" } pre { (proposal.genotype.to_string()) } }
        (ancestry(seed, trial))
    }
}

/// The chain of parents, one row a changed edge, oldest first.
fn ancestry(seed: &SeedSummary, winner: &Trial) -> Markup {
    let chain = &seed.ancestry;
    if let [only] = chain[..]
        && only.proposal.parent.is_none()
    {
        return html! { h4 { "Ancestry" } p { "None: it was drawn, not bred." } };
    }
    let mut rows = Vec::new();
    let mut before: Option<&Trial> = None;
    for &trial in chain {
        rows.push(step(before, trial));
        before = Some(trial);
    }
    let table = table(
        &["trial", "level", "motif", "edge", "before", "after", "fitness", "against its parent, points", "parameters"],
        &[true, true, true, true, false, false, true, true, true],
        rows,
    );
    let steps = count(chain.len().saturating_sub(1) as u64, "mutation", "mutations");
    let first = chain.first().and_then(|first| first.proposal.parent);
    html! {
        h4 { "Ancestry" }
        p {
            @match first {
                None => { "From a genotype that had no parent, by " (steps) "." }
                Some(parent) => { "By " (steps) "; trial " (parent) ", the parent of the first one here, is not among the trials." }
            }
        }
        details open[chain.len() <= LONG] { summary { "Step by step, with the edge that changed" } (table) }
        (query(&sql::ancestry(&seed.seed.study, winner.proposal.id.0)))
    }
}

fn step(before: Option<&Trial>, trial: &Trial) -> Vec<Markup> {
    let proposal = &trial.proposal;
    let same = before.is_some_and(|parent| parent.proposal.key == proposal.key);
    let gain = before.and_then(|parent| Some(fitness(trial)? - fitness(parent)?));
    let mut row = vec![text(proposal.id.to_string())];
    match &proposal.mutation {
        Some(mutation) => {
            let name = |op: Option<usize>| match op {
                Some(op) => proposal.genotype.operation_name(mutation.level, op),
                None => "none".to_owned(),
            };
            row.extend([
                text(mutation.level.to_string()),
                text((mutation.motif + 1).to_string()),
                text(format!("{} → {}", mutation.from, mutation.to)),
                text(name(mutation.old)),
                html! { (name(mutation.new)) @if same { " " span class="tag" { "same network" } } },
            ]);
        }
        None => {
            let words = if proposal.parent.is_none() { "drawn, not bred" } else { MISSING };
            row.extend([text(MISSING), text(MISSING), text(MISSING), text(MISSING), text(words)]);
        }
    }
    row.extend([
        text(score(trial)),
        text(gain.map_or_else(|| MISSING.to_owned(), points)),
        text(quantity(proposal.parameters as f64)),
    ]);
    row
}

fn score(trial: &Trial) -> String {
    fitness(trial).map_or_else(|| "failed".to_owned(), percent)
}
