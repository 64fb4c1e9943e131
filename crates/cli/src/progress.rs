//! Shows a run as it goes: a bar with an estimate on a terminal, plain lines otherwise.

use std::collections::{BTreeSet, HashMap};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hnas_engine::Supply;
use hnas_experiment::{Event, Observer, Resolved};
use hnas_ledger::{Outcome, Trial};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

/// How often plain lines tell of a training that is under way.
const PLAIN_EVERY: Duration = Duration::from_secs(30);

/// What is under way. Trainings report from many threads, so all of it is behind one lock.
pub(crate) struct Progress {
    terminal: Option<MultiProgress>,
    state: Mutex<State>,
}

struct State {
    /// Searches and retrainings; of the latter there are fewer where several arms have the same winner.
    studies: usize,
    some_may_be_shared: bool,
    begun: usize,
    ongoing: HashMap<String, Ongoing>,
}

struct Ongoing {
    /// From its first training on.
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Instant,
    trials: u64,
    finished: u64,
    finished_before: u64,
    steps_of_trial: u64,
    /// Steps done of each trial that is in training.
    steps: HashMap<u64, u64>,
    steps_of_run: HashMap<u64, (usize, u64)>,
    best: Option<f64>,
}

impl Progress {
    pub(crate) fn new(resolved: &Resolved) -> Progress {
        let terminal = std::io::stderr().is_terminal().then(MultiProgress::new);
        let searches: BTreeSet<&str> = resolved.arms.iter().map(|arm| arm.search.name.as_str()).collect();
        let retrained = resolved.arms.iter().filter(|arm| arm.retraining.is_some()).count();
        let state = State {
            studies: searches.len() + retrained,
            some_may_be_shared: searches.len() < resolved.arms.len(),
            begun: 0,
            ongoing: HashMap::new(),
        };
        Progress { terminal, state: Mutex::new(state) }
    }

    fn line(&self, text: &str) {
        match &self.terminal {
            // A bar that cannot be drawn over is no reason to stop a search.
            Some(terminal) => drop(terminal.println(text)),
            // Nor is a closed standard error.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }
}

impl Observer for Progress {
    fn on(&self, name: &str, event: Event<'_>) {
        let Ok(mut state) = self.state.lock() else { return };
        match event {
            Event::Begun { trials, finished, steps_of_trial } => {
                state.begun += 1;
                let resumed =
                    if finished > 0 { format!(", {finished} of them finished earlier") } else { String::new() };
                let of = if state.some_may_be_shared { " of at most " } else { "/" };
                self.line(&format!("[{}{of}{}] {name}: {trials} trials{resumed}", state.begun, state.studies));
                let now = Instant::now();
                let ongoing = Ongoing {
                    bar: None,
                    started: now,
                    last_line: now,
                    trials,
                    finished,
                    finished_before: finished,
                    steps_of_trial,
                    steps: HashMap::new(),
                    steps_of_run: HashMap::new(),
                    best: None,
                };
                state.ongoing.insert(name.to_owned(), ongoing);
            }
            Event::Trained { trial, run, step, loss } => {
                let Some(study) = state.ongoing.get_mut(name) else { return };
                if study.steps.is_empty() && study.finished == study.finished_before {
                    study.begin(self.terminal.as_ref());
                }
                study.trained(trial, run, step as u64);
                if let Some(bar) = &study.bar {
                    bar.set_position(study.position());
                    bar.set_message(format!("trial {trial} loss {loss:.3}{}", best(study.best)));
                } else if study.last_line.elapsed() >= PLAIN_EVERY {
                    study.last_line = Instant::now();
                    let line = format!("{name}: trial {trial}, step {step}, loss {loss:.3}, {}", study.remaining());
                    self.line(&line);
                }
            }
            Event::Supplied { trial, run, supply } => {
                self.line(&format!("{name}: trial {trial}, run {}: {}", run + 1, photographs(supply)));
            }
            Event::Recorded { trial, finished, trials } => {
                let Some(study) = state.ongoing.get_mut(name) else { return };
                study.recorded(trial, finished);
                let line = format!(
                    "{name}: trial {} ({finished}/{trials}): {}{}, {}",
                    trial.proposal.id.0,
                    outcome(trial),
                    best(study.best),
                    study.remaining()
                );
                if let Some(bar) = &study.bar {
                    bar.set_position(study.position());
                }
                self.line(&line);
            }
            Event::Ended => {
                if let Some(bar) = state.ongoing.remove(name).and_then(|study| study.bar) {
                    bar.finish_and_clear();
                }
            }
            Event::Leased { .. } | Event::Evaluated { .. } => {}
        }
    }
}

impl Ongoing {
    /// The time that is left is reckoned from here on.
    fn begin(&mut self, terminal: Option<&MultiProgress>) {
        self.started = Instant::now();
        let (all, done) = (self.trials * self.steps_of_trial, self.finished * self.steps_of_trial);
        self.bar = terminal.map(|terminal| terminal.add(bar(all, done)));
    }

    fn trained(&mut self, trial: u64, run: usize, step: u64) {
        // Runs of a trial follow each other: earlier ones are whole.
        let (last_run, before) = self.steps_of_run.entry(trial).or_insert((run, 0));
        if *last_run != run {
            *before = self.steps.get(&trial).copied().unwrap_or(0);
            *last_run = run;
        }
        self.steps.insert(trial, *before + step);
    }

    fn recorded(&mut self, trial: &Trial, finished: u64) {
        self.finished = finished;
        self.steps.remove(&trial.proposal.id.0);
        self.steps_of_run.remove(&trial.proposal.id.0);
        if let Outcome::Scored { fitness, .. } = &trial.outcome {
            self.best = Some(self.best.map_or(fitness.get(), |best| best.max(fitness.get())));
        }
    }

    /// Training steps done, of trials times steps of a trial.
    fn position(&self) -> u64 {
        self.finished * self.steps_of_trial + self.steps.values().sum::<u64>()
    }

    fn remaining(&self) -> String {
        let done = self.position() - self.finished_before * self.steps_of_trial;
        let left = (self.trials * self.steps_of_trial).saturating_sub(self.position());
        if done == 0 {
            return "time left unknown".to_owned();
        }
        let seconds = self.started.elapsed().as_secs_f64() / done as f64 * left as f64;
        format!("{} left", HumanDuration(Duration::from_secs_f64(seconds)))
    }
}

fn bar(length: u64, position: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent}% {msg} eta {eta}")
        .expect("the template is fixed and holds only known keys");
    ProgressBar::new(length).with_style(style).with_position(position)
}

fn outcome(trial: &Trial) -> String {
    let parameters = trial.proposal.parameters as f64 / 1e6;
    match &trial.outcome {
        Outcome::Scored { fitness, .. } => format!("{:.2} %, {parameters:.2} M parameters", 100.0 * fitness.get()),
        Outcome::Failed { reason } => format!("failed: {reason}"),
    }
}

/// How photographs came to a training, beside what it would have taken.
fn photographs(supply: &Supply) -> String {
    let decoded = &supply.decoded;
    format!(
        "{} photographs in {:.0} s, {} files damaged; a core decodes {:.0} a second, the training needs {:.1} and waited for them {:.1} s",
        supply.images,
        supply.seconds,
        decoded.damaged.len(),
        supply.decoded_per_core_second,
        supply.needed_per_second(),
        supply.waited_seconds
    )
}

fn best(best: Option<f64>) -> String {
    best.map_or_else(String::new, |best| format!(", best {:.2} %", 100.0 * best))
}

/// Shows one training: a bar on a terminal, a plain line now and then otherwise.
pub(crate) struct StepBar {
    bar: Option<ProgressBar>,
    steps: usize,
    started: Instant,
    last_line: Mutex<Instant>,
}

impl StepBar {
    pub(crate) fn new(steps: usize) -> StepBar {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| bar(steps as u64, 0));
        StepBar { bar, steps, started: now, last_line: Mutex::new(now) }
    }

    pub(crate) fn step(&self, step: usize, loss: f64) {
        if let Some(bar) = &self.bar {
            bar.set_position(step as u64);
            bar.set_message(format!("step {step} loss {loss:.3}"));
            return;
        }
        let Ok(mut last) = self.last_line.lock() else { return };
        if last.elapsed() >= PLAIN_EVERY {
            *last = Instant::now();
            let left = self.started.elapsed().as_secs_f64() / step as f64 * self.steps.saturating_sub(step) as f64;
            let left = HumanDuration(Duration::from_secs_f64(left));
            drop(writeln!(std::io::stderr(), "step {step}/{}, loss {loss:.3}, {left} left", self.steps));
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
