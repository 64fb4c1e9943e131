//! The controller: reads finished trials, lets the strategy breed, and queues what may be evaluated.
//!
//! It keeps nothing that the ledger does not hold: killed at any moment, a new one goes on at the next trial.
//!
//! ```text
//! M = results of the ledger;  Q = its waiting trials            paper section 3
//! while fewer than N trials are proposed:
//!     wait until trials 1 ..= n - in_flight are in M
//!     genotype = strategy.suggest(..)                            a mutated tournament winner; too large ones are drawn again
//!     network known already?                                     policy
//!     push onto Q
//! ```

use std::collections::{BTreeMap, HashMap};

use hnas_compiler::{Program, Shape};
use hnas_genome::Genotype;
use hnas_ledger::{Ledger, Outcome, Proposal, Trial, Verdict};
use hnas_search::{FinishedTrial, Fitness, Search, Suggestion, TrialId, visible};

use crate::evaluate::candidate;
use crate::study::{Limits, Repeats, Study};
use crate::{Candidate, ExperimentError};

/// What a controller has to know of the network of a genotype.
pub(crate) struct Weighed {
    /// Equal for equal networks.
    pub(crate) key: String,
    pub(crate) parameters: u64,
    pub(crate) multiply_adds: u64,
    /// Why it may not be evaluated.
    pub(crate) refusal: Option<String>,
}

/// Weighs the network of a genotype; an error says why it has none.
pub(crate) type Weigh = Box<dyn Fn(&Study, &Genotype) -> Result<Weighed, String> + Send>;

/// One study's controller.
pub struct Controller {
    study: Study,
    weigh: Weigh,
    search: Search,
    /// Sequence number of the last result read.
    last_read: i64,
    /// Finished trials that wait for an earlier one, so that all are taken in by their ids.
    waiting: BTreeMap<TrialId, Trial>,
    /// Trials `1 ..= taken` are finished and taken in.
    taken: u64,
    finished: u64,
    proposed: u64,
    /// What the ledger has not taken yet, having failed.
    unqueued: Option<Proposal>,
    /// Trials of each network, by its key: id, and fitness where it was trained.
    networks: HashMap<String, Vec<(TrialId, Option<Fitness>)>>,
}

impl Controller {
    /// Takes the study up where its ledger stands. `input` is the shape of one training image, cropped.
    pub fn new(study: &Study, input: Shape, ledger: &mut dyn Ledger) -> Result<Controller, ExperimentError> {
        Controller::weighing(study, Box::new(move |study, genotype| weigh(study, genotype, input)), ledger)
    }

    /// The same with another way to weigh networks.
    pub(crate) fn weighing(
        study: &Study,
        weigh: Weigh,
        ledger: &mut dyn Ledger,
    ) -> Result<Controller, ExperimentError> {
        let proposed = ledger.backlog()?.proposed;
        let strategy =
            study.strategy.build(&study.space).map_err(|error| ExperimentError::Strategy(error.to_string()))?;
        let search = Search::new(strategy, study.seed, study.search.in_flight).starting_at(TrialId(proposed + 1));
        Ok(Controller {
            study: study.clone(),
            weigh,
            search,
            last_read: 0,
            waiting: BTreeMap::new(),
            taken: 0,
            finished: 0,
            proposed,
            unqueued: None,
            networks: HashMap::new(),
        })
    }

    /// Reads what has finished since the last call, proposes what may be proposed now, and returns the newly finished.
    pub fn advance(&mut self, ledger: &mut dyn Ledger) -> Result<Vec<Trial>, ExperimentError> {
        let news = self.read(ledger)?;
        self.propose(ledger)?;
        Ok(news)
    }

    /// Reads what has finished since the last call. When the ledger fails, nothing is changed, so it can be called again.
    pub fn read(&mut self, ledger: &mut dyn Ledger) -> Result<Vec<Trial>, ExperimentError> {
        let news = ledger.results(self.last_read)?;
        for trial in &news {
            self.last_read = self.last_read.max(trial.seq);
            self.finished += 1;
            self.waiting.insert(trial.proposal.id, trial.clone());
        }
        while let Some(trial) = self.waiting.remove(&TrialId(self.taken + 1)) {
            self.taken += 1;
            self.take_in(&trial)?;
        }
        Ok(news)
    }

    /// Proposes what may be proposed by what was read. When the ledger fails, it can be called again.
    pub fn propose(&mut self, ledger: &mut dyn Ledger) -> Result<(), ExperimentError> {
        while self.proposed < self.study.search.evaluations {
            if self.unqueued.is_none() {
                let (study, weigh) = (&self.study, &self.weigh);
                let next = self
                    .search
                    .suggest_among(|genotype| within_limits(study, genotype, |genotype| weigh(study, genotype)));
                self.unqueued = next.map(|(id, suggestion)| self.proposal(id, suggestion));
            }
            let Some(proposal) = &self.unqueued else { break };
            ledger.propose(proposal)?;
            self.proposed = proposal.id.0;
            self.unqueued = None;
        }
        Ok(())
    }

    /// The study.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// Trials finished so far.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Whether every trial of the study is finished.
    pub fn done(&self) -> bool {
        self.finished >= self.study.search.evaluations
    }

    fn take_in(&mut self, trial: &Trial) -> Result<(), ExperimentError> {
        let Proposal { id, genotype, key, verdict, .. } = &trial.proposal;
        let recorded = match &trial.outcome {
            Outcome::Scored { fitness, .. } => Some(*fitness),
            Outcome::Failed { .. } => None,
        };
        let trained = recorded.filter(|_| *verdict == Verdict::Evaluate);
        let same = self.networks.entry(key.clone()).or_default();
        same.push((*id, trained));
        let fitness = match self.study.search.repeats {
            Repeats::Evaluate => recorded,
            // What was just trained counts together with the earlier trainings of the same network.
            Repeats::Average { .. } => trained.and_then(|_| mean(same)).or(recorded),
        };
        let finished = FinishedTrial { id: *id, genotype: genotype.clone(), fitness };
        self.search.finish(finished).map_err(|error| ExperimentError::Strategy(error.to_string()))
    }

    fn proposal(&self, id: TrialId, suggestion: Suggestion) -> Proposal {
        let Suggestion { genotype, parent, mutation, redraws } = suggestion;
        let (key, parameters, multiply_adds, same_as, verdict) = match (self.weigh)(&self.study, &genotype) {
            Err(reason) => (String::new(), 0, 0, None, Verdict::Refuse(reason)),
            Ok(Weighed { key, parameters, multiply_adds, refusal }) => {
                let seen = visible(id, self.study.search.in_flight);
                let same: Vec<_> =
                    self.networks.get(&key).into_iter().flatten().filter(|(id, _)| id.0 <= seen).copied().collect();
                let verdict = self.verdict(refusal, &same);
                (key, parameters, multiply_adds, same.first().map(|(id, _)| *id), verdict)
            }
        };
        Proposal { id, genotype, key, parent, mutation, redraws, parameters, multiply_adds, same_as, verdict }
    }

    fn verdict(&self, refusal: Option<String>, same: &[(TrialId, Option<Fitness>)]) -> Verdict {
        if let Some(reason) = refusal {
            return Verdict::Refuse(reason);
        }
        let trained = same.iter().filter(|(_, fitness)| fitness.is_some()).count();
        match self.study.search.repeats {
            Repeats::Average { of } if trained >= of => mean(same).map_or(Verdict::Evaluate, Verdict::Reuse),
            Repeats::Average { .. } | Repeats::Evaluate => Verdict::Evaluate,
        }
    }
}

/// Whether a genotype may be evaluated. Where there is a limit, one that cannot even be assembled is above it.
pub(crate) fn within_limits(
    study: &Study,
    genotype: &Genotype,
    weigh: impl Fn(&Genotype) -> Result<Weighed, String>,
) -> bool {
    study.search.limits == Limits::default() || weigh(genotype).is_ok_and(|found| found.refusal.is_none())
}

/// Assembles and weighs the network of `genotype` in the study's search model, for images of shape `input`.
pub(crate) fn weigh(study: &Study, genotype: &Genotype, input: Shape) -> Result<Weighed, String> {
    let candidate = candidate(genotype, &study.fitness.skeleton, input).map_err(|error| error.to_string())?;
    let (key, total) = (candidate.key.to_string(), &candidate.cost.total);
    let (parameters, multiply_adds) = (total.parameters, total.multiply_adds);
    Ok(Weighed { key, parameters, multiply_adds, refusal: refusal(study, &candidate) })
}

/// Why the cost model refuses a candidate, if it does.
fn refusal(study: &Study, candidate: &Candidate) -> Option<String> {
    let limits = &study.search.limits;
    let total = &candidate.cost.total;
    // Asked for only if there is a limit: a program has to be planned for it.
    let bytes = || -> Option<u64> {
        let (recipe, channels) = (&study.fitness.recipe, candidate.graph.input_shape().channels);
        let crop = Shape::new(channels, recipe.crop(), recipe.crop());
        Some(Program::lower(&candidate.graph, crop).ok()?.training_bytes(recipe.batch()))
    };
    [
        ("trainable parameters", limits.parameters, Some(total.parameters)),
        ("multiply-adds an image", limits.multiply_adds, Some(total.multiply_adds)),
        ("bytes of a training", limits.training_bytes, limits.training_bytes.and_then(|_| bytes())),
    ]
    .into_iter()
    .find_map(|(what, limit, value)| {
        let (limit, value) = limit.zip(value)?;
        (value > limit).then(|| format!("{value} {what}, more than the limit of {limit}"))
    })
}

fn mean(same: &[(TrialId, Option<Fitness>)]) -> Option<Fitness> {
    let scores: Vec<f64> = same.iter().filter_map(|(_, fitness)| fitness.map(Fitness::get)).collect();
    Fitness::new(scores.iter().sum::<f64>() / scores.len() as f64).ok()
}
