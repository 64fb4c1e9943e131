//! The charts' style sheet: plain classes, so that any renderer knows them, and a second set of colours for dark mode.

/// Colours of series on white and on the dark ground; all keep a contrast of at least 4.5 there.
const INKS: [(&str, &str); 8] = [
    ("#1d5fd1", "#7cabff"),
    ("#c2410c", "#ff9a62"),
    ("#047857", "#3fcf9b"),
    ("#7e22ce", "#c79bff"),
    ("#be185d", "#ff85b5"),
    ("#0e7490", "#3cc4d8"),
    ("#8a5a05", "#e5b93b"),
    ("#5b6472", "#a3adba"),
];

/// Strokes that tell apart series which share a colour, and all series in a grey print.
const DASHES: [&str; 4] = ["", "9 3", "3 3", "9 3 2 3"];

const LIGHT: &str = "\
.hnas-chart{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.hnas-chart .ground{fill:#ffffff}
.hnas-chart text{font-size:12.5px;fill:#414c5a}
.hnas-chart .title{font-size:14px;font-weight:600;fill:#17202c}
.hnas-chart .grid{stroke:#e3e8ee;stroke-width:1}
.hnas-chart .axis{stroke:#8792a0;stroke-width:1;fill:none}
.hnas-chart .steps{fill:none;stroke-width:2.2;stroke-linejoin:round}
.hnas-chart .ticks{fill:none;stroke-width:1.4}
.hnas-chart .bars{fill:none;stroke-width:3}
.hnas-chart .many{fill:none;stroke-width:3.4;stroke-linecap:round;stroke-opacity:.45}
.hnas-chart .dot{fill-opacity:.62;stroke:none}
";

const DARK: &str = "\
.hnas-chart .ground{fill:#12161c}
.hnas-chart text{fill:#b4becb}
.hnas-chart .title{fill:#eef2f6}
.hnas-chart .grid{stroke:#29323d}
.hnas-chart .axis{stroke:#7b8794}
";

/// The class of a series' colour.
pub(super) fn ink(index: usize) -> String {
    format!("i{}", index % INKS.len() + 1)
}

/// The dash pattern of a line, empty for a solid one.
pub(super) fn dashes(index: usize) -> &'static str {
    DASHES[index % DASHES.len()]
}

/// The whole sheet.
pub(super) fn sheet() -> String {
    let rule = |index: usize, colour: &str| {
        let class = ink(index);
        format!(".hnas-chart .{class}{{stroke:{colour}}}\n.hnas-chart .dot.{class}{{fill:{colour};stroke:none}}\n")
    };
    let light: String = (0..).zip(INKS).map(|(index, (light, _))| rule(index, light)).collect();
    let dark: String = (0..).zip(INKS).map(|(index, (_, dark))| rule(index, dark)).collect();
    format!("{LIGHT}{light}@media screen and (prefers-color-scheme:dark){{\n{DARK}{dark}}}\n")
}
