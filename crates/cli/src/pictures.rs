//! `hnas pictures`: the pictures that a file lists, each as .svg, and all of them on one page with their numbers.

use std::path::Path;

use anyhow::{Context, Result, bail};
use hnas_compiler::{Shape, Skeleton, genotype_svg, model_svg};
use hnas_experiment::{Published, candidate};
use hnas_genome::Genotype;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Deserialize;

use crate::arguments::Pictures;
use crate::input;

/// The longest name of a picture, in characters.
const LONGEST_NAME: usize = 100;

/// Pictures as their file lists them; files that it names are found from its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plates {
    title: String,
    pictures: Vec<Plate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plate {
    /// Name of the .svg without its ending.
    name: String,
    caption: String,
    shows: Shown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum Shown {
    /// A genotype, level by level.
    Genotype { file: String },
    /// A model of the paper, and how large it is around this cell.
    Model { model: Model, cell: String },
}

/// The models of the paper's section on architectures built from a cell.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum Model {
    CifarSmall,
    CifarLarge { c0: usize },
    ImageNet,
}

impl Model {
    /// Its skeleton, and the images it is made for.
    fn skeleton(self) -> Result<(Skeleton, Shape)> {
        Ok(match self {
            Model::CifarSmall => (Skeleton::cifar_small(), Shape::new(3, 32, 32)),
            Model::CifarLarge { c0 } => (Skeleton::cifar_large(c0)?, Shape::new(3, 32, 32)),
            Model::ImageNet => (Skeleton::imagenet(), Shape::new(3, 299, 299)),
        })
    }
}

/// A picture, drawn.
struct Drawn {
    svg: String,
    caption: String,
}

/// `hnas pictures`.
pub(crate) fn run(command: &Pictures) -> Result<()> {
    let folder = command.file.parent().unwrap_or(Path::new(""));
    let plates: Plates = input::ron_file(&command.file)?;
    check_names(&plates).with_context(|| command.file.display().to_string())?;
    let numbers = folder.join("published.ron");
    let published: Vec<Published> = if numbers.exists() { input::ron_file(&numbers)? } else { Vec::new() };
    input::make_folder("--out", &command.out)?;
    let mut drawn = Vec::new();
    for plate in &plates.pictures {
        let picture = draw(plate, folder).with_context(|| format!("{}: {}", command.file.display(), plate.name))?;
        input::write(&command.out.join(format!("{}.svg", plate.name)), &picture.svg)?;
        drawn.push(picture);
    }
    let path = command.out.join("report.html");
    input::write(&path, &page(&plates.title, &drawn, &published).into_string())?;
    say!("report: {}", path.display());
    Ok(())
}

/// Each name is a file's, and none is given twice.
fn check_names(plates: &Plates) -> Result<()> {
    for (number, Plate { name, .. }) in (1..).zip(&plates.pictures) {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.len() > LONGEST_NAME || name.starts_with('.') || !name.chars().all(plain) {
            bail!(
                "picture {number}: name {name:?} is not 1 to {LONGEST_NAME} letters, digits, '-', '_' and '.', the first no '.'"
            );
        }
        let earlier = plates.pictures.iter().take(number - 1).position(|plate| plate.name.eq_ignore_ascii_case(name));
        if let Some(earlier) = earlier {
            bail!("picture {number}: name {name:?} is that of picture {} as well", earlier + 1);
        }
    }
    Ok(())
}

fn draw(plate: &Plate, folder: &Path) -> Result<Drawn> {
    match &plate.shows {
        Shown::Genotype { file } => {
            let genotype: Genotype = input::ron_file(&folder.join(file))?;
            Ok(Drawn { svg: genotype_svg(&genotype), caption: plate.caption.clone() })
        }
        Shown::Model { model, cell } => {
            let genotype: Genotype = input::ron_file(&folder.join(cell))?;
            let (skeleton, image) = model.skeleton()?;
            let total = candidate(&genotype, &skeleton, image)?.cost.total;
            let size = format!(
                "Around the cell in {cell}: {} trainable parameters, {} with moving statistics; {:.2} G multiply-adds an image.",
                total.parameters,
                total.parameters_with_statistics,
                total.multiply_adds as f64 / 1e9
            );
            Ok(Drawn {
                svg: model_svg(&plate.caption, &skeleton, image)?,
                caption: format!("{}. {size}", plate.caption),
            })
        }
    }
}

fn page(title: &str, drawn: &[Drawn], published: &[Published]) -> Markup {
    const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color-scheme:light dark}\
        figure{margin:1.5em 0}figure div{overflow-x:auto}figcaption{max-width:75ch}td,th{text-align:left;padding:.2em 1em .2em 0}";
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p { "Drawn from the program's own data; nothing was trained." }
                @for picture in drawn {
                    figure { div { (PreEscaped(&picture.svg)) } figcaption { (picture.caption) } }
                }
                @if !published.is_empty() {
                    h2 { "Published" }
                    table {
                        tr { th { "what" } th { "published" } th { "source" } }
                        @for number in published {
                            tr { td { (number.what) } td { (number.value) } td { (number.source) ", " (number.confidence.word()) } }
                        }
                    }
                }
            }
        }
    }
}
