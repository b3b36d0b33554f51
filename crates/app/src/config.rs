//! Configuration: what the command line, the environment and a file say, in that order of precedence.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use jiff::SignedDuration;
use paddock_alpaca::endpoints::{EndpointOverrides, Endpoints};
use paddock_core::SecretText;
use paddock_gateway::Limits;
use paddock_web::{USUAL_PER_MINUTE, WebOrigin, parse_lifetime};
use serde::Deserialize;

use crate::data_dir::DataDir;
use crate::deadman::{DeadmanConfig, DeadmanSection};
use crate::failure::{Failure, Outcome};
use crate::listen::ListenAddr;
use crate::oauth::{OauthConfig, OauthSection};
use crate::rotation::{RotationConfig, RotationSection};

/// Where programs connect unless told otherwise.
pub(crate) const DEFAULT_GATEWAY: &str = "127.0.0.1:7880";
/// Where people connect unless told otherwise.
pub(crate) const DEFAULT_WEB: &str = "127.0.0.1:7878";

/// What a configuration file may hold.
const SETTINGS: &str = "the settings are [listen] gateway, tls, proxy, web, metrics, allow_remote, web_names, web_origin, web_proxies; [tls] names, certificate, \
     key; [alpaca] paper_url, live_url, data_url, stream_url; [database] url; [limits] trading_per_minute, data_per_minute, \
     requests_at_once, streams_at_once, api_per_minute; [deadman] check_in, grace, connection, allow, cancel_all, flatten; [[deadman.heartbeats]] \
     name, url, every, misses; [audit] keep, wait_seconds; [oauth] client_id, secret_file, redirect_uri, app_url, token_url; \
     [rotation] allowed_hosts, extra_roots, allowed_folders, allowed_programs, rehearsal_url, rehearsal_live_url";

/// The configuration file. Unknown names are refused: a misspelt setting must not be ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    listen: ListenSection,
    tls: TlsSection,
    alpaca: AlpacaSection,
    database: DatabaseSection,
    limits: LimitsSection,
    deadman: DeadmanSection,
    audit: AuditSection,
    oauth: OauthSection,
    rotation: RotationSection,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ListenSection {
    gateway: Option<ListenAddr>,
    tls: Option<ListenAddr>,
    proxy: Option<ListenAddr>,
    web: Option<ListenAddr>,
    metrics: Option<ListenAddr>,
    allow_remote: bool,
    /// Names besides `localhost` under which browsers may address the pages.
    web_names: Vec<String>,
    /// The address of the pages as browsers see it, when a TLS proxy is before them.
    web_origin: Option<String>,
    /// The addresses of proxies whose `X-Forwarded-For` is believed.
    web_proxies: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsSection {
    names: Vec<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AlpacaSection {
    paper_url: Option<String>,
    live_url: Option<String>,
    data_url: Option<String>,
    stream_url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsSection {
    trading_per_minute: Option<NonZeroU32>,
    data_per_minute: Option<NonZeroU32>,
    requests_at_once: Option<NonZeroU32>,
    streams_at_once: Option<NonZeroU32>,
    api_per_minute: Option<NonZeroU32>,
}

impl LimitsSection {
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        let or = |own: Option<NonZeroU32>, usual| own.map_or(usual, NonZeroU32::get);
        Limits {
            trading_per_minute: self.trading_per_minute.map(NonZeroU32::get),
            data_per_minute: self.data_per_minute.map(NonZeroU32::get),
            requests_at_once: or(self.requests_at_once, usual.requests_at_once),
            streams_at_once: or(self.streams_at_once, usual.streams_at_once),
            ..usual
        }
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DatabaseSection {
    url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AuditSection {
    /// How long records are kept, such as `365d`; for ever when absent.
    keep: Option<String>,
    /// How many seconds a request waits for its record; 5 when absent.
    wait_seconds: Option<u32>,
}

impl fmt::Debug for DatabaseSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSection").field("url", &self.url.as_ref().map(|_| "redacted")).finish()
    }
}

impl ConfigFile {
    /// Reads the file's text; `path` is for the error.
    pub(crate) fn parse(text: &str, path: &Path) -> Outcome<Self> {
        toml::from_str(text).map_err(|error| {
            // Only the message and the line: the line's text might hold a password.
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Failure::new(format!("line {line} of the configuration {}: {}", path.display(), error.message()))
                .hint(SETTINGS)
        })
    }
}

/// What holds for this run.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) gateway: ListenAddr,
    /// Where programs connect by HTTPS; nowhere when absent.
    pub(crate) tls: Option<ListenAddr>,
    /// Where programs find a proxy for `HTTPS_PROXY`; nowhere when absent.
    pub(crate) proxy: Option<ListenAddr>,
    pub(crate) web: ListenAddr,
    /// Where whoever watches over it finds figures; nowhere when absent.
    pub(crate) metrics: Option<ListenAddr>,
    pub(crate) allow_remote: bool,
    /// Names and addresses besides this machine's own for which the local authority issues the certificate.
    pub(crate) tls_names: Vec<String>,
    /// The operator's own certificate chain and its key, as files.
    pub(crate) own_certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) web_names: Vec<String>,
    /// The address of the pages as browsers see it, where that is not the listener's own.
    pub(crate) web_origin: Option<WebOrigin>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub(crate) web_proxies: Vec<IpNet>,
    /// Where Alpaca is.
    pub(crate) endpoints: Endpoints,
    /// The address of a PostgreSQL database; SQLite in the data directory when absent.
    pub(crate) database: Option<SecretText>,
    /// This Paddock as an app that is registered at Alpaca; none when absent.
    pub(crate) oauth: Option<OauthConfig>,
    /// What accounts and access keys may use at most.
    pub(crate) limits: Limits,
    /// Requests a minute to the JSON API by each person.
    pub(crate) api_per_minute: u32,
    /// The dead-man switch; none when absent.
    pub(crate) deadman: Option<DeadmanConfig>,
    /// How long audit records are kept; for ever when absent.
    pub(crate) audit_keep: Option<SignedDuration>,
    /// How long a request waits for its record to be durable.
    pub(crate) audit_wait: Duration,
    /// What consumers may use.
    pub(crate) rotation: RotationConfig,
}

/// How long a request waits for its record unless told otherwise, in seconds, and the most that may be told.
const AUDIT_WAIT: u32 = 5;
const LONGEST_AUDIT_WAIT: u32 = 60;

impl Config {
    /// Reads the file that was named, or `config.toml` of the data directory if there is one, and the environment.
    pub(crate) fn load(named: Option<&Path>, dir: &DataDir) -> Outcome<Self> {
        let path = named.map_or_else(|| dir.config(), Path::to_owned);
        let file = match fs::read_to_string(&path) {
            Ok(text) => ConfigFile::parse(&text, &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => ConfigFile::default(),
            Err(error) => {
                return Err(Failure::new(format!(
                    "cannot read the configuration {}: {error}",
                    path.display()
                ))
                .hint("see that the path of `--config` is right"));
            }
        };
        Self::resolve(file, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Puts the environment over the file and the defaults below it.
    pub(crate) fn resolve(file: ConfigFile, environment: impl Fn(&str) -> Option<String>) -> Outcome<Self> {
        let fixed = |text: &str| text.parse::<ListenAddr>().map_err(Failure::new);
        let alpaca = |name: &str, in_file: Option<String>| environment(name).or(in_file);
        let overrides = EndpointOverrides {
            paper: alpaca("PADDOCK_ALPACA_PAPER_URL", file.alpaca.paper_url),
            live: alpaca("PADDOCK_ALPACA_LIVE_URL", file.alpaca.live_url),
            data: alpaca("PADDOCK_ALPACA_DATA_URL", file.alpaca.data_url),
            stream: alpaca("PADDOCK_ALPACA_STREAM_URL", file.alpaca.stream_url),
        };
        let endpoints = Endpoints::new(&overrides).map_err(|fault| {
            Failure::usage(format!("an address of Alpaca's is wrong: {fault}"))
                .hint("correct it under [alpaca] in the configuration, or in PADDOCK_ALPACA_PAPER_URL, _LIVE_URL, _DATA_URL or _STREAM_URL")
        })?;
        let own_certificate = match (file.tls.certificate, file.tls.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(Failure::usage("a certificate and its key belong together")
                    .hint("set both `certificate` and `key` under [tls], or neither"));
            }
        };
        let audit_keep = match &file.audit.keep {
            None => None,
            Some(text) => Some(parse_lifetime(text).ok_or_else(|| {
                Failure::usage(format!("[audit] keep = \"{text}\" is no length of time")).hint(
                    "write a number and a unit, for example `365d` or `52w`; leave it out to keep everything",
                )
            })?),
        };
        let web_origin = match &file.listen.web_origin {
            None => None,
            Some(text) => Some(WebOrigin::parse(text).ok_or_else(|| {
                Failure::usage(format!("[listen] web_origin = \"{text}\" is no address of pages")).hint(
                    "write the scheme and the name that browsers use, for example `https://paddock.example`",
                )
            })?),
        };
        let proxies = file.listen.web_proxies.iter().map(|text| {
            let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| {
                Failure::usage(format!("[listen] web_proxies: \"{text}\" is no address or network"))
                    .hint("write addresses or networks, for example `10.0.0.5` or `10.0.0.0/24`")
            })
        });
        let web_proxies = proxies.collect::<Outcome<Vec<IpNet>>>()?;
        let wait = file.audit.wait_seconds.unwrap_or(AUDIT_WAIT);
        if !(1..=LONGEST_AUDIT_WAIT).contains(&wait) {
            return Err(Failure::usage(format!("[audit] wait_seconds = {wait} is out of range"))
                .hint("write a whole number from 1 to 60"));
        }
        Ok(Self {
            deadman: file.deadman.resolve()?,
            oauth: file.oauth.resolve()?,
            rotation: file.rotation.resolve()?,
            audit_keep,
            audit_wait: Duration::from_secs(u64::from(wait)),
            tls: file.listen.tls,
            proxy: file.listen.proxy,
            tls_names: file.tls.names,
            own_certificate,
            gateway: file.listen.gateway.map_or_else(|| fixed(DEFAULT_GATEWAY), Ok)?,
            web: file.listen.web.map_or_else(|| fixed(DEFAULT_WEB), Ok)?,
            metrics: file.listen.metrics,
            allow_remote: file.listen.allow_remote,
            web_names: file.listen.web_names,
            web_origin,
            web_proxies,
            endpoints,
            limits: file.limits.limits(),
            api_per_minute: file.limits.api_per_minute.map_or(USUAL_PER_MINUTE, NonZeroU32::get),
            database: environment("PADDOCK_DATABASE_URL").or(file.database.url).map(SecretText::new),
        })
    }

    /// Refuses an address beyond this machine unless that was asked for: these listeners speak plain HTTP, in which
    /// passwords and keys can be read on their way. The TLS entrance may be anywhere: it is encrypted, and asks for an access key.
    pub(crate) fn check_listeners(&self) -> Outcome {
        let plain = [
            ("gateway", Some(self.gateway)),
            ("proxy", self.proxy),
            ("web", Some(self.web)),
            ("metrics", self.metrics),
        ];
        for (name, address) in plain.into_iter().filter_map(|(name, address)| Some((name, address?))) {
            require_loopback(name, address.socket(), self.allow_remote)?;
        }
        Ok(())
    }
}

/// Refuses an address beyond this machine unless that was asked for.
pub(crate) fn require_loopback(name: &str, address: SocketAddr, allow_remote: bool) -> Outcome {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    if allow_remote {
        tracing::warn!(%address, "the {name} listens beyond this machine, in plain HTTP: put TLS in front of it");
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the {name} address {address} is reachable from other machines, in plain HTTP"
    ))
    .hint(
        "listen on 127.0.0.1, or say `--allow-remote` if only a trusted network or a TLS proxy can reach it",
    ))
}

#[cfg(test)]
mod tests {
    use paddock_core::Environment;

    use super::*;

    fn resolve(text: &str, environment: &[(&str, &str)]) -> Outcome<Config> {
        let value = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::resolve(ConfigFile::parse(text, Path::new("config.toml"))?, value)
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = "[alpaca]\npaper_url = \"http://127.0.0.1:1\"\ndata_url = \"http://127.0.0.1:2/\"\n";
        let config = resolve(file, &[("PADDOCK_ALPACA_PAPER_URL", "http://127.0.0.1:3")]).unwrap();
        assert_eq!(config.endpoints.trading(Environment::Paper).as_str(), "http://127.0.0.1:3");
        assert_eq!(config.endpoints.data().as_str(), "http://127.0.0.1:2");
        assert_eq!(config.endpoints.trading(Environment::Live).as_str(), "https://api.alpaca.markets");
    }

    #[test]
    fn defaults_are_this_machine_only() {
        let config = resolve("", &[]).unwrap();
        assert_eq!(config.gateway.to_string(), DEFAULT_GATEWAY);
        config.check_listeners().unwrap();
    }

    #[test]
    fn remote_addresses_need_a_yes() {
        let file = "[listen]\ngateway = \"0.0.0.0:7880\"\n";
        let failure = resolve(file, &[]).unwrap().check_listeners().unwrap_err();
        assert!(failure.message().contains("0.0.0.0:7880"), "{failure}");
        resolve(&format!("{file}allow_remote = true\n"), &[]).unwrap().check_listeners().unwrap();
    }

    #[test]
    fn a_misspelt_setting_is_named_with_its_line_and_its_value_is_not() {
        let failure =
            resolve("\n[database]\nurll = \"postgres://paddock:hunter2@db/paddock\"\n", &[]).unwrap_err();
        let text = failure.to_string();
        assert!(text.contains("line 3") && text.contains("urll") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn an_upstream_address_is_an_address() {
        for wrong in ["127.0.0.1:7881", "ftp://x", "http://", "https://user@host", "https://host/?q"] {
            assert!(resolve("", &[("PADDOCK_ALPACA_LIVE_URL", wrong)]).is_err(), "{wrong}");
        }
        resolve("", &[("PADDOCK_ALPACA_STREAM_URL", "ws://127.0.0.1:1")]).unwrap();
    }

    #[test]
    fn limits_have_defaults_and_zero_is_none() {
        assert_eq!(resolve("", &[]).unwrap().limits, Limits::default());
        let limits =
            resolve("[limits]\ntrading_per_minute = 100\nstreams_at_once = 8\n", &[]).unwrap().limits;
        assert_eq!((limits.trading_per_minute, limits.data_per_minute), (Some(100), None));
        assert_eq!((limits.streams_at_once, limits.requests_at_once), (8, 256));
        assert!(resolve("[limits]\ntrading_per_minute = 0\n", &[]).is_err());
    }

    #[test]
    fn how_long_the_audit_is_kept() {
        let config = resolve("[audit]\nkeep = \"365d\"\nwait_seconds = 3\n", &[]).unwrap();
        assert_eq!(config.audit_keep, Some(SignedDuration::from_hours(365 * 24)));
        assert_eq!(config.audit_wait, Duration::from_secs(3));
        assert_eq!(resolve("", &[]).unwrap().audit_keep, None);
        for wrong in ["keep = \"a year\"", "keep = \"0d\"", "wait_seconds = 0", "wait_seconds = 3600"] {
            assert!(resolve(&format!("[audit]\n{wrong}\n"), &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let config = resolve("[database]\nurl = \"postgres://paddock:hunter2@db/paddock\"\n", &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
