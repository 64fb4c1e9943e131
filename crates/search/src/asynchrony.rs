//! Asynchrony as a number: which results each suggestion may see.
//!
//! The paper's controller adds a child whenever a worker is idle, so its search depends on who happened to finish
//! first. Here an experiment states `in_flight`, the number of trials that may be under way at once (the paper's 200
//! workers). Trial n is bred from exactly the results of trials `1 ..= n - in_flight`, whatever else has finished: given
//! the same outcomes of trials, the same seed gives the same search, however many workers there are and in whatever
//! order they finish. Whether a training gives the same outcome again is another matter, and not decided here.

use std::collections::BTreeMap;

use hnas_genome::Genotype;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use thiserror::Error;

use crate::{FinishedTrial, Strategy, Suggestion, TrialId};

/// How often a suggestion that is turned down is drawn again. Were only one genotype in 200 acceptable, 1 trial in 22,000
/// would still come to an end without one.
pub const MOST_REDRAWS: u32 = 2000;

/// How many trials the suggestion of trial `trial` may see: the results of trials `1 ..= visible(trial, in_flight)`
/// and no others. An `in_flight` of 1 is a search one after the other; 0 means the same, since no trial can see itself.
pub fn visible(trial: TrialId, in_flight: usize) -> u64 {
    trial.0.saturating_sub(in_flight.max(1) as u64)
}

/// The random numbers of the suggestion of trial `trial`: a function of the experiment's `seed` and the trial alone.
///
/// The key holds the seed and this stream's purpose, the nonce holds the trial, so no two trials share numbers, nor do
/// suggestions and trainings that were given the same seed.
pub fn suggestion_rng(seed: u64, trial: TrialId) -> ChaCha8Rng {
    let mut key = *b"########hnas: suggest a genotype";
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(trial.0);
    rng
}

/// A search under way: a strategy, its seed, and the finished trials it has not been shown yet.
///
/// Tell it of finished trials in any order with [`finish`](Search::finish) and ask for genotypes in the order of
/// trials with [`suggest`](Search::suggest). It holds back a result until the first suggestion that may see it.
///
/// Resuming needs no state: build a new one that goes on [`starting_at`](Search::starting_at) the trial after the last
/// that was suggested, and tell it of all finished trials.
pub struct Search {
    strategy: Box<dyn Strategy>,
    seed: u64,
    in_flight: usize,
    /// The trial suggested next.
    next: TrialId,
    /// Trials `1 ..= seen` are part of the strategy.
    seen: u64,
    /// Finished trials that are not part of the strategy yet.
    held: BTreeMap<TrialId, FinishedTrial>,
}

/// A finished trial that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SearchError {
    /// Trials are numbered from 1.
    #[error("there is no trial 0: trials are numbered from 1")]
    TrialZero,
    /// The same trial finished twice.
    #[error("trial {0} finished twice")]
    FinishedTwice(TrialId),
    /// A trial finished that nobody was asked to evaluate.
    #[error("trial {trial} finished, but the next trial to be suggested is only {next}")]
    NotSuggested {
        /// The trial.
        trial: TrialId,
        /// The trial that is suggested next.
        next: TrialId,
    },
}

impl Search {
    /// A search from its first trial on, with the experiment's `seed` and number of trials `in_flight`.
    pub fn new(strategy: Box<dyn Strategy>, seed: u64, in_flight: usize) -> Search {
        Search { strategy, seed, in_flight, next: TrialId(1), seen: 0, held: BTreeMap::new() }
    }

    /// The same search, but trials before `next` were suggested in an earlier life and are not suggested again.
    #[must_use]
    pub fn starting_at(mut self, next: TrialId) -> Search {
        self.next = next.max(self.next);
        self
    }

    /// The trial that [`suggest`](Search::suggest) is about to suggest.
    pub fn next(&self) -> TrialId {
        self.next
    }

    /// Takes in a finished trial, in any order.
    ///
    /// # Errors
    ///
    /// When its id is 0, it finished before, or it was never suggested, here or before [`Search::starting_at`].
    pub fn finish(&mut self, trial: FinishedTrial) -> Result<(), SearchError> {
        let id = trial.id;
        if id.0 == 0 {
            return Err(SearchError::TrialZero);
        }
        if id.0 <= self.seen || self.held.contains_key(&id) {
            return Err(SearchError::FinishedTwice(id));
        }
        if id >= self.next {
            return Err(SearchError::NotSuggested { trial: id, next: self.next });
        }
        self.held.insert(id, trial);
        Ok(())
    }

    /// The next trial and its genotype, or `None` while a trial it has to see is not finished.
    pub fn suggest(&mut self) -> Option<(TrialId, Suggestion)> {
        self.suggest_among(|_| true)
    }

    /// As [`suggest`](Search::suggest), but a genotype that `accept` turns down is thrown away, counted among the
    /// suggestion's `redraws`, and the strategy is asked again, its generator going on. After [`MOST_REDRAWS`] the last one
    /// is suggested, so that a search whose limits nothing satisfies comes to an end.
    pub fn suggest_among(&mut self, accept: impl Fn(&Genotype) -> bool) -> Option<(TrialId, Suggestion)> {
        let visible = visible(self.next, self.in_flight);
        while self.seen < visible {
            let trial = self.held.remove(&TrialId(self.seen + 1))?;
            self.strategy.update(&trial);
            self.seen += 1;
        }
        let trial = self.next;
        let mut rng = suggestion_rng(self.seed, trial);
        let mut suggestion = self.strategy.suggest(trial, &mut rng);
        for _ in 0..MOST_REDRAWS {
            if accept(&suggestion.genotype) {
                break;
            }
            let redraws = suggestion.redraws + 1;
            suggestion = self.strategy.suggest(trial, &mut rng);
            suggestion.redraws += redraws;
        }
        self.next = TrialId(trial.0 + 1);
        Some((trial, suggestion))
    }
}
