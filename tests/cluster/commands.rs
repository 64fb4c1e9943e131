//! What the commands of many machines say.

use crate::fleet::Fleet;
use crate::server::{Server, sql};
use crate::support::{has_cifar10, refused, run, said};
use crate::waiting::eventually;

/// A ledger in which two searches wait for workers.
fn waiting(mut fleet: Fleet) -> Fleet {
    let search = fleet.search(0);
    let search = fleet.start(search);
    eventually("both searches are founded", || (fleet.backlog("evolution/seed-5").waiting == 3).then_some(()));
    search.kill();
    fleet
}

#[test]
fn a_worker_of_another_build_is_refused() {
    let Some(server) = Server::shared() else { return };
    let fleet = waiting(Fleet::on_database(4).unwrap());
    let database = fleet.place.rsplit_once('/').unwrap().1.split_once('?').unwrap().0;
    let mine = server.sql(database, "SELECT DISTINCT build FROM hnas.studies").remove(0);
    sql(&fleet.place, "UPDATE hnas.studies SET build = '0.0.9 (0123456789ab)'");
    let (code, error) = refused(fleet.worker(1).output().unwrap());
    assert_eq!(code, Some(3));
    let said = error.lines().last().unwrap();
    assert!(said.starts_with("error: postgres://"), "{error}");
    let end = format!(
        ": its trials are proposed by hnas 0.0.9 (0123456789ab), this is hnas {mine}; all trials of a search come from one build, so start workers of the same"
    );
    assert!(said.ends_with(&end), "{error}");
    // Where its own build proposes as well, it passes over the other's.
    if !has_cifar10("a_worker_of_another_build_is_refused") {
        return;
    }
    sql(&fleet.place, &format!("UPDATE hnas.studies SET build = '{mine}' WHERE name = 'evolution/seed-5'"));
    let output = fleet.worker(1).args(["--idle-exit", "1s"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    assert!(error.contains("study evolution/seed-3 is passed over: hnas 0.0.9 (0123456789ab) proposes"), "{error}");
    assert_eq!((fleet.backlog("evolution/seed-3").finished, fleet.backlog("evolution/seed-5").finished), (0, 3));
}

#[test]
fn a_study_of_another_program_is_refused() {
    let Some(_) = Server::shared() else { return };
    let fleet = waiting(Fleet::on_database(4).unwrap());
    sql(&fleet.place, "UPDATE hnas.studies SET founding = replace(founding, 'in_flight', 'in_fight')");
    let (code, error) = refused(fleet.worker(1).output().unwrap());
    assert_eq!(code, Some(3));
    assert!(error.contains(": study evolution/seed-3 is none of this program's: "), "{error}");
    assert!(error.contains("Unexpected field named `in_fight`"), "{error}");
}

#[test]
fn a_worker_stops_after_its_time_and_finishes_what_it_has() {
    if !has_cifar10("a_worker_stops_after_its_time_and_finishes_what_it_has") {
        return;
    }
    let fleet = waiting(Fleet::on_file(400));
    let output = fleet.worker(1).args(["--stop-after", "1s"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    let studies = fleet.store().status().unwrap();
    let (done, leased) = studies
        .iter()
        .fold((0, 0), |(done, leased), study| (done + study.backlog.finished, leased + study.backlog.leased));
    assert!(done >= 1 && leased == 0, "{done} done, {leased} leased: {error}");
    assert!(error.contains("no more trials are begun"), "{error}");
}

#[test]
fn status_says_how_far_a_ledger_is_and_copies_say_the_same() {
    let fleet = waiting(Fleet::on_file(4));
    let table = said(run(&["status".into(), fleet.run_folder()]));
    let line = table.lines().find(|line| line.starts_with("evolution/seed-3")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells, ["evolution/seed-3", "10", "3", "3", "0", "0", "0", "0.0", "unknown"]);
    if has_cifar10("status_says_how_far_a_ledger_is_and_copies_say_the_same") {
        said(fleet.worker(1).args(["--idle-exit", "1s"]).output().unwrap());
    }
    let json = |place: &str| -> serde_json::Value {
        let mut found: serde_json::Value =
            serde_json::from_str(&said(run(&["status", "--json", "--store", place]))).unwrap();
        for study in found.as_array_mut().unwrap() {
            // Clocks go on.
            study.as_object_mut().unwrap().retain(|name, _| !name.contains("second") && name != "per_hour");
            study["workers"].as_array_mut().unwrap().iter_mut().for_each(|worker| worker["silent"] = 0.into());
        }
        found
    };
    let there = json(&fleet.place);
    assert_eq!((&there[0]["study"], &there[0]["trials"]), (&"evolution/seed-3".into(), &10.into()));
    if let Some(server) = Server::shared() {
        let database = server.database();
        let copied = said(run(&["copy-ledger", &fleet.place, &database]));
        assert!(copied.starts_with("copied 2 studies with 6 trials to postgres://"), "{copied}");
        assert_eq!(json(&database), there);
        let (code, error) = refused(run(&["copy-ledger", &fleet.place, &database]));
        assert_eq!(code, Some(2));
        assert!(error.ends_with(" has a study evolution/seed-3 already\n"), "{error}");
        // A run folder whose ledger is a file does not take another.
        let there = Fleet { place: database, ..fleet };
        let (code, error) = refused(there.search(0).output().unwrap());
        assert_eq!(code, Some(2));
        assert!(error.contains(" has its ledger in ") && error.contains("copy-ledger FROM TO"), "{error}");
    }
}
