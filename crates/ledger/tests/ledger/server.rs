//! A PostgreSQL server for tests: started from the system's package, in a temporary folder, gone with this process.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};

use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::waiting::eventually;

/// For the host `localhost`, signed by `tests/tls/ca.pem`. Secret to nobody: made for these tests alone.
const CERTIFICATE: &str = include_str!("../tls/server.pem");
const KEY: &str = include_str!("../tls/server.key");

/// Where Debian's packages put the programs of the server, one folder a version.
const PACKAGES: &str = "/usr/lib/postgresql";

/// The programs of the newest server on this machine, `None` when there is none: then the tests that need one pass, and
/// one line says so.
fn programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let versions = fs::read_dir(PACKAGES).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
        let number = |bin: &PathBuf| -> Option<u32> { bin.parent()?.file_name()?.to_str()?.parse().ok() };
        let newest = versions.filter(|bin| bin.join("initdb").is_file()).max_by_key(number);
        if newest.is_none() {
            // Past the capture of the test harness, which shows nothing of a test that passes.
            let line = format!("NOT TESTED: the ledger on PostgreSQL, since there is no server below {PACKAGES}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
        newest
    };
    FOUND.get_or_init(find).as_deref()
}

/// A server that this process started.
pub(crate) struct Server {
    bin: &'static Path,
    folder: PathBuf,
    pub(crate) port: u16,
    process: Child,
    /// Ends the server and clears up when its input is closed, however this process ends.
    keeper: Child,
    databases: AtomicU32,
}

impl Server {
    /// The server that all tests share, each in a database of its own.
    pub(crate) fn shared() -> Option<&'static Server> {
        static SHARED: LazyLock<Option<Server>> = LazyLock::new(Server::start);
        SHARED.as_ref()
    }

    /// A server of one's own.
    pub(crate) fn start() -> Option<Server> {
        let bin = programs()?;
        let folder = own_folder();
        let data = folder.join("data");
        let made = run_as_owner(&bin.join("initdb"))
            .args(["-U", "hnas", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        // One user has to say a password; the first line that fits counts.
        let access = data.join("pg_hba.conf");
        let lines = fs::read_to_string(&access).unwrap();
        fs::write(&access, format!("host all secretive 127.0.0.1/32 scram-sha-256\n{lines}")).unwrap();
        for (name, text) in [("server.crt", CERTIFICATE), ("server.key", KEY)] {
            fs::write(data.join(name), text).unwrap();
            fs::set_permissions(data.join(name), fs::Permissions::from_mode(0o600)).unwrap();
            give(&data.join(name));
        }
        Some(Server::start_in(bin, folder))
    }

    /// A standby of this server, for which every commit waits from now on.
    pub(crate) fn standby(&self) -> Server {
        let folder = own_folder();
        let copied = run_as_owner(&self.bin.join("pg_basebackup"))
            .args(["-R", "-X", "stream", "-c", "fast", "-d"])
            .arg(format!("host=127.0.0.1 port={} user=hnas application_name=standby", self.port))
            .arg("-D")
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        let standby = Server::start_in(self.bin, folder);
        self.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        self.sql("postgres", "SELECT pg_reload_conf()");
        eventually("the standby is waited for", || {
            let state = self.sql("postgres", "SELECT sync_state FROM pg_stat_replication");
            (state == ["sync"]).then_some(())
        });
        standby
    }

    fn start_in(bin: &'static Path, folder: PathBuf) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = launch(bin, &folder, port);
        let clear_up =
            "cat > /dev/null; kill -QUIT $(head -n 1 \"$0/data/postmaster.pid\") && sleep 0.5; rm -rf \"$0\"";
        let keeper = Command::new("sh")
            .args(["-c", clear_up])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Not ended by the keys that end this process.
            .process_group(0)
            .spawn()
            .unwrap();
        let server = Server { bin, folder, port, process, keeper, databases: AtomicU32::new(0) };
        server.wait();
        server
    }

    fn wait(&self) {
        eventually("the server lets us in", || self.try_sql("postgres", "SELECT 1").ok());
    }

    /// The address of a new database.
    pub(crate) fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        format!("postgres://hnas@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// Runs statements as the owner of everything; the first column of the rows, as text.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> Vec<String> {
        self.try_sql(database, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    fn try_sql(&self, database: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        try_sql(&format!("postgres://hnas@127.0.0.1:{}/{database}?sslmode=disable", self.port), sql)
    }

    /// SIGKILL to the server and its processes at once, as when its host dies.
    pub(crate) fn kill(&mut self) {
        let pid = self.process.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // Its number may soon be another's, and whoever clears up would end that one.
        fs::remove_file(self.folder.join("data/postmaster.pid")).unwrap();
        for child in children.split_whitespace() {
            // Most have noticed by themselves.
            let _ = Command::new("kill").args(["-KILL", child]).stderr(Stdio::null()).status();
        }
    }

    pub(crate) fn restart(&mut self) {
        self.process = launch(self.bin, &self.folder, self.port);
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = (self.keeper.wait(), self.process.wait());
    }
}

/// Runs statements at an address; the first column of the rows, as text.
pub(crate) fn sql(address: &str, sql: &str) -> Vec<String> {
    try_sql(address, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn try_sql(address: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await?;
        let first = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
            _ => None,
        };
        Ok(messages.iter().filter_map(first).collect())
    })
}

fn launch(bin: &Path, folder: &Path, port: u16) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let settings = [
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        "listen_addresses=127.0.0.1".to_owned(),
        "shared_buffers=16MB".to_owned(),
        "wal_receiver_timeout=2s".to_owned(),
        "ssl=on".to_owned(),
    ];
    run_as_owner(&bin.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

/// An empty folder that belongs to the user that runs servers.
fn own_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("hnas-pg-").tempdir().unwrap().keep();
    give(&folder);
    folder
}

/// Gives a file to the user that runs servers.
fn give(file: &Path) {
    if let Some((user, group)) = another_user() {
        std::os::unix::fs::chown(file, Some(user), Some(group)).unwrap();
    }
}

fn run_as_owner(program: &Path) -> Command {
    let mut command = Command::new(program);
    // A folder that the other user may be in.
    command.current_dir("/");
    if let Some((user, group)) = another_user() {
        command.uid(user).gid(group);
    }
    command
}

/// Servers refuse to run as root: then the user of the package, by number.
fn another_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("the package makes this user");
    let mut fields = line.split(':').skip(2).map(|number| number.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}
