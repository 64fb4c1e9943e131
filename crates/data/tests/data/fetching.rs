//! Fetching: a server that cuts, ignores, refuses and lies; sources one after the other; two at once.

use std::fs;
use std::net::TcpListener;

use expect_test::{Expect, expect};
use hnas_data::{Progress, fetch, load, verify};

use crate::server::{Answer, Server};
use crate::tiny::{Tiny, archive, change};

/// Fetches; the error is without this run's folder and port.
fn fetch_tiny(tiny: &Tiny, sources: &str, url: &str) -> Result<(), String> {
    fetch(&tiny.manifest(sources), &tiny.root(), &mut |_| {})
        .map(|folder| assert_eq!(folder, tiny.root().join("tiny")))
        .map_err(|error| tiny.plain(&error.to_string()).replace(url, "URL"))
}

/// Fetches from a server that answers so, and hands back the ranges it was asked for.
fn served(answers: &[Answer]) -> (Tiny, Vec<Option<usize>>) {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone()).then(answers);
    assert_eq!(fetch_tiny(&tiny, &tiny.source(&server.url, &archive), &server.url), Ok(()));
    assert!(tiny.is_whole());
    assert_eq!(tiny.listing(), ["test.bin", "train.bin"]);
    (tiny, server.ranges())
}

#[test]
fn an_archive_is_fetched_once() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone());
    let manifest = tiny.manifest(&tiny.source(&server.url, &archive));
    let mut last = (0, 0);
    let mut watch = |progress: Progress<'_>| {
        assert!(progress.done <= progress.total);
        if progress.what == "downloading tiny.tar.gz" {
            assert!(progress.done >= last.0);
            last = (progress.done, progress.total);
        }
    };
    fetch(&manifest, &tiny.root(), &mut watch).unwrap();
    assert_eq!(last, (archive.len() as u64, archive.len() as u64));
    fetch(&manifest, &tiny.root(), &mut |_| panic!("there is nothing to do")).unwrap();
    assert_eq!(server.ranges(), [None]);
    verify(&manifest, &tiny.root()).unwrap();
    let (train, test) = load(&manifest, &tiny.root()).unwrap();
    assert_eq!((train.len(), test.len()), (50, 50));
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let (_, ranges) = served(&[Answer::Cut(1000), Answer::Cut(5000)]);
    assert_eq!(ranges, [None, Some(1000), Some(6000)]);
}

#[test]
fn a_server_that_ignores_the_range_is_read_from_the_start() {
    let (_, ranges) = served(&[Answer::Cut(1000), Answer::IgnoreRange]);
    assert_eq!(ranges, [None, Some(1000)]);
}

#[test]
fn a_later_fetch_goes_on_where_the_last_stopped() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone()).then(&[Answer::Cut(1000), Answer::Cut(0)]);
    let source = tiny.source(&server.url, &archive);
    let error = fetch_tiny(&tiny, &source, &server.url).unwrap_err();
    assert!(error.contains("URL: cut off after 1,000 of "), "{error}");
    assert_eq!(tiny.listing(), ["tiny.tar.gz.part"]);
    assert_eq!(fetch_tiny(&tiny, &source, &server.url), Ok(()));
    assert!(tiny.is_whole());
    assert_eq!(server.ranges(), [None, Some(1000), Some(1000)]);
}

#[test]
fn a_part_longer_than_the_whole_is_thrown_away() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone());
    fs::create_dir_all(tiny.root().join("tiny")).unwrap();
    fs::write(tiny.path("tiny.tar.gz.part"), vec![0; archive.len() + 1]).unwrap();
    assert_eq!(fetch_tiny(&tiny, &tiny.source(&server.url, &archive), &server.url), Ok(()));
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn an_archive_put_there_by_hand_needs_no_network() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    fs::create_dir_all(tiny.root().join("tiny")).unwrap();
    fs::write(tiny.path("tiny.tar.gz"), &archive).unwrap();
    let url = nobody_listens();
    assert_eq!(fetch_tiny(&tiny, &tiny.source(&url, &archive), &url), Ok(()));
    assert!(tiny.is_whole());
    assert_eq!(fs::read(tiny.path("tiny.tar.gz")).unwrap(), archive);
}

#[test]
fn an_archive_put_there_by_hand_stays_as_it_is() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone());
    fs::create_dir_all(tiny.root().join("tiny")).unwrap();
    // Not the one that is needed, yet its owner's.
    fs::write(tiny.path("tiny.tar.gz"), "another").unwrap();
    assert_eq!(fetch_tiny(&tiny, &tiny.source(&server.url, &archive), &server.url), Ok(()));
    assert!(tiny.is_whole());
    assert_eq!(tiny.listing(), ["test.bin", "tiny.tar.gz", "train.bin"]);
    assert_eq!(fs::read(tiny.path("tiny.tar.gz")).unwrap(), b"another");
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn files_may_lie_at_the_top_of_an_archive() {
    for folder in ["", "./"] {
        let tiny = Tiny::new();
        let members: Vec<_> = tiny.files.iter().map(|(name, bytes)| (format!("{folder}{name}"), &bytes[..])).collect();
        let archive = archive(&members);
        let server = Server::new(archive.clone());
        let source = tiny.source(&server.url, &archive).replace("tiny-bin", "");
        assert_eq!(fetch_tiny(&tiny, &source, &server.url), Ok(()));
        assert!(tiny.is_whole());
    }
}

#[test]
fn what_one_source_lacks_the_next_gives() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone());
    let local = tiny.root().join("by-hand");
    fs::create_dir_all(&local).unwrap();
    fs::write(local.join("train.bin"), &tiny.files[0].1).unwrap();
    let sources = format!("LocalFolder(\"by-hand\"), {}", tiny.source(&server.url, &archive));
    assert_eq!(fetch_tiny(&tiny, &sources, &server.url), Ok(()));
    assert!(tiny.is_whole());
    assert_eq!(server.ranges(), [None]);
    // A damaged file is replaced, and only that one is asked for.
    change(&tiny.path("train.bin"), |bytes| bytes[7] ^= 1);
    assert_eq!(fetch_tiny(&tiny, &sources, &server.url), Ok(()));
    assert!(tiny.is_whole());
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn two_fetches_at_once_download_once() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone());
    let source = tiny.source(&server.url, &archive);
    let manifest = tiny.manifest(&source);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fetch(&manifest, &tiny.root(), &mut |_| {}).unwrap());
        }
    });
    assert!(tiny.is_whole());
    assert_eq!(server.ranges(), [None]);
    assert_eq!(tiny.listing(), ["test.bin", "train.bin"]);
}

#[test]
fn leftovers_of_a_killed_fetch_are_removed() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let server = Server::new(archive.clone());
    fs::create_dir_all(tiny.path(".fetch-old")).unwrap();
    fs::write(tiny.path(".fetch-old").join("train.bin"), "half").unwrap();
    assert_eq!(fetch_tiny(&tiny, &tiny.source(&server.url, &archive), &server.url), Ok(()));
    assert_eq!(tiny.listing(), ["test.bin", "train.bin"]);
}

/// What is said when a server has this body, expected to be `archive`, and answers so.
fn check_failure(archive: &[u8], body: Vec<u8>, answers: &[Answer], expected: Expect) {
    let tiny = Tiny::new();
    let server = Server::new(body).then(answers);
    let error = fetch_tiny(&tiny, &tiny.source(&server.url, archive), &server.url).unwrap_err();
    expected.assert_eq(&error);
    let leftover: Vec<String> = tiny.listing().into_iter().filter(|name| !name.starts_with("tiny.tar.gz")).collect();
    assert!(leftover.is_empty(), "{leftover:?}");
}

#[test]
fn failures_of_the_network_name_address_and_reason() {
    let archive = Tiny::new().archive();
    let mut wrong = archive.clone();
    wrong[100] ^= 1;
    check_failure(
        &archive,
        archive.clone(),
        &[Answer::NotFound],
        expect![
            "tiny could not be fetched: URL: the server answered 404 Not Found; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check_failure(
        &archive,
        archive.clone(),
        &[Answer::Redirect],
        expect![
            "tiny could not be fetched: URL: the server answered 302 Found; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check_failure(
        &archive,
        wrong,
        &[],
        expect![
            "tiny could not be fetched: URL: 19,524 bytes with md5 4789a4d14f3956088142295a9c81b933 instead of b14e2d885798b5d140c490dc7dd82020; they were removed; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check_failure(
        &archive,
        [archive.as_slice(), b"more"].concat(),
        &[],
        expect![
            "tiny could not be fetched: URL: more than the 19,524 bytes expected; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check_failure(
        &archive,
        archive.clone(),
        &[Answer::Cut(1000), Answer::WrongRange],
        expect![[
            r#"tiny could not be fetched: URL: asked for the bytes from 1000, the server sent "bytes 0-19523/19524"; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"#
        ]],
    );
}

#[test]
fn broken_and_hostile_archives_are_refused() {
    let tiny = Tiny::new();
    let [train, test] = tiny.files.each_ref().map(|(_, bytes)| bytes.as_slice());
    let member = |name: &str| name.to_string();
    let check = |archive: Vec<u8>, expected| check_failure(&archive.clone(), archive, &[], expected);
    check(
        b"this is no archive".to_vec(),
        expect![
            "tiny could not be fetched: URL: tiny.tar.gz cannot be unpacked: invalid gzip header; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check(
        archive(&[(member("tiny-bin/train.bin"), train)]),
        expect![
            "tiny could not be fetched: URL: tiny.tar.gz does not hold tiny-bin/test.bin; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check(
        archive(&[(member("tiny-bin/../tiny-bin/train.bin"), train), (member("/tiny-bin/test.bin"), test)]),
        expect![
            "tiny could not be fetched: URL: tiny.tar.gz does not hold tiny-bin/train.bin, tiny-bin/test.bin; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check(
        archive(&[(member("tiny-bin/train.bin"), &train[1..]), (member("tiny-bin/test.bin"), test)]),
        expect![
            "tiny could not be fetched: URL: tiny-bin/train.bin in the archive has 9,649 bytes instead of 9,650; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
    check(
        archive(&[(member("tiny-bin/train.bin"), test), (member("tiny-bin/test.bin"), test)]),
        expect![
            "tiny could not be fetched: URL: train.bin: md5 a6e6fa490c69750a70c8c665b4c6104b instead of fa5b3ff4931b7af355822f35d5ae935d; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
}

#[test]
fn a_link_in_an_archive_is_refused() {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "tiny-bin/train.bin", "/etc/hostname").unwrap();
    let archive = tar.into_inner().unwrap().finish().unwrap();
    check_failure(
        &archive.clone(),
        archive,
        &[],
        expect![
            "tiny could not be fetched: URL: tiny-bin/train.bin in the archive is not a plain file; put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"
        ],
    );
}

#[test]
fn when_all_sources_fail_each_is_listed() {
    let tiny = Tiny::new();
    let archive = tiny.archive();
    let url = nobody_listens();
    let sources = format!("LocalFolder(\"by-hand\"), {}", tiny.source(&url, &archive));
    expect!["tiny could not be fetched: folder by-hand: there is no folder FOLDER/cache/by-hand; URL: io: Connection refused (os error 111); put train.bin, test.bin into FOLDER/cache/tiny by hand, or set HNAS_DATA to the folder that holds tiny/"].assert_eq(&fetch_tiny(&tiny, &sources, &url).unwrap_err());
}

#[test]
fn a_folder_that_takes_no_files_is_named() {
    let tiny = Tiny::new();
    fs::write(tiny.root(), "a file where the cache folder should be").unwrap();
    expect!["cannot write FOLDER/cache/tiny: Not a directory (os error 20); set HNAS_DATA to another folder"]
        .assert_eq(&fetch_tiny(&tiny, "", "URL").unwrap_err());
}

/// An address on this machine at which nothing answers.
fn nobody_listens() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/tiny.tar.gz", listener.local_addr().unwrap())
}
