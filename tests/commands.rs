//! The small commands: genotypes in and out, costs, pictures, the machine.

mod support;

use support::{refused, run, run_with_input, said};

const LEARNED: &str = "experiments/cifar10/genotypes/learned-cell.ron";

#[test]
fn sampled_genotypes_can_be_inspected_and_mutated_in_a_pipe() {
    let sampled = said(run(&["sample", "--space", "hierarchical", "--seed", "5"]));
    let mutated = said(run_with_input(&["mutate", "-", "--seed", "6", "--rule", "must-change"], &sampled));
    assert_ne!(sampled, mutated);
    let inspected = said(run_with_input(&["inspect", "-", "--json"], &mutated));
    let found: serde_json::Value = serde_json::from_str(&inspected).unwrap();
    assert_eq!(found["valid"], true);
    assert_eq!(found["levels"], 3);
    assert_eq!(found["edges"], 46);
    assert_eq!(found["key"].as_str().unwrap().len(), 64);
}

#[test]
fn sampling_is_a_function_of_the_seed() {
    let sample = |seed: &str| said(run(&["sample", "--space", "flat", "--seed", seed, "--count", "3"]));
    assert_eq!(sample("1"), sample("1"));
    assert_ne!(sample("1"), sample("2"));
}

#[test]
fn samples_go_to_one_file_each() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("genotypes");
    said(run(&["sample", "--count", "3", "--out", out.to_str().unwrap()]));
    let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["genotype-0001.ron", "genotype-0002.ron", "genotype-0003.ron"]);
    said(run(&["inspect", out.join("genotype-0003.ron").to_str().unwrap()]));
}

#[test]
fn the_published_counts_are_printed() {
    let total = |arguments: &[&str]| {
        let printed = said(run(&[&["inspect", LEARNED, "--json"], arguments].concat()));
        let found: serde_json::Value = serde_json::from_str(&printed).unwrap();
        found["total"]["parameters_with_statistics"].as_f64().unwrap() / 1e6
    };
    assert_eq!(format!("{:.1}", total(&["--skeleton", "large", "--c0", "64"])), "15.7");
    assert_eq!(format!("{:.1}", total(&["--skeleton", "large", "--c0", "128"])), "61.3");
    assert_eq!(format!("{:.0}", total(&["--skeleton", "imagenet"])), "64");
}

#[test]
fn a_cell_is_drawn_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    for (name, begin) in [("cell.svg", "<svg"), ("cell.dot", "digraph")] {
        let out = folder.path().join(name);
        said(run(&["draw", LEARNED, "--out", out.to_str().unwrap()]));
        assert!(std::fs::read_to_string(&out).unwrap().contains(begin), "{name}");
    }
}

#[test]
fn the_pictures_of_the_paper_are_drawn_on_one_page() {
    let folder = tempfile::tempdir().unwrap();
    for (name, pictures) in [("figure1", 1), ("figure2", 4), ("appendix", 1)] {
        let out = folder.path().join(name);
        said(run(&["pictures", &format!("experiments/{name}/pictures.ron"), "--out", out.to_str().unwrap()]));
        let page = std::fs::read_to_string(out.join("report.html")).unwrap();
        assert_eq!(page.matches("<figure>").count(), pictures, "{name}");
        let drawn = std::fs::read_dir(&out)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "svg"));
        assert_eq!(drawn.count(), pictures, "{name}");
        if name == "figure2" {
            // The printed counts: 15.7 M, 61.3 M and 64 M.
            for size in ["15706314", "61329802", "63804616"] {
                assert!(page.contains(size), "{size}");
            }
        }
    }
}

#[test]
fn doctor_tells_programs_what_is_here() {
    let found: serde_json::Value = serde_json::from_str(&said(run(&["doctor", "--json"]))).unwrap();
    assert!(found["threads"].as_u64().unwrap() >= 1);
    assert!(found["devices"].as_array().unwrap().iter().any(|device| device == "cpu"));
    assert_eq!(found["datasets"][0]["name"], "cifar10");
}

#[test]
fn a_genotype_may_begin_with_a_byte_order_mark() {
    let text = std::fs::read_to_string(support::root().join(LEARNED)).unwrap();
    let inspect = |text: &str| said(run_with_input(&["inspect", "-"], text));
    assert_eq!(inspect(&format!("\u{feff}{text}")), inspect(&text));
}

#[test]
fn a_message_does_not_repeat_a_long_file() {
    let text = format!("(space: Hierarchical{})", "x".repeat(5_000_000));
    let (code, error) = refused(run_with_input(&["inspect", "-"], &text));
    assert_eq!(code, Some(2));
    assert!(error.starts_with("error: standard input:1:") && error.len() < 1000, "{} bytes", error.len());
}

#[test]
fn drivers_do_not_complain_where_nobody_has_logged_in() {
    let output = support::hnas().arg("doctor").env_remove("XDG_RUNTIME_DIR").output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!complaints.contains("XDG_RUNTIME_DIR"), "{complaints}");
}

#[test]
fn the_version_is_that_of_the_program_and_its_revision() {
    let version = said(run(&["--version"]));
    let revision = version.trim().strip_prefix(concat!("hnas ", env!("CARGO_PKG_VERSION"), " (")).unwrap();
    assert!(revision.ends_with(')') && revision.len() > 5, "{version}");
}

#[test]
fn no_evaluation_is_divided_among_workers() {
    let arguments = ["simulate", "--workers", "1000,8,8", "--evaluations", "100", "--in-flight", "1", "--json"];
    let lines: serde_json::Value = serde_json::from_str(&said(run(&arguments))).unwrap();
    let workers: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["workers"].as_u64().unwrap()).collect();
    assert_eq!(workers, [1000, 8]);
    assert!(lines[0]["ideal_seconds"].as_f64().unwrap() > 3000.0, "{lines}");
}

#[test]
fn data_sets_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let output = support::hnas().args(["data", "list"]).env("HNAS_DATA", folder.path()).output().unwrap();
    let listed = said(output);
    for (name, standing) in [("cifar10", "fetched"), ("imagenet", "brought"), ("food-groups", "fetched")] {
        let line = listed.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(line.contains(&format!(" to be {standing} ")), "{listed}");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = [
        "search",
        "resume",
        "worker",
        "status",
        "copy-ledger",
        "simulate",
        "train",
        "evaluate",
        "report",
        "winner",
        "inspect",
        "draw",
        "pictures",
        "sample",
        "mutate",
        "data",
        "data list",
        "data fetch",
        "data verify",
        "doctor",
    ];
    for command in commands {
        let help = said(run(&[command.split(' ').collect(), vec!["--help"]].concat()));
        let example = help.split_once("Example").map(|(_, example)| example);
        assert!(example.is_some_and(|example| example.contains(&format!(": hnas {command}"))), "{command}");
    }
}
