//! Where a PostgreSQL ledger is: a URL as of libpq, without a password.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::LedgerError;

/// How long the system may try to reach a host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long what was sent may stay without an answer of the other host's system.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// After how much silence the other host is asked whether it is there, and how often again.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// The address of a database, with nothing secret in it.
#[derive(Clone)]
pub(crate) struct Address {
    /// One a host, in the order in which they are tried.
    pub(super) hosts: Vec<Config>,
    pub(super) tls: MakeRustlsConnect,
    place: String,
}

impl Address {
    /// Whether a text means a database and not a file.
    pub(crate) fn is_meant_by(text: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads a URL: `postgres://[user@]host[:port][,host[:port]..]/database[?parameter=value&..]`.
    ///
    /// Beside the parameters of the driver, `sslrootcert` names a file of certificates in PEM that are trusted instead of
    /// the public ones. Wherever TLS is spoken, the certificate and the host's name are checked, so that `require`,
    /// `verify-ca` and `verify-full` are one.
    pub(crate) fn parse(url: &str) -> Result<Address, LedgerError> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
        let (user, rest) = match rest.split_once('@') {
            // The first colon begins the password, as it does for the driver, whatever the password is made of.
            Some((user, _)) if user.contains(':') => return Err(LedgerError::PasswordInAddress),
            Some((user, rest)) => (format!("{user}@"), rest),
            None => (String::new(), rest),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (hosts, rest) = rest.split_at(end);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = format!("{scheme}://{user}{hosts}{path}");
        let wrong = |reason: String| LedgerError::Address { place: place.clone(), reason };

        let (mut kept, mut roots) = (Vec::new(), None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("password", _)) => return Err(LedgerError::PasswordInAddress),
                Some(("sslrootcert", file)) => roots = Some(unescape(file).ok_or_else(|| wrong(bad_escape(file)))?),
                Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
                Some(_) | None => kept.push(parameter),
            }
        }
        let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        let hosts = hosts.split(',').map(|host| {
            let url = format!("postgres://{user}{host}{path}{query}");
            let mut config = Config::from_str(&url).map_err(|error| wrong(said(&error)))?;
            if config.get_password().is_some() {
                return Err(LedgerError::PasswordInAddress);
            }
            if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
                return Err(wrong("it names no host".to_owned()));
            }
            settle(&mut config);
            Ok(config)
        });
        let hosts = hosts.collect::<Result<Vec<Config>, LedgerError>>()?;
        Ok(Address { hosts, tls: tls(roots.as_deref())?, place })
    }

    /// The name of a host of this address, for messages.
    pub(super) fn host(config: &Config) -> String {
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(Host::Tcp(name)) => format!("{name}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(folder)) => format!("{}, port {port}", folder.display()),
            None => config.get_hostaddrs().first().map_or(String::new(), |address| format!("{address}:{port}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.place)
    }
}

/// What the URL leaves open.
fn settle(config: &mut Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE / 5).keepalives_retries(5);
    }
    if config.get_application_name().is_none() {
        config.application_name("hnas");
    }
}

/// Trusts the certificates in a file, or those that browsers trust.
fn tls(file: Option<&str>) -> Result<MakeRustlsConnect, LedgerError> {
    let mut roots = RootCertStore::empty();
    match file {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let wrong = |reason: String| LedgerError::Address { place: format!("sslrootcert={file}"), reason };
            let certificates =
                CertificateDer::pem_file_iter(Path::new(file)).map_err(|error| wrong(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("the file holds no certificate".to_owned()));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows the default versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// An error with what caused it.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    match error.source() {
        None => error.to_string(),
        Some(source) => format!("{error}: {}", said(source)),
    }
}

/// Percent-encoded UTF-8.
fn unescape(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn bad_escape(text: &str) -> String {
    format!("{text} is not percent-encoded UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_tried_in_their_order_and_settings_have_defaults() {
        let address = Address::parse("postgres://me@a,b:6000/studies?target_session_attrs=read-write").unwrap();
        assert_eq!(address.to_string(), "postgres://me@a,b:6000/studies");
        assert_eq!(address.hosts.iter().map(Address::host).collect::<Vec<_>>(), ["a:5432", "b:6000"]);
        for config in &address.hosts {
            assert_eq!((config.get_user(), config.get_dbname()), (Some("me"), Some("studies")));
            assert_eq!(config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
            assert_eq!(config.get_tcp_user_timeout(), Some(&TCP_USER_TIMEOUT));
            assert_eq!(config.get_keepalives_idle(), KEEPALIVE);
        }
        let stated = Address::parse("postgres://a/b?connect_timeout=1&sslmode=verify-full").unwrap();
        assert_eq!(stated.hosts[0].get_connect_timeout(), Some(&Duration::from_secs(1)));
        assert_eq!(stated.hosts[0].get_ssl_mode(), tokio_postgres::config::SslMode::Require);
        let socket = Address::parse("postgres://%2Frun%2Fpostgresql/b").unwrap();
        assert_eq!(Address::host(&socket.hosts[0]), "/run/postgresql, port 5432");
        let socket = Address::parse("postgresql:///b?host=/run/postgresql&port=6000").unwrap();
        assert_eq!(Address::host(&socket.hosts[0]), "/run/postgresql, port 6000");
    }

    #[test]
    fn passwords_are_refused_and_not_repeated() {
        for url in [
            "postgres://me:hush@a/b",
            "postgres://me:hu/sh@a/b",
            "postgres://me:hush?x=1@a/b",
            "postgres://me:@a/b",
            "postgres://me@a/b?password=hush",
            "postgres://me@a/b?sslmode=require&password=hush",
            "postgres://me@a/b?p%61ssword=hush",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(matches!(error, LedgerError::PasswordInAddress), "{url}: {error}");
            assert!(!error.to_string().contains("hush"));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |url: &str, message: &str| assert_eq!(Address::parse(url).unwrap_err().to_string(), message);
        check("postgres:///b", "postgres:///b is no place of a ledger: it names no host");
        check(
            "postgres://a:port/b",
            "postgres://a:port/b is no place of a ledger: invalid connection string: invalid value for option `port`",
        );
        check(
            "postgres://a/b?sslmod=x",
            "postgres://a/b is no place of a ledger: invalid connection string: unknown option `sslmod`",
        );
        check(
            "postgres://a/b?sslrootcert=/no/such%20file",
            "sslrootcert=/no/such file is no place of a ledger: I/O error: No such file or directory (os error 2)",
        );
        check(
            "postgres://a/b?sslrootcert=%zz",
            "postgres://a/b is no place of a ledger: %zz is not percent-encoded UTF-8",
        );
    }
}
