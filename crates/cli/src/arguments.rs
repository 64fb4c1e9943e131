//! What can be typed after `hnas`, each command with an example. Places of ledgers are read later, since whoever reads
//! arguments repeats those that are wrong, and there may be a password in them.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::time::duration;

/// Neural architecture search with hierarchical representations.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example: hnas sample --space hierarchical --seed 1 | hnas inspect -")]
pub(crate) struct Arguments {
    /// What to log to the standard error, for example `info` or `hnas_ledger=debug`.
    #[arg(long, global = true, default_value = "warn", value_name = "FILTER")]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Search(Search),
    Resume(Resume),
    Worker(Worker),
    Status(Status),
    Simulate(Simulate),
    CopyLedger(CopyLedger),
    Train(Train),
    Report(Report),
    Inspect(Inspect),
    Draw(Draw),
    Pictures(Pictures),
    Sample(Sample),
    Mutate(Mutate),
    Data(Data),
    Doctor(Doctor),
}

/// Run an experiment: search, retrain each arm's winner, write the report. Run again, it goes on where it stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas search experiments/cifar10/experiment.ron --scale laptop")]
pub(crate) struct Search {
    /// The experiment file.
    pub(crate) experiment: PathBuf,
    /// Which of the file's scales; by default `laptop` on a CPU and `workstation` on a GPU, or the only one there is.
    #[arg(long)]
    pub(crate) scale: Option<String>,
    /// One seed in place of the scale's.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The run folder; by default runs/SCALE, with -seedN added when --seed is given. Experiments in one folder share their
    /// searches.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Where the ledger is kept: postgres://USER@HOST/DATABASE for workers on any number of hosts (docs/cluster.md), or a
    /// file; by default a file in the run folder.
    #[arg(long, value_name = "PLACE")]
    pub(crate) store: Option<String>,
    /// Networks trained at once by this process, over all devices, in place of --slots on each; 0: it only proposes, for
    /// workers elsewhere (`hnas worker`).
    #[arg(long, value_name = "N", conflicts_with = "slots")]
    pub(crate) workers: Option<usize>,
    /// Print what would run and the hours estimated from steps measured on this device, and run nothing.
    #[arg(long)]
    pub(crate) plan: bool,
    /// With --plan: print JSON.
    #[arg(long, requires = "plan")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// Carry on a run that was interrupted, and write its report.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas resume runs/laptop")]
pub(crate) struct Resume {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// Networks trained at once by this process, as for `hnas search`.
    #[arg(long, value_name = "N", conflicts_with = "slots")]
    pub(crate) workers: Option<usize>,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// Evaluate trials that a search elsewhere proposes, in any study of its ledger. Needs no experiment file.
///
/// SIGTERM and SIGINT give the leased trials back and end it at once, with exit code 0; a second one kills it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples: hnas worker --store postgres://hnas_worker@db.example.org/hnas --device cuda:0 --stop-after 11h30m --idle-exit 15m\n          hnas worker --store runs/laptop/ledger.sqlite"
)]
pub(crate) struct Worker {
    /// The ledger: postgres://USER@HOST/DATABASE, or a file of this machine.
    #[arg(long, value_name = "PLACE")]
    pub(crate) store: String,
    /// Begin no trial after this time, for example 11h30m; those under way are finished.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) stop_after: Option<Duration>,
    /// End after so long without a trial, for example 15m; by default it waits for ever.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) idle_exit: Option<Duration>,
    /// How long a silence is borne before the trial is given to another worker; a heartbeat comes four times as often. By
    /// default 2m on a database and 20s on a file.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) lease: Option<Duration>,
    #[command(flatten)]
    pub(crate) machine: Machine,
}

/// Say how far the searches of a ledger are, and who works on them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples: hnas status runs/laptop\n          hnas status --store postgres://hnas_reader@db.example.org/hnas --watch"
)]
pub(crate) struct Status {
    /// The run folder.
    #[arg(required_unless_present = "store")]
    pub(crate) run: Option<PathBuf>,
    /// The ledger: postgres://USER@HOST/DATABASE, or a file.
    #[arg(long, value_name = "PLACE", conflicts_with = "run")]
    pub(crate) store: Option<String>,
    /// Say it again and again, every 10 s or as often as given, until interrupted.
    #[arg(long, value_name = "TIME", value_parser = duration, num_args = 0..=1, default_missing_value = "10s")]
    pub(crate) watch: Option<Duration>,
    /// Print JSON, with --watch a line each time.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Simulate a search on many workers in virtual time: how busy they are, how long it takes, which `in_flight` to choose.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas simulate --workers 200 --evaluations 7000 --seconds 3600 --spread 0.3")]
pub(crate) struct Simulate {
    /// Numbers of workers, with commas.
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1,8,50,200,1000")]
    pub(crate) workers: Vec<usize>,
    /// Evaluations of the search.
    #[arg(long, value_name = "N", default_value_t = NonZeroU64::new(7000).expect("not 0"))]
    pub(crate) evaluations: NonZeroU64,
    /// Median seconds of an evaluation.
    #[arg(long, value_name = "S", default_value_t = 3600.0)]
    pub(crate) seconds: f64,
    /// Spread of an evaluation's time: the standard deviation of its logarithm. 0.3 means that one in six takes more than
    /// 1.35 times the median.
    #[arg(long, value_name = "SIGMA", default_value_t = 0.3)]
    pub(crate) spread: f64,
    /// Part of the evaluations that fail, each after a time between nothing and its whole.
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    pub(crate) failures: f64,
    /// Seconds from a result until a worker has the trial that it allows to be proposed.
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    pub(crate) latency: f64,
    /// Values of in_flight, as multiples of the workers, with commas.
    #[arg(long, value_name = "X,..", value_delimiter = ',', default_value = "1,1.5,2,3,4")]
    pub(crate) in_flight: Vec<f64>,
    /// Seed of the times.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Copy a whole ledger, all or nothing, between files and databases. Stop its workers first, and work on the copy afterwards.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: hnas copy-ledger runs/laptop/ledger.sqlite postgres://hnas_search@db.example.org/hnas"
)]
pub(crate) struct CopyLedger {
    /// Where it is: a file, or postgres://USER@HOST/DATABASE.
    pub(crate) from: String,
    /// Where to copy it to.
    pub(crate) to: String,
}

/// What to compute on. Results do not depend on the numbers.
#[derive(Debug, Args)]
pub(crate) struct Machine {
    /// auto, cpu, cuda:N or vulkan:N, several GPUs as a list (cuda:0,cuda:1), or cuda:all. auto is the first CUDA device, else
    /// the CPU.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Networks trained at once on each device; by default one for each core of a CPU, one on a GPU.
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<usize>,
    /// Threads of the processor; by default all cores.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// Write the report of a run as far as it is, or its tables as CSV.
#[derive(Debug, Args)]
#[command(after_help = "Examples: hnas report runs/laptop\n          hnas report runs/laptop --csv tables")]
pub(crate) struct Report {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// Folder to write to, a folder for each experiment; by default the run folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Write every table as CSV into this folder, a folder for each experiment, and no page. The table columns.csv there
    /// explains each column.
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    pub(crate) csv: Option<PathBuf>,
}

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
    /// Write the trained weights to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) machine: Machine,
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
    #[arg(long)]
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
    /// Mutations of the trivial genotype; 0 gives the trivial genotype itself.
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
    /// Folder for one file each (genotype-0001.ron ..); by default they follow each other on the standard output.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
}

/// Fetch or check a data set. It is kept under HNAS_DATA, else under the user's cache folder.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas data fetch cifar10")]
pub(crate) struct Data {
    #[command(subcommand)]
    pub(crate) action: DataAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataAction {
    /// Fetch what is missing, and check all of it.
    Fetch {
        /// Name of the data set.
        #[arg(required_unless_present = "experiment")]
        name: Option<String>,
        /// Fetch the data set of this experiment file.
        #[arg(long, value_name = "FILE", conflicts_with = "name")]
        experiment: Option<PathBuf>,
    },
    /// Check sizes and checksums of every file.
    Verify {
        /// Name of the data set.
        name: String,
    },
}

/// Say what this machine has and what is missing: devices, threads, data.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas doctor --json")]
pub(crate) struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
