//! The ways in: plain HTTP, TLS, and a proxy that stands in for Alpaca's own hosts.

use http::HeaderMap;
use http::header::HOST;
use paddock_alpaca::endpoints::AlpacaHost;
use paddock_alpaca::operation::Api;
use paddock_core::Environment;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::answer::Fault;
use crate::certificates::Certificates;

/// Where programs come in.
#[derive(Debug)]
pub struct Listeners {
    /// Plain HTTP.
    pub plain: TcpListener,
    /// The encrypted ways, and what they show for a certificate.
    pub encrypted: Option<Encrypted>,
}

/// The encrypted ways in.
#[derive(Debug)]
pub struct Encrypted {
    /// HTTPS under the gateway's own names.
    pub tls: Option<TcpListener>,
    /// An HTTP proxy for `HTTPS_PROXY`, whose tunnels to Alpaca's hosts end here.
    pub proxy: Option<TcpListener>,
    /// What they show.
    pub certificates: Certificates,
}

impl From<TcpListener> for Listeners {
    fn from(plain: TcpListener) -> Self {
        Self { plain, encrypted: None }
    }
}

/// The way in that a connection took.
#[derive(Clone)]
pub(crate) enum Entrance {
    Plain,
    Tls(TlsAcceptor),
    Proxy(TlsAcceptor),
}

/// Under which name a program reached the gateway. It never decides where a request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// One of the gateway's own; what a program calls it does not matter.
    Own,
    /// By TLS, under this name.
    Named(String),
    /// The program believes that it talks to this host of Alpaca's.
    AsAlpaca(AlpacaHost),
}

impl Reached {
    /// Refuses a request that names another host than its connection.
    pub(crate) fn check_host(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let expected = match self {
            Self::Own => return Ok(()),
            Self::Named(name) => name.as_str(),
            Self::AsAlpaca(host) => host.name(),
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let port_fits = match self {
            Self::AsAlpaca(_) => port.is_none_or(|port| port == "443"),
            Self::Own | Self::Named(_) => true,
        };
        if name.eq_ignore_ascii_case(expected) && port_fits { Ok(()) } else { Err(Fault::host_differs()) }
    }

    /// Refuses what the named host of Alpaca's does not have: a program that was set up for live must not get paper's answers, or
    /// the reverse, without noticing.
    pub(crate) fn check_target(&self, api: Api, environment: Environment) -> Result<(), Fault> {
        let Self::AsAlpaca(host) = self else { return Ok(()) };
        let right = match api {
            Api::Trading => AlpacaHost::Trading(environment),
            Api::Data => AlpacaHost::Data,
        };
        if *host == right {
            return Ok(());
        }
        Err(Fault::wrong_host(match (host, api) {
            (AlpacaHost::Trading(asked), Api::Trading) => format!(
                "this access key opens a {environment} account and the program asked {}, which is {asked}: set the program to {environment}, \
                 or give it an access key of a {asked} connection",
                host.name()
            ),
            _ => format!("{} does not answer this operation: {} does", host.name(), right.name()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PAPER: AlpacaHost = AlpacaHost::Trading(Environment::Paper);
    const LIVE: AlpacaHost = AlpacaHost::Trading(Environment::Live);

    #[rstest]
    #[case(Reached::Own, "anything:1", true)]
    #[case(Reached::Named("localhost".to_owned()), "localhost:7883", true)]
    #[case(Reached::Named("localhost".to_owned()), "LOCALHOST", true)]
    #[case(Reached::Named("localhost".to_owned()), "api.alpaca.markets", false)]
    #[case(Reached::AsAlpaca(PAPER), "paper-api.alpaca.markets", true)]
    #[case(Reached::AsAlpaca(PAPER), "paper-api.alpaca.markets:443", true)]
    #[case(Reached::AsAlpaca(PAPER), "paper-api.alpaca.markets:80", false)]
    #[case(Reached::AsAlpaca(PAPER), "api.alpaca.markets", false)]
    #[case(Reached::AsAlpaca(PAPER), "[::1]", false)]
    #[case(Reached::AsAlpaca(PAPER), "", false)]
    fn the_host_header_is_the_connections_host(
        #[case] reached: Reached,
        #[case] host: &str,
        #[case] good: bool,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        assert_eq!(reached.check_host(&headers).is_ok(), good);
    }

    #[rstest]
    #[case(Reached::Own, Api::Trading, Environment::Live, true)]
    #[case(Reached::AsAlpaca(PAPER), Api::Trading, Environment::Paper, true)]
    #[case(Reached::AsAlpaca(PAPER), Api::Trading, Environment::Live, false)]
    #[case(Reached::AsAlpaca(LIVE), Api::Trading, Environment::Paper, false)]
    #[case(Reached::AsAlpaca(LIVE), Api::Data, Environment::Live, false)]
    #[case(Reached::AsAlpaca(AlpacaHost::Data), Api::Data, Environment::Paper, true)]
    #[case(Reached::AsAlpaca(AlpacaHost::Data), Api::Trading, Environment::Paper, false)]
    fn environments_are_not_confused(
        #[case] reached: Reached,
        #[case] api: Api,
        #[case] environment: Environment,
        #[case] good: bool,
    ) {
        assert_eq!(reached.check_target(api, environment).is_ok(), good);
    }
}
