//! `hnas status`: how far the searches of a ledger are, and who works on them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use hnas_experiment::{RunFolder, Study};
use hnas_ledger::{RECENT_SECONDS, Store, StudyStatus, WorkerStatus};
use jiff::Timestamp;
use serde::Serialize;

use crate::arguments::Status;
use crate::time::spoken;

/// How long a database that is away is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Seconds of silence after which a worker without a trial is taken to have left, and not listed one by one.
const LEFT: f64 = 3600.0;

/// One study.
#[derive(Serialize)]
struct Standing {
    study: String,
    build: Option<String>,
    /// Trials of the whole study; none where another build founded it.
    trials: Option<u64>,
    proposed: u64,
    waiting: u64,
    running: u64,
    done: u64,
    failed: u64,
    per_hour: f64,
    seconds_left: Option<f64>,
    best: Option<Best>,
    seconds_since_last: Option<f64>,
    workers: Vec<WorkerStatus>,
}

#[derive(Serialize)]
struct Best {
    trial: u64,
    fitness: f64,
}

/// `hnas status`.
pub(crate) fn run(command: &Status) -> Result<()> {
    let store = match (&command.store, &command.run) {
        (Some(store), _) => store.parse()?,
        (None, run) => RunFolder::store_of(run.as_deref().unwrap_or(std::path::Path::new(".")))?,
    };
    let store = store.giving_up_after(PATIENCE);
    loop {
        let studies = look(&store);
        match (studies, command.watch) {
            (Ok(studies), _) => print(&store, &studies, command.json)?,
            // Whoever watches goes on watching.
            (Err(error), Some(_)) => eprintln!("{error:#}"),
            (Err(error), None) => return Err(error),
        }
        let Some(every) = command.watch else { return Ok(()) };
        std::thread::sleep(every);
    }
}

fn look(store: &Store) -> Result<Vec<Standing>> {
    Ok(store.status()?.into_iter().map(standing).collect())
}

fn standing(status: StudyStatus) -> Standing {
    let StudyStatus { info, backlog, failed, best, recent, age, since_last, workers } = status;
    let trials = Study::from_founding_text(&info.founding).ok().map(|study| study.search.evaluations);
    let per_second = recent as f64 / age.clamp(1.0, f64::from(RECENT_SECONDS));
    let left = trials.map(|trials| trials.saturating_sub(backlog.finished));
    let seconds_left = match left {
        Some(0) => Some(0.0),
        Some(left) if recent > 0 => Some(left as f64 / per_second),
        Some(_) | None => None,
    };
    Standing {
        study: info.name,
        build: info.build,
        trials,
        proposed: backlog.proposed,
        waiting: backlog.waiting,
        running: backlog.leased,
        done: backlog.finished,
        failed,
        per_hour: 3600.0 * per_second,
        seconds_left,
        best: best.map(|(trial, fitness)| Best { trial: trial.0, fitness }),
        seconds_since_last: since_last,
        workers,
    }
}

fn print(store: &Store, studies: &[Standing], json: bool) -> Result<()> {
    if json {
        say!("{}", serde_json::to_string(studies)?);
        return Ok(());
    }
    let now = Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    say!("{store}, {now}");
    let longest = studies.iter().map(|study| study.study.chars().count()).max().unwrap_or(0).max(5);
    say!(
        "\n{:<longest$} {:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>8} {:>9}  best",
        "study",
        "trials",
        "proposed",
        "waiting",
        "running",
        "done",
        "failed",
        "per hour",
        "time left"
    );
    for study in studies {
        let best = study.best.as_ref();
        say!(
            "{:<longest$} {:>7} {:>8} {:>7} {:>7} {:>7} {:>7} {:>8.1} {:>9}  {}",
            study.study,
            study.trials.map_or_else(|| "?".to_owned(), |trials| trials.to_string()),
            study.proposed,
            study.waiting,
            study.running,
            study.done,
            study.failed,
            study.per_hour,
            match study.seconds_left {
                Some(0.0) => "whole".to_owned(),
                Some(left) => spoken(left),
                None => "unknown".to_owned(),
            },
            best.map_or_else(String::new, |best| format!("{:.2} %, trial {}", 100.0 * best.fitness, best.trial))
        );
    }
    workers(studies)
}

/// What a worker did for all studies.
struct Member<'a> {
    name: &'a str,
    /// The trial it has, and the study.
    trial: Option<(u64, &'a str)>,
    silent: f64,
    scored: u64,
    failed: u64,
    lost: u64,
    seconds: f64,
}

impl<'a> Member<'a> {
    fn of(studies: &'a [Standing]) -> Vec<Member<'a>> {
        let mut members: BTreeMap<&str, Member> = BTreeMap::new();
        for (study, worker) in studies.iter().flat_map(|study| study.workers.iter().map(move |worker| (study, worker)))
        {
            let new = Member {
                name: &worker.worker,
                trial: None,
                silent: f64::INFINITY,
                scored: 0,
                failed: 0,
                lost: 0,
                seconds: 0.0,
            };
            let member = members.entry(&worker.worker).or_insert(new);
            member.trial = worker.trial.map(|trial| (trial, study.study.as_str())).or(member.trial);
            member.silent = member.silent.min(worker.silent.max(0.0));
            member.scored += worker.scored;
            member.failed += worker.failed;
            member.lost += worker.lost;
            member.seconds += worker.mean_seconds.unwrap_or(0.0) * (worker.scored + worker.failed) as f64;
        }
        members.into_values().collect()
    }
}

/// The workers: those with a trial first, then by how long they have been silent.
fn workers(studies: &[Standing]) -> Result<()> {
    let (mut here, left): (Vec<Member>, Vec<Member>) =
        Member::of(studies).into_iter().partition(|member| member.trial.is_some() || member.silent < LEFT);
    if !here.is_empty() {
        here.sort_by(|a, b| a.trial.is_none().cmp(&b.trial.is_none()).then(a.silent.total_cmp(&b.silent)));
        let longest = here.iter().map(|member| member.name.chars().count()).max().unwrap_or(0).max(6);
        say!(
            "\n{:<longest$} {:>12} {:>6} {:>6} {:>6} {:>9}  trial",
            "worker",
            "last sign",
            "scored",
            "failed",
            "lost",
            "each"
        );
        for member in here {
            let Member { name, trial, silent, scored, failed, lost, seconds } = member;
            let trial = trial.map_or_else(|| "none".to_owned(), |(trial, study)| format!("{trial} of {study}"));
            let done = scored + failed;
            let each = if done > 0 { spoken(seconds / done as f64) } else { String::new() };
            let sign = format!("{} ago", spoken(silent));
            say!("{name:<longest$} {sign:>12} {scored:>6} {failed:>6} {lost:>6} {each:>9}  {trial}");
        }
    }
    if !left.is_empty() {
        say!("\n{} more have been silent for more than an hour and have no trial.", left.len());
    }
    Ok(())
}
