//! `cargo xtask screenshots RUN`: opens a report in headless Chromium, as readers see it, and looks for what is wrong.
//!
//! Each view is a width and a way of seeing: desktop and phone, light and dark, and print as eyes without colours see it.
//! A page that is wider than its window, and texts of a drawing that leave it or lie on one another, are errors.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine;
use serde_json::{Value, json};

use crate::Usage;
use crate::browser::Browser;

/// One way to see a page.
struct View {
    name: &'static str,
    width: u32,
    media: &'static str,
    dark: bool,
    grey: bool,
}

const VIEWS: [View; 5] = [
    View { name: "desktop-light", width: 1280, media: "screen", dark: false, grey: false },
    View { name: "desktop-dark", width: 1280, media: "screen", dark: true, grey: false },
    View { name: "phone-light", width: 390, media: "screen", dark: false, grey: false },
    View { name: "phone-dark", width: 390, media: "screen", dark: true, grey: false },
    View { name: "print-grey", width: 794, media: "print", dark: false, grey: true },
];

/// Height of one picture in pixels; a page is cut into as many as it needs.
const HEIGHT: f64 = 2400.0;

/// What is wrong with the page, as sentences. Runs in the page.
const PROBLEMS: &str = r#"(() => {
    const problems = [];
    const wide = document.documentElement.scrollWidth;
    if (wide > window.innerWidth) problems.push(`the page is ${wide} pixels wide, its window ${window.innerWidth}`);
    const words = element => element.textContent.trim().slice(0, 40);
    for (const svg of document.querySelectorAll('svg')) {
        const frame = svg.getBoundingClientRect();
        if (frame.width === 0) continue;
        const name = svg.getAttribute('aria-label') || svg.getAttribute('class');
        const boxes = [...svg.querySelectorAll('text')].map(text => [words(text), text.getBoundingClientRect()]);
        for (const [text, box] of boxes) {
            if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
                problems.push(`${name}: "${text}" leaves the drawing`);
        }
        if (!svg.classList.contains('hnas-chart')) continue;
        boxes.forEach(([text, box], place) => {
            for (const [other, there] of boxes.slice(0, place)) {
                const x = Math.min(box.right, there.right) - Math.max(box.left, there.left);
                const y = Math.min(box.bottom, there.bottom) - Math.max(box.top, there.top);
                if (x > 1 && y > 3) problems.push(`${name}: "${text}" lies on "${other}"`);
            }
        });
    }
    for (const cell of document.querySelectorAll('th, td'))
        if (cell.scrollWidth > cell.clientWidth + 1) problems.push(`a cell is too narrow for "${words(cell)}"`);
    return problems;
})()"#;

/// Reads the arguments, takes the pictures, and fails when a view has problems.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (page, out) = parse(arguments)?;
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let address = format!("file://{}", page.display());
    let mut browser = Browser::start()?;
    let mut problems = Vec::new();
    for view in &VIEWS {
        for problem in take(&mut browser, view, &address, &out)? {
            problems.push(format!("{}: {problem}", view.name));
        }
    }
    if !problems.is_empty() {
        bail!("{} problems in {}:\n  {}", problems.len(), page.display(), problems.join("\n  "));
    }
    eprintln!("xtask: screenshots: {} views in {}: nothing overlaps or is cut off", VIEWS.len(), out.display());
    Ok(())
}

/// The page, and the folder for the pictures.
fn parse(arguments: &[String]) -> Result<(PathBuf, PathBuf)> {
    let mut run = None;
    let mut out = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--out" => out = Some(PathBuf::from(rest.next().ok_or_else(|| Usage("--out needs a value".to_owned()))?)),
            option if option.starts_with('-') => return Err(Usage(format!("there is no option {option:?}")).into()),
            folder if run.is_none() => run = Some(PathBuf::from(folder)),
            extra => return Err(Usage(format!("`screenshots` takes one folder, got {extra:?} as well")).into()),
        }
    }
    let run = run.ok_or_else(|| Usage("`screenshots` needs the folder of a report".to_owned()))?;
    let page = run.join("report.html");
    let page = page.canonicalize().with_context(|| format!("there is no report {}", page.display()))?;
    Ok((page, out.unwrap_or_else(|| run.join("screenshots"))))
}

/// Takes the pictures of one view; gives what is wrong with it.
fn take(browser: &mut Browser, view: &View, address: &str, out: &Path) -> Result<Vec<String>> {
    let scheme = if view.dark { "dark" } else { "light" };
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": view.width < 600 }),
    )?;
    browser.call(
        "Emulation.setEmulatedMedia",
        json!({ "media": view.media, "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
    )?;
    let eyes = if view.grey { "achromatopsia" } else { "none" };
    browser.call("Emulation.setEmulatedVisionDeficiency", json!({ "type": eyes }))?;
    browser.open(address)?;
    let found = browser.call("Runtime.evaluate", json!({ "expression": PROBLEMS, "returnByValue": true }))?;
    let found =
        found["result"]["value"].as_array().with_context(|| format!("the page could not be checked: {found}"))?;
    let problems = found.iter().map(|problem| problem.as_str().unwrap_or_default().to_owned()).collect();

    let metrics = browser.call("Page.getLayoutMetrics", json!({}))?;
    let height = metrics["cssContentSize"]["height"].as_f64().context("the page has no height")?;
    let pieces = (height / HEIGHT).ceil().max(1.0) as u32;
    for piece in 0..pieces {
        let top = f64::from(piece) * HEIGHT;
        let clip = json!({ "x": 0, "y": top, "width": view.width, "height": HEIGHT.min(height - top), "scale": 1 });
        let shot = browser.call("Page.captureScreenshot", json!({ "clip": clip, "captureBeyondViewport": true }))?;
        write(&shot, &out.join(format!("{}-{:02}.png", view.name, piece + 1)))?;
    }
    Ok(problems)
}

fn write(shot: &Value, path: &Path) -> Result<()> {
    let data = shot["data"].as_str().context("the picture is missing")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).context("the picture is not in base 64")?;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
