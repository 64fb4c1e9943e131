//! Choosing a device: what is there, and what is said when it is not.

use expect_test::expect;
use hnas_engine::{DeviceChoice, EngineDevice, devices, open_device, open_devices};

#[test]
fn a_device_name_is_read_and_written() {
    for (text, choice) in [
        ("auto", DeviceChoice::Auto),
        ("cpu", DeviceChoice::Cpu),
        ("cuda:0", DeviceChoice::Cuda(0)),
        ("cuda:11", DeviceChoice::Cuda(11)),
        ("vulkan:2", DeviceChoice::Vulkan(2)),
    ] {
        assert_eq!(text.parse::<DeviceChoice>().unwrap(), choice);
        assert_eq!(choice.to_string(), text);
    }
    assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
    assert_eq!("vulkan".parse::<DeviceChoice>().unwrap(), DeviceChoice::Vulkan(0));
    for text in [
        "",
        "CPU",
        "gpu",
        "cuda:",
        "cuda:-1",
        "cuda:+1",
        "cuda: 1",
        "cuda:1x",
        "vulkan:",
        "vulkan:all",
        "cuda:99999999999999999999",
    ] {
        let error = text.parse::<DeviceChoice>().unwrap_err().to_string();
        assert_eq!(error, format!("unknown device '{text}': expected auto, cpu, cuda, cuda:N, vulkan or vulkan:N"));
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

#[test]
fn a_list_names_different_devices_of_one_kind() {
    let names =
        |list: &str| open_devices(list).map(|found| found.iter().map(EngineDevice::to_string).collect::<Vec<_>>());
    assert_eq!(names("cpu").unwrap(), ["cpu"]);
    assert_eq!(names("auto").unwrap(), &devices()[..1]);
    let vulkan: Vec<String> = devices().into_iter().filter(|name| name.starts_with("vulkan")).collect();
    match names("vulkan:all") {
        Ok(found) => assert_eq!(found, vulkan),
        Err(error) => assert!(vulkan.is_empty() && error.to_string().contains("'vulkan:0'"), "{error}"),
    }
    for list in ["cpu,cpu", "cpu,cpu,cpu"] {
        let error = names(list).unwrap_err().to_string();
        assert_eq!(error, "cpu and cpu cannot share a run: its devices are different ones of one kind");
    }
    for list in ["", "cpu,", "all", "cpu:all"] {
        assert!(names(list).unwrap_err().to_string().starts_with("unknown device"), "{list}");
    }
    if vulkan.len() == 1 {
        let error = names("vulkan:0,vulkan:1").unwrap_err().to_string();
        assert!(error.starts_with("there is no device 'vulkan:1' on this machine; there is: "), "{error}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_cuda_names_the_feature() {
    let error = open_device(DeviceChoice::Cuda(1)).unwrap_err().to_string();
    let expected = expect![
        "device 'cuda:1' needs a build with cargo feature 'cuda' (cargo build --release --features cuda); this build has: "
    ];
    expected.assert_eq(error.trim_end_matches(&devices().join(", ")));
}

#[cfg(feature = "cuda")]
#[test]
fn a_machine_without_the_device_names_what_is_there() {
    let error = open_device(DeviceChoice::Cuda(4000)).unwrap_err().to_string();
    let expected = expect!["there is no device 'cuda:4000' on this machine; there is: "];
    expected.assert_eq(error.trim_end_matches(&devices().join(", ")));
}
