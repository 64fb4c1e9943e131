//! A run: experiments at one scale in one folder with one ledger, which can be carried on for ever.
//!
//! ```text
//! NAME.ron        a resolved experiment; a folder goes on only with the experiments that founded it
//! NAME/           its report
//! ledger.sqlite   every trial of every experiment, under the names of [`Study::name`](crate::Study::name)
//! store.txt       where the ledger is, if it is not that file
//! sessions.jsonl  one line each time the program was started on the folder: version, revision, device, workers
//! checkpoints/    trainings that are under way
//! run.lock        locked while a process works on the folder
//! ```
//!
//! Experiments that ask for the same search find its trials in the ledger, so they are trained once.

use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hnas_ledger::{LedgerError, Store, Trial};
use serde::{Deserialize, Serialize};

use crate::ExperimentError;
use crate::plan::read_ron;
use crate::resolved::{PlannedArm, Resolved};

const LEDGER: &str = "ledger.sqlite";
const STORE: &str = "store.txt";
const SESSIONS: &str = "sessions.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const LOCK: &str = "run.lock";

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
    /// takes the folder for this process. `store` is the place of its ledger: an address, or the path of a file; by default a
    /// file in the folder.
    pub fn found(folder: &Path, resolved: Resolved, store: Option<&str>) -> Result<TakenRun, ExperimentError> {
        let unwritable = |source| ExperimentError::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(unwritable)?;
        let lock = lock(folder)?;
        let store = keep_store(folder, store)?;
        let path = file(folder, &resolved.name);
        if path.exists() {
            let run = RunFolder::open(folder, &resolved.name)?;
            if let Some((line, there, here)) = first_difference(&founding(&run.resolved), &founding(&resolved)) {
                return Err(ExperimentError::OtherExperiment { path, line, there, here });
            }
            return Ok(TakenRun { run, _lock: lock });
        }
        let draft = folder.join(".founding.part");
        fs::write(&draft, text(&resolved)).and_then(|()| fs::rename(&draft, &path)).map_err(unwritable)?;
        Ok(TakenRun { run: RunFolder { folder: folder.to_owned(), resolved, store }, _lock: lock })
    }

    /// The names of the experiments in `folder`, sorted; at least one.
    pub fn experiments(folder: &Path) -> Result<Vec<String>, ExperimentError> {
        let unreadable = |source| ExperimentError::Read { path: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.extension().is_some_and(|ending| ending == "ron") {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(ExperimentError::NoRun { folder: folder.to_owned() });
        }
        names.sort();
        Ok(names)
    }

    /// Opens an experiment to work on it, and takes the folder for this process.
    pub fn resume(folder: &Path, name: &str) -> Result<TakenRun, ExperimentError> {
        let run = RunFolder::open(folder, name)?;
        Ok(TakenRun { run, _lock: lock(folder)? })
    }

    /// Opens an experiment to look at it, while others may work on it.
    pub fn open(folder: &Path, name: &str) -> Result<RunFolder, ExperimentError> {
        let resolved = read_ron(&file(folder, name))?;
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
        Ok(place(folder, noted_store(folder)?.as_deref()).parse()?)
    }

    /// Where its trainings are kept while they are under way.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join(CHECKPOINTS)
    }

    /// Where its report belongs.
    pub fn report_folder(&self) -> PathBuf {
        self.folder.join(&self.resolved.name)
    }

    /// What the ledger holds now, for each arm and seed; arms that have not begun are empty.
    pub fn arms(&self) -> Result<Vec<Arm>, ExperimentError> {
        let arm = |plan: &PlannedArm| {
            let search = plan.own(&self.trials(&plan.search.name)?);
            let retraining = match plan.retraining_study(&search) {
                Some(study) => self.trials(&study.name)?,
                None => Vec::new(),
            };
            Ok(Arm { plan: plan.clone(), search, retraining })
        };
        self.resolved.arms.iter().map(arm).collect()
    }

    fn trials(&self, study: &str) -> Result<Vec<Trial>, ExperimentError> {
        let store = self.store.clone().giving_up_after(PATIENCE);
        let mut trials = match store.read(study) {
            Ok(mut ledger) => ledger.results(0)?,
            Err(LedgerError::UnknownStudy { .. } | LedgerError::Missing { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        trials.sort_by_key(|trial| trial.proposal.id);
        Ok(trials)
    }

    /// Every session so far; a line that a power cut tore is passed over.
    pub fn sessions(&self) -> Vec<Session> {
        let text = fs::read_to_string(self.folder.join(SESSIONS)).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
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

/// Notes where the ledger of a folder is, unless that is the file in it, and gives it.
fn keep_store(folder: &Path, asked: Option<&str>) -> Result<Store, ExperimentError> {
    let noted = noted_store(folder)?;
    if let Some(here) = asked.filter(|here| *here != place(folder, None)) {
        // Read first, so that nothing wrong is noted.
        let store: Store = here.parse()?;
        let there = match noted {
            None if !folder.join(LEDGER).exists() => {
                let path = folder.join(STORE);
                fs::write(&path, format!("{here}\n")).map_err(|source| ExperimentError::Write { path, source })?;
                return Ok(store);
            }
            _ => place(folder, noted.as_deref()),
        };
        if there != here {
            let (folder, here) = (folder.to_owned(), here.to_owned());
            return Err(ExperimentError::OtherStore { folder, there, here, noted: STORE });
        }
    }
    Ok(place(folder, noted.as_deref()).parse()?)
}

/// What a folder says of its ledger.
fn noted_store(folder: &Path) -> Result<Option<String>, ExperimentError> {
    let path = folder.join(STORE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ExperimentError::Read { path, source }),
    }
}

/// The place of a folder's ledger, as a person writes it.
fn place(folder: &Path, noted: Option<&str>) -> String {
    noted.map_or_else(|| folder.join(LEDGER).display().to_string(), str::to_owned)
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
