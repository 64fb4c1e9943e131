//! Reports and exports read back, after checks that hold for every one of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hnas_report::{Page, SCHEMA_VERSION, write, write_csv};
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

/// A report read back, after checks that hold for every report.
pub(crate) struct Report {
    html: Html,
    pub(crate) json: Value,
    pub(crate) figures: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn of(page: &Page) -> Report {
        let folder = tempfile::tempdir().unwrap();
        write(page, folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join("report.html")).unwrap();
        let html = Html::parse_document(&text);
        assert!(html.errors.is_empty(), "{:?}", html.errors);
        let json: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("results.json")).unwrap()).unwrap();
        assert_eq!(json["schema_version"], SCHEMA_VERSION);
        assert_eq!(files(folder.path()), ["figures", "report.html", "results.json"]);
        let figure_folder = folder.path().join("figures");
        let read = |name: String| (name.clone(), fs::read_to_string(figure_folder.join(name)).unwrap());
        let figures: Vec<(String, String)> = files(&figure_folder).into_iter().map(read).collect();
        for (name, svg) in figures.iter().filter(|(name, _)| name.ends_with(".svg")) {
            let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}\n{svg}"));
            assert!(!svg.contains("NaN") && !svg.contains("inf "), "{name}");
            assert_eq!(document.root_element().tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
            assert!(svg.contains("prefers-color-scheme"), "{name} has one colour scheme only");
        }
        let report = Report { html, json, figures };
        report.needs_nothing_else();
        report
    }

    /// No scripts, and no reference to anything outside the page.
    fn needs_nothing_else(&self) {
        assert!(self.all("script, link, img, iframe").is_empty());
        for element in self.all("[href], [src]") {
            let target = element.attr("href").expect("only links refer");
            assert!(
                self.all("[id]").iter().any(|part| target.strip_prefix('#') == part.attr("id")),
                "{target} is nowhere"
            );
        }
    }

    pub(crate) fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&Selector::parse(selector).unwrap()).collect()
    }

    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(|element| element.text().collect::<String>()).collect()
    }

    /// The cells of each row of the tables under `selector`.
    pub(crate) fn rows(&self, selector: &str) -> Vec<Vec<String>> {
        let cell = Selector::parse("td").unwrap();
        let cells = |row: &ElementRef| row.select(&cell).map(|cell| cell.text().collect::<String>()).collect();
        self.all(&format!("{selector} tbody tr")).iter().map(cells).collect()
    }
}

/// Names of all files of a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Every table of an export by name: its header and its rows.
pub(crate) fn tables(page: &Page) -> BTreeMap<String, (Vec<String>, Vec<Vec<String>>)> {
    let folder = tempfile::tempdir().unwrap();
    write_csv(page, folder.path()).unwrap();
    let read = |name: String| {
        let mut reader = csv::Reader::from_path(folder.path().join(&name)).unwrap();
        let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<String>>();
        let header = cells(reader.headers().unwrap());
        // A row that is not as long as the header is an error.
        let rows = reader.records().map(|record| cells(&record.unwrap())).collect();
        (name.strip_suffix(".csv").unwrap().to_owned(), (header, rows))
    };
    files(folder.path()).into_iter().map(read).collect()
}
