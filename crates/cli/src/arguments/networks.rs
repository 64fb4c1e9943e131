//! What can be typed after the commands that take a genotype or make one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Processor;

/// Train one genotype in any skeleton with any recipe, and score it on held-out images.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: hnas train experiments/cifar10/genotypes/learned-cell.ron --train 5000 --test 1000 --steps 400 --batch 64"
)]
pub(crate) struct Train {
    /// The genotype file, or - for the standard input.
    pub(crate) genotype: PathBuf,
    #[command(flatten)]
    pub(crate) model: Model,
    /// A recipe file (RON); by default the paper's recipe of the search.
    #[arg(long, value_name = "FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// Training steps in place of the recipe's; its learning-rate drops move in proportion.
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,
    /// Images of a step in place of the recipe's.
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<usize>,
    /// Initial learning rate in place of the recipe's.
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// The data set.
    #[arg(long, default_value = "cifar10")]
    pub(crate) dataset: String,
    /// Images to train on, stratified by class.
    #[arg(long, default_value_t = 40_000, value_name = "N")]
    pub(crate) train: usize,
    /// Score on N images held out of the training set (the default, 10,000 of them).
    #[arg(long, value_name = "N", conflicts_with = "test")]
    pub(crate) valid: Option<usize>,
    /// Score on N images of the test set.
    #[arg(long, value_name = "N")]
    pub(crate) test: Option<usize>,
    /// Seed of initial weights, order and augmentation.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Seed of the split.
    #[arg(long, default_value_t = 0)]
    pub(crate) split_seed: u64,
    /// Write the trained weights to this file, which does not exist yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) processor: Processor,
}

/// Score a trained network on test images: weights that `hnas train --weights` wrote, or those of a run's retrained
/// winners. Not of networks that were trained on photographs.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: hnas evaluate runs/laptop/weights/learned-cell+seed-1+trial-1+c0-16/trial-1-*.safetensors"
)]
pub(crate) struct Evaluate {
    /// The file of weights.
    pub(crate) weights: PathBuf,
    /// The data set.
    #[arg(long, default_value = "cifar10")]
    pub(crate) dataset: String,
    /// Images of the test set; by default all.
    #[arg(long, value_name = "N")]
    pub(crate) test: Option<usize>,
    /// Seed of which, as in the data of an experiment.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) split_seed: u64,
    /// Images at once: speed and memory depend on it, the score does not.
    #[arg(long, default_value_t = 250, value_name = "N")]
    pub(crate) batch: usize,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) processor: Processor,
}

/// The network around the cell.
#[derive(Debug, Args)]
pub(crate) struct Model {
    /// small (search model), large, imagenet, or a skeleton file (RON).
    #[arg(long, default_value = "small")]
    pub(crate) skeleton: String,
    /// Width of the first group; all other widths are scaled with it.
    #[arg(long, value_name = "N")]
    pub(crate) c0: Option<usize>,
}

/// Say what a genotype is: its key, the motifs it uses, and what its network costs.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas inspect experiments/cifar10/genotypes/learned-cell.ron --skeleton large --c0 64")]
pub(crate) struct Inspect {
    /// The genotype file, or - for the standard input.
    pub(crate) genotype: PathBuf,
    #[command(flatten)]
    pub(crate) model: Model,
    /// Side of the square input images in pixels; by default 32, and 299 for the imagenet skeleton.
    #[arg(long, value_name = "N")]
    pub(crate) image: Option<usize>,
    /// Print the optimised network's nodes as well.
    #[arg(long, conflicts_with = "json")]
    pub(crate) graph: bool,
    /// Print as well how many images a second some GPUs could train at best, in batches of 256.
    #[arg(long)]
    pub(crate) roofline: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Draw a genotype, its cell and its motifs, as .svg or .dot.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas draw experiments/cifar10/genotypes/learned-cell.ron --out cell.svg")]
pub(crate) struct Draw {
    /// The genotype file, or - for the standard input.
    pub(crate) genotype: PathBuf,
    /// The picture; its ending says which kind.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Draw the pictures that a file lists, genotypes and models, as .svg and on one page.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas pictures experiments/figure2/pictures.ron --out runs/figure2")]
pub(crate) struct Pictures {
    /// The list (RON).
    pub(crate) file: PathBuf,
    /// Folder to write to.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
}

/// Sample random genotypes as RON.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas sample --space hierarchical --seed 1 --count 10 --out genotypes/")]
pub(crate) struct Sample {
    /// hierarchical, flat, or a search space file (RON).
    #[arg(long, default_value = "hierarchical")]
    pub(crate) space: String,
    /// Mutations of the trivial genotype, at most 1000000; 0 gives the trivial genotype itself.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) mutations: usize,
    #[command(flatten)]
    pub(crate) many: Many,
}

/// Mutate a genotype, each time from the given one.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas mutate genotype.ron --seed 7")]
pub(crate) struct Mutate {
    /// The genotype file, or - for the standard input.
    pub(crate) genotype: PathBuf,
    /// How the new operation is drawn.
    #[arg(long, value_enum, default_value_t = Rule::Uniform)]
    pub(crate) rule: Rule,
    #[command(flatten)]
    pub(crate) many: Many,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Rule {
    /// The paper's: the new operation may equal the old one.
    Uniform,
    /// The new operation differs from the old one.
    MustChange,
}

/// How many genotypes, from which seed, to where.
#[derive(Debug, Args)]
pub(crate) struct Many {
    /// Seed of the draws.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many genotypes.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) count: usize,
    /// Folder for one file each (genotype-0001.ron ..), none of which exists yet; by default they follow each other on the standard output.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}
