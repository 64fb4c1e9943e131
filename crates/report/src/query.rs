//! The ledger's own words for what a figure shows: SQL over the table `trials` of `ledger.sqlite`.

use std::collections::BTreeSet;

use crate::Seed;
use crate::searches::Retrained;

/// The finished trials of these searches, or of their first trials where only those belong to an arm.
pub(crate) fn trials<'a>(columns: &str, seeds: impl IntoIterator<Item = &'a Seed>) -> String {
    format!("SELECT {columns}\nFROM trials\nWHERE {}\nORDER BY study, id;", finished(seeds))
}

/// How many trials failed for each reason.
pub(crate) fn failures<'a>(seeds: impl IntoIterator<Item = &'a Seed>) -> String {
    let condition = finished(seeds);
    format!(
        "SELECT failure, COUNT(*) AS trials\nFROM trials\nWHERE {condition}\n  AND failure IS NOT NULL\n\
         GROUP BY failure\nORDER BY failure;"
    )
}

/// How many networks of these searches, and how many genotypes, an earlier trial had too.
pub(crate) fn repeats<'a>(seeds: impl IntoIterator<Item = &'a Seed>) -> String {
    format!(
        "SELECT COUNT(*) AS trials,\n  COUNT(*) - COUNT(DISTINCT study || char(10) || key) AS repeated_networks,\n  \
         COUNT(*) - COUNT(DISTINCT study || char(10) || genotype) AS repeated_genotypes\nFROM trials\nWHERE {};",
        finished(seeds)
    )
}

/// Fitness in the search beside mean accuracy on the test images. A trial that was retrained is a row of `retrained`.
pub(crate) fn small_beside_large(retrained: &[&Retrained]) -> String {
    let row = |one: &&Retrained| {
        let (search, id) = (quoted(&one.search.seed.study), one.trial.proposal.id);
        format!("  ({search}, {id}, {}, {})", quoted(one.model), quoted(one.study))
    };
    let rows = match retrained {
        [] => "  (NULL, NULL, NULL, NULL)".to_owned(),
        some => some.iter().map(row).collect::<Vec<_>>().join(",\n"),
    };
    format!(
        "WITH retrained (search, trial, model, study) AS (VALUES\n{rows})\n\
         SELECT retrained.search, retrained.trial, retrained.model, small.fitness AS small,\n  \
         AVG(large.fitness) AS large, COUNT(large.fitness) AS runs\n\
         FROM retrained\n\
         JOIN trials AS small ON small.study = retrained.search AND small.id = retrained.trial\n\
         JOIN trials AS large ON large.study = retrained.study AND large.seq IS NOT NULL\n\
         GROUP BY retrained.search, retrained.trial, retrained.model\n\
         ORDER BY retrained.search, retrained.model, retrained.trial;"
    )
}

/// The ancestry of one trial, from itself back.
pub(crate) fn ancestry(study: &str, trial: u64) -> String {
    format!(
        "WITH RECURSIVE ancestry (id) AS (\n  SELECT {trial}\n  UNION ALL\n  \
         SELECT trials.parent FROM ancestry JOIN trials ON trials.study = {study} AND trials.id = ancestry.id\n  \
         WHERE trials.parent < trials.id)\n\
         SELECT id, mutation, fitness, parameters, key FROM trials\nWHERE study = {study} AND id IN (SELECT id FROM ancestry)\n\
         ORDER BY id;",
        study = quoted(study)
    )
}

/// All trainings of these studies.
pub(crate) fn trainings<'a>(studies: impl IntoIterator<Item = &'a str>) -> String {
    // In the order of their names, each once: arms share studies.
    let studies: BTreeSet<&str> = studies.into_iter().collect();
    let list = studies.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT study, id, fitness AS test_accuracy, failure, parameters, seconds\nFROM trials\n\
         WHERE study IN ({list}) AND seq IS NOT NULL\nORDER BY study, id;"
    )
}

/// The condition for the finished trials of these seeds.
fn finished<'a>(seeds: impl IntoIterator<Item = &'a Seed>) -> String {
    let one = |seed: &Seed| {
        let last = seed.trials.last().map_or(0, |trial| trial.proposal.id.0);
        format!("(study = {} AND id <= {last})", quoted(&seed.study))
    };
    let all: Vec<String> = seeds.into_iter().map(one).collect();
    match &all[..] {
        [] => "FALSE".to_owned(),
        [one] => format!("{one} AND seq IS NOT NULL"),
        several => format!("({}) AND seq IS NOT NULL", several.join("\n   OR ")),
    }
}

/// A text as SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
