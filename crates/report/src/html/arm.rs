//! The section of one arm: figures, how its trials went, the winner and its ancestry.

use hnas_compiler::genotype_svg;
use hnas_ledger::Trial;
use maud::{Markup, PreEscaped, html};

use super::{anchor, figure, table, text};
use crate::figures::Figure;
use crate::format::{MISSING, count, percent, points, quantity, whole};
use crate::summary::{Counts, Summary, fitness};

/// An ancestry of more trials than this is folded.
const LONG: usize = 25;

/// The section of arm `number`, counted from 1.
pub(super) fn section(number: usize, summary: &Summary, figures: &[Figure]) -> Markup {
    html! {
        section class="arm" id=(anchor(number)) {
            h2 { (summary.arm.name) }
            @if !summary.arm.description.is_empty() { p class="lead" { (summary.arm.description) } }
            @if summary.arm.search.is_empty() {
                p { "No trial of this arm is finished." }
            } @else {
                div class="figures" { @for one in figures { (figure(one)) } (counts(&summary.counts)) }
            }
            (winner(summary))
            @if !summary.ancestry.is_empty() { (ancestry(&summary.ancestry)) }
        }
    }
}

/// How the trials went; why some failed.
fn counts(counts: &Counts) -> Markup {
    let of_all = |part: u64| match counts.evaluations {
        0 => String::new(),
        all => format!(" ({:.0} %)", 100.0 * part as f64 / all as f64),
    };
    let lines = [
        ("trials finished", counts.evaluations, false),
        ("with a fitness", counts.scored, true),
        ("failed", counts.failed, true),
        ("refused by a cost limit, among the failed", counts.refused, true),
        ("network the same as an earlier trial's", counts.repeats, true),
        ("given the earlier fitness without training", counts.reused, true),
        ("different networks", counts.networks, true),
        ("draws thrown away: sink not reachable", counts.redraws, false),
    ];
    let rows = lines.map(|(what, number, part)| {
        let share = if part { of_all(number) } else { String::new() };
        vec![text(what), text(format!("{}{share}", whole(number)))]
    });
    html! {
        div class="counts" {
            h3 { "How its trials went" }
            (table(&["", "trials"], &[false, true], rows.to_vec()))
            @if !counts.failures.is_empty() {
                h4 { "Why trials failed" }
                (table(&["reason", "trials"], &[false, true], counts.failures.iter().map(|(reason, number)| {
                    vec![text(reason), text(whole(*number))]
                }).collect()))
            }
        }
    }
}

fn winner(summary: &Summary) -> Markup {
    let Some(genotype) = summary.winner else {
        return html! { h3 { "Winner" } p { "There is no winner: no trial has a fitness." } };
    };
    let trial = summary.ancestry.last();
    html! {
        h3 { "Winner" }
        p {
            @match trial {
                Some(trial) => {
                    "Trial " (trial.proposal.id) ": fitness " strong { (score(trial)) } ", "
                    (quantity(trial.proposal.parameters as f64)) " parameters and "
                    (quantity(trial.proposal.multiply_adds as f64)) " multiply-adds an image as a small model."
                }
                None => { "This genotype is not among the trials with a fitness." }
            }
        }
        figure class="drawing" {
            div class="scroll" tabindex="0" { (PreEscaped(genotype_svg(genotype))) }
            figcaption { "The winning genotype at all its levels." }
        }
        details { summary { "The genotype as text" } pre { (genotype.to_string()) } }
    }
}

/// The chain of parents, one row an edge, oldest first.
fn ancestry(chain: &[&Trial]) -> Markup {
    if let [only] = chain
        && only.proposal.parent.is_none()
    {
        return html! { h3 { "Ancestry of the winner" } p { "None: it was drawn, not bred." } };
    }
    let mut rows = Vec::new();
    let mut before: Option<&Trial> = None;
    for &trial in chain {
        rows.push(step(before, trial));
        before = Some(trial);
    }
    let table = table(
        &["trial", "change", "fitness", "against its parent, points", "parameters"],
        &[true, false, true, true, true],
        rows,
    );
    let steps = count(chain.len() as u64 - 1, "mutation", "mutations");
    let first = chain[0].proposal.parent;
    html! {
        h3 { "Ancestry of the winner" }
        p {
            @match first {
                None => { "From a genotype that had no parent, by " (steps) "." }
                Some(parent) => { "By " (steps) "; trial " (parent) ", the parent of the first one here, is not among the trials." }
            }
        }
        details open[chain.len() <= LONG] { summary { "Step by step" } (table) }
    }
}

fn step(before: Option<&Trial>, trial: &Trial) -> Vec<Markup> {
    let proposal = &trial.proposal;
    let change = match (&proposal.mutation, proposal.parent) {
        (Some(mutation), _) => mutation.describe(proposal.genotype.space()),
        (None, None) => "drawn, not bred".to_owned(),
        (None, Some(_)) => MISSING.to_owned(),
    };
    let same = before.is_some_and(|parent| parent.proposal.key == proposal.key);
    let gain = before.and_then(|parent| Some(fitness(trial)? - fitness(parent)?));
    vec![
        text(proposal.id.to_string()),
        html! { (change) @if same { " " span class="tag" { "same network" } } },
        text(score(trial)),
        text(gain.map_or_else(|| MISSING.to_owned(), points)),
        text(quantity(proposal.parameters as f64)),
    ]
}

fn score(trial: &Trial) -> String {
    fitness(trial).map_or_else(|| "failed".to_owned(), percent)
}
