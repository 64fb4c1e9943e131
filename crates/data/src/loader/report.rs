//! What was found in the files that were read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::photo::Kind;

/// Photographs read, by how they were stored, and the files that are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Of three colours.
    pub rgb: u64,
    /// Grey.
    pub grey: u64,
    /// Of four inks.
    pub cmyk: u64,
    /// Files that could not be decoded, and why. Each is named once, however often it was tried.
    pub damaged: BTreeMap<PathBuf, String>,
}

impl Decoded {
    /// Adds what another batch found.
    pub fn add(&mut self, other: Decoded) {
        self.rgb += other.rgb;
        self.grey += other.grey;
        self.cmyk += other.cmyk;
        self.damaged.extend(other.damaged);
    }

    pub(super) fn count(&mut self, kind: Kind) {
        match kind {
            Kind::Rgb => self.rgb += 1,
            Kind::Grey => self.grey += 1,
            Kind::Cmyk => self.cmyk += 1,
        }
    }
}
