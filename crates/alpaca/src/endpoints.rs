//! Where Alpaca is.

use std::fmt;
use std::net::IpAddr;

use paddock_core::Environment;
use reqwest::Url;

use crate::operation::Api;
use crate::path::{CanonicalPath, Query};

/// Alpaca's own addresses.
const PAPER: &str = "https://paper-api.alpaca.markets";
const LIVE: &str = "https://api.alpaca.markets";
const DATA: &str = "https://data.alpaca.markets";
const STREAM: &str = "wss://stream.data.alpaca.markets";

/// The address of one of Alpaca's hosts: scheme, host, perhaps a port and a path prefix, no slash at the end. It is encrypted
/// unless it leads to this very machine.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    url: Url,
}

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlFault {
    /// It is no address, or has no host.
    #[error("`{0}` is not an address: write it like https://host or http://127.0.0.1:7879")]
    Malformed(String),
    /// It has a scheme that is not used here.
    #[error("`{0}` has the wrong scheme: use https:// here, and wss:// for streams")]
    Scheme(String),
    /// It is not encrypted and leads to another machine.
    #[error("`{0}` would carry keys over the network in the clear: use https:// or wss://")]
    Unencrypted(String),
    /// It has a user name or a password in it.
    #[error("the address has a user name or password in it: leave them out")]
    UserInfo,
    /// It has a query or a fragment, or a path that is more than a plain prefix.
    #[error("`{0}` has more than a host and a plain path: leave the rest out")]
    Extra(String),
}

impl BaseUrl {
    /// Reads the address of an HTTP host.
    ///
    /// # Errors
    /// [`BaseUrlFault`] when it is no plain `https://` address, or `http://` to a loopback address.
    pub fn http(text: &str) -> Result<Self, BaseUrlFault> {
        Self::parse(text, "https", "http")
    }

    /// Reads the address of a WebSocket host.
    ///
    /// # Errors
    /// [`BaseUrlFault`] when it is no plain `wss://` address, or `ws://` to a loopback address.
    pub fn socket(text: &str) -> Result<Self, BaseUrlFault> {
        Self::parse(text, "wss", "ws")
    }

    fn parse(text: &str, encrypted: &str, plain: &str) -> Result<Self, BaseUrlFault> {
        let shown = || text.to_owned();
        let url = Url::parse(text).map_err(|_| BaseUrlFault::Malformed(shown()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlFault::UserInfo);
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| BaseUrlFault::Malformed(shown()))?;
        if url.scheme() == plain {
            if !is_loopback(host) {
                return Err(BaseUrlFault::Unencrypted(shown()));
            }
        } else if url.scheme() != encrypted {
            return Err(BaseUrlFault::Scheme(shown()));
        }
        let prefix = url.path().trim_end_matches('/');
        let is_plain_prefix = prefix.is_empty() || CanonicalPath::parse(prefix).is_ok();
        if url.query().is_some() || url.fragment().is_some() || !is_plain_prefix {
            return Err(BaseUrlFault::Extra(shown()));
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { text, url })
    }

    /// The address, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, with the port where one is stated; what a `Host` header says.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// The address of a request to this host.
    #[must_use]
    pub fn target(&self, path: &CanonicalPath, query: &Query) -> String {
        let mut target = format!("{}{}", self.text, path.to_upstream());
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query.to_upstream());
        }
        target
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.text)
    }
}

/// One of Alpaca's own hosts, as clients name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlpacaHost {
    /// `paper-api.alpaca.markets` and `api.alpaca.markets`: trading, and trade updates as a stream.
    Trading(Environment),
    /// `data.alpaca.markets`: market data.
    Data,
    /// `stream.data.alpaca.markets`: market data as a stream.
    Stream,
}

impl AlpacaHost {
    /// The host with that name, which is compared as it stands: host names have no case, and clients write them small.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all =
            [Self::Trading(Environment::Paper), Self::Trading(Environment::Live), Self::Data, Self::Stream];
        all.into_iter().find(|host| host.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let address = match self {
            Self::Trading(Environment::Paper) => PAPER,
            Self::Trading(Environment::Live) => LIVE,
            Self::Data => DATA,
            Self::Stream => STREAM,
        };
        address.split_once("://").map_or(address, |(_, name)| name)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Addresses as they are configured; what is absent is Alpaca's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointOverrides {
    /// The paper environment's trading host.
    pub paper: Option<String>,
    /// The live environment's trading host.
    pub live: Option<String>,
    /// The market data host.
    pub data: Option<String>,
    /// The market data streams' host.
    pub stream: Option<String>,
}

/// The addresses of Alpaca's hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    paper: BaseUrl,
    live: BaseUrl,
    data: BaseUrl,
    stream: BaseUrl,
}

/// Why the addresses were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointsFault {
    /// One of them is none.
    #[error(transparent)]
    BaseUrl(#[from] BaseUrlFault),
    /// One host for both environments, or Alpaca's host of the other one: real money could be taken for simulated.
    #[error("the paper and live addresses are the same or swapped: `{0}`")]
    EnvironmentsMixed(String),
}

impl Endpoints {
    /// Alpaca's own addresses, with some put in their place.
    ///
    /// # Errors
    /// [`EndpointsFault`] when an address is refused, or when the two environments are not kept apart.
    pub fn new(overrides: &EndpointOverrides) -> Result<Self, EndpointsFault> {
        let http = |text: &Option<String>, default| BaseUrl::http(text.as_deref().unwrap_or(default));
        let endpoints = Self {
            paper: http(&overrides.paper, PAPER)?,
            live: http(&overrides.live, LIVE)?,
            data: http(&overrides.data, DATA)?,
            stream: BaseUrl::socket(overrides.stream.as_deref().unwrap_or(STREAM))?,
        };
        let (paper, live) = (&endpoints.paper, &endpoints.live);
        if paper == live || paper.as_str() == LIVE || live.as_str() == PAPER {
            return Err(EndpointsFault::EnvironmentsMixed(paper.to_string()));
        }
        Ok(endpoints)
    }

    /// The trading host of an environment.
    #[must_use]
    pub const fn trading(&self, environment: Environment) -> &BaseUrl {
        match environment {
            Environment::Paper => &self.paper,
            Environment::Live => &self.live,
        }
    }

    /// The market data host.
    #[must_use]
    pub const fn data(&self) -> &BaseUrl {
        &self.data
    }

    /// The market data streams' host.
    #[must_use]
    pub const fn stream(&self) -> &BaseUrl {
        &self.stream
    }

    /// The host that answers operations of an API for a connection in an environment. It follows from the connection alone,
    /// never from a request.
    #[must_use]
    pub const fn host_of(&self, api: Api, environment: Environment) -> &BaseUrl {
        match api {
            Api::Trading => self.trading(environment),
            Api::Data => self.data(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://paper-api.alpaca.markets", "https://paper-api.alpaca.markets")]
    #[case("https://proxy.example:8443/alpaca/", "https://proxy.example:8443/alpaca")]
    #[case("http://127.0.0.1:7879", "http://127.0.0.1:7879")]
    #[case("http://localhost:7879/", "http://localhost:7879")]
    #[case("http://[::1]:7879", "http://[::1]:7879")]
    fn plain_addresses_are_taken(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(BaseUrl::http(text).unwrap().as_str(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("paper-api.alpaca.markets")]
    #[case("https://")]
    #[case("http://api.alpaca.markets")]
    #[case("http://127.0.0.1.evil.example")]
    #[case("http://localhost.evil.example")]
    #[case("wss://api.alpaca.markets")]
    #[case("ftp://api.alpaca.markets")]
    #[case("https://user@api.alpaca.markets")]
    #[case("https://user:pw@api.alpaca.markets")]
    #[case("https://api.alpaca.markets?x=1")]
    #[case("https://api.alpaca.markets/#x")]
    #[case("https://api.alpaca.markets/a//b")]
    #[case("https://api.alpaca.markets/a%2fb")]
    fn other_addresses_are_refused(#[case] text: &str) {
        assert!(BaseUrl::http(text).is_err());
    }

    #[test]
    fn a_password_is_not_repeated() {
        let fault = BaseUrl::http("https://user:CANARY@api.alpaca.markets").unwrap_err();
        assert!(!fault.to_string().contains("CANARY"));
    }

    #[rstest]
    #[case(Some("https://api.alpaca.markets"), None)]
    #[case(None, Some("https://paper-api.alpaca.markets"))]
    #[case(Some("http://127.0.0.1:1"), Some("http://127.0.0.1:1/"))]
    fn paper_and_live_are_kept_apart(#[case] paper: Option<&str>, #[case] live: Option<&str>) {
        let overrides = EndpointOverrides {
            paper: paper.map(str::to_owned),
            live: live.map(str::to_owned),
            ..EndpointOverrides::default()
        };
        assert!(matches!(Endpoints::new(&overrides), Err(EndpointsFault::EnvironmentsMixed(_))));
    }

    #[rstest]
    #[case("paper-api.alpaca.markets", Some(AlpacaHost::Trading(Environment::Paper)))]
    #[case("api.alpaca.markets", Some(AlpacaHost::Trading(Environment::Live)))]
    #[case("data.alpaca.markets", Some(AlpacaHost::Data))]
    #[case("stream.data.alpaca.markets", Some(AlpacaHost::Stream))]
    #[case("broker-api.alpaca.markets", None)]
    #[case("api.alpaca.markets.", None)]
    #[case("API.alpaca.markets", None)]
    #[case("evil-api.alpaca.markets", None)]
    #[case("", None)]
    fn alpacas_hosts_by_name(#[case] name: &str, #[case] host: Option<AlpacaHost>) {
        assert_eq!(AlpacaHost::named(name), host);
        assert!(host.is_none_or(|host| host.name() == name));
    }

    #[test]
    fn the_defaults_are_alpacas() {
        let endpoints = Endpoints::new(&EndpointOverrides::default()).unwrap();
        assert_eq!(endpoints.trading(Environment::Live).authority(), "api.alpaca.markets");
        assert_eq!(endpoints.host_of(Api::Data, Environment::Paper).authority(), "data.alpaca.markets");
        let target = endpoints.data().target(
            &CanonicalPath::parse("/v2/stocks/bars").unwrap(),
            &Query::parse("symbols=AAPL,MSFT").unwrap(),
        );
        assert_eq!(target, "https://data.alpaca.markets/v2/stocks/bars?symbols=AAPL%2CMSFT");
    }
}
