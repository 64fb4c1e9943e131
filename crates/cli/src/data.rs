//! `hnas data list`, `hnas data fetch` and `hnas data verify`.

use std::path::Path;

use anyhow::{Context, Result};
use hnas_data::{DataError, DataSet, cache_root};
use hnas_experiment::Experiment;
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{Data, DataAction};

/// `hnas data`.
pub(crate) fn run(command: &Data) -> Result<()> {
    let root = cache_root()?;
    match &command.action {
        DataAction::List => {
            say!("in {}", root.display());
            for name in DataSet::names() {
                let dataset = DataSet::builtin(name)?;
                let (kind, title) = (kind(&dataset), dataset.title());
                say!("{name:<12} {:<13} {kind:<12} {title}", standing(&dataset, &dataset.find(&root), &root));
            }
        }
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
            let dataset = DataSet::builtin(name)?;
            dataset.verify(&root)?;
            let how = match dataset {
                DataSet::Records(_) => "size and checksum of every file",
                DataSet::Folder(_) => "every photograph decoded",
            };
            say!("{name}: complete and checked ({how}), in {}", root.join(name).display());
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
    say!("{name}: complete, in {}", folder.display());
    Ok(())
}

fn kind(dataset: &DataSet) -> &'static str {
    match dataset {
        DataSet::Records(_) => "in memory",
        DataSet::Folder(_) => "photographs",
    }
}

/// Whether it can be used.
pub(crate) fn standing(dataset: &DataSet, found: &Result<(), DataError>, root: &Path) -> &'static str {
    match found {
        Ok(()) => "complete",
        Err(_) if dataset.folder(root).exists() => "not complete",
        Err(_) if dataset.is_by_hand() => "to be brought",
        Err(_) => "to be fetched",
    }
}
