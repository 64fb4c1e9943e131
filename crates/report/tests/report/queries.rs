//! The queries beside the figures, run on a ledger that holds the same trials, give what the report says.

use std::collections::BTreeMap;

use hnas_ledger::{Ledger, Outcome, Run, SqliteLedger, Trial, Verdict};
use hnas_report::Page;
use hnas_search::Fitness;
use rusqlite::Connection;

use crate::reading::{Report, tables};
use crate::synthetic;

/// A ledger with every search and every retraining of the page, each as the arm holds it that has the most of it.
fn ledger(page: &Page, path: &std::path::Path) -> Connection {
    let mut studies: BTreeMap<&str, Vec<Trial>> = BTreeMap::new();
    for seed in page.arms.iter().flat_map(|arm| &arm.seeds) {
        let longest = studies.entry(&seed.study).or_default();
        if seed.trials.len() > longest.len() {
            longest.clone_from(&seed.trials);
        }
        for retraining in &seed.retrainings {
            let of = seed.trials.iter().find(|trial| trial.proposal.id == retraining.trial).unwrap();
            let trial = |(number, run): (u64, &hnas_report::FinalRun)| {
                let mut trial = of.clone();
                trial.proposal.id.0 = number;
                trial.proposal.parent = None;
                trial.proposal.mutation = None;
                trial.proposal.verdict = Verdict::Evaluate;
                trial.outcome = match run.test_accuracy {
                    Some(accuracy) => {
                        let runs = vec![Run { seed: 1, accuracy, top_5: None, loss: 1.0, seconds: 1.0 }];
                        Outcome::Scored { fitness: Fitness::new(accuracy).unwrap(), runs }
                    }
                    None => Outcome::Failed { reason: run.failure.clone().unwrap() },
                };
                trial
            };
            studies.insert(&retraining.study, (1..).zip(&retraining.runs).map(trial).collect());
        }
    }
    for (study, trials) in studies {
        let mut ledger = SqliteLedger::open(path, study, "made up").unwrap();
        for trial in trials {
            assert!(ledger.propose(&trial.proposal).unwrap());
            let lease = ledger.lease("test").unwrap().unwrap();
            assert!(ledger.record(&lease, &trial.outcome).unwrap());
        }
    }
    Connection::open(path).unwrap()
}

/// The rows of a query, each value as text; numbers with the digits that tell them apart.
fn rows(connection: &Connection, sql: &str) -> Vec<Vec<String>> {
    let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{error} in:\n{sql}"));
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |column| match row.get::<_, rusqlite::types::Value>(column).unwrap() {
            rusqlite::types::Value::Null => String::new(),
            rusqlite::types::Value::Integer(value) => value.to_string(),
            rusqlite::types::Value::Real(value) => value.to_string(),
            rusqlite::types::Value::Text(value) => value,
            rusqlite::types::Value::Blob(_) => panic!("the ledger keeps no blobs"),
        };
        found.push((0..columns).map(cell).collect());
    }
    found
}

/// The columns of a table, by name.
fn columns(table: &(Vec<String>, Vec<Vec<String>>), names: &[&str]) -> Vec<Vec<String>> {
    let (header, rows) = table;
    let place = |name: &&str| header.iter().position(|column| column == name).unwrap();
    let places: Vec<usize> = names.iter().map(place).collect();
    rows.iter().map(|row| places.iter().map(|&place| row[place].clone()).collect()).collect()
}

#[test]
fn queries_give_what_the_report_says() {
    let mut page = synthetic::page(40);
    page.arms[1].seeds[0].study = "it's named/so".to_owned();
    let name = page.arms[1].seeds[0].study.clone();
    page.arms[0].seeds[0].study.clone_from(&name);
    let folder = tempfile::tempdir().unwrap();
    let connection = ledger(&page, &folder.path().join("ledger.sqlite"));
    let report = Report::of(&page);
    let tables = tables(&page);
    let query = |name: &str| {
        let file = format!("{name}.sql");
        let (_, sql) = report.figures.iter().find(|(found, _)| *found == file).unwrap_or_else(|| panic!("no {file}"));
        rows(&connection, sql)
    };

    // Every query beside a figure runs and gives something.
    let queries = report.figures.iter().filter(|(name, _)| name.ends_with(".sql"));
    for (name, sql) in queries.clone() {
        assert!(!rows(&connection, sql).is_empty(), "{name} gives nothing:\n{sql}");
    }
    assert!(queries.count() > 30);

    // An arm's own figures: its trials, seed by seed.
    let of_arm = |table: &str, arm: &str, names: &[&str]| -> Vec<Vec<String>> {
        let mut all = columns(&tables[table], &[&["arm"], names].concat());
        all.retain(|row| row[0] == arm);
        all.into_iter().map(|row| row[1..].to_vec()).collect()
    };
    let mut found: Vec<Vec<String>> =
        query("4-flat-evolution-fitness").into_iter().map(|row| [&row[1..2], &row[2..5]].concat()).collect();
    found.sort_by_key(|row| row[0].parse::<u64>().unwrap());
    assert_eq!(found, of_arm("trials", "flat, evolution", &["trial", "parent", "fitness", "failure"]));
    // The first eight trials of three searches, no more.
    assert_eq!(query("1-hierarchical-random-search-short-parameters").len(), 3 * 8);

    // Figure 3's middle panel: best so far. Of trials before the first fitness there is none.
    let mut found: Vec<Vec<String>> = query("figure-3-best");
    found.retain(|row| row[0] == "flat-evolution/seed-3");
    let expected = of_arm("trials", "flat, evolution", &["trial", "best_so_far"]);
    assert_eq!(found.iter().map(|row| row[1..].to_vec()).collect::<Vec<_>>(), expected);

    // Figure 4 and small beside large: means of the trainings, in another order, whose sums may differ in the last digit.
    let key = ["study", "trial", "model", "fitness", "test_accuracy", "trainings"];
    let mut expected = columns(&tables["gains"], &key);
    expected.retain(|row| row[2] == "c0 = 64");
    expected.sort();
    let mut found = query("small-and-large-1");
    found.sort();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((&found[..4], &found[5]), (&expected[..4], &expected[5]));
        let (a, b): (f64, f64) = (found[4].parse().unwrap(), expected[4].parse().unwrap());
        assert!((a - b).abs() < 1e-12, "{found:?} {expected:?}");
    }

    // What stands in an arm's section: repeats, failures, ancestry.
    let queries = report.texts("#arm-4 details.sql pre");
    let json = &report.json["arms"][3];
    let repeats = queries.iter().find(|sql| sql.contains("repeated_networks")).unwrap();
    let counts = &json["counts"];
    let expected = ["evaluations", "repeated_networks", "repeated_genotypes"].map(|name| counts[name].to_string());
    assert_eq!(rows(&connection, repeats), [expected.to_vec()]);
    let ancestry = queries.iter().find(|sql| sql.contains("RECURSIVE")).unwrap();
    let ids: Vec<String> = rows(&connection, ancestry).into_iter().map(|row| row[0].clone()).collect();
    let expected = json["seeds"][0]["winner"]["ancestry"].as_array().unwrap().iter().map(ToString::to_string);
    assert_eq!(ids, expected.collect::<Vec<_>>());
    let failures = report.texts("#arm-6 details.sql pre");
    let failures = failures.iter().find(|sql| sql.contains("COUNT(*) AS trials\n")).unwrap();
    assert_eq!(rows(&connection, failures), [["more parameters than the limit of 1000".to_owned(), "12".to_owned()]]);
}
