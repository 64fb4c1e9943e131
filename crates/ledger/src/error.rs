//! What can go wrong with a ledger. `place` says which: the path of its file, or the address of its database without
//! anything secret.

use hnas_search::TrialId;
use thiserror::Error;

/// Why a ledger could not be opened, read or written.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// Nothing is there to read.
    #[error("there is no ledger at {place}")]
    Missing {
        /// Which ledger.
        place: String,
    },
    /// The path names a folder.
    #[error("{place} is a folder, not the file of a ledger")]
    IsFolder {
        /// The path.
        place: String,
    },
    /// The folder of a new ledger does not exist.
    #[error("no ledger can be made at {place}: there is no folder {folder}")]
    NoFolder {
        /// Which ledger.
        place: String,
        /// The folder that is missing.
        folder: String,
    },
    /// The file could not be opened or made.
    #[error("the ledger {place} cannot be opened: {reason}")]
    CannotOpen {
        /// Which ledger.
        place: String,
        /// What the system says.
        reason: String,
    },
    /// The file is on a file system that several machines share, where SQLite loses data.
    #[error(
        "the ledger {place} is on {kind}, a network file system, on which SQLite loses data: \
         keep it on a local disk of the machine that searches"
    )]
    NetworkFileSystem {
        /// Which ledger.
        place: String,
        /// Name of the file system.
        kind: &'static str,
    },
    /// The file belongs to something else.
    #[error("{place} is not a ledger of hnas: {reason}")]
    Foreign {
        /// The path.
        place: String,
        /// What it is instead.
        reason: String,
    },
    /// The file was made by a later hnas.
    #[error("the ledger {place} has format {found}, this hnas knows formats up to {known}: use the hnas that made it")]
    Newer {
        /// Which ledger.
        place: String,
        /// The format it has.
        found: i64,
        /// The newest format that is known.
        known: i64,
    },
    /// The file is damaged.
    #[error("the ledger {place} is damaged ({reason}): restore it from a copy")]
    Damaged {
        /// Which ledger.
        place: String,
        /// What the database says.
        reason: String,
    },
    /// One trial is damaged, or was edited into something that is not a trial.
    #[error("ledger {place}, study {study}, trial {trial}: {column} is damaged: {reason}")]
    Trial {
        /// Which ledger.
        place: String,
        /// Name of the study.
        study: String,
        /// The trial.
        trial: TrialId,
        /// The column of the table that cannot be read.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file without anything in it, which somebody may be about to make a ledger of.
    #[error("{place} is not a ledger of hnas: the file is empty")]
    Empty {
        /// Which file.
        place: String,
    },
    /// The ledger was opened for reading, or its file cannot be written.
    #[error("the ledger {place} can only be read: its file cannot be written, or it was opened for a report")]
    ReadOnly {
        /// Which ledger.
        place: String,
    },
    /// No room is left.
    #[error("the ledger {place} cannot grow: the disk is full (what was recorded is safe; make room and go on)")]
    Full {
        /// Which ledger.
        place: String,
    },
    /// The system failed to read or write the file. A full disk is sometimes reported like this, too.
    #[error(
        "the ledger {place} could not be read or written: {reason} (its disk may be full or failing; what was recorded \
         is safe)"
    )]
    Io {
        /// Which ledger.
        place: String,
        /// What the database says.
        reason: String,
    },
    /// Somebody else held the lock for too long.
    #[error("the ledger {place} was locked by another process for more than {seconds} s")]
    Busy {
        /// Which ledger.
        place: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another experiment founded the study.
    #[error(
        "study {study} of the ledger {place} was founded by another experiment; they differ first in line {line}\n  \
         founded: {founded}\n  now:     {now}"
    )]
    OtherExperiment {
        /// Which ledger.
        place: String,
        /// Name of the study.
        study: String,
        /// First line that differs, from 1.
        line: usize,
        /// That line of the experiment that founded the study.
        founded: String,
        /// That line of the experiment at hand.
        now: String,
    },
    /// A study to read is not there.
    #[error("the ledger {place} has no study {study}, only: {}", known.join(", "))]
    UnknownStudy {
        /// Which ledger.
        place: String,
        /// Name of the study.
        study: String,
        /// Names of the studies that are there.
        known: Vec<String>,
    },
    /// A proposal leaves out trials.
    #[error("study {study}: trial {trial} was proposed before trial {}", trial.0.saturating_sub(1))]
    Gap {
        /// Name of the study.
        study: String,
        /// The proposal.
        trial: TrialId,
    },
    /// The trial is proposed already, and differently.
    #[error(
        "study {study}: trial {trial} was proposed before with another {difference}: the search is not the one that \
         began this ledger"
    )]
    OtherProposal {
        /// Name of the study.
        study: String,
        /// The trial.
        trial: TrialId,
        /// What differs.
        difference: &'static str,
    },
    /// An outcome for a trial that does not exist.
    #[error("study {study}: there is no trial {trial}")]
    NoTrial {
        /// Name of the study.
        study: String,
        /// The trial.
        trial: TrialId,
    },
    /// A number of an outcome is not finite. It is a failure of the trial and has to be recorded as one.
    #[error("study {study}, trial {trial}: the {field} of run {run} is {value}, not a finite number")]
    NotFinite {
        /// Name of the study.
        study: String,
        /// The trial.
        trial: TrialId,
        /// The run, from 1.
        run: usize,
        /// Which number of it.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// A number does not fit into a column.
    #[error("study {study}: {field} {value} is too large for a ledger, which holds numbers up to {}", i64::MAX)]
    TooLarge {
        /// Name of the study.
        study: String,
        /// What the number is.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A text that not every database can keep.
    #[error("study {study}: the {field} has a NUL character at byte {position}, which no ledger can keep")]
    Nul {
        /// Name of the study.
        study: String,
        /// What the text is.
        field: &'static str,
        /// Where, in bytes from 0.
        position: usize,
    },
    /// A study cannot have this name.
    #[error("{study:?} cannot be the name of a study: {reason}")]
    StudyName {
        /// The name, or its beginning.
        study: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What should say where a ledger is does not.
    #[error("{place} is no place of a ledger: {reason}")]
    Address {
        /// What was given, without anything secret.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A password stands where everybody can read it.
    #[error(
        "a password does not belong into the address of a ledger, where process lists and logs show it: put it into the \
         file that PGPASSFILE names, or into PGPASSWORD"
    )]
    PasswordInAddress,
    /// The file of passwords cannot be used.
    #[error("the passwords in {file} cannot be used: {reason}")]
    PasswordFile {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The database does not answer, or not now.
    #[error("the database {place} is away: {reason}")]
    Away {
        /// Which ledger.
        place: String,
        /// What the system or the database says.
        reason: String,
    },
    /// The database does not let this user in, or do this.
    #[error("the database {place} refuses: {reason}")]
    Refused {
        /// Which ledger.
        place: String,
        /// What the database says.
        reason: String,
    },
    /// The ledger was made by an earlier hnas, and whoever joins it, copies it or asks for its status does not change it.
    #[error("the ledger {place} has format {found}, this needs {known}: open it once with `hnas search`")]
    Older {
        /// Which ledger.
        place: String,
        /// The format it has.
        found: i64,
        /// The format that is needed.
        known: i64,
    },
    /// A study that somebody works on cannot be copied.
    #[error(
        "study {study} of the ledger {place} has {leases} leased trials, whose results would be missing in a copy: stop \
         its workers, and wait until the leases ran out"
    )]
    Leased {
        /// Which ledger.
        place: String,
        /// Name of the study.
        study: String,
        /// How many of its trials are leased.
        leases: i64,
    },
    /// A study is to be copied to where there is one of its name.
    #[error("the ledger {place} has a study {study} already")]
    StudyThere {
        /// Which ledger.
        place: String,
        /// Name of the study.
        study: String,
    },
    /// Anything else that the database says.
    #[error("ledger {place}: {reason}")]
    Database {
        /// Which ledger.
        place: String,
        /// What the database says.
        reason: String,
    },
}

impl LedgerError {
    /// Whether the same operation may succeed later without anybody changing the experiment or the ledger. A worker
    /// keeps its result and tries again.
    pub fn is_transient(&self) -> bool {
        use LedgerError::*;
        match self {
            Busy { .. } | Full { .. } | Io { .. } | Away { .. } => true,
            Missing { .. }
            | IsFolder { .. }
            | NoFolder { .. }
            | CannotOpen { .. }
            | NetworkFileSystem { .. }
            | Foreign { .. }
            | Empty { .. }
            | Newer { .. }
            | Damaged { .. }
            | Trial { .. }
            | ReadOnly { .. }
            | OtherExperiment { .. }
            | UnknownStudy { .. }
            | Gap { .. }
            | OtherProposal { .. }
            | NoTrial { .. }
            | NotFinite { .. }
            | TooLarge { .. }
            | Nul { .. }
            | StudyName { .. }
            | Address { .. }
            | PasswordInAddress
            | PasswordFile { .. }
            | Refused { .. }
            | Older { .. }
            | Leased { .. }
            | StudyThere { .. }
            | Database { .. } => false,
        }
    }
}
