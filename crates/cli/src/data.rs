//! `hnas data fetch` and `hnas data verify`.

use std::path::Path;

use anyhow::{Context, Result};
use hnas_data::{DataSet, cache_root};
use hnas_experiment::Experiment;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{Data, DataAction};

/// `hnas data`.
pub(crate) fn run(command: &Data) -> Result<()> {
    let root = cache_root()?;
    match &command.action {
        DataAction::Fetch { name, experiment } => {
            if let Some(file) = experiment {
                let experiment = Experiment::load(file)?;
                for name in experiment.datasets() {
                    let dataset = DataSet::builtin(name)?;
                    // What nobody may pass on is asked for when a scale needs it.
                    if dataset.is_by_hand() {
                        say!("{name}: to be brought by hand, for scales that need it");
                    } else {
                        fetch(&dataset, name, &root)?;
                    }
                }
                return Ok(());
            }
            let name = name.as_deref().context("name a data set")?;
            fetch(&DataSet::builtin(name)?, name, &root)?;
        }
        DataAction::Verify { name } => {
            DataSet::builtin(name)?.verify(&root)?;
            say!("{name}: complete and checked, in {}", root.join(name).display());
        }
    }
    Ok(())
}

fn fetch(dataset: &DataSet, name: &str, root: &Path) -> Result<()> {
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}")?);
    let folder = dataset.fetch(root, &mut |progress| {
        bar.set_message(progress.what.to_string());
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    })?;
    bar.finish_and_clear();
    say!("{name}: complete and checked, in {}", folder.display());
    Ok(())
}
