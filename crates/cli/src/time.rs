//! Lengths of time as people write them: `11h30m`, `15m`, `90s`.

use std::time::Duration;

/// Reads a length of time: whole numbers, each with a unit of d, h, m or s, the larger units first.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("write it like 11h30m, 15m or 90s, in days, hours, minutes and seconds, not {text:?}");
    let mut seconds: u64 = 0;
    let (mut rest, mut before) = (text, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = match rest.as_bytes()[digits] {
            b'd' => 86_400,
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return Err(wrong()),
        };
        if unit >= before {
            return Err(wrong());
        }
        seconds = number.checked_mul(unit).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
        (rest, before) = (&rest[digits + 1..], unit);
    }
    if seconds == 0 || seconds > 10 * 365 * 86_400 {
        return Err(format!("a time is between 1s and 3650d, not {text:?}"));
    }
    Ok(Duration::from_secs(seconds))
}

/// The two largest units of a length of time in seconds: `3d 4h`, `12m 5s`, `0.3s`.
pub(crate) fn spoken(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 10.0 {
        return format!("{seconds:.1}s");
    }
    let whole = seconds.round() as u64;
    let (d, h, m, s) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{s}s"),
        (0, 0, _) => format!("{m}m {s}s"),
        (0, _, _) => format!("{h}h {m}m"),
        _ => format!("{d}d {h}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, seconds) in [("11h30m", 41_400), ("15m", 900), ("90s", 90), ("1d1s", 86_401)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "5", "5x", "m", "30m11h", "1m1m", "0s", "-1s", "99999999999999999999s", "9999999d", "1.5h", "5é"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
        let written = [0.25, 9.0, 59.0, 61.0, 3661.0, 90_061.0].map(spoken);
        assert_eq!(written, ["0.2s", "9.0s", "59s", "1m 1s", "1h 1m", "1d 1h"]);
    }
}
