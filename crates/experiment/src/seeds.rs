//! Seeds: a training's seed is a function of the experiment's seed, what the training is for, its trial and its repeat.

/// What a training is for, so that searching and retraining never share a random stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Fitness,
    Retraining,
}

/// The seed of one training: `experiment` is the experiment's seed, `trial` and `run` count from 1.
///
/// Four rounds of SplitMix64 (Steele, Lea, Flood 2014), one for each number that goes in.
pub fn training_seed(experiment: u64, retraining: bool, trial: u64, run: usize) -> u64 {
    let purpose = if retraining { Purpose::Retraining } else { Purpose::Fitness };
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
    use super::training_seed;

    #[test]
    fn seeds_differ_in_every_number() {
        let mut seeds = std::collections::BTreeSet::new();
        for experiment in 0..5 {
            for retraining in [false, true] {
                for trial in 1..50 {
                    for run in 1..5 {
                        assert!(seeds.insert(training_seed(experiment, retraining, trial, run)));
                    }
                }
            }
        }
    }
}
