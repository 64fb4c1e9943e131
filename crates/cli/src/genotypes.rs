//! `hnas sample`, `hnas mutate` and `hnas draw`: genotypes in, genotypes or pictures out.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hnas_compiler::{genotype_dot, genotype_svg};
use hnas_genome::{Genotype, MutationRule};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::arguments::{Draw, Many, Mutate, Rule, Sample};
use crate::input;

/// `hnas sample`.
pub(crate) fn sample(command: &Sample) -> Result<()> {
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
    let genotype = input::genotype(&command.genotype)?;
    let picture = match command.out.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => genotype_svg(&genotype),
        Some("dot") => genotype_dot(&genotype),
        _ => bail!("--out {}: the ending must be .svg or .dot", command.out.display()),
    };
    input::write(&command.out, &picture)
}

/// Draws and writes one genotype after the other; each begins with a comment that says where it comes from.
fn write_many(many: &Many, mut draw: impl FnMut() -> (Genotype, String)) -> Result<()> {
    let mut stream = std::io::stdout().lock();
    if let Some(folder) = &many.out {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
    }
    for number in 1..=many.count {
        let (genotype, origin) = draw();
        let text =
            format!("// seed {}, genotype {number} of {}: {origin}\n{}\n", many.seed, many.count, genotype.to_ron());
        match &many.out {
            None => stream.write_all(text.as_bytes())?,
            Some(folder) => input::write(&file(folder, number), &text)?,
        }
    }
    Ok(stream.flush()?)
}

fn file(folder: &Path, number: usize) -> std::path::PathBuf {
    folder.join(format!("genotype-{number:04}.ron"))
}
