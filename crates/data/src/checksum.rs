//! MD5 sums of files: what the makers of these data sets publish. They guard against damage, not against an attacker.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use md5::Digest;
use serde::Deserialize;
use thiserror::Error;

/// An MD5 sum. Reads and prints as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Md5([u8; 16]);

/// A text that is no MD5 sum.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0:?} is not an MD5 sum, which is 32 lower-case hexadecimal digits")]
pub struct Md5Error(String);

impl Md5 {
    /// The sum of some bytes.
    pub fn of(bytes: &[u8]) -> Md5 {
        Md5(md5::Md5::digest(bytes).into())
    }

    /// The sum of all that `reader` gives, read in pieces.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Md5> {
        let mut digest = md5::Md5::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(Md5(digest.finalize().into())),
                Ok(count) => digest.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Md5 {
    type Err = Md5Error;

    fn from_str(text: &str) -> Result<Md5, Md5Error> {
        let wrong = || Md5Error(text.to_string());
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        let mut sum = [0; 16];
        for (byte, digits) in sum.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Md5(sum))
    }
}

impl TryFrom<String> for Md5 {
    type Error = Md5Error;

    fn try_from(text: String) -> Result<Md5, Md5Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_rfc_1321() {
        for (text, sum) in
            [("", "d41d8cd98f00b204e9800998ecf8427e"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0")]
        {
            assert_eq!(Md5::of(text.as_bytes()).to_string(), sum);
            assert_eq!(Md5::of_reader(text.as_bytes()).unwrap(), sum.parse().unwrap());
        }
    }

    #[test]
    fn refuses_what_is_no_sum() {
        for text in ["", "d41d8cd9", "D41D8CD98F00B204E9800998ECF8427E", "g41d8cd98f00b204e9800998ecf8427e"] {
            assert_eq!(text.parse::<Md5>(), Err(Md5Error(text.to_string())));
        }
    }
}
