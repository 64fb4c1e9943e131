//! A run: one folder that holds an experiment at one scale, its ledger and its sessions, and can be carried on for ever.
//!
//! ```text
//! run.ron         the resolved experiment; a folder opens only with the experiment that founded it
//! ledger.sqlite   every trial of every arm: the studies `ARM` and `ARM/retraining`
//! sessions.jsonl  one line each time the run was started: program, revision, device, workers
//! run.lock        locked while a process works on the run
//! ```

use std::fs;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hnas_genome::Genotype;
use hnas_ledger::{Ledger, LedgerError, Outcome, SqliteLedger, Trial, Verdict};
use hnas_search::StrategyPlan;
use serde::{Deserialize, Serialize};

use crate::plan::{Resolved, read_ron};
use crate::study::{Repeats, SearchPlan, Study, Training};
use crate::{ExperimentError, Limits};

const RESOLVED: &str = "run.ron";
const LEDGER: &str = "ledger.sqlite";
const SESSIONS: &str = "sessions.jsonl";
const LOCK: &str = "run.lock";

/// How long a run that another process holds is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A run folder and the experiment that founded it.
#[derive(Clone, Debug)]
pub struct RunFolder {
    folder: PathBuf,
    resolved: Resolved,
}

/// A run folder that this process, and no other, may work on until the value is dropped or the process ends.
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

/// One arm as the ledger holds it.
#[derive(Clone, Debug)]
pub struct Arm {
    /// A sentence about it.
    pub description: String,
    /// Its numbers.
    pub study: Study,
    /// Finished trials of the search, by id.
    pub search: Vec<Trial>,
    /// Finished trainings of the winner, by id.
    pub retraining: Vec<Trial>,
}

impl RunFolder {
    /// Founds a run in `folder`, or opens the one there if it was founded with the same studies (invariant L2), and takes it
    /// for this process.
    pub fn found(folder: &Path, resolved: Resolved) -> Result<TakenRun, ExperimentError> {
        let unwritable = |source| ExperimentError::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(unwritable)?;
        let lock = lock(folder)?;
        let path = folder.join(RESOLVED);
        if path.exists() {
            let run = RunFolder::open(folder)?;
            let studies = |resolved: &Resolved| {
                resolved.arms.iter().map(|(_, study)| study.founding_text()).collect::<Vec<_>>().join("\n")
            };
            let (there, here) = (studies(&run.resolved), studies(&resolved));
            let differs = there.lines().zip(here.lines()).enumerate().find(|(_, (there, here))| there != here);
            if let Some((line, (there, here))) = differs {
                let (there, here) = (there.trim().to_owned(), here.trim().to_owned());
                return Err(ExperimentError::OtherExperiment {
                    folder: folder.to_owned(),
                    line: line + 1,
                    there,
                    here,
                });
            }
            return Ok(TakenRun { run, _lock: lock });
        }
        let draft = folder.join(".run.ron.part");
        fs::write(&draft, text(&resolved)).and_then(|()| fs::rename(&draft, &path)).map_err(unwritable)?;
        Ok(TakenRun { run: RunFolder { folder: folder.to_owned(), resolved }, _lock: lock })
    }

    /// Opens a run to work on it, and takes it for this process.
    pub fn resume(folder: &Path) -> Result<TakenRun, ExperimentError> {
        let run = RunFolder::open(folder)?;
        Ok(TakenRun { run, _lock: lock(folder)? })
    }

    /// Opens a run to look at it, while others may work on it.
    pub fn open(folder: &Path) -> Result<RunFolder, ExperimentError> {
        let path = folder.join(RESOLVED);
        if !path.is_file() {
            return Err(ExperimentError::NoRun { folder: folder.to_owned(), missing: RESOLVED });
        }
        Ok(RunFolder { folder: folder.to_owned(), resolved: read_ron(&path)? })
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The experiment it was founded with.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// The run's ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.join(LEDGER)
    }

    /// What the ledger holds now, for each arm; arms that have not begun are empty.
    pub fn arms(&self) -> Result<Vec<Arm>, ExperimentError> {
        self.resolved
            .arms
            .iter()
            .map(|(description, study)| {
                Ok(Arm {
                    description: description.clone(),
                    study: study.clone(),
                    search: self.trials(study.search_name())?,
                    retraining: self.trials(&study.retraining_name())?,
                })
            })
            .collect()
    }

    fn trials(&self, study: &str) -> Result<Vec<Trial>, ExperimentError> {
        if !self.ledger().is_file() {
            return Ok(Vec::new());
        }
        let mut trials = match SqliteLedger::read(self.ledger(), study) {
            Ok(mut ledger) => ledger.results(0)?,
            Err(LedgerError::UnknownStudy { .. }) => Vec::new(),
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

/// The fittest trial; the older one if several are. Where the study averages over trials of one network, the mean counts.
pub fn winner<'a>(study: &Study, trials: &'a [Trial]) -> Option<&'a Trial> {
    let scored = |trial: &Trial| match &trial.outcome {
        Outcome::Scored { fitness, .. } => Some(fitness.get()),
        Outcome::Failed { .. } => None,
    };
    let fitness = |trial: &Trial| {
        let own = scored(trial)?;
        match study.search.repeats {
            Repeats::Evaluate => Some(own),
            Repeats::Average { .. } => {
                let same = trials.iter().filter(|other| other.proposal.key == trial.proposal.key);
                let trained = same.filter(|other| other.proposal.verdict == Verdict::Evaluate).filter_map(scored);
                let (sum, count) = trained.fold((0.0, 0.0), |(sum, count), fitness| (sum + fitness, count + 1.0));
                Some(if count > 0.0 { sum / count } else { own })
            }
        }
    };
    trials
        .iter()
        .filter_map(|trial| Some((fitness(trial)?, trial)))
        .max_by(|(a, first), (b, second)| a.total_cmp(b).then(second.proposal.id.cmp(&first.proposal.id)))
        .map(|(_, trial)| trial)
}

/// The retraining of a winner as a study: the same genotype, once for each run, each a trial with a seed of its own.
pub fn retraining_study(study: &Study, winner: &Genotype) -> Study {
    let Training { skeleton, recipe, runs } = study.retraining.clone();
    let genotypes = vec![winner.clone()].try_into().expect("one genotype is at least one");
    Study {
        arm: study.retraining_name(),
        strategy: StrategyPlan::Given { genotypes },
        search: SearchPlan {
            evaluations: runs as u64,
            in_flight: runs,
            repeats: Repeats::Evaluate,
            limits: Limits::default(),
        },
        fitness: Training { skeleton, recipe, runs: 1 },
        ..study.clone()
    }
}

fn text(resolved: &Resolved) -> String {
    ron::ser::to_string_pretty(resolved, ron::ser::PrettyConfig::new())
        .expect("an experiment holds only plain data, which RON can always write")
}
