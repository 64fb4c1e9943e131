//! A run: experiments at one scale in one folder with one ledger, which can be carried on for ever.
//!
//! ```text
//! NAME.ron        a resolved experiment; a folder goes on only with the experiments that founded it, and with its ledger
//! NAME/           its report
//! ledger.sqlite   every trial of every experiment, under the names of [`Study::name`](crate::Study::name)
//! store.txt       where the ledger is, if it is not that file
//! sessions.jsonl  one line each time the program was started on the folder: version, revision, device, workers
//! checkpoints/    trainings that are under way
//! weights/        retrained networks
//! run.lock        locked while a process works on the folder
//! ```
//!
//! Experiments that ask for the same search find its trials in the ledger, so they are trained once.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hnas_ledger::{LedgerError, Store, Trial};
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::place;
use crate::plan::read_ron;
use crate::resolved::{PlannedArm, Resolved};
use crate::worker::patiently;

const SESSIONS: &str = "sessions.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const LOCK: &str = "run.lock";
const RESULTS: &str = "results.json";

/// How long a database that is away is waited for by whoever only looks.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a run that another process holds is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// One experiment of a run folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    folder: PathBuf,
    resolved: Resolved,
    store: Store,
}

/// An experiment of a run folder that this process, and no other, may work on until the value is dropped or the process ends.
#[derive(Debug)]
pub struct TakenRun {
    run: RunFolder,
    _lock: fs::File,
}

/// One start of the program on a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Seconds since 1970.
    pub started_unix: u64,
    /// Name of the experiment.
    pub experiment: String,
    /// Version of the program.
    pub version: String,
    /// Revision of its source, or `unknown`.
    pub revision: String,
    /// The device, for example `cpu`.
    pub device: String,
    /// Trials trained at once.
    pub workers: usize,
    /// Threads of the processor that were used.
    pub threads: usize,
}

/// One arm with one seed as the ledger holds it.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What it is.
    pub plan: PlannedArm,
    /// Its finished trials, by id.
    pub search: Vec<Trial>,
    /// Finished trainings of its winner, by id.
    pub retraining: Vec<Trial>,
}

impl RunFolder {
    /// Founds an experiment in `folder`, or opens the one there if it was founded with the same studies (invariant L2), and
    /// takes the folder for this process. What only describes them may have changed, and is kept as it is now. `store` is the
    /// place of its ledger: an address, or the path of a file; by default a file in the folder.
    ///
    /// The ledger is made before the first experiment is written down: from then on one that is not there was lost.
    pub fn found(folder: &Path, resolved: Resolved, store: Option<&str>) -> Result<TakenRun, ExperimentError> {
        let unwritable = |source| ExperimentError::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(unwritable)?;
        let lock = lock(folder)?;
        let path = file(folder, &resolved.name);
        if path.exists() {
            let founded = founding(&read(folder, &resolved.name)?);
            if let Some((line, there, here)) = first_difference(&founded, &founding(&resolved)) {
                return Err(ExperimentError::OtherExperiment { path, line, there, here });
            }
        }
        let founded = path.exists() || RunFolder::experiments(folder).is_ok();
        let chosen = place::choose(folder, store)?;
        let run = RunFolder { folder: folder.to_owned(), resolved, store: chosen.store.clone() };
        if founded {
            run.studies(&run.store)?;
        } else {
            patiently(|| Ok(run.store.make()?))?;
        }
        chosen.note(folder)?;
        let draft = folder.join(".founding.part");
        fs::write(&draft, text(&run.resolved)).and_then(|()| fs::rename(&draft, &path)).map_err(unwritable)?;
        Ok(TakenRun { run, _lock: lock })
    }

    /// The names of the experiments in `folder`, sorted; at least one. Other files that end in `.ron` are passed over with a
    /// warning; those that a session worked on are none of them, even if they cannot be read any more.
    pub fn experiments(folder: &Path) -> Result<Vec<String>, ExperimentError> {
        let unreadable = |source| ExperimentError::Read { path: folder.to_owned(), source };
        let begun: BTreeSet<String> = sessions(folder).into_iter().map(|session| session.experiment).collect();
        let (mut names, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.extension().is_some_and(|ending| ending == "ron") {
                match read(folder, &name) {
                    Err(error) if !begun.contains(&name) => others.push(error),
                    Ok(_) | Err(_) => names.push(name),
                }
            }
        }
        if names.is_empty() {
            return Err(others.pop().unwrap_or_else(|| ExperimentError::NoRun { folder: folder.to_owned() }));
        }
        others.iter().for_each(|error| tracing::warn!("passed over, since it is no experiment of this run: {error}"));
        names.sort();
        Ok(names)
    }

    /// Opens an experiment to work on it, and takes the folder for this process.
    ///
    /// # Errors
    /// When its ledger is gone, which was made when it was founded.
    pub fn resume(folder: &Path, name: &str) -> Result<TakenRun, ExperimentError> {
        let run = RunFolder::open(folder, name)?;
        let lock = lock(folder)?;
        run.studies(&run.store)?;
        Ok(TakenRun { run, _lock: lock })
    }

    /// Opens an experiment to look at it, while others may work on it.
    pub fn open(folder: &Path, name: &str) -> Result<RunFolder, ExperimentError> {
        let resolved = read(folder, name)?;
        Ok(RunFolder { folder: folder.to_owned(), resolved, store: RunFolder::store_of(folder)? })
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The experiment.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Where the run's ledger is.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where the ledger of the run in `folder` is.
    ///
    /// # Errors
    /// When what the folder says of it is no place of a ledger.
    pub fn store_of(folder: &Path) -> Result<Store, ExperimentError> {
        place::of(folder)
    }

    /// Where its trainings are kept while they are under way.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join(CHECKPOINTS)
    }

    /// Where the weights of its retrained networks are kept: `STUDY/trial-TRIAL-HASH.safetensors`, a plus sign for each slash in
    /// the study's name, and a hash of what founds the study.
    pub fn weights(&self) -> PathBuf {
        self.folder.join("weights")
    }

    /// Where its report belongs.
    pub fn report_folder(&self) -> PathBuf {
        self.folder.join(&self.resolved.name)
    }

    /// What the ledger holds now, for each arm and seed; arms that have not begun are empty.
    ///
    /// # Errors
    /// When the ledger is gone, or none of the run's trials are in it although there was a report of them.
    pub fn arms(&self) -> Result<Vec<Arm>, ExperimentError> {
        let store = self.store.clone().giving_up_after(PATIENCE);
        let studies = self.studies(&store)?;
        let begun = self.resolved.arms.iter().any(|arm| studies.contains(&arm.search.name));
        if !begun && self.report_folder().join(RESULTS).exists() {
            let (folder, place) = (self.report_folder(), store.to_string());
            return Err(ExperimentError::OtherTrials { folder, place });
        }
        let trials = |study: &str| if studies.contains(study) { trials(&store, study) } else { Ok(Vec::new()) };
        let arm = |plan: &PlannedArm| {
            let search = plan.own(&trials(&plan.search.name)?);
            let retraining = match plan.retraining_study(&search) {
                Some(study) => trials(&study.name)?,
                None => Vec::new(),
            };
            Ok(Arm { plan: plan.clone(), search, retraining })
        };
        self.resolved.arms.iter().map(arm).collect()
    }

    /// The names of all studies of the ledger, which is there since the run was founded.
    fn studies(&self, store: &Store) -> Result<BTreeSet<String>, ExperimentError> {
        match store.studies() {
            Ok(studies) => Ok(studies.into_iter().map(|study| study.name).collect()),
            Err(error @ (LedgerError::Missing { .. } | LedgerError::Empty { .. })) => {
                Err(ExperimentError::LedgerGone { folder: self.folder.clone(), reason: error.to_string() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Every session so far; a line that a power cut tore is passed over.
    pub fn sessions(&self) -> Vec<Session> {
        sessions(&self.folder)
    }
}

impl TakenRun {
    /// Notes that a session begins.
    pub fn begin(&self, session: &Session) -> Result<(), ExperimentError> {
        let path = self.folder.join(SESSIONS);
        let line = serde_json::to_string(session).expect("a session holds only text and numbers");
        let file = fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| writeln!(file, "{line}")).map_err(|source| ExperimentError::Write { path, source })
    }
}

impl Deref for TakenRun {
    type Target = RunFolder;

    fn deref(&self) -> &RunFolder {
        &self.run
    }
}

/// Reads an experiment of a folder. One that an older build wrote may be none for this one, so that build is named.
fn read(folder: &Path, name: &str) -> Result<Resolved, ExperimentError> {
    let path = file(folder, name);
    let resolved: Resolved = read_ron(&path).map_err(|error| match (error, founder(folder, name)) {
        (ExperimentError::Syntax { path, line, column, message }, Some(Session { version, revision, .. })) => {
            let message = format!("{message} (it was begun by hnas {version} of revision {revision})");
            ExperimentError::Syntax { path, line, column, message }
        }
        (error, _) => error,
    })?;
    if resolved.name != name {
        let message = format!("the experiment in it is called {:?}, which would be another file", resolved.name);
        return Err(ExperimentError::Invalid { path, message });
    }
    Ok(resolved)
}

/// The first session that worked on an experiment.
fn founder(folder: &Path, name: &str) -> Option<Session> {
    sessions(folder).into_iter().find(|session| session.experiment == name)
}

fn sessions(folder: &Path) -> Vec<Session> {
    let text = fs::read_to_string(folder.join(SESSIONS)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The finished trials of a study, by id.
fn trials(store: &Store, study: &str) -> Result<Vec<Trial>, ExperimentError> {
    let mut trials = store.read(study)?.results(0)?;
    trials.sort_by_key(|trial| trial.proposal.id);
    Ok(trials)
}

/// Takes a run for this process until the file that is returned is dropped or the process ends, however it ends.
fn lock(folder: &Path) -> Result<fs::File, ExperimentError> {
    let path = folder.join(LOCK);
    let file = fs::File::create(&path).map_err(|source| ExperimentError::Write { path: path.clone(), source })?;
    // A process that was just killed may hold it for a moment longer, while the system takes its memory back.
    let given_up = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < given_up => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(fs::TryLockError::WouldBlock) => return Err(ExperimentError::Busy { folder: folder.to_owned() }),
            Err(fs::TryLockError::Error(source)) => return Err(ExperimentError::Write { path, source }),
        }
    }
}

/// What an experiment may not change once a folder is founded with it: its arms, without what only describes them.
fn founding(resolved: &Resolved) -> String {
    let mut arms = resolved.arms.clone();
    arms.iter_mut().for_each(|arm| arm.description.clear());
    ron::ser::to_string_pretty(&arms, ron::ser::PrettyConfig::new().struct_names(false))
        .expect("arms hold only plain data, which RON can always write")
}

/// The first line, from 1, in which two texts differ, and what each has there.
fn first_difference(there: &str, here: &str) -> Option<(usize, String, String)> {
    let lines = there.lines().count().max(here.lines().count());
    let line = |text: &str, number: usize| text.lines().nth(number).unwrap_or("nothing more").trim().to_owned();
    let number = (0..lines).find(|&number| there.lines().nth(number) != here.lines().nth(number))?;
    Some((number + 1, line(there, number), line(here, number)))
}

/// The file of the experiment `name`.
fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.ron"))
}

fn text(resolved: &Resolved) -> String {
    ron::ser::to_string_pretty(resolved, ron::ser::PrettyConfig::new())
        .expect("an experiment holds only plain data, which RON can always write")
}
