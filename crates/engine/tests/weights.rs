//! Files of weights: read back they score the same; anything else is refused by name.

mod networks;

use std::path::Path;

use expect_test::expect;
use hnas_engine::{Phenotype, Trained, evaluate, train};
use networks::{cpu, graph, recipe, train_images};
use safetensors::SafeTensors;

fn trained() -> Trained {
    let recipe = recipe(3, 16);
    let phenotype = Phenotype::build(&graph(4, 1), &recipe, &cpu(), 3).unwrap();
    train(phenotype, &train_images(30, 1), &recipe, 3, &|_| ()).unwrap().unwrap()
}

#[test]
fn a_network_is_the_same_after_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    let before = trained();
    before.save(&first).unwrap();
    let after = Trained::load(&first, &cpu()).unwrap();
    after.save(&second).unwrap();
    assert!(std::fs::read(first).unwrap() == std::fs::read(second).unwrap());
    assert_eq!((after.graph(), after.losses()), (before.graph(), before.losses()));
    let data = train_images(20, 9);
    assert_eq!(evaluate(&after, &data, 7).unwrap().unwrap(), evaluate(&before, &data, 7).unwrap().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "an unfinished file was left behind");
}

/// What another program sees: the number of values is that of the module, and the names tell layers apart.
#[test]
fn a_file_holds_every_parameter_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    trained().save(&path).unwrap();
    let file = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let values: usize = tensors.iter().map(|(_, view)| view.shape().iter().product::<usize>()).sum();
    let built = Phenotype::build(&graph(4, 1), &recipe(3, 16), &cpu(), 3).unwrap();
    assert_eq!(values, built.parameters_with_statistics() + 3);
    assert_eq!(tensors.tensor("losses").unwrap().shape(), [3]);
    assert_eq!(tensors.tensor("node1.weight").unwrap().shape(), [4, 3, 3, 3]);
    assert_eq!(tensors.tensor("node1.norm.running_var").unwrap().shape(), [4]);
}

#[test]
fn a_file_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    trained().save(&path).unwrap();
    let file = std::fs::read(&path).unwrap();
    let refusal = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = Trained::load(&path, &cpu()).unwrap_err().to_string();
        error.replace(&path.display().to_string(), "FILE")
    };
    // Names of equal length, so that the header's own length stays right.
    let renamed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = file.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
        [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
    };
    expect!["FILE holds no weights of this program: header too small"].assert_eq(&refusal(b"hello"));
    expect!["FILE holds no weights of this program: incomplete metadata, file not fully covered"]
        .assert_eq(&refusal(&file[..file.len() - 4]));
    expect!["FILE holds no weights of this program: it has no tensor 'node1.norm.running_var'"]
        .assert_eq(&refusal(&renamed("node1.norm.running_var", "node1.norm.running_vac")));
    expect!["FILE holds no weights of this program: its metadata has no entry 'hnas'"]
        .assert_eq(&refusal(&renamed("\"hnas\"", "\"hnax\"")));
    expect!["FILE holds no weights of this program: format 7 instead of 1"]
        .assert_eq(&refusal(&renamed("\\\"format\\\":1", "\\\"format\\\":7")));
    expect!["FILE holds no weights of this program: tensor 'node1.weight' is F32 [3, 4, 3, 3], its network needs F32 [4, 3, 3, 3]"].assert_eq(&refusal(&renamed("[4,3,3,3]", "[3,4,3,3]")));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Trained::load(Path::new("nowhere/weights.safetensors"), &cpu()).unwrap_err();
    expect!["cannot read nowhere/weights.safetensors"].assert_eq(&error.to_string());
    let error = trained().save(Path::new("nowhere/weights.safetensors")).unwrap_err();
    expect!["cannot write nowhere/weights.safetensors"].assert_eq(&error.to_string());
}
