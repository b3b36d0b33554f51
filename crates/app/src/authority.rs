//! The local certificate authority's files in the data directory.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::{Clock, SecretText};
use paddock_gateway::{Authority, Certificates, NewAuthority, OwnCertificate, ServerName};
use zeroize::Zeroizing;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::files::replace_private;

/// Where systems keep the authorities that they trust, in one file.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authority's certificate in PEM; the authority is made if there is none.
pub(crate) fn certificate(dir: &DataDir, now: Timestamp) -> Outcome<String> {
    if dir.authority_key().exists() {
        return read(&dir.authority());
    }
    replace(dir, now)
}

/// What clients should trust, in PEM: the authority's certificate, and that of the next one if one was prepared.
pub(crate) fn trusted(dir: &DataDir, now: Timestamp) -> Outcome<String> {
    let certificate = certificate(dir, now)?;
    match dir.next_authority_key().exists() {
        true => Ok(certificate + &read(&dir.next_authority())?),
        false => Ok(certificate),
    }
}

/// Makes the next authority, if none is prepared. Servers go on with the present one, and clients can be given both certificates meanwhile.
pub(crate) fn prepare(dir: &DataDir, now: Timestamp) -> Outcome {
    dir.create()?;
    if dir.next_authority_key().exists() {
        return Ok(());
    }
    let NewAuthority { key, certificate } = Authority::create(now).map_err(damaged)?;
    write(&dir.next_authority(), certificate.as_bytes())?;
    write(&dir.next_authority_key(), key.expose().as_bytes())
}

/// Puts the next authority in the place of the present one: the one that was prepared, or else a new one, which no client knows yet. Tells
/// whether it was prepared. Cut off anywhere, it can be done again.
pub(crate) fn renew(dir: &DataDir, now: Timestamp) -> Outcome<bool> {
    if !dir.next_authority_key().exists() {
        replace(dir, now)?;
        return Ok(false);
    }
    let (certificate, key) = (read(&dir.next_authority())?, secret(&dir.next_authority_key())?);
    Authority::load(&key, &certificate).map_err(damaged)?;
    write(&dir.authority(), certificate.as_bytes())?;
    write(&dir.authority_key(), key.expose().as_bytes())?;
    for path in [dir.next_authority_key(), dir.next_authority()] {
        fs::remove_file(&path).map_err(Failure::cannot(format!("remove {}", path.display())))?;
    }
    Ok(true)
}

/// Makes an authority in the place of what there is. Clients that trust the old one trust no server any more that starts from now
/// on.
fn replace(dir: &DataDir, now: Timestamp) -> Outcome<String> {
    dir.create()?;
    let NewAuthority { key, certificate } = Authority::create(now).map_err(damaged)?;
    // The certificate first: a key without one would be taken for whole.
    write(&dir.authority(), certificate.as_bytes())?;
    write(&dir.authority_key(), key.expose().as_bytes())?;
    Ok(certificate)
}

/// Writes the system's authorities and the local one into one file, for clients that take one file for all. Tells its path.
pub(crate) fn write_bundle(dir: &DataDir, certificate: &str) -> Outcome<std::path::PathBuf> {
    let system = SYSTEM_BUNDLES.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let separator = if system.is_empty() || system.ends_with('\n') { "" } else { "\n" };
    let path = dir.authority_bundle();
    write(&path, format!("{system}{separator}{certificate}").as_bytes())?;
    Ok(path)
}

/// What the encrypted entrances show for a certificate.
pub(crate) fn certificates(dir: &DataDir, config: &Config, tls: Option<SocketAddr>) -> Outcome<Certificates> {
    let clock = Arc::new(SystemClock);
    let certificate = certificate(dir, clock.now())?;
    let key = secret(&dir.authority_key())?;
    let authority = Authority::load(&key, &certificate).map_err(damaged)?;
    let mut names = vec![
        ServerName::Dns("localhost".to_owned()),
        ServerName::Ip(Ipv4Addr::LOCALHOST.into()),
        ServerName::Ip(IpAddr::from(Ipv6Addr::LOCALHOST)),
    ];
    let listening = tls.map(|address| address.ip()).filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    let listening = listening.map(|ip| ip.to_string());
    // With a certificate of the operator's own, the authority's is for the proxy, which needs no names of ours.
    let asked = if config.own_certificate.is_some() { &[] } else { config.tls_names.as_slice() };
    for name in asked.iter().chain(&listening) {
        let name = ServerName::parse(name).map_err(|error| Failure::usage(error.to_string()))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let own = match &config.own_certificate {
        Some((chain, key)) => Some((read(chain)?, secret(key)?)),
        None => None,
    };
    let own = own.as_ref().map(|(chain, key)| OwnCertificate { chain, key });
    Certificates::new(authority, names, own, clock).map_err(|error| {
        Failure::new(error.to_string()).hint("see [tls] in the configuration, and docs/configuration.md")
    })
}

fn damaged(error: paddock_gateway::AuthorityError) -> Failure {
    Failure::new(error.to_string())
        .hint("restore ca.pem and ca.key, or make a new authority with `paddock ca renew`")
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// Read into memory that is wiped.
fn secret(path: &Path) -> Outcome<SecretText> {
    let bytes = Zeroizing::new(fs::read(path).map_err(|error| unreadable(path, &error))?);
    let text =
        std::str::from_utf8(&bytes).map_err(|_| unreadable(path, &io::ErrorKind::InvalidData.into()))?;
    Ok(SecretText::new(text.to_owned()))
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display()))
        .hint("see that the path is right and that this user may read it")
}

fn write(path: &Path, content: &[u8]) -> Outcome {
    replace_private(path, content).map_err(Failure::cannot(format!("write {}", path.display())))
}
