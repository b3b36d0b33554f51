//! What each of Alpaca's clients needs to be told to use an access key. The names of the variables are the clients' own.

mod code;

use std::fmt;
use std::path::PathBuf;

use paddock_core::{Environment, words};

pub use code::{Snippet, snippets};

words! {
    /// A client that settings can be written for.
    Client {
        /// `alpaca-py`.
        AlpacaPy = "alpaca-py",
        /// `alpaca-trade-api`.
        AlpacaTradeApi = "alpaca-trade-api",
        /// `@alpacahq/alpaca-trade-api`.
        Js = "js",
        /// `alpaca-trade-api-go`.
        Go = "go",
        /// `alpaca-mcp-server`.
        Mcp = "mcp",
        /// Alpaca's own command line.
        Cli = "cli",
        /// `curl`.
        Curl = "curl",
        /// All of it as a file.
        Dotenv = "dotenv",
    }
}

impl Client {
    /// What it is, for a person.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::AlpacaPy => "alpaca-py (Python)",
            Self::AlpacaTradeApi => "alpaca-trade-api (Python, archived)",
            Self::Js => "@alpacahq/alpaca-trade-api 4 (JavaScript)",
            Self::Go => "alpaca-trade-api-go",
            Self::Mcp => "alpaca-mcp-server",
            Self::Cli => "Alpaca's own command line",
            Self::Curl => "curl",
            Self::Dotenv => "All of it as a .env file",
        }
    }
}

/// An access key and the addresses at which it is used.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// What programs send as their Key ID.
    pub key_id: String,
    /// The environment of the key's connection.
    pub environment: Environment,
    /// The gateway's address with its scheme and without a path.
    pub gateway: String,
    /// The proxy entrance, where there is one.
    pub proxy: Option<ProxySettings>,
}

/// The proxy entrance.
#[derive(Clone, Debug)]
pub struct ProxySettings {
    /// Its address with its scheme.
    pub url: String,
    /// The file with the authorities to trust: the system's and the local one.
    pub bundle: PathBuf,
}

/// The client's hosts cannot be changed, and there is no proxy entrance to lead it through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedsProxy;

impl fmt::Display for NeedsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this client's hosts cannot be changed, and Paddock's proxy entrance is not open")
    }
}

impl std::error::Error for NeedsProxy {}

/// Where a program's secret would stand.
pub const SECRET_PLACE: &str = "PASTE-THE-SECRET-KEY-HERE";

type Variables = Vec<(&'static str, String)>;

impl ClientSettings {
    /// What the client is told: lines to paste into a shell, or a file for dotenv.
    ///
    /// # Errors
    /// [`NeedsProxy`] when the client's hosts cannot be changed.
    pub fn printed(&self, client: Client, secret_key: &str) -> Result<String, NeedsProxy> {
        let exports = |variables: Variables| -> String {
            variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
        };
        let address = || self.address();
        Ok(match client {
            Client::AlpacaPy => exports([self.pair(secret_key), address()].concat()) + "\n" + code::PYTHON,
            Client::Js => exports([self.pair(secret_key), address()].concat()) + "\n" + code::JAVASCRIPT,
            Client::Curl => exports([self.pair(secret_key), address()].concat()) + "\n" + code::CURL,
            Client::AlpacaTradeApi => exports([self.pair(secret_key), address(), self.stream()].concat()),
            Client::Go => exports([self.pair(secret_key), address(), self.go_streams()].concat()),
            Client::Mcp | Client::Cli => {
                exports([self.alpaca_pair(secret_key), self.through_proxy()?].concat())
            }
            Client::Dotenv => self
                .all(secret_key)
                .iter()
                .map(|(name, value)| format!("{name}={}\n", quoted(value)))
                .collect(),
        })
    }

    /// Every variable that any client reads, with the proxy's where there is one.
    #[must_use]
    pub fn all(&self, secret_key: &str) -> Variables {
        let proxy = self.through_proxy().unwrap_or_default();
        [self.direct(secret_key), proxy].concat()
    }

    /// Every variable but the proxy's.
    #[must_use]
    pub fn direct(&self, secret_key: &str) -> Variables {
        [self.pair(secret_key), self.address(), self.stream(), self.alpaca_pair(secret_key)].concat()
    }

    fn pair(&self, secret_key: &str) -> Variables {
        vec![("APCA_API_KEY_ID", self.key_id.clone()), ("APCA_API_SECRET_KEY", secret_key.to_owned())]
    }

    fn address(&self) -> Variables {
        ["APCA_API_BASE_URL", "APCA_API_DATA_URL", "DATA_API_URL"]
            .map(|name| (name, self.gateway.clone()))
            .into()
    }

    /// alpaca-trade-api makes a WebSocket's address of it, and adds the path.
    fn stream(&self) -> Variables {
        vec![("APCA_API_STREAM_URL", self.gateway.clone())]
    }

    /// alpaca-trade-api-go adds no more than the feed.
    fn go_streams(&self) -> Variables {
        vec![
            ("DATA_PROXY_WS", format!("{}/v2", self.gateway)),
            ("DATA_CRYPTO_PROXY_WS", format!("{}/v1beta3/crypto", self.gateway)),
        ]
    }

    /// alpaca-mcp-server takes all but exactly `true`, `1` and `yes` for live.
    fn alpaca_pair(&self, secret_key: &str) -> Variables {
        let (paper, live) = match self.environment {
            Environment::Paper => ("true", "false"),
            Environment::Live => ("false", "true"),
        };
        vec![
            ("ALPACA_API_KEY", self.key_id.clone()),
            ("ALPACA_SECRET_KEY", secret_key.to_owned()),
            ("ALPACA_PAPER_TRADE", paper.to_owned()),
            ("ALPACA_LIVE_TRADE", live.to_owned()),
        ]
    }

    /// For clients whose hosts are fixed: the proxy, and the authorities to trust in the spelling of Python, Go and Node.
    ///
    /// # Errors
    /// [`NeedsProxy`] when there is none.
    pub fn through_proxy(&self) -> Result<Variables, NeedsProxy> {
        let Some(proxy) = &self.proxy else { return Err(NeedsProxy) };
        let bundle = proxy.bundle.display().to_string();
        Ok(vec![
            ("HTTPS_PROXY", proxy.url.clone()),
            ("SSL_CERT_FILE", bundle.clone()),
            ("REQUESTS_CA_BUNDLE", bundle.clone()),
            ("NODE_EXTRA_CA_CERTS", bundle),
            ("NODE_USE_ENV_PROXY", "1".to_owned()),
        ])
    }
}

/// As a shell and every dotenv reader take it: in single quotes unless it is plain.
fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    if value.bytes().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(environment: Environment, proxy: bool) -> ClientSettings {
        let proxy = proxy.then(|| ProxySettings {
            url: "http://127.0.0.1:7884".to_owned(),
            bundle: PathBuf::from("/data dir/ca-bundle.pem"),
        });
        ClientSettings {
            key_id: "PDKBOT".to_owned(),
            environment,
            gateway: "http://127.0.0.1:7880".to_owned(),
            proxy,
        }
    }

    #[test]
    fn a_client_with_fixed_hosts_needs_the_proxy() {
        assert_eq!(settings(Environment::Paper, false).printed(Client::Mcp, "s"), Err(NeedsProxy));
        let lines = settings(Environment::Paper, true).printed(Client::Mcp, "s").unwrap();
        assert!(lines.contains("export HTTPS_PROXY=http://127.0.0.1:7884\n"), "{lines}");
        assert!(lines.contains("export SSL_CERT_FILE='/data dir/ca-bundle.pem'\n"), "{lines}");
    }

    #[test]
    fn paper_and_live_are_said_in_the_only_words_that_are_understood() {
        let lines = settings(Environment::Paper, true).printed(Client::Mcp, "s").unwrap();
        assert!(lines.contains("ALPACA_PAPER_TRADE=true\n"), "{lines}");
        let lines = settings(Environment::Live, true).printed(Client::Mcp, "s").unwrap();
        assert!(lines.contains("ALPACA_PAPER_TRADE=false\n"), "{lines}");
    }

    #[test]
    fn every_client_gets_the_pair() {
        for client in Client::ALL {
            let lines = settings(Environment::Paper, true).printed(*client, "SECRET").unwrap();
            assert!(lines.contains("PDKBOT") && lines.contains("SECRET"), "{client:?}: {lines}");
        }
    }

    #[test]
    fn values_are_quoted_for_shells() {
        assert_eq!(quoted("http://127.0.0.1:1"), "http://127.0.0.1:1");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
