//! A test from the inside: no file is known that makes a decoder panic, so the panic is made here.

use std::fs;
use std::num::NonZeroUsize;

use super::{Decoded, Loader, Workers};
use crate::folder::ImageFolder;
use crate::transform::CentreCrop;

#[test]
fn a_panic_is_a_damaged_image_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let photograph = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/photographs/grey.jpg");
    for part in ["train/a", "val/a"] {
        fs::create_dir_all(folder.path().join(part)).unwrap();
        fs::copy(photograph, folder.path().join(part).join("1.jpg")).unwrap();
    }
    let set = ImageFolder::open(folder.path()).unwrap().train().clone();
    let workers = Workers { threads: NonZeroUsize::MIN, ahead: NonZeroUsize::MIN };
    let loader = Loader::evaluation(&set, CentreCrop::new(8, 8).unwrap(), 1, 1, workers).unwrap();
    let mut decoded = Decoded::default();
    assert_eq!(loader.shared.see(0, &mut decoded, |_| panic!("as a decoder may")), None);
    assert_eq!(decoded.damaged.into_iter().collect::<Vec<_>>(), [(set.path(0), "its decoder panicked".to_string())]);
    let mut decoded = Decoded::default();
    assert_eq!(loader.shared.see(0, &mut decoded, |photo| vec![photo.width as u8]), Some(vec![56]));
    assert_eq!((decoded.grey, decoded.damaged.len()), (1, 0));
}
