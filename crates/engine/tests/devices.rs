//! Choosing a device: what is there, and what is said when it is not.

use expect_test::expect;
use hnas_engine::{DeviceChoice, devices, open_device};

#[test]
fn a_device_name_is_read_and_written() {
    for (text, choice) in [
        ("auto", DeviceChoice::Auto),
        ("cpu", DeviceChoice::Cpu),
        ("cuda:0", DeviceChoice::Cuda(0)),
        ("cuda:11", DeviceChoice::Cuda(11)),
    ] {
        assert_eq!(text.parse::<DeviceChoice>().unwrap(), choice);
        assert_eq!(choice.to_string(), text);
    }
    assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
    for text in ["", "CPU", "gpu", "cuda:", "cuda:-1", "cuda:+1", "cuda: 1", "cuda:1x", "cuda:99999999999999999999"] {
        let error = text.parse::<DeviceChoice>().unwrap_err().to_string();
        assert_eq!(error, format!("unknown device '{text}': expected auto, cpu, cuda or cuda:N"));
    }
}

#[test]
fn every_device_found_can_be_opened_by_its_name() {
    assert!(devices().contains(&"cpu".to_owned()), "{:?}", devices());
    for name in devices() {
        assert_eq!(open_device(name.parse().unwrap()).unwrap().to_string(), name);
    }
    assert_eq!(open_device(DeviceChoice::Auto).unwrap().to_string(), devices()[0]);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_names_the_feature() {
    let error = open_device(DeviceChoice::Cuda(1)).unwrap_err().to_string();
    expect![
        "device 'cuda:1' needs a build with cargo feature 'cuda' (cargo build --release --features cuda); this build has: cpu"
    ]
    .assert_eq(&error);
}

#[cfg(feature = "cuda")]
#[test]
fn a_machine_without_the_device_names_what_is_there() {
    let error = open_device(DeviceChoice::Cuda(4000)).unwrap_err().to_string();
    let expected = expect!["there is no device 'cuda:4000' on this machine; there is: "];
    expected.assert_eq(error.trim_end_matches(&devices().join(", ")));
}
