//! A controller and its workers without machines: workers finish in a random order, and time is a number.

use hnas_genome::{Genotype, SearchSpace};
use hnas_search::{FinishedTrial, Fitness, Search, StrategyPlan, Suggestion, TrialId};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// A whole search to simulate.
pub(crate) struct Simulation<'a> {
    pub(crate) plan: &'a str,
    pub(crate) space: SearchSpace,
    pub(crate) fitness: fn(&Genotype) -> Option<Fitness>,
    pub(crate) trials: u64,
    pub(crate) in_flight: usize,
    pub(crate) seed: u64,
}

impl Simulation<'_> {
    pub(crate) fn search(&self) -> Search {
        let plan: StrategyPlan = ron::from_str(self.plan).unwrap();
        Search::new(plan.build(&self.space).unwrap(), self.seed, self.in_flight)
    }

    /// The trials in the order of their ids, evaluated one by one as soon as they are suggested.
    pub(crate) fn run(&self) -> Vec<(Suggestion, Option<Fitness>)> {
        self.run_with(1, 0)
    }

    /// The same with `workers` that each take the oldest waiting trial and need a random time for it.
    pub(crate) fn run_with(&self, workers: usize, timing: u64) -> Vec<(Suggestion, Option<Fitness>)> {
        let mut search = self.search();
        let mut clock = ChaCha8Rng::seed_from_u64(timing);
        let (mut trials, mut taken) = (Vec::new(), 0);
        // Trials under way with the times at which they will be finished.
        let mut busy: Vec<(u64, TrialId)> = Vec::new();
        let mut now = 0;
        loop {
            while (trials.len() as u64) < self.trials
                && let Some((id, suggestion)) = search.suggest()
            {
                assert_eq!(id.0, trials.len() as u64 + 1, "ids are dense");
                let fitness = (self.fitness)(&suggestion.genotype);
                trials.push((suggestion, fitness));
            }
            while busy.len() < workers && taken < trials.len() as u64 {
                taken += 1;
                busy.push((now + clock.random_range(1..1000_u64), TrialId(taken)));
            }
            let Some(first) = (0..busy.len()).min_by_key(|&place| busy[place]) else { break };
            let (finished, id) = busy.swap_remove(first);
            now = finished;
            search.finish(finished_trial(id, &trials)).unwrap();
        }
        assert_eq!(trials.len() as u64, self.trials, "the search got stuck");
        trials
    }

    /// The best fitness of the whole search.
    pub(crate) fn best(&self) -> Fitness {
        self.run().into_iter().filter_map(|(_, fitness)| fitness).max().unwrap()
    }
}

/// Trial `id` of `trials`, as a search is told of it.
pub(crate) fn finished_trial(id: TrialId, trials: &[(Suggestion, Option<Fitness>)]) -> FinishedTrial {
    let (suggestion, fitness) = &trials[id.0 as usize - 1];
    FinishedTrial { id, genotype: suggestion.genotype.clone(), fitness: *fitness }
}
