//! What can be typed after `hnas`, each command with an example. Places of ledgers are read later, since whoever reads
//! arguments repeats those that are wrong, and there may be a password in them.

mod networks;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use self::networks::{Draw, Evaluate, Inspect, Many, Model, Mutate, Pictures, Rule, Sample, Train};
use crate::BUILD;
use crate::time::duration;

/// Neural architecture search with hierarchical representations.
#[derive(Debug, Parser)]
#[command(
    name = "hnas",
    version = BUILD,
    after_help = "Exit codes: 0 when all went well; 1 when nothing was wrong with the input and there is no result; 2 for wrong arguments, files or data; 3 when a ledger lets this program in nowhere, now or later.\nExample: hnas sample --space hierarchical --seed 1 | hnas inspect -"
)]
pub(crate) struct Arguments {
    /// What to log to the standard error, for example `info` or `hnas_ledger=debug`; by default warnings.
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// What was typed. A negative number is a value everywhere, so that what takes the value says which are allowed.
    pub(crate) fn read() -> Arguments {
        let negative = |argument: clap::Arg| {
            let takes_value = !argument.is_positional() && argument.get_action().takes_values();
            argument.allow_negative_numbers(takes_value)
        };
        let typed = Arguments::command().mut_subcommands(|command| command.mut_args(negative)).get_matches();
        Arguments::from_arg_matches(&typed).unwrap_or_else(|error| error.exit())
    }
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
    Evaluate(Evaluate),
    Report(Report),
    Winner(Winner),
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
/// SIGTERM and SIGINT give the leased trials back and end it at once, with exit code 0; a second one kills it. Exit code 3 says
/// that no worker of this build and with this password will be let in: the ledger is of another build or format, or refuses.
/// With exit code 2 something is wrong with the arguments or with this host.
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
    #[command(flatten)]
    pub(crate) processor: Processor,
    /// Networks trained at once on each device; by default one for each core of a CPU, one on a GPU.
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<usize>,
}

/// What to compute on, of a command that trains one network.
#[derive(Debug, Args)]
pub(crate) struct Processor {
    /// auto, cpu, cuda:N or vulkan:N, several GPUs as a list (cuda:0,cuda:1), or cuda:all. auto is the first CUDA device, else
    /// the CPU.
    #[arg(long, default_value = Processor::ANY)]
    pub(crate) device: String,
    /// Threads of the processor; by default all cores.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

impl Processor {
    /// The device where none is asked for.
    pub(crate) const ANY: &str = "auto";
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

/// Name the winners of a run, or give one of them as a genotype file for inspect, draw and train.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples: hnas winner runs/laptop\n          hnas winner runs/laptop --arm hierarchical-evolution --out winner.ron"
)]
pub(crate) struct Winner {
    /// The run folder.
    pub(crate) run: PathBuf,
    /// Print the winner of this arm as RON: the fittest over its seeds.
    #[arg(long, value_name = "NAME")]
    pub(crate) arm: Option<String>,
    /// With --arm: of this seed.
    #[arg(long, value_name = "N", requires = "arm")]
    pub(crate) seed: Option<u64>,
    /// With --arm: write it to this file, which does not exist yet.
    #[arg(long, value_name = "FILE", requires = "arm")]
    pub(crate) out: Option<PathBuf>,
}

/// List, fetch or check data sets. They are kept under HNAS_DATA, else under the user's cache folder.
#[derive(Debug, Args)]
#[command(after_help = "Examples: hnas data list\n          hnas data fetch cifar10")]
pub(crate) struct Data {
    #[command(subcommand)]
    pub(crate) action: DataAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataAction {
    /// Name the data sets, their kind and size, and whether they are there.
    #[command(after_help = "Example: hnas data list")]
    List,
    /// Fetch what is missing, and check all of it.
    #[command(
        after_help = "Examples: hnas data fetch cifar10\n          hnas data fetch --experiment experiments/imagenet/experiment.ron"
    )]
    Fetch {
        /// Name of the data set.
        #[arg(required_unless_present = "experiment")]
        name: Option<String>,
        /// Fetch the data set of this experiment file.
        #[arg(long, value_name = "FILE", conflicts_with = "name")]
        experiment: Option<PathBuf>,
    },
    /// Check size and checksum of every file of records; of photographs their numbers, and that each can be decoded.
    #[command(after_help = "Example: hnas data verify cifar10")]
    Verify {
        /// Name of the data set.
        name: String,
    },
}

/// Say what this machine has and what is missing: devices, threads, data.
///
/// Exit code 1 when nothing can be trained here: no device, or a word in the environment that means nothing. Data that are
/// missing are said, and are no fault of the machine.
#[derive(Debug, Args)]
#[command(after_help = "Example: hnas doctor --json")]
pub(crate) struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
