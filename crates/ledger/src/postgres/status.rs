//! How a PostgreSQL ledger stands, over all its studies.

use std::time::Duration;

use super::address::Address;
use super::session::Purpose;
use super::{NOW, PostgresLedger};
use crate::LedgerError;
use crate::status::{self, STANDING, STUDIES, Standing, StudyStatus, WORKERS, spoken};

const TABLES: &str = "hnas.";

impl PostgresLedger {
    /// What a worker has to know of every study.
    pub(super) fn all_standing(&mut self) -> Result<Vec<Standing>, LedgerError> {
        self.query(&spoken(STANDING, TABLES, NOW), &[], status::standing)
    }

    /// How every study stands.
    pub(crate) fn status(address: Address, patience: Option<Duration>) -> Result<Vec<StudyStatus>, LedgerError> {
        let mut ledger = PostgresLedger::new(address, "", Purpose::Reading, patience)?;
        ledger.of_newest_format()?;
        let studies = ledger.query(&spoken(STUDIES, TABLES, NOW), &[], status::study)?;
        let workers = ledger.query(&spoken(WORKERS, TABLES, NOW), &[], status::worker)?;
        Ok(status::assemble(studies, workers))
    }
}
