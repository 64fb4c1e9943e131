//! Decision D2 across processes: the trials of a search do not depend on the workers nor on what keeps the ledger.

use crate::fleet::{Fleet, undisturbed};
use crate::support::has_cifar10;
use crate::waiting::eventually;

/// A controller without workers, and processes with so many slots each.
fn check(mut fleet: Fleet, slots: &[usize]) -> Vec<String> {
    // Workers may be started first: they wait for somebody to found the ledger.
    let commands: Vec<_> = slots.iter().map(|&slots| fleet.worker(slots)).collect();
    let mut workers = Vec::new();
    for mut command in commands {
        command.args(["--idle-exit", "3s"]);
        workers.push(fleet.start(command));
    }
    let search = fleet.search(0);
    let search = fleet.start(search);
    fleet.ends(search);
    for worker in &mut workers {
        let status = eventually("a worker has nothing to do and ends", || worker.0.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", fleet.logs());
    }
    let done: u64 = fleet.store().status().unwrap().iter().flat_map(|study| &study.workers).map(|w| w.scored).sum();
    assert_eq!(done as usize, fleet.trials().len(), "all were evaluated by workers");
    fleet.trials()
}

#[test]
fn d2_any_number_of_workers_on_either_ledger_gives_the_same_trials() {
    if !has_cifar10("d2_any_number_of_workers_on_either_ledger_gives_the_same_trials") {
        return;
    }
    let alone = undisturbed(4);
    assert!(alone.len() > 20 && alone.iter().any(|trial| trial.contains("/c0-8")));
    assert_eq!(check(Fleet::on_file(4), &[1]), alone, "one worker on a file");
    assert_eq!(check(Fleet::on_file(4), &[2, 1, 1]), alone, "three processes on one file");
    for slots in [&[1][..], &[2, 2, 2, 2]] {
        let Some(fleet) = Fleet::on_database(4) else { return };
        assert_eq!(check(fleet, slots), alone, "{slots:?} on a database");
    }
}

#[test]
fn d2_a_search_with_workers_of_its_own_on_a_database_is_the_same_and_is_resumed_and_reported_from_it() {
    if !has_cifar10("d2_a_search_with_workers_of_its_own_on_a_database_..") {
        return;
    }
    let Some(mut fleet) = Fleet::on_database(4) else { return };
    let search = fleet.search(2);
    let search = fleet.start(search);
    fleet.ends(search);
    let alone = undisturbed(4);
    assert_eq!(fleet.trials(), alone);
    let run = fleet.run_folder();
    assert!(!run.join("ledger.sqlite").exists());
    assert_eq!(std::fs::read_to_string(run.join("store.txt")).unwrap().trim(), fleet.place);
    // The folder knows where its ledger is.
    for command in ["resume", "report", "status"] {
        let output = crate::support::run(&[command.into(), run.clone()]);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(std::fs::read_to_string(run.join("tiny/report.html")).unwrap().contains("evolution"));
    assert_eq!(fleet.trials(), alone, "resuming a whole run changes nothing");
}
