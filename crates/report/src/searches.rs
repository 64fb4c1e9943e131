//! The searches of a page, each once: an arm may be the first trials of another one's search.

use std::collections::BTreeMap;

use hnas_ledger::Trial;
use hnas_search::TrialId;

use crate::statistics::{Sample, sample};
use crate::summary::fitness;
use crate::{Arm, Page, Seed};

/// One search, shown under the arm that holds the most of it.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    /// Place of the arm on the page, from 0.
    pub(crate) place: usize,
    /// Its place among the arms that show a search, from 0: their colours, of which there are few.
    pub(crate) look: usize,
    pub(crate) arm: &'a Arm,
    pub(crate) seed: &'a Seed,
}

/// One genotype of a search, trained in one larger model.
pub(crate) struct Retrained<'a> {
    pub(crate) search: Search<'a>,
    pub(crate) trial: &'a Trial,
    /// Fitness in the search, of the small model.
    pub(crate) fitness: f64,
    pub(crate) model: &'a str,
    pub(crate) study: &'a str,
    pub(crate) parameters: u64,
    /// Accuracies on the test images, and what they come to.
    pub(crate) test: Sample,
}

/// Every search of the page, in the order of the arms that show them. Of arms that share one, that with the most trials
/// shows it, of equal ones that which plans most, then the first.
pub(crate) fn searches(page: &Page) -> Vec<Search<'_>> {
    let mut longest: BTreeMap<&str, Search> = BTreeMap::new();
    let mut found = Vec::new();
    for (place, arm) in page.arms.iter().enumerate() {
        for seed in &arm.seeds {
            let search = Search { place, look: 0, arm, seed };
            if seed.study.is_empty() {
                // A search without a name is nobody else's.
                found.push(search);
                continue;
            }
            let kept = longest.entry(&seed.study).or_insert(search);
            if (seed.trials.len(), seed.planned) > (kept.seed.trials.len(), kept.seed.planned) {
                *kept = search;
            }
        }
    }
    found.extend(longest.into_values());
    found.sort_by_key(|search| (search.place, search.seed.seed));
    for (look, of_arm) in found.chunk_by_mut(|one, next| one.place == next.place).enumerate() {
        of_arm.iter_mut().for_each(|search| search.look = look);
    }
    found
}

/// Every genotype that has both a fitness and results in a larger model; each search, trial and model once, with the
/// trainings of the arm that has most.
pub(crate) fn retrained(page: &Page) -> Vec<Retrained<'_>> {
    let mut all = Vec::new();
    for search in searches(page) {
        let same = |seed: &&Seed| match search.seed.study.is_empty() {
            true => std::ptr::eq(*seed, search.seed),
            false => seed.study == search.seed.study,
        };
        let mut most: BTreeMap<(TrialId, &str), Retrained> = BTreeMap::new();
        for retraining in page.arms.iter().flat_map(|arm| &arm.seeds).filter(same).flat_map(|seed| &seed.retrainings) {
            let trial = search.seed.trials.iter().find(|trial| trial.proposal.id == retraining.trial);
            let Some((trial, fitness)) = trial.and_then(|trial| Some((trial, fitness(trial)?))) else { continue };
            let Some(test) = sample(retraining.runs.iter().filter_map(|run| run.test_accuracy)) else { continue };
            let (model, study) = (retraining.model.as_str(), retraining.study.as_str());
            let found = Retrained { search, trial, fitness, model, study, parameters: retraining.parameters, test };
            match most.get(&(retraining.trial, model)) {
                Some(kept) if kept.test.n >= test.n => {}
                _ => {
                    most.insert((retraining.trial, model), found);
                }
            }
        }
        all.extend(most.into_values());
    }
    all
}

/// The models of a page, in the order in which its arms name them.
pub(crate) fn models(page: &Page) -> Vec<&str> {
    let mut models: Vec<&str> = Vec::new();
    for retraining in page.arms.iter().flat_map(|arm| &arm.seeds).flat_map(|seed| &seed.retrainings) {
        if !models.contains(&retraining.model.as_str()) {
            models.push(&retraining.model);
        }
    }
    models
}
