//! `hnas data fetch` and `hnas data verify`.

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
            let name = match (name, experiment) {
                (_, Some(file)) => Experiment::load(file)?.dataset().to_owned(),
                (name, None) => name.clone().context("name a data set")?,
            };
            let bar = ProgressBar::no_length();
            let style = ProgressStyle::with_template("{msg} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}")?;
            bar.set_style(style);
            let folder = DataSet::builtin(&name)?.fetch(&root, &mut |progress| {
                bar.set_message(progress.what.to_string());
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            })?;
            bar.finish_and_clear();
            say!("{name}: complete and checked, in {}", folder.display());
        }
        DataAction::Verify { name } => {
            DataSet::builtin(name)?.verify(&root)?;
            say!("{name}: complete and checked, in {}", root.join(name).display());
        }
    }
    Ok(())
}
