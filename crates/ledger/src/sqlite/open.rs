//! Opening a ledger: every reason not to is found before the file is touched.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior, params};

use super::{SqliteLedger, failure, filesystem};
use crate::{LEASE_TTL, LedgerError, StudyInfo, cells, founding};

/// "hnas" in ASCII: tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x686E_6173;

/// What makes each format from the one before it. Never changed, only added to.
const FORMATS: [&str; 3] = [include_str!("format_1.sql"), include_str!("format_2.sql"), include_str!("format_3.sql")];

/// The newest format.
const FORMAT: i64 = FORMATS.len() as i64;

/// What a file is, by its own marks.
enum Identity {
    /// Nothing in it yet.
    Empty,
    /// A ledger of a format we know.
    Ours(i64),
}

impl SqliteLedger {
    /// Opens the study `study` of the ledger at `path`, founding both if they do not exist. `founding` is the experiment
    /// as text.
    ///
    /// # Errors
    ///
    /// When the study was founded by another experiment (invariant L2), naming the first line that differs; when the
    /// file is not a ledger, damaged, of a newer format, on a network file system, or cannot be opened for writing.
    ///
    /// Network file systems are recognised on Linux alone. Elsewhere nothing is checked: there it is for whoever chooses
    /// the path to keep it on a local disk.
    pub fn open(path: impl AsRef<Path>, study: &str, founding: &str) -> Result<SqliteLedger, LedgerError> {
        cells::check_study(study)?;
        cells::text(study, "founding text", founding)?;
        let ledger = with_tables(path.as_ref(), study)?;
        ledger.found(founding)?;
        Ok(ledger)
    }

    /// Makes the ledger at `path` if it is not there, or brings one of an earlier format forward.
    pub(crate) fn make(path: &Path) -> Result<(), LedgerError> {
        with_tables(path, "").map(drop)
    }

    /// Opens the study `study` of the ledger at `path`, which somebody else founded, to work for it.
    ///
    /// # Errors
    ///
    /// As for [`read`](SqliteLedger::read), and when the ledger has an earlier format or cannot be written.
    pub fn join(path: impl AsRef<Path>, study: &str) -> Result<SqliteLedger, LedgerError> {
        SqliteLedger::for_work(path.as_ref(), study)?.with_study()
    }

    /// Opens the ledger at `path` to work for any of its studies.
    pub(crate) fn join_all(path: &Path) -> Result<SqliteLedger, LedgerError> {
        SqliteLedger::for_work(path, "")
    }

    fn for_work(path: &Path, study: &str) -> Result<SqliteLedger, LedgerError> {
        check_there(path)?;
        let ledger = connect(path, path, OpenFlags::SQLITE_OPEN_READ_WRITE, study)?;
        if ledger.connection.is_readonly(MAIN_DB).map_err(ledger.failure())? {
            return Err(LedgerError::ReadOnly { place: ledger.place() });
        }
        ledger.of_newest_format()
    }

    /// Refuses what whoever founds a study would bring forward first.
    pub(super) fn of_newest_format(self) -> Result<SqliteLedger, LedgerError> {
        let place = self.place();
        match identity(&self.connection, &self.path)? {
            Identity::Ours(FORMAT) => Ok(self),
            Identity::Ours(found) => Err(LedgerError::Older { place, found, known: FORMAT }),
            Identity::Empty => Err(empty(&self.path)),
        }
    }

    /// Opens the study `study` of the ledger at `path` for reading, for a report. It can be read while others write.
    /// SQLite may leave two files beside it, for its log and its shared memory, which the next writer removes.
    ///
    /// # Errors
    ///
    /// When there is no such ledger or study, or the file is not a ledger, damaged, of a newer format, on a network file
    /// system (recognised on Linux alone, as by [`open`](SqliteLedger::open)), or cannot be opened.
    pub fn read(path: impl AsRef<Path>, study: &str) -> Result<SqliteLedger, LedgerError> {
        let path = path.as_ref();
        read(path, study)?.with_study()
    }

    /// The studies of the ledger at `path`, in the order they were founded.
    pub(crate) fn list(path: &Path) -> Result<Vec<StudyInfo>, LedgerError> {
        read(path, "")?.infos()
    }

    fn with_study(self) -> Result<SqliteLedger, LedgerError> {
        if self.studies()?.contains(&self.study) { Ok(self) } else { Err(self.unknown_study()) }
    }

    /// The names of all studies of this ledger, in the order they were founded.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn studies(&self) -> Result<Vec<String>, LedgerError> {
        Ok(self.infos()?.into_iter().map(|info| info.name).collect())
    }

    fn infos(&self) -> Result<Vec<StudyInfo>, LedgerError> {
        infos(&self.connection).map_err(self.failure())
    }

    pub(super) fn unknown_study(&self) -> LedgerError {
        let known = self.studies().unwrap_or_default();
        LedgerError::UnknownStudy { place: self.place(), study: self.study.clone(), known }
    }

    /// Founds the study if it is not there, and compares what founded it.
    fn found(&self, founding: &str) -> Result<(), LedgerError> {
        let sql = "INSERT INTO studies (name, founding, founded) VALUES (?1, ?2, unixepoch('subsec'))
                   ON CONFLICT (name) DO NOTHING";
        self.execute(sql, params![self.study, founding])?;
        let sql = "SELECT founding FROM studies WHERE name = ?1";
        let founded: String = self.scalar(sql, params![self.study])?.ok_or_else(|| self.unknown_study())?;
        founding::compare(&self.place(), &self.study, &founded, founding)
    }

    /// Switches to the write-ahead log. The mode stays with the file, so only the founder has to wait for the lock, and
    /// SQLite does not wait by itself here when several found the same file at once.
    fn keep_a_log(&self) -> Result<(), LedgerError> {
        let started = Instant::now();
        loop {
            let switched = self.connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
            match switched.map_err(self.failure()) {
                Ok(mode) => {
                    let mode: String = mode;
                    if mode == "wal" {
                        return Ok(());
                    }
                    let reason = format!("its file system does not allow a write-ahead log (only {mode})");
                    return Err(LedgerError::CannotOpen { place: self.place(), reason });
                }
                Err(LedgerError::Busy { .. }) if started.elapsed() < failure::BUSY_TIMEOUT => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the tables, or brings those of an earlier format forward, unless another process was faster.
    fn bring_forward(&self) -> Result<(), LedgerError> {
        let make = || -> Result<(), rusqlite::Error> {
            let transaction = rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            for sql in FORMATS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
                transaction.execute_batch(sql)?;
            }
            if found < FORMAT {
                transaction.pragma_update(None, "user_version", FORMAT)?;
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            }
            transaction.commit()
        };
        make().map_err(self.failure())
    }
}

/// Opens a ledger for writing, making its tables if they are not there, whatever its studies.
pub(super) fn with_tables(path: &Path, study: &str) -> Result<SqliteLedger, LedgerError> {
    check_place(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let ledger = connect(path, path, flags, study)?;
    if ledger.connection.is_readonly(MAIN_DB).map_err(ledger.failure())? {
        return Err(LedgerError::ReadOnly { place: ledger.place() });
    }
    ledger.keep_a_log()?;
    match identity(&ledger.connection, path)? {
        Identity::Ours(FORMAT) => {}
        Identity::Ours(_) | Identity::Empty => ledger.bring_forward()?,
    }
    Ok(ledger)
}

/// All studies, in the order they were founded.
pub(super) fn infos(connection: &Connection) -> Result<Vec<StudyInfo>, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT * FROM studies ORDER BY founded, name")?;
    let info = |row: &rusqlite::Row| {
        // Not in earlier formats, which are read as they are.
        let build = match row.get("build") {
            Err(rusqlite::Error::InvalidColumnName(_)) => None,
            other => other?,
        };
        let [name, founding] = [row.get("name")?, row.get("founding")?];
        Ok(StudyInfo { name, founding, founded_unix: row.get("founded")?, build })
    };
    statement.query_map([], info)?.collect()
}

/// Opens a ledger for reading, whatever its studies.
pub(super) fn read(path: &Path, study: &str) -> Result<SqliteLedger, LedgerError> {
    check_there(path)?;
    match connect(path, path, OpenFlags::SQLITE_OPEN_READ_ONLY, study) {
        // In a folder that cannot be written, SQLite cannot share memory with writers. Without a log there is nothing but
        // the file itself to read, and nobody has it open for writing.
        Err(LedgerError::CannotOpen { .. }) if !has_log(path) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            connect(path, &immutable(path), flags, study)
        }
        other => other,
    }
}

fn check_there(path: &Path) -> Result<(), LedgerError> {
    match path.try_exists() {
        Ok(true) => check_place(path),
        Ok(false) => Err(LedgerError::Missing { place: place(path) }),
        Err(error) => Err(LedgerError::CannotOpen { place: place(path), reason: error.to_string() }),
    }
}

fn empty(path: &Path) -> LedgerError {
    LedgerError::Empty { place: place(path) }
}

/// Everything that can be said of a path without opening it.
fn check_place(path: &Path) -> Result<(), LedgerError> {
    if path.is_dir() {
        return Err(LedgerError::IsFolder { place: place(path) });
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(LedgerError::NoFolder { place: place(path), folder: place(folder) });
    }
    match filesystem::network(if path.exists() { path } else { folder }) {
        Some(kind) => Err(LedgerError::NetworkFileSystem { place: place(path), kind }),
        None => Ok(()),
    }
}

/// Opens `file`, which is `path` or another way to write it, and looks what it is without changing it.
fn connect(path: &Path, file: &Path, flags: OpenFlags, study: &str) -> Result<SqliteLedger, LedgerError> {
    let failure = |error| failure::classify(path, error);
    // One connection belongs to one thread at a time, so SQLite needs no lock of its own.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(failure)?;
    connection.busy_timeout(failure::BUSY_TIMEOUT).map_err(failure)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failure)?;
    let identity = identity(&connection, path)?;
    if let (Identity::Empty, true) = (identity, connection.is_readonly(MAIN_DB).map_err(failure)?) {
        return Err(empty(path));
    }
    Ok(SqliteLedger { connection, path: path.to_owned(), study: study.to_owned(), ttl: LEASE_TTL })
}

/// What the file is: refuses what belongs to other programs and to the future.
fn identity(connection: &Connection, path: &Path) -> Result<Identity, LedgerError> {
    let sql =
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
                      (SELECT COUNT(*) FROM sqlite_schema)";
    // One statement, so that another process that makes the tables is seen to have made all or none.
    let marks = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (application, format, tables): (i64, i64, i64) = marks.map_err(|error| failure::classify(path, error))?;
    match (application, format) {
        (APPLICATION_ID, found) if (1..=FORMAT).contains(&found) => Ok(Identity::Ours(found)),
        (APPLICATION_ID, found) => Err(LedgerError::Newer { place: place(path), found, known: FORMAT }),
        (0, 0) if tables == 0 => Ok(Identity::Empty),
        (0, _) => {
            Err(LedgerError::Foreign { place: place(path), reason: "it is a database of another program".to_owned() })
        }
        (other, _) => {
            let reason = format!("it is a database of another program, with application id {other:#x}");
            Err(LedgerError::Foreign { place: place(path), reason })
        }
    }
}

/// Whether there is a write-ahead log with something in it.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0)
}

/// The path as a URI that tells SQLite that nobody changes the file.
fn immutable(path: &Path) -> PathBuf {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    PathBuf::from(format!("file:{escaped}?immutable=1"))
}

fn place(path: &Path) -> String {
    path.display().to_string()
}
