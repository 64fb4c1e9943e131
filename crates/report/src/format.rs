//! Numbers as people read them. Every function takes any number, and shows one that is not finite as a dash.

/// Shown for what is not known.
pub(crate) const MISSING: &str = "–";

/// A part of one as a percentage: `93.41 %`.
pub(crate) fn percent(part: f64) -> String {
    finite(part, |part| format!("{:.2} %", 100.0 * part))
}

/// The difference of two parts of one in percentage points, with its sign: `+0.35`.
pub(crate) fn points(difference: f64) -> String {
    finite(difference, |difference| {
        let hundredths = (difference * 10_000.0).round();
        match hundredths {
            0.0 => "0.00".to_owned(),
            _ if hundredths < 0.0 => format!("−{:.2}", -hundredths / 100.0),
            _ => format!("+{:.2}", hundredths / 100.0),
        }
    })
}

/// Mean and spread of parts of one: `93.41 ± 0.12 %`.
pub(crate) fn spread(mean: f64, deviation: Option<f64>) -> String {
    match deviation.filter(|deviation| deviation.is_finite()) {
        Some(deviation) => finite(mean, |mean| format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation)),
        None => percent(mean),
    }
}

/// An interval of parts of one: `93.10 to 93.72 %`.
pub(crate) fn range(low: f64, high: f64) -> String {
    finite(low + high, |_| format!("{:.2} to {:.2} %", 100.0 * low, 100.0 * high))
}

/// A correlation, with two digits and its sign: `+0.83`.
pub(crate) fn correlation(value: f64) -> String {
    finite(value, |value| format!("{value:+.2}").replace('-', "−"))
}

/// A share of all: `12 (31 %)`.
pub(crate) fn share(part: u64, all: u64) -> String {
    if all == 0 { whole(part) } else { format!("{} ({:.0} %)", whole(part), 100.0 * part as f64 / all as f64) }
}

/// A count in thousands or millions with three digits: `812`, `41.2 k`, `0.52 M`, `15.7 M`.
pub(crate) fn quantity(count: f64) -> String {
    finite(count, |count| match count {
        _ if count >= 999.5e6 => format!("{:.2} G", count / 1e9),
        _ if count >= 99.95e6 => format!("{:.0} M", count / 1e6),
        _ if count >= 9.995e6 => format!("{:.1} M", count / 1e6),
        _ if count >= 99_950.0 => format!("{:.2} M", count / 1e6),
        _ if count >= 999.5 => format!("{:.1} k", count / 1e3),
        _ => format!("{count:.0}"),
    })
}

/// A time: `12 s`, `3.4 min`, `1.25 h`.
pub(crate) fn duration(seconds: f64) -> String {
    finite(seconds, |seconds| match seconds {
        _ if seconds >= 3600.0 * 100.0 => format!("{:.0} h", seconds / 3600.0),
        _ if seconds >= 3600.0 => format!("{:.2} h", seconds / 3600.0),
        _ if seconds >= 60.0 => format!("{:.1} min", seconds / 60.0),
        _ if seconds >= 10.0 || seconds <= 0.0 => format!("{seconds:.0} s"),
        _ => format!("{seconds:.1} s"),
    })
}

/// A whole number with thin spaces between thousands: `7 000`.
pub(crate) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        // Four digits need no grouping, five and more do.
        if place > 0 && digits.len() > 4 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 trial`, `2 trials`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", whole(number), if number == 1 { one } else { many })
}

/// Text as printed in plain ASCII, with the signs a page can have.
pub(crate) fn printed(text: &str) -> String {
    text.replace("+-", "±").replace("+/-", "±")
}

/// `show(number)`, or a dash.
fn finite(number: f64, show: impl Fn(f64) -> String) -> String {
    if number.is_finite() { show(number) } else { MISSING.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_sane_digits() {
        assert_eq!(percent(0.93412), "93.41 %");
        assert_eq!(spread(0.9341, Some(0.00118)), "93.41 ± 0.12 %");
        assert_eq!(spread(0.9341, None), "93.41 %");
        assert_eq!([points(0.0035), points(-0.0123), points(-1e-9)], ["+0.35", "−1.23", "0.00"]);
        let counts = [7.0, 41_200.0, 523_411.0, 15_710_000.0, 612e6, 2.5e9].map(quantity);
        assert_eq!(counts, ["7", "41.2 k", "0.52 M", "15.7 M", "612 M", "2.50 G"]);
        assert_eq!(
            [0.0, 0.26, 59.0, 90.0, 4500.0, 1e6].map(duration),
            ["0 s", "0.3 s", "59 s", "1.5 min", "1.25 h", "278 h"]
        );
        assert_eq!([0, 7000, 12345, 1234567].map(whole), ["0", "7000", "12\u{202f}345", "1\u{202f}234\u{202f}567"]);
        assert_eq!([count(1, "trial", "trials"), count(0, "trial", "trials")], ["1 trial", "0 trials"]);
        assert_eq!(
            [range(0.931, 0.9372), correlation(-0.833), share(3, 12)],
            ["93.10 to 93.72 %", "−0.83", "3 (25 %)"]
        );
        assert_eq!(printed("3.75 +- 0.12"), "3.75 ± 0.12");
    }

    #[test]
    fn what_is_not_finite_is_a_dash() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for text in [percent(number), points(number), spread(number, Some(0.1)), quantity(number), duration(number)]
            {
                assert_eq!(text, MISSING);
            }
        }
        assert_eq!(spread(0.5, Some(f64::NAN)), "50.00 %");
    }
}
