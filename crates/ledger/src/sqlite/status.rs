//! How a SQLite ledger stands, over all its studies.

use std::path::Path;

use super::{SqliteLedger, open};
use crate::LedgerError;
use crate::status::{self, STANDING, STUDIES, Standing, StudyStatus, WORKERS, spoken};

const NOW: &str = "unixepoch('subsec')";

impl SqliteLedger {
    /// What a worker has to know of every study.
    pub(super) fn all_standing(&self) -> Result<Vec<Standing>, LedgerError> {
        self.query(&spoken(STANDING, "", NOW), [], status::standing)
    }

    /// How every study stands.
    pub(crate) fn status(path: &Path) -> Result<Vec<StudyStatus>, LedgerError> {
        let ledger = open::read(path, "")?.of_newest_format()?;
        let studies = ledger.query(&spoken(STUDIES, "", NOW), [], status::study)?;
        let workers = ledger.query(&spoken(WORKERS, "", NOW), [], status::worker)?;
        Ok(status::assemble(studies, workers))
    }
}
