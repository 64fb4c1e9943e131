//! The charts' style sheet: plain classes, so that any renderer knows them, and a second set of colours for dark mode.

/// Colours of series on white and on the dark ground. They keep a contrast of 2.9 there, and of any two people with any
/// kind of colour blindness see a difference: see the tests.
const INKS: [(&str, &str); 8] = [
    ("#005cc2", "#6c9ee2"),
    ("#f96700", "#ff602e"),
    ("#00a679", "#47f67c"),
    ("#2e1f6b", "#8c5dee"),
    ("#e15db5", "#e799b1"),
    ("#1d0023", "#e9ffd6"),
    ("#98612f", "#eedf0d"),
    ("#601602", "#91555d"),
];

/// Strokes of lines, one for each colour.
const DASHES: [&str; 8] = ["", "8 3", "2.5 2.5", "9 3 2 3", "14 4", "5 2 1 2 1 2", "4 4", "12 3 4 3"];

const LIGHT: &str = "\
.hnas-chart{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.hnas-chart .ground{fill:#ffffff}
.hnas-chart text{font-size:12.5px;fill:#414c5a}
.hnas-chart .title{font-size:14px;font-weight:600;fill:#17202c}
.hnas-chart .grid{stroke:#e3e8ee;stroke-width:1}
.hnas-chart .axis{stroke:#8792a0;stroke-width:1;fill:none}
.hnas-chart .line{fill:none;stroke-width:2;stroke-linejoin:round}
.hnas-chart .ticks{fill:none;stroke-width:1.4}
.hnas-chart .bars{fill:none;stroke-width:3}
.hnas-chart .range{fill:none;stroke-width:1.3}
.hnas-chart .many{fill:none;stroke-width:3.4;stroke-linecap:round;stroke-opacity:.45}
.hnas-chart .dot{fill-opacity:.72}
.hnas-chart .band{fill-opacity:.16}
";

const DARK: &str = "\
.hnas-chart .ground{fill:#12161c}
.hnas-chart text{fill:#b4becb}
.hnas-chart .title{fill:#eef2f6}
.hnas-chart .grid{stroke:#29323d}
.hnas-chart .axis{stroke:#7b8794}
.hnas-chart .band{fill-opacity:.24}
";

/// The class of a series' colour.
pub(super) fn ink(look: usize) -> String {
    format!("i{}", look % INKS.len() + 1)
}

/// The dashes of a line; `None` for a solid one.
pub(super) fn dashes(look: usize) -> Option<&'static str> {
    Some(DASHES[look % DASHES.len()]).filter(|dashes| !dashes.is_empty())
}

/// The whole sheet.
pub(super) fn sheet() -> String {
    let rule = |look: usize, colour: &str| {
        let class = ink(look);
        format!(
            ".hnas-chart .{class}{{stroke:{colour}}}\n.hnas-chart .dot.{class},.hnas-chart .band.{class}{{fill:{colour};stroke:none}}\n"
        )
    };
    let light: String = (0..).zip(INKS).map(|(look, (light, _))| rule(look, light)).collect();
    let dark: String = (0..).zip(INKS).map(|(look, (_, dark))| rule(look, dark)).collect();
    format!("{LIGHT}{light}@media screen and (prefers-color-scheme:dark){{\n{DARK}{dark}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Linear = [f64; 3];

    /// What eyes without one kind of cone see, over linear RGB (Machado, Oliveira and Fernandes 2009, severity 1): none,
    /// then the red, the green and the blue one missing.
    const EYES: [[Linear; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ];

    fn linear(colour: &str) -> Linear {
        [1, 3, 5].map(|at| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn dot(a: Linear, b: Linear) -> f64 {
        a.into_iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn luminance(colour: Linear) -> f64 {
        dot([0.2126, 0.7152, 0.0722], colour)
    }

    /// CIE L*a*b*, in which a distance of 2 is just visible side by side.
    fn lab(colour: Linear) -> Linear {
        let f = |t: f64| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let x = f(dot([0.4124, 0.3576, 0.1805], colour) / 0.9505);
        let (y, z) = (f(luminance(colour)), f(dot([0.0193, 0.1192, 0.9505], colour) / 1.089));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn colours_differ_for_every_kind_of_colour_blindness() {
        for scheme in [INKS.map(|(light, _)| light), INKS.map(|(_, dark)| dark)] {
            for (place, one) in scheme.iter().enumerate() {
                for other in &scheme[..place] {
                    for eye in EYES {
                        let seen = |colour: &str| {
                            let colour = linear(colour);
                            lab(eye.map(|row| dot(row, colour).clamp(0.0, 1.0)))
                        };
                        let (a, b) = (seen(one), seen(other));
                        let distance = a.into_iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                        assert!(distance > 20.0, "{one} and {other}: {distance}");
                    }
                }
            }
        }
    }

    #[test]
    fn colours_stand_out_from_the_ground() {
        for (light, dark) in INKS {
            for (ink, ground) in [(light, "#ffffff"), (dark, "#12161c")] {
                let (ink_light, ground_light) = (luminance(linear(ink)) + 0.05, luminance(linear(ground)) + 0.05);
                let contrast = ink_light.max(ground_light) / ink_light.min(ground_light);
                assert!(contrast > 2.9, "{ink} on {ground}: {contrast}");
            }
        }
    }
}
