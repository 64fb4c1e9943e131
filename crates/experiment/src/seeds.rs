//! Seeds: a training's seed is a function of the experiment's seed, what the training is for, its trial and its repeat.

/// What a training is for: searching and retraining never share a random stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To give a candidate its fitness.
    Fitness,
    /// To train the winner of a search anew.
    Retraining,
}

/// The seed of one training: `experiment` is the experiment's seed, `trial` and `run` count from 1.
///
/// Four rounds of SplitMix64 (Steele, Lea, Flood 2014), one for each number that goes in.
pub fn training_seed(experiment: u64, purpose: Purpose, trial: u64, run: usize) -> u64 {
    [purpose as u64, trial, run as u64].into_iter().fold(splitmix(experiment), |state, number| splitmix(state ^ number))
}

fn splitmix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Purpose, training_seed};

    #[test]
    fn seeds_differ_in_every_number() {
        let mut seeds = std::collections::BTreeSet::new();
        for experiment in 0..5 {
            for purpose in [Purpose::Fitness, Purpose::Retraining] {
                for trial in 1..50 {
                    for run in 1..5 {
                        assert!(seeds.insert(training_seed(experiment, purpose, trial, run)));
                    }
                }
            }
        }
    }
}
