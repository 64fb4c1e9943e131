//! The files of a report: `report.html`, `results.json`, `figures/*.svg` and their queries.

use std::fs;
use std::io::Write;
use std::path::Path;

use hnas_compiler::genotype_svg;
use tempfile::NamedTempFile;

use crate::correlations::correlations;
use crate::figures::Figures;
use crate::html::report_html;
use crate::results::results_json;
use crate::searches::retrained;
use crate::summary::Summary;
use crate::verdict::judge;
use crate::{Page, ReportError};

/// Writes the report of `page` into `folder`, which is made if need be: `report.html` (one file that needs no other),
/// `results.json` (all numbers, for programs), `figures/*.svg`, and beside each figure the SQL query that gives its data
/// from the run's ledger.
///
/// Each file is written under another name and then renamed, so a reader never sees half of one. Files of an earlier
/// report that this one has too are replaced; others are left.
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write(page: &Page, folder: &Path) -> Result<(), ReportError> {
    let figure_folder = folder.join("figures");
    fs::create_dir_all(&figure_folder).map_err(|source| ReportError::Folder { path: figure_folder.clone(), source })?;
    let summaries: Vec<Summary> = page.arms.iter().map(Summary::of).collect();
    let stem = |(number, summary): (usize, &Summary)| format!("{number}-{}", slug(&summary.arm.name));
    let stems: Vec<String> = (1..).zip(&summaries).map(stem).collect();
    let figures = Figures::of(page, &summaries, &stems);
    let judged = judge(page, &summaries);
    let correlations = correlations(page, &retrained(page));

    for figure in figures.all() {
        put(&figure_folder.join(format!("{}.svg", figure.name)), &figure.svg)?;
        put(&figure_folder.join(format!("{}.sql", figure.name)), &format!("{}\n", figure.sql))?;
    }
    for (summary, stem) in summaries.iter().zip(&stems) {
        for seed in &summary.seeds {
            if let Some(winner) = seed.winner {
                let name = format!("{stem}-seed-{}-winner.svg", seed.seed.seed);
                put(&figure_folder.join(name), &genotype_svg(&winner.proposal.genotype))?;
            }
        }
    }
    put(&folder.join("results.json"), &results_json(page, &summaries, &judged, &correlations))?;
    put(&folder.join("report.html"), &report_html(page, &summaries, &judged, &correlations, &figures))
}

/// A name as part of a file name: lower-case letters, digits and hyphens, at most 60.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().take(60) {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "arm".to_owned() } else { slug.to_owned() }
}

/// Writes a text file. Control characters, which neither XML nor HTML allows, become U+FFFD.
pub(crate) fn put(path: &Path, text: &str) -> Result<(), ReportError> {
    let allowed =
        |c: char| !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')) || matches!(c, '\n' | '\r' | '\t');
    let text: String = text.chars().map(|c| if allowed(c) { c } else { char::REPLACEMENT_CHARACTER }).collect();
    let failed = |source| ReportError::File { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    readable_by_others(&file).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Temporary files are private by default; a report is made to be shared.
#[cfg(unix)]
fn readable_by_others(file: &NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_others(_: &NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
