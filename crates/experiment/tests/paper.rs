//! Every number of the paper's sections on training, models, results: found in the experiment files or in `published.ron`.

use std::collections::BTreeMap;
use std::path::Path;

use hnas_experiment::{Confidence, Experiment};
use serde_json::Value;

/// A number of the paper: what it is, its value, and where it is found.
type Number = (&'static str, &'static str, Place);

enum Place {
    /// A field of this arm of an experiment, at scale `paper`.
    Field(&'static str, &'static str, &'static str),
    /// A published number of an experiment: `what`.
    Published(&'static str, &'static str),
    /// The paper leaves it open: a field, and the project's choice.
    Open(&'static str, &'static str, &'static str),
}
use Place::{Field, Open, Published};

const BEST: (&str, &str) = ("cifar10", "hierarchical-evolution");

const fn field(path: &'static str) -> Place {
    Field(BEST.0, BEST.1, path)
}

const fn open(path: &'static str) -> Place {
    Open(BEST.0, BEST.1, path)
}

const SEARCH: &[Number] = &[
    ("fitness: training images", "40000", field("search.data.train")),
    ("fitness: validation images", "10000", field("search.data.valid")),
    ("fitness: steps", "5000", field("search.fitness.recipe.steps")),
    ("fitness: batch", "256", field("search.fitness.recipe.batch")),
    ("fitness: momentum", "0.9", field("search.fitness.recipe.momentum")),
    ("fitness: weight decay", "0.0003", field("search.fitness.recipe.weight_decay")),
    ("fitness: learning rate", "0.1", field("search.fitness.recipe.learning_rate.initial")),
    ("fitness: drops", "[[4000,0.1],[4500,0.1]]", field("search.fitness.recipe.learning_rate.drops")),
    ("fitness: crop", "24", field("search.fitness.recipe.crop")),
    ("fitness: flip", "true", field("search.fitness.recipe.flip")),
    ("fitness: runs", "4", field("search.fitness.runs")),
    ("fitness: deviation", "up to 0.2 %", Published("cifar10", "standard deviation of a fitness, its 4 runs averaged")),
    ("fitness: batch normalisation, momentum", "0.1", open("search.fitness.recipe.batch_norm_momentum")),
    ("fitness: batch normalisation, epsilon", "1e-5", open("search.fitness.recipe.batch_norm_epsilon")),
    ("fitness: initialiser", "HeNormal", open("search.fitness.recipe.initializer")),
    ("fitness: normalisation of the input", "PerChannel", open("search.fitness.recipe.normalization")),
    ("fitness: precision", "F32", open("search.fitness.recipe.precision")),
    ("fitness: weight decay acts on", "All", open("search.fitness.recipe.weight_decay_on")),
    ("search: evaluations", "7000", field("search.search.evaluations")),
    ("search: at once", "200", field("search.search.in_flight")),
    ("search: random at first", "200", field("search.strategy.Tournament.initial")),
    ("search: tournament", "0.05", field("search.strategy.Tournament.fraction")),
    ("search: mutations of a random genotype", "1000", field("search.strategy.Tournament.mutations")),
    ("search: random, evaluations", "7000", Field("cifar10", "hierarchical-random", "trials")),
    ("search: random, short", "200", Field("cifar10", "hierarchical-random-short", "trials")),
    ("search: flat random, short", "200", Field("cifar10", "flat-random-short", "trials")),
    ("search: random architecture", "1", Field("cifar10", "hierarchical-random-architecture", "trials")),
    ("search: flat random architecture", "1", Field("cifar10", "flat-random-architecture", "trials")),
    (
        "search: limit of parameters",
        "535034",
        Open("cifar10", "flat-constrained-evolution", "search.search.limits.parameters"),
    ),
    ("cost: one fitness", "about 1 hour", Published("cifar10", "one fitness, its 4 runs, on one P100")),
    ("cost: random search", "1 hour", Published("cifar10", "random search over 200, on 200 P100")),
    ("cost: evolution", "1.5 days (36 hours), 300 GPU-days", Published("cifar10", "evolution over 7000, on 200 P100")),
];

const MODELS: &[Number] = &[
    ("small: stem", "[{\"stride\":1,\"width\":16}]", field("search.fitness.skeleton.stem")),
    (
        "small: groups",
        "[{\"cells\":1,\"width\":16},{\"cells\":1,\"width\":32},{\"cells\":1,\"width\":64}]",
        field("search.fitness.skeleton.groups"),
    ),
    ("large: stem", "[{\"stride\":1,\"width\":64}]", field("retraining.skeleton.stem")),
    (
        "large: groups",
        "[{\"cells\":2,\"width\":64},{\"cells\":2,\"width\":128},{\"cells\":2,\"width\":256}]",
        field("retraining.skeleton.groups"),
    ),
    (
        "wide: groups",
        "[{\"cells\":2,\"width\":128},{\"cells\":2,\"width\":256},{\"cells\":2,\"width\":512}]",
        Field("cifar10", "hierarchical-evolution-wide", "retraining.skeleton.groups"),
    ),
    ("after the last cell", "Nothing", open("retraining.skeleton.after_last_cell")),
    ("inside a separable convolution", "BatchNorm", open("retraining.skeleton.separable_inner")),
    ("ImageNet: image", "299x299", Published("figure2", "ImageNet model, image")),
    (
        "ImageNet: stem",
        "two 3x3 convolutions of stride 2 to 32 and 64 channels",
        Published("figure2", "ImageNet model, stem"),
    ),
    ("ImageNet: N", "1, 2, 2, 2", Published("figure2", "ImageNet model, cells a group")),
    ("ImageNet: widths", "64, 128, 256, 512", Published("figure2", "ImageNet model, widths")),
    ("ImageNet: classes", "1000", Published("figure2", "ImageNet model, classes")),
    ("retraining: images", "50000", field("search.data.retrain")),
    ("retraining: test images", "10000", field("search.data.test")),
    ("retraining: steps", "80000", field("retraining.recipe.steps")),
    ("retraining: batch", "256", field("retraining.recipe.batch")),
    ("retraining: learning rate", "0.1", field("retraining.recipe.learning_rate.initial")),
    ("retraining: drops", "[[40000,0.1],[60000,0.1],[70000,0.1]]", field("retraining.recipe.learning_rate.drops")),
    ("retraining: momentum", "0.9", field("retraining.recipe.momentum")),
    ("retraining: weight decay", "0.0003", field("retraining.recipe.weight_decay")),
    ("retraining: crop", "24", field("retraining.recipe.crop")),
    ("retraining: runs", "5", field("retraining.runs")),
    ("ImageNet: image, trained", "299", Field("imagenet", "learned-cell", "retraining.recipe.crop")),
    (
        "ImageNet: stem, trained",
        "[{\"stride\":2,\"width\":32},{\"stride\":2,\"width\":64}]",
        Field("imagenet", "learned-cell", "retraining.skeleton.stem"),
    ),
    (
        "ImageNet: groups, trained",
        "[{\"cells\":1,\"width\":64},{\"cells\":2,\"width\":128},{\"cells\":2,\"width\":256},{\"cells\":2,\"width\":512}]",
        Field("imagenet", "learned-cell", "retraining.skeleton.groups"),
    ),
    ("ImageNet: steps", "200000", Field("imagenet", "learned-cell", "retraining.recipe.steps")),
    ("ImageNet: batch", "1024", Field("imagenet", "learned-cell", "retraining.recipe.batch")),
    ("ImageNet: learning rate", "0.1", Field("imagenet", "learned-cell", "retraining.recipe.learning_rate.initial")),
    (
        "ImageNet: drops",
        "[[100000,0.1],[150000,0.1],[175000,0.1]]",
        Field("imagenet", "learned-cell", "retraining.recipe.learning_rate.drops"),
    ),
    ("ImageNet: momentum", "0.9", Field("imagenet", "learned-cell", "retraining.recipe.momentum")),
    ("ImageNet: weight decay", "0.0001", Field("imagenet", "learned-cell", "retraining.recipe.weight_decay")),
    ("ImageNet: flip", "true", Field("imagenet", "learned-cell", "retraining.recipe.flip")),
    ("ImageNet: data set", "imagenet", Field("imagenet", "learned-cell", "retraining.photographs.dataset")),
    ("ImageNet: area of the crop", "[0.08,1.0]", Open("imagenet", "learned-cell", "retraining.photographs.area")),
    (
        "ImageNet: aspect of the crop",
        "[0.75,1.3333333333333333]",
        Open("imagenet", "learned-cell", "retraining.photographs.aspect"),
    ),
    (
        "ImageNet: brightness",
        "0.12549019607843137",
        Open("imagenet", "learned-cell", "retraining.photographs.brightness"),
    ),
    ("ImageNet: contrast", "[0.5,1.5]", Open("imagenet", "learned-cell", "retraining.photographs.contrast")),
    ("ImageNet: shorter side in the test", "342", Open("imagenet", "learned-cell", "retraining.photographs.shorter")),
    (
        "ImageNet: normalisation of the input",
        "MinusOneToOne",
        Open("imagenet", "learned-cell", "retraining.recipe.normalization"),
    ),
];

/// Table 1: the row, CIFAR-10 test error, ImageNet top-1 / top-5.
const TABLE_1: [(&str, &str, &str); 8] = [
    ("flat, random architecture (1 sample)", "4.56 +- 0.11", "21.4 / 5.8"),
    ("flat, random search (200)", "4.02 +- 0.11", "20.8 / 5.7"),
    ("flat, evolution (7000)", "3.92 +- 0.06", "20.6 / 5.6"),
    ("flat, parameter-constrained, evolution (7000)", "4.17 +- 0.08", "21.2 / 5.8"),
    ("hierarchical, random architecture (1 sample)", "4.21 +- 0.11", "21.5 / 5.8"),
    ("hierarchical, random search (200)", "4.04 +- 0.2", "20.4 / 5.3"),
    ("hierarchical, random search (7000)", "3.91 +- 0.15", "21.0 / 5.5"),
    ("hierarchical, evolution (7000)", "3.75 +- 0.12", "20.3 / 5.2"),
];

/// Tables 2 and 3: what, value, and the experiment that holds it.
const TABLES_2_AND_3: [(&str, &str, &str); 24] = [
    ("ResNet-1001 + pre-activation, CIFAR-10, test error %", "4.62", "cifar10"),
    ("Wide ResNet-40-10 + dropout, CIFAR-10, test error %", "3.8", "cifar10"),
    ("DenseNet (k=24), CIFAR-10, test error %", "3.74", "cifar10"),
    ("DenseNet-BC (k=40), CIFAR-10, test error %", "3.46", "cifar10"),
    ("MetaQNN, CIFAR-10, test error %", "6.92", "cifar10"),
    ("NAS v3, CIFAR-10, test error %", "3.65", "cifar10"),
    ("Block-QNN-A, CIFAR-10, test error %", "3.60", "cifar10"),
    ("NASNet-A, CIFAR-10, test error %", "3.41", "cifar10"),
    ("Evolving DNN, CIFAR-10, test error %", "7.3", "cifar10"),
    ("Genetic CNN, CIFAR-10, test error %", "7.10", "cifar10"),
    ("Large-scale Evolution, CIFAR-10, test error %", "5.4", "cifar10"),
    ("SMASH, CIFAR-10, test error %", "4.03", "cifar10"),
    ("hierarchical evolution, c0 = 64, CIFAR-10, test error %", "3.75 +- 0.12", "cifar10"),
    ("hierarchical evolution, c0 = 64, parameters", "15.7 M", "cifar10"),
    ("hierarchical evolution, c0 = 128, CIFAR-10, test error %", "3.63 +- 0.10", "cifar10"),
    ("hierarchical evolution, c0 = 128, parameters", "61.3 M", "cifar10"),
    ("Inception-v3, ImageNet, top-1 / top-5 error %", "21.2 / 5.6", "imagenet"),
    ("Xception, ImageNet, top-1 / top-5 error %", "21.0 / 5.5", "imagenet"),
    ("Inception-ResNet-v2, ImageNet, top-1 / top-5 error %", "19.9 / 4.9", "imagenet"),
    ("NASNet-A, ImageNet, top-1 / top-5 error %", "19.2 / 4.7", "imagenet"),
    ("the published cell, ImageNet, top-1 / top-5 error %", "20.3 / 5.2", "imagenet"),
    ("the published cell, ImageNet, parameters", "64 M", "imagenet"),
    ("steps of evolution shown, from 0", "7000", "figure3"),
    ("steps that are the random initialisation", "200", "figure3"),
];

/// What the paper leaves open, and what was chosen.
const OPEN: [&str; 15] = [
    "fitness: batch normalisation, momentum: 0.1",
    "fitness: batch normalisation, epsilon: 1e-5",
    "fitness: initialiser: HeNormal",
    "fitness: normalisation of the input: PerChannel",
    "fitness: precision: F32",
    "fitness: weight decay acts on: All",
    "search: limit of parameters: 535034",
    "after the last cell: Nothing",
    "inside a separable convolution: BatchNorm",
    "ImageNet: area of the crop: [0.08,1.0]",
    "ImageNet: aspect of the crop: [0.75,1.3333333333333333]",
    "ImageNet: brightness: 0.12549019607843137",
    "ImageNet: contrast: [0.5,1.5]",
    "ImageNet: shorter side in the test: 342",
    "ImageNet: normalisation of the input: MinusOneToOne",
];

/// The experiments, read once: fields of their arms at scale `paper`, and their published numbers.
struct Files {
    arms: BTreeMap<(String, String), Value>,
    published: BTreeMap<(String, String), (String, Confidence)>,
}

impl Files {
    fn read() -> Files {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let (mut arms, mut published) = (BTreeMap::new(), BTreeMap::new());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.join("experiment.ron").exists() {
                let resolved =
                    Experiment::load(&path.join("experiment.ron")).unwrap().resolve("paper", Some(1)).unwrap();
                for arm in resolved.arms {
                    arms.insert((name.clone(), arm.name.clone()), serde_json::to_value(arm).unwrap());
                }
            }
            let text = std::fs::read_to_string(path.join("published.ron")).unwrap();
            let numbers: Vec<hnas_experiment::Published> = ron::from_str(&text).unwrap();
            for number in numbers {
                published.insert((name.clone(), number.what), (number.value, number.confidence));
            }
        }
        Files { arms, published }
    }

    fn field(&self, experiment: &str, arm: &str, path: &str) -> String {
        let arm = &self.arms[&(experiment.to_owned(), arm.to_owned())];
        let found = path.split('.').fold(arm, |value, name| &value[name]);
        found.as_str().map_or_else(|| found.to_string(), str::to_owned)
    }

    fn published(&self, experiment: &str, what: &str) -> String {
        let found = self.published.get(&(experiment.to_owned(), what.to_owned()));
        found.map_or_else(|| "nowhere".to_owned(), |(value, _)| value.clone())
    }
}

#[test]
fn every_number_of_the_paper_is_found_and_only_open_points_are_chosen() {
    let files = Files::read();
    let (mut different, mut chosen) = (Vec::new(), Vec::new());
    let mut check = |what: &str, paper: &str, here: String| {
        if here.parse::<f64>().ok().zip(paper.parse::<f64>().ok()).is_none_or(|(here, paper)| here != paper)
            && here != paper
        {
            different.push(format!("{what}: {here} instead of {paper}"));
        }
    };
    for (what, paper, place) in SEARCH.iter().chain(MODELS) {
        match place {
            Field(experiment, arm, path) => check(what, paper, files.field(experiment, arm, path)),
            Published(experiment, name) => check(what, paper, files.published(experiment, name)),
            Open(experiment, arm, path) => {
                check(what, paper, files.field(experiment, arm, path));
                chosen.push(format!("{what}: {paper}"));
            }
        }
    }
    for (row, cifar10, imagenet) in TABLE_1 {
        for (experiment, column, value) in
            [("cifar10", "CIFAR-10, test error %", cifar10), ("imagenet", "ImageNet, top-1 / top-5 error %", imagenet)]
        {
            let what = format!("{row}, {column}");
            check(&what, value, files.published(experiment, &what));
        }
    }
    for (what, value, experiment) in TABLES_2_AND_3 {
        check(what, value, files.published(experiment, what));
    }
    assert_eq!(different, [""; 0]);
    assert_eq!(chosen, OPEN);
}

#[test]
fn every_experiment_says_what_is_not_known() {
    let files = Files::read();
    for (name, known) in
        [("figure1", "its edges"), ("figure2", "what follows the very last cell"), ("figure3", "values of the axes")]
    {
        let found = files.published.get(&(name.to_owned(), known.to_owned()));
        assert!(found.is_some_and(|(_, confidence)| *confidence == Confidence::Open), "{name}: {known}");
    }
}
