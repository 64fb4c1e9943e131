//! Between a PostgreSQL ledger and its server: passwords, certificates, silence, answers that are lost, and more workers
//! than connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hnas_ledger::{LedgerError, Store};

use crate::contract::{Backend, lease};
use crate::example::{EXPERIMENT, proposal, scored};
use crate::postgres::Database;
use crate::server::{Server, sql};

/// What this very test, run again, opens: another environment is another process.
const ADDRESS: &str = "HNAS_TEST_ADDRESS";

#[test]
fn a_process_with_another_environment() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let said = address.parse::<Store>().and_then(|store| store.open("search", EXPERIMENT)).map(drop);
    println!("SAID: {}", said.map_or_else(|error| error.to_string(), |()| "it opens".to_owned()));
}

/// What is said when an address is opened with these environment variables; all that the process wrote goes to `log`.
fn opened(address: &str, environment: &[(&str, &str)], log: &mut String) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["network::a_process_with_another_environment", "--exact", "--nocapture"])
        .env(ADDRESS, address)
        .env_remove("PGPASSWORD")
        .env_remove("PGPASSFILE")
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    log.push_str(&text);
    let line = text.lines().find_map(|line| line.split_once("SAID: ")).unwrap_or_else(|| panic!("{text}"));
    line.1.to_owned()
}

#[test]
fn passwords_come_from_the_environment_or_a_file_and_are_never_said() {
    let Some(database) = Database::fresh() else { return };
    let port = Server::shared().unwrap().port;
    let name = database.address.rsplit_once('/').unwrap().1.split_once('?').unwrap().0;
    sql(
        &database.address,
        &format!("CREATE ROLE secretive LOGIN PASSWORD 'hush:hush'; GRANT CREATE ON DATABASE {name} TO secretive"),
    );
    let address = format!("postgres://secretive@127.0.0.1:{port}/{name}?sslmode=disable");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passwords");
    std::fs::write(&file, format!("other:*:*:*:no\n127.0.0.1:{port}:{name}:secretive:hush\\:hush\n")).unwrap();
    let path = file.to_str().unwrap();
    let mode = |mode: u32| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    let mut log = String::new();
    let place = format!("the database postgres://secretive@127.0.0.1:{port}/{name} refuses: 127.0.0.1:{port}: ");

    let none = opened(&address, &[], &mut log);
    let advice = "; passwords are read from the file that PGPASSFILE names, or from PGPASSWORD";
    assert_eq!(none, format!("{place}invalid configuration: password missing{advice}"));
    let wrong = opened(&address, &[("PGPASSWORD", "hush-wrong")], &mut log);
    let said = "password authentication failed for user \"secretive\" (SQLSTATE 28P01)";
    assert_eq!(wrong, format!("{place}{said}{advice}"));
    mode(0o644);
    let open = opened(&address, &[("PGPASSFILE", path)], &mut log);
    assert_eq!(open, format!("the passwords in {path} cannot be used: others may read the file: chmod 600"));
    mode(0o600);
    assert_eq!(opened(&address, &[("PGPASSFILE", path)], &mut log), "it opens");
    assert_eq!(opened(&address, &[("PGPASSWORD", "hush:hush")], &mut log), "it opens");
    let missing = opened(&address, &[("PGPASSFILE", "/no/such/file")], &mut log);
    assert!(missing.starts_with("the passwords in /no/such/file cannot be used: No such file"), "{missing}");
    let inside = opened(&address.replacen("secretive@", "secretive:hush@", 1), &[], &mut log);
    assert!(inside.starts_with("a password does not belong into the address of a ledger"), "{inside}");
    assert!(!log.contains("hush"), "{log}");
}

#[test]
fn certificates_are_checked() {
    let Some(database) = Database::fresh() else { return };
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");
    let plain = database.address.replacen("127.0.0.1", "localhost", 1);
    let open =
        |mode: &str| plain.replacen("sslmode=disable", mode, 1).parse::<Store>().unwrap().open("search", EXPERIMENT);
    let trusted = format!("sslmode=verify-full&sslrootcert={authority}");
    let mut ledger = open(&trusted).unwrap();
    assert!(ledger.propose(&proposal(1)).unwrap());
    let encrypted = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'hnas' AND datname = current_database()";
    assert_eq!(sql(&database.address, encrypted), ["t"]);

    let unknown = open("sslmode=require").err().unwrap().to_string();
    assert!(unknown.contains("invalid peer certificate: UnknownIssuer"), "{unknown}");
    assert!(
        unknown.ends_with("; name a file of trusted certificates with sslrootcert=FILE in the address"),
        "{unknown}"
    );
    // The certificate is for the name, not for this number.
    let number = database.address.replacen("sslmode=disable", &trusted, 1).parse::<Store>().unwrap();
    let other = number.open("search", EXPERIMENT).err().unwrap().to_string();
    assert!(other.contains("certificate not valid for name"), "{other}");
}

#[test]
fn a_database_that_is_away_is_waited_for_as_long_as_asked() {
    // Nobody listens at a port that was just free.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store: Store = format!("postgres://me@127.0.0.1:{port}/db").parse().unwrap();
    let started = Instant::now();
    let error = store.giving_up_after(Duration::from_millis(500)).open("search", "").err().unwrap();
    assert!(started.elapsed() < Duration::from_secs(60));
    assert!(error.is_transient());
    let expected = format!("the database postgres://me@127.0.0.1:{port}/db is away: 127.0.0.1:{port}: ");
    assert!(error.to_string().starts_with(&expected), "{error}");

    let Some(server) = Server::shared() else { return };
    let store: Store =
        format!("postgres://hnas@127.0.0.1:{}/no_such_database?sslmode=disable", server.port).parse().unwrap();
    let error = store.open("search", "").err().unwrap();
    assert!(!error.is_transient(), "what waiting does not cure is said at once");
    assert!(error.to_string().contains("database \"no_such_database\" does not exist (SQLSTATE 3D000)"), "{error}");
}

#[test]
fn calls_go_on_when_the_database_is_back() {
    let Some(mut server) = Server::start() else { return };
    let database = Database { address: server.database() };
    let mut ledger = database.search();
    ledger.propose(&proposal(1)).unwrap();
    let leased = lease(&mut *ledger, "w");
    server.kill();
    std::thread::scope(|scope| {
        let recording = scope.spawn(|| ledger.record(&leased, &scored(1, 0)).unwrap());
        std::thread::sleep(Duration::from_millis(300));
        assert!(!recording.is_finished(), "it waits");
        server.restart();
        assert!(recording.join().unwrap());
    });
    assert_eq!(ledger.results(0).unwrap().len(), 1);
}

/// Stands between a client and the server and, when told to, cuts the connection when the server has answered and before
/// the client hears of it.
struct Between {
    port: u16,
    cut: Arc<AtomicBool>,
    cuts: Arc<AtomicU32>,
}

impl Between {
    fn new(server: u16) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, cuts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let between = Between { port, cut: Arc::clone(&cut), cuts: Arc::clone(&cuts) };
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let (cut, cuts) = (Arc::clone(&cut), Arc::clone(&cuts));
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || pass(ends.0, ends.1, |_| true));
                std::thread::spawn(move || {
                    pass(server, client, |answer| {
                        // An `UPDATE 1` of PostgreSQL's protocol: the statement is done and committed.
                        let done = answer.windows(8).any(|bytes| bytes == b"UPDATE 1");
                        let now = done && cut.swap(false, Ordering::SeqCst);
                        cuts.fetch_add(u32::from(now), Ordering::SeqCst);
                        !now
                    });
                });
            }
        });
        between
    }
}

/// Passes bytes on until either end closes or `go_on` says no.
fn pass(mut from: TcpStream, mut to: TcpStream, go_on: impl Fn(&[u8]) -> bool) {
    let mut bytes = [0; 65536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if !go_on(&bytes[..read]) || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn l1_a_record_whose_answer_was_lost_on_the_way_is_recognised() {
    let Some(server) = Server::shared() else { return };
    let direct = Database { address: server.database() };
    let mut ledger = direct.search();
    ledger.propose(&proposal(1)).unwrap();
    let between = Between::new(server.port);
    let cut = Database { address: direct.address.replacen(&server.port.to_string(), &between.port.to_string(), 1) };
    let mut worker = cut.search();
    let leased = lease(&mut *worker, "w");
    between.cut.store(true, Ordering::SeqCst);
    assert!(worker.record(&leased, &scored(1, 0)).unwrap(), "recorded, though the first answer never came");
    assert_eq!(between.cuts.load(Ordering::SeqCst), 1);
    assert_eq!(ledger.results(0).unwrap().len(), 1);
    let other = hnas_ledger::Lease { worker: "other".to_owned(), ..leased };
    assert!(!worker.record(&other, &scored(1, 0)).unwrap());
}

#[test]
fn l1_more_workers_than_connections() {
    const WORKERS: u64 = 130;
    let Some(database) = Database::fresh() else { return };
    let mut controller = database.search();
    for id in 1..=2 * WORKERS {
        controller.propose(&proposal(id)).unwrap();
    }
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let database = &database;
            scope.spawn(move || {
                // What a worker does: with its last connection it looks around and leases, and then holds none.
                let mut ledger = database.store().join_all().unwrap();
                while let Some(study) = ledger.standing().unwrap().into_iter().find(|standing| standing.waiting) {
                    ledger.turn_to(&study.study);
                    let Some(leased) = ledger.lease(&format!("w{worker}")).unwrap() else { continue };
                    std::thread::sleep(Duration::from_millis(200));
                    assert!(ledger.record(&leased, &scored(leased.proposal.id.0, 0)).unwrap());
                }
            });
        }
    });
    let results = controller.results(0).unwrap();
    assert!(results.iter().map(|trial| trial.seq).eq(1..=2 * WORKERS as i64));
}

#[test]
fn other_kinds_of_addresses_are_refused() {
    let error = "mysql://me:hush@a/b".parse::<Store>().unwrap_err();
    assert!(matches!(error, LedgerError::Address { .. }));
    let expected = "mysql://.. is no place of a ledger: ledgers are kept in files and at postgres://";
    assert_eq!(error.to_string(), expected);
}
