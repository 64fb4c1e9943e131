//! A search on any number of workers in virtual time: how busy they are, and how long it takes.
//!
//! The controller is the real one, with the real rule of what may be proposed when, and the ledger keeps the contract of
//! [`Ledger`](hnas_ledger::Ledger), in memory. Three things are replaced, since a million evaluations would take days
//! with them: no network is assembled (each trial has a key of its own), the fitness is drawn, and genotypes come from
//! random search in a space of a few bytes. None of these decides when a trial may be proposed. An evaluation takes a
//! time that is drawn from a lognormal distribution, and everything that the ledger does takes one fixed time.

mod ledger;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use hnas_compiler::Skeleton;
use hnas_engine::Recipe;
use hnas_genome::{Level, Merge, Primitive, SearchSpace};
use hnas_ledger::{Lease, Ledger, Outcome};
use hnas_search::{Fitness, StrategyPlan, TrialId, suggestion_rng};
use rand::RngExt;

use crate::ExperimentError;
use crate::controller::{Controller, Weighed};
use crate::study::{DataPlan, Limits, Repeats, SearchPlan, Study, Training};
use ledger::{MemoryLedger, STUDY};

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Evaluations of the search.
    pub evaluations: NonZeroU64,
    /// Workers, all alike.
    pub workers: usize,
    /// The search's `in_flight`.
    pub in_flight: usize,
    /// Median seconds of an evaluation, more than 0.
    pub median_seconds: f64,
    /// Standard deviation of the logarithm of an evaluation's seconds, 0 or more.
    pub spread: f64,
    /// Part of the evaluations that fail, 0 to 1, each after a part of its time.
    pub failures: f64,
    /// Seconds from a result until whatever it allows to be proposed can be leased, 0 or more.
    pub latency: f64,
    /// Seed of the times.
    pub seed: u64,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulated {
    /// Seconds from the first lease to the last result.
    pub wall_seconds: f64,
    /// Seconds of evaluation, over all workers.
    pub worked_seconds: f64,
    /// The part of their time that workers evaluated, 0 to 1.
    pub busy: f64,
    /// Seconds a worker had nothing to do, on average.
    pub idle_seconds: f64,
}

/// Something that happens, at a time in microseconds. Of what happens at the same time, results come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Finished { worker: usize },
    Known,
}

/// Simulates a search.
///
/// # Errors
/// When the controller refuses, which would be a fault of this program.
pub fn simulate(load: &Load) -> Result<Simulated, ExperimentError> {
    let mut ledger = MemoryLedger::default();
    let weighed = AtomicU64::new(0);
    let weigh = move |_: &Study, _: &_| {
        let key = weighed.fetch_add(1, Ordering::Relaxed).to_string();
        Ok(Weighed { key, parameters: 0, multiply_adds: 0, refusal: None })
    };
    let mut controller = Controller::weighing(&study(load), Box::new(weigh), &mut ledger)?;
    controller.advance(&mut ledger)?;
    let latency = micros(load.latency);
    let mut events: BinaryHeap<Reverse<(u64, Event)>> = BinaryHeap::new();
    let mut at_work: Vec<Option<(Lease, u64)>> = vec![None; load.workers];
    let mut idle: Vec<usize> = (0..load.workers).rev().collect();
    let (mut now, mut worked, mut wall) = (0, 0, 0);
    while !controller.done() {
        while let Some(worker) = idle.pop() {
            let Some(lease) = ledger.lease("simulated")? else {
                idle.push(worker);
                break;
            };
            let takes = load.evaluation(lease.proposal.id).0;
            at_work[worker] = Some((lease, now));
            events.push(Reverse((now + takes, Event::Finished { worker })));
        }
        let Some(Reverse((time, event))) = events.pop() else { break };
        now = time;
        match event {
            Event::Finished { worker } => {
                if let Some((lease, begun)) = at_work[worker].take() {
                    ledger.record(&lease, &load.evaluation(lease.proposal.id).1)?;
                    worked += now - begun;
                    wall = now;
                }
                idle.push(worker);
                events.push(Reverse((now + latency, Event::Known)));
            }
            Event::Known => drop(controller.advance(&mut ledger)?),
        }
    }
    let [wall_seconds, worked_seconds] = [wall, worked].map(|micros| micros as f64 / 1e6);
    let offered = wall_seconds * load.workers as f64;
    let busy = if offered > 0.0 { worked_seconds / offered } else { 1.0 };
    let idle_seconds = wall_seconds - worked_seconds / load.workers as f64;
    Ok(Simulated { wall_seconds, worked_seconds, busy, idle_seconds })
}

impl Load {
    /// Microseconds of a trial's evaluation, and what comes out; the same whatever the workers.
    fn evaluation(&self, trial: TrialId) -> (u64, Outcome) {
        let mut rng = suggestion_rng(self.seed, trial);
        // Box and Muller 1958.
        let (u, angle): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random::<f64>() * std::f64::consts::TAU);
        let normal = (-2.0 * u.ln()).sqrt() * angle.cos();
        let seconds = self.median_seconds * (self.spread * normal).exp();
        if rng.random::<f64>() < self.failures {
            return (micros(seconds * rng.random::<f64>()), Outcome::Failed { reason: "simulated".to_owned() });
        }
        let fitness = Fitness::new(rng.random::<f64>()).expect("a number from 0 to 1 is finite");
        (micros(seconds), Outcome::Scored { fitness, runs: Vec::new() })
    }
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

/// A search with the shape of `load` and as little else as possible.
fn study(load: &Load) -> Study {
    let cell = Level { motifs: 1, nodes: 2, followed_by: None };
    let space = SearchSpace::new(vec![Primitive::Identity, Primitive::Conv1x1], vec![cell], Merge::Concat);
    Study {
        name: STUDY.to_owned(),
        scale: "simulated".to_owned(),
        seed: load.seed,
        dataset: "none".to_owned(),
        data: DataPlan { train: 0, valid: 0, retrain: 0, test: 0, seed: 0 },
        space: space.expect("two primitives and one edge are a space"),
        strategy: StrategyPlan::Random { mutations: 1 },
        search: SearchPlan {
            evaluations: load.evaluations.get(),
            in_flight: load.in_flight,
            repeats: Repeats::Evaluate,
            limits: Limits::default(),
        },
        fitness: Training {
            skeleton: Skeleton::cifar_small(),
            recipe: Recipe::paper_search(),
            runs: 1,
            photographs: None,
            checkpoint_every: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Load = Load {
        evaluations: NonZeroU64::new(7000).expect("not 0"),
        workers: 200,
        in_flight: 600,
        median_seconds: 60.0,
        spread: 0.3,
        failures: 0.02,
        latency: 1.0,
        seed: 1,
    };

    fn simulated(load: Load) -> Simulated {
        simulate(&load).expect("nothing refuses")
    }

    #[test]
    fn workers_that_never_wait_are_busy_all_the_time() {
        let regular = Load { spread: 0.0, failures: 0.0, latency: 0.0, in_flight: 200, ..MINUTES };
        let found = simulated(regular);
        assert_eq!((found.wall_seconds, found.busy, found.idle_seconds), (35.0 * 60.0, 1.0, 0.0));
        let alone = simulated(Load { workers: 1, in_flight: 1, ..MINUTES });
        // One worker waits for the ledger before each but the first.
        let waited = alone.wall_seconds - alone.worked_seconds;
        assert!((waited - 6999.0).abs() < 0.01, "{waited}");
    }

    #[test]
    fn two_hundred_workers_of_a_minute_are_over_95_percent_busy() {
        let found = simulated(MINUTES);
        assert!(found.busy > 0.95, "{found:?}");
    }

    #[test]
    fn work_does_not_depend_on_the_workers_and_more_in_flight_makes_them_wait_less() {
        let of = |workers, in_flight| simulated(Load { workers, in_flight, ..MINUTES });
        let loads = [of(200, 200), of(200, 300), of(200, 600)];
        assert!(loads.windows(2).all(|pair| pair[0].busy < pair[1].busy), "{loads:?}");
        let worked = of(50, 100).worked_seconds;
        assert!(loads.iter().all(|load| (load.worked_seconds - worked).abs() < 1e-3), "{loads:?}");
        assert_eq!(of(200, 300), loads[1], "again, the same");
    }

    #[test]
    fn workers_beyond_those_in_flight_have_nothing_to_do() {
        let few = simulated(Load { workers: 20, in_flight: 20, ..MINUTES });
        let many = simulated(Load { workers: 200, in_flight: 20, ..MINUTES });
        assert_eq!(few.wall_seconds, many.wall_seconds);
    }
}
