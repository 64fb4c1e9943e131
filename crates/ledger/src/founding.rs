//! Invariant L2: a ledger opens only with the experiment that founded it.

use crate::LedgerError;

/// Compares the text that founded a study with the experiment at hand.
///
/// # Errors
///
/// When they differ: the first line that does, of both.
pub(crate) fn compare(place: &str, study: &str, founded: &str, now: &str) -> Result<(), LedgerError> {
    if founded == now {
        return Ok(());
    }
    let (line, founded, now) = first_difference(founded, now);
    Err(LedgerError::OtherExperiment { place: place.to_owned(), study: study.to_owned(), line, founded, now })
}

/// The first line, from 1, in which two different texts differ, and what each of them has there.
fn first_difference(founded: &str, now: &str) -> (usize, String, String) {
    // Split at line feeds alone, so that a missing last line feed or a carriage return is a difference, too.
    let (mut founded, mut now) = (founded.split('\n'), now.split('\n'));
    let mut line = 1;
    loop {
        match (founded.next(), now.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (a, b) => return (line, show(a), show(b)),
        }
    }
}

/// The line as it is, quoted where what matters of it could not be seen otherwise.
fn show(line: Option<&str>) -> String {
    match line {
        None => "(ends before)".to_owned(),
        Some(line) if line.trim_end() != line || line.is_empty() => format!("{line:?}"),
        Some(line) => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_first_difference_is_found() {
        let check = |a: &str, b: &str, line: usize, founded: &str, now: &str| {
            assert_eq!(first_difference(a, b), (line, founded.to_owned(), now.to_owned()), "{a:?} {b:?}");
        };
        check("seed: 1", "seed: 2", 1, "seed: 1", "seed: 2");
        check("a\n  b: 1,\nc", "a\n  b: 2,\nc", 2, "  b: 1,", "  b: 2,");
        check(" a", "a", 1, " a", "a");
        check("a ", "a", 1, "\"a \"", "a");
        check("a\nb", "a", 2, "b", "(ends before)");
        check("a\n", "a", 2, "\"\"", "(ends before)");
        check("a\r\nb", "a\nb", 1, "\"a\\r\"", "a");
        check("", "a", 1, "\"\"", "a");
    }
}
