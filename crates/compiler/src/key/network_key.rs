//! The key itself: 32 bytes, written as 64 hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The identity of a network: SHA-256 of its canonical description, see [`Graph::key`](crate::Graph::key).
///
/// Written, in files too, as 64 lower-case hexadecimal digits; there is one text for each key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NetworkKey([u8; NetworkKey::BYTES]);

impl NetworkKey {
    /// Number of bytes.
    pub const BYTES: usize = 32;

    /// The key of these bytes.
    pub(crate) fn new(bytes: [u8; NetworkKey::BYTES]) -> NetworkKey {
        NetworkKey(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; NetworkKey::BYTES] {
        &self.0
    }
}

impl fmt::Display for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkKey({self})")
    }
}

/// Why a text is not a network key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkKeyError {
    /// Too short or too long.
    #[error("a network key has {} hexadecimal digits, not {found}", 2 * NetworkKey::BYTES)]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that is no lower-case hexadecimal digit.
    #[error("character {position} of a network key is `{found}`, not one of 0-9 and a-f")]
    Digit {
        /// Which character, from 1.
        position: usize,
        /// The character.
        found: char,
    },
}

impl FromStr for NetworkKey {
    type Err = NetworkKeyError;

    fn from_str(text: &str) -> Result<NetworkKey, NetworkKeyError> {
        let found = text.chars().count();
        if found != 2 * NetworkKey::BYTES {
            return Err(NetworkKeyError::Length { found });
        }
        let mut bytes = [0; NetworkKey::BYTES];
        for (index, digit) in text.chars().enumerate() {
            let value = match digit {
                '0'..='9' => digit as u8 - b'0',
                'a'..='f' => digit as u8 - b'a' + 10,
                _ => return Err(NetworkKeyError::Digit { position: index + 1, found: digit }),
            };
            bytes[index / 2] = bytes[index / 2] << 4 | value;
        }
        Ok(NetworkKey(bytes))
    }
}

impl From<NetworkKey> for String {
    fn from(key: NetworkKey) -> String {
        key.to_string()
    }
}

impl TryFrom<String> for NetworkKey {
    type Error = NetworkKeyError;

    fn try_from(text: String) -> Result<NetworkKey, NetworkKeyError> {
        text.parse()
    }
}
