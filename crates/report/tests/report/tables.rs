//! Exported tables: each column explained, each number as the trials say it.

use std::collections::BTreeMap;

use hnas_ledger::Trial;

use crate::reading::tables;
use crate::synthetic;

#[test]
fn every_column_of_every_table_is_explained() {
    let tables = tables(&synthetic::page(40));
    let mut explained: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &tables["columns"].1 {
        assert!(row[1].len() > 5 && row[4].len() > 3, "{row:?}");
        explained.entry(row[0].clone()).or_default().push(row[2].clone());
    }
    let headers: BTreeMap<String, Vec<String>> =
        tables.iter().map(|(name, (header, _))| (name.clone(), header.clone())).collect();
    assert_eq!(headers, explained);
    assert_eq!(tables.len(), 15);
    assert!(tables.iter().all(|(_, (_, rows))| !rows.is_empty()));
}

#[test]
fn tables_hold_what_the_trials_say() {
    let page = synthetic::page(40);
    let tables = tables(&page);
    let (header, rows) = &tables["trials"];
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let all: Vec<&Trial> = page.arms.iter().flat_map(|arm| &arm.seeds).flat_map(|seed| &seed.trials).collect();
    assert_eq!(rows.len(), all.len());
    for (row, trial) in rows.iter().zip(&all) {
        assert_eq!(row[column("trial")], trial.proposal.id.to_string());
        let fitness = row[column("fitness")].parse::<f64>().ok();
        assert_eq!(fitness, trial.finished().fitness.map(|fitness| fitness.get()), "every digit");
        assert_eq!(row[column("repeated_network")], trial.proposal.same_as.is_some().to_string());
        assert_eq!(row[column("genotype")], trial.proposal.genotype.to_string());
    }
    let (_, usage) = &tables["usage"];
    // The shares of one window sum to one.
    let mut sums: BTreeMap<&[String], f64> = BTreeMap::new();
    for row in usage {
        *sums.entry(&row[..6]).or_default() += row[7].parse::<f64>().unwrap();
    }
    assert!(sums.values().all(|sum| (sum - 1.0).abs() < 1e-9), "{sums:?}");
}
