//! Every table of a report as CSV, with each column explained.
//!
//! Accuracies, errors, fitness and shares are parts of one, times seconds, and what is missing is empty. A text stands as
//! it is: a reader that takes cells for formulas must be told that these are none.

mod arms;
mod claims;
mod trials;

use std::fmt::Display;
use std::fs;
use std::path::Path;

use crate::searches::retrained;
use crate::summary::Summary;
use crate::write::put;
use crate::{Page, ReportError};

/// A table and what its columns mean.
pub(crate) struct Table {
    /// Name of its file, without the ending.
    pub(crate) name: &'static str,
    /// What a row is.
    pub(crate) row: &'static str,
    pub(crate) columns: &'static [Column],
    /// Each as long as the columns.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Name, unit (empty for texts and counts), meaning.
type Column = (&'static str, &'static str, &'static str);

/// Writes every table of the report of `page` into `folder`, which is made if need be, as `NAME.csv` in UTF-8 with a
/// header (RFC 4180), and `columns.csv`, which says of every column of every table what it means and in which unit.
///
/// Files of an earlier export are replaced; others are left.
///
/// # Errors
/// When a folder or file cannot be written.
pub fn write_csv(page: &Page, folder: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(folder).map_err(|source| ReportError::Folder { path: folder.to_owned(), source })?;
    let tables = tables(page);
    for table in tables.iter().chain([&explained(&tables)]) {
        put(&folder.join(format!("{}.csv", table.name)), &text(table))?;
    }
    Ok(())
}

/// All tables, in the order of the page.
fn tables(page: &Page) -> Vec<Table> {
    let summaries: Vec<Summary> = page.arms.iter().map(Summary::of).collect();
    let retrained = retrained(page);
    vec![
        claims::scorecard(page, &summaries),
        claims::differences(page),
        claims::published(page),
        claims::facts(page),
        arms::results(&summaries),
        arms::searches(&summaries),
        arms::failures(&summaries),
        arms::correlations(page, &retrained),
        arms::gains(&retrained),
        trials::trials(&summaries),
        trials::trainings(&summaries),
        trials::final_runs(&summaries),
        trials::ancestry(&summaries),
        trials::usage(&summaries),
    ]
}

/// The table that explains the others, and itself.
fn explained(tables: &[Table]) -> Table {
    const COLUMNS: &[Column] = &[
        ("table", "", "name of the file, without .csv"),
        ("row", "", "what a row of the table is"),
        ("column", "", "name of the column"),
        ("unit", "", "unit; empty for texts, identities and counts"),
        ("meaning", "", "what the column holds"),
    ];
    let (name, row) = ("columns", "a column of a table");
    let own = (name, row, COLUMNS);
    let all = tables.iter().map(|table| (table.name, table.row, table.columns)).chain([own]);
    let line = |(name, row, columns): (&str, &str, &'static [Column])| {
        let (name, row) = (name.to_owned(), row.to_owned());
        columns.iter().map(move |(column, unit, meaning)| {
            vec![name.clone(), row.clone(), (*column).to_owned(), (*unit).to_owned(), (*meaning).to_owned()]
        })
    };
    Table { name, row, columns: COLUMNS, rows: all.flat_map(line).collect() }
}

fn text(table: &Table) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = table.columns.iter().map(|(name, ..)| *name);
    let written =
        writer.write_record(header).and_then(|()| table.rows.iter().try_for_each(|row| writer.write_record(row)));
    written.expect("memory can be written to, and each row is as long as the header");
    let bytes = writer.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("only texts were written")
}

/// A cell of what may be missing.
fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A cell of a number; empty when it is missing or not finite.
fn number(value: impl Into<Option<f64>>) -> String {
    cell(value.into().filter(|value| value.is_finite()))
}
