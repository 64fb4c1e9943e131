//! `hnas inspect`: validity, key, motifs used and all costs of a genotype's network.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use hnas_compiler::{NodeCost, Program, Shape};
use hnas_experiment::{Candidate, candidate};
use hnas_genome::Genotype;
use serde::Serialize;

use crate::arguments::Inspect;
use crate::input;
use crate::roofline::Roofline;

/// Side of CIFAR's images, and of those of the ImageNet model (paper section 5), in pixels.
const CIFAR_SIDE: usize = 32;
const IMAGENET_SIDE: usize = 299;

/// Images of a batch for which the memory of a training is given.
const BATCH: usize = 64;

/// Images of a step of the paper's trainings on CIFAR-10 (section 4), for the roofline.
const ROOFLINE_BATCH: usize = 256;

#[derive(Serialize)]
struct Findings {
    valid: bool,
    levels: usize,
    edges: usize,
    /// For each level from 2: the numbers, from 1, of the motifs that the cell uses.
    motifs_used: Vec<Vec<usize>>,
    key: String,
    skeleton: String,
    c0: usize,
    input: Shape,
    nodes: usize,
    total: NodeCost,
    training: TrainingCost,
    by_operation: BTreeMap<String, OperationCost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roofline: Option<Roofline>,
}

/// What a training on a CPU takes.
#[derive(Serialize)]
struct TrainingCost {
    /// Fused steps of a forward pass.
    steps: usize,
    /// Images of a batch that the bytes are for.
    batch: usize,
    /// Of memory.
    bytes: u64,
}

#[derive(Default, Serialize)]
struct OperationCost {
    nodes: usize,
    parameters: u64,
    parameters_with_statistics: u64,
    multiply_adds: u64,
    activation_bytes: u64,
}

/// `hnas inspect`.
pub(crate) fn run(command: &Inspect) -> Result<()> {
    let genotype = input::genotype(&command.genotype)?;
    let skeleton = command.model.skeleton()?;
    let side = command.image.unwrap_or(if command.model.skeleton == "imagenet" { IMAGENET_SIDE } else { CIFAR_SIDE });
    let image = Shape::new(3, side, side);
    let network = candidate(&genotype, &skeleton, image)
        .with_context(|| format!("{}: no network", command.genotype.display()))?;
    let program = Program::lower(&network.graph, image).with_context(|| command.genotype.display().to_string())?;
    let training = TrainingCost { steps: program.steps().len(), batch: BATCH, bytes: program.training_bytes(BATCH) };
    let mut findings = findings(&genotype, &command.model.skeleton, skeleton.c0(), &network, training);
    findings.roofline = command.roofline.then(|| Roofline::of(&program, ROOFLINE_BATCH));
    if command.json {
        say!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        print(&findings)?;
    }
    if command.graph && !command.json {
        say!("\n{}", network.graph.to_text());
    }
    Ok(())
}

fn findings(genotype: &Genotype, skeleton: &str, c0: usize, network: &Candidate, training: TrainingCost) -> Findings {
    let mut by_operation = BTreeMap::<String, OperationCost>::new();
    for (node, cost) in network.graph.nodes().iter().zip(&network.cost.nodes) {
        let sum = by_operation.entry(node.op.name().to_owned()).or_default();
        sum.nodes += 1;
        sum.parameters += cost.parameters;
        sum.parameters_with_statistics += cost.parameters_with_statistics;
        sum.multiply_adds += cost.multiply_adds;
        sum.activation_bytes += cost.activation_bytes;
    }
    let numbers = |used: &Vec<bool>| (1..).zip(used).filter(|(_, used)| **used).map(|(number, _)| number).collect();
    Findings {
        valid: true,
        levels: genotype.space().top(),
        edges: genotype.space().edges(),
        motifs_used: genotype.used_motifs().iter().map(numbers).collect(),
        key: network.key.to_string(),
        skeleton: skeleton.to_owned(),
        c0,
        input: network.graph.input_shape(),
        nodes: network.graph.nodes().len(),
        total: network.cost.total,
        training,
        by_operation,
        roofline: None,
    }
}

fn print(findings: &Findings) -> Result<()> {
    let Findings { input, total, .. } = findings;
    say!("genotype       valid, {} levels, {} edges to choose", findings.levels, findings.edges);
    for (level, used) in (2..).zip(&findings.motifs_used) {
        let used: Vec<_> = used.iter().map(usize::to_string).collect();
        say!("  level {level}      uses motif {}", used.join(", "));
    }
    say!("key            {}", findings.key);
    say!(
        "network        skeleton {}, c0 = {}, input {}x{}x{}, {} operations",
        findings.skeleton,
        findings.c0,
        input.channels,
        input.height,
        input.width,
        findings.nodes
    );
    say!("parameters     {} trainable, {} with moving statistics", total.parameters, total.parameters_with_statistics);
    say!("multiply-adds  {:.1} M an image, forward", total.multiply_adds as f64 / 1e6);
    say!("activations    {:.2} MB an image, kept for the backward pass", total.activation_bytes as f64 / 1e6);
    let TrainingCost { steps, batch, bytes } = findings.training;
    say!(
        "training       {steps} fused steps, {:.2} GB of memory with batches of {batch}, on a CPU",
        bytes as f64 / 1e9
    );
    say!(
        "\n{:<14} {:>5} {:>12} {:>16} {:>14}",
        "operation",
        "nodes",
        "parameters",
        "multiply-adds M",
        "activations MB"
    );
    for (name, cost) in &findings.by_operation {
        say!(
            "{name:<14} {:>5} {:>12} {:>16.1} {:>14.2}",
            cost.nodes,
            cost.parameters,
            cost.multiply_adds as f64 / 1e6,
            cost.activation_bytes as f64 / 1e6
        );
    }
    findings.roofline.as_ref().map_or(Ok(()), Roofline::print)
}
