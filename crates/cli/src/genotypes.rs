//! `hnas sample`, `hnas mutate` and `hnas draw`: genotypes in, genotypes or pictures out.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hnas_compiler::{genotype_dot, genotype_svg};
use hnas_genome::{Genotype, MutationRule};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::arguments::{Draw, Many, Mutate, Rule, Sample};
use crate::input;

/// The most mutations of a sample, as in an experiment, and the most genotypes.
const MOST: usize = 1_000_000;

/// `hnas sample`.
pub(crate) fn sample(command: &Sample) -> Result<()> {
    input::within("--mutations", command.mutations, 0, MOST)?;
    let space = input::space(&command.space)?;
    let mut rng = ChaCha8Rng::seed_from_u64(command.many.seed);
    let draw = || {
        let sampled = Genotype::random(&space, command.mutations, &mut rng);
        (sampled.genotype, format!("{} mutations of the trivial genotype", command.mutations))
    };
    write_many(&command.many, draw)
}

/// `hnas mutate`.
pub(crate) fn mutate(command: &Mutate) -> Result<()> {
    let parent = input::genotype(&command.genotype)?;
    let rule = match command.rule {
        Rule::Uniform => MutationRule::Uniform,
        Rule::MustChange => MutationRule::MustChange,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(command.many.seed);
    let draw = || {
        let sampled = parent.mutate(rule, &mut rng);
        let what = sampled.mutation.map_or_else(String::new, |mutation| mutation.describe(parent.space()));
        (sampled.genotype, what)
    };
    write_many(&command.many, draw)
}

/// `hnas draw`.
pub(crate) fn draw(command: &Draw) -> Result<()> {
    input::check_file("--out", &command.out)?;
    let genotype = input::genotype(&command.genotype)?;
    let picture = match command.out.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => genotype_svg(&genotype),
        Some("dot") => genotype_dot(&genotype),
        _ => bail!("--out {}: the ending must be .svg or .dot", command.out.display()),
    };
    input::write(&command.out, &picture)?;
    say!("picture: {}", command.out.display());
    Ok(())
}

/// Draws and writes one genotype after the other; each begins with a comment that says where it comes from.
fn write_many(many: &Many, mut draw: impl FnMut() -> (Genotype, String)) -> Result<()> {
    input::within("--count", many.count, 1, MOST)?;
    if let Some(folder) = &many.out {
        input::make_folder("--out", folder)?;
        check_new(folder, many.count)?;
    }
    let mut stream = std::io::stdout().lock();
    for number in 1..=many.count {
        let (genotype, origin) = draw();
        let text =
            format!("// seed {}, genotype {number} of {}: {origin}\n{}\n", many.seed, many.count, genotype.to_ron());
        match &many.out {
            None => stream.write_all(text.as_bytes())?,
            Some(folder) => input::write(&folder.join(name(number)), &text)?,
        }
    }
    if let Some(folder) = &many.out {
        let last = if many.count > 1 { format!(" to {}", name(many.count)) } else { String::new() };
        writeln!(stream, "genotypes: {}{last}", folder.join(name(1)).display())?;
    }
    Ok(stream.flush()?)
}

/// Refuses a folder that holds one of the files to be written, before any is: it may be the parent of the others.
fn check_new(folder: &Path, count: usize) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let there: HashSet<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    match (1..=count).map(name).find(|name| there.contains(OsStr::new(name))) {
        Some(name) => bail!("--out {}: {name} exists already, choose another folder", folder.display()),
        None => Ok(()),
    }
}

fn name(number: usize) -> String {
    format!("genotype-{number:04}.ron")
}
