//! Passwords, from where libpq takes them: the environment or a file that nobody else can read.

use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::LedgerError;

/// The password of a host: PGPASSWORD, or that of the first line that fits in the file PGPASSFILE or `~/.pgpass`. Looked
/// up whenever a connection is made, so that it may change while a search runs.
pub(super) fn password(config: &Config) -> Result<Option<String>, LedgerError> {
    match std::env::var("PGPASSWORD") {
        Ok(password) if !password.is_empty() => return Ok(Some(password)),
        Ok(_) | Err(_) => {}
    }
    let (file, named) = match std::env::var_os("PGPASSFILE") {
        Some(file) => (PathBuf::from(file), true),
        None => match std::env::home_dir() {
            Some(home) => (home.join(".pgpass"), false),
            None => return Ok(None),
        },
    };
    let unusable = |reason: String| LedgerError::PasswordFile { file: file.display().to_string(), reason };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(_) if !named => return Ok(None),
        Err(error) => return Err(unusable(error.to_string())),
    };
    if others_read(&file) {
        return Err(unusable("others may read the file: chmod 600".to_owned()));
    }
    Ok(look_up(&text, &wanted(config)))
}

/// Host, port, database and user, as a line of the file names them.
fn wanted(config: &Config) -> [String; 4] {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => config.get_hostaddrs().first().map(ToString::to_string).unwrap_or_default(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default().to_owned();
    let database = config.get_dbname().map_or_else(|| user.clone(), str::to_owned);
    [host, port, database, user]
}

fn look_up(text: &str, wanted: &[String; 4]) -> Option<String> {
    let fits = |line: &&str| {
        let fields = fields(line);
        fields.len() >= 5 && fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted)
    };
    text.lines().filter(|line| !line.starts_with('#')).find(fits).map(|line| fields(line).swap_remove(4))
}

/// The parts of a line between colons; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut characters) = (vec![String::new()], line.chars());
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            ':' => fields.push(String::new()),
            '\\' => fields[last].extend(characters.next()),
            other => fields[last].push(other),
        }
    }
    fields
}

#[cfg(unix)]
fn others_read(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_read(_file: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_counts() {
        let file = "# comment:*:*:*:no\nother:*:*:*:no\nh:5432:studies:me:a\\:b\\\\c\n*:*:*:*:any\n";
        let check = |wanted: [&str; 4], password: Option<&str>| {
            assert_eq!(look_up(file, &wanted.map(str::to_owned)).as_deref(), password, "{wanted:?}");
        };
        check(["h", "5432", "studies", "me"], Some("a:b\\c"));
        check(["h", "5433", "studies", "me"], Some("any"));
        check(["other", "1", "x", "y"], Some("no"));
        assert_eq!(look_up("h:1:d:u\n\n:", &["h", "1", "d", "u"].map(str::to_owned)), None, "lines that are none");
    }
}
