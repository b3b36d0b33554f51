//! What each of Alpaca's clients needs to be told to use an access key. The names of the variables are the clients' own.

use std::path::PathBuf;

use clap::ValueEnum;
use paddock_core::Environment;
use serde_json::Value;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{authority, clock::SystemClock, snippets};

/// A client that settings can be printed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// alpaca-py (Python)
    AlpacaPy,
    /// alpaca-trade-api (Python, archived)
    AlpacaTradeApi,
    /// @alpacahq/alpaca-trade-api 4 (JavaScript)
    Js,
    /// alpaca-trade-api-go
    Go,
    /// alpaca-mcp-server
    Mcp,
    /// Alpaca's own command line
    Cli,
    /// curl
    Curl,
    /// All of it as a .env file
    Dotenv,
}

/// An access key and the addresses at which it is used.
#[derive(Debug)]
pub(crate) struct Settings {
    key_id: String,
    environment: Environment,
    gateway: String,
    proxy: Option<Proxy>,
}

#[derive(Debug)]
struct Proxy {
    url: String,
    /// The authorities to trust: the system's and the local one.
    bundle: PathBuf,
}

/// Where a program's secret would stand.
pub(crate) const SECRET_PLACE: &str = "PASTE-THE-SECRET-KEY-HERE";

type Variables = Vec<(&'static str, String)>;

impl Settings {
    /// Asks Paddock about the access key of that name.
    pub(crate) async fn of(key: &str, context: &Context) -> Outcome<Self> {
        let client = context.client().await?;
        let found: Outcome<(Value, Value)> = async {
            let key = client.get(&format!("/api/v1/keys/{}", crate::api::segment(key))).await?;
            Ok((key, client.get("/api/v1/status").await?))
        }
        .await;
        client.close().await;
        let (key, status) = found?;
        if !key["scope"]["signed"].is_null() {
            return Err(Failure::refused("this access key takes signed requests only, which Alpaca's clients do not make by themselves")
                .hint("add the signer of docs/signed-requests.md to the program, or issue an access key without `--signed`"));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let missing =
            || Failure::new("this Paddock's server answers in another form: update both to one version");
        let proxy = match text(&status["proxy"]) {
            Some(url) => {
                let dir = context.data_dir()?;
                let certificate = authority::certificate(&dir, paddock_core::Clock::now(&SystemClock))?;
                Some(Proxy { url, bundle: authority::write_bundle(&dir, &certificate)? })
            }
            None => None,
        };
        Ok(Self {
            key_id: text(&key["key_id"]).ok_or_else(missing)?,
            environment: serde_json::from_value(key["environment"].clone()).map_err(|_| missing())?,
            gateway: text(&status["gateway"]).ok_or_else(missing)?,
            proxy,
        })
    }

    /// What the client is told: lines to paste into a shell, or a file for dotenv.
    pub(crate) fn printed(&self, client: Client, secret_key: &str) -> Outcome<String> {
        let exports = |variables: Variables| -> String {
            variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
        };
        let address = || self.address();
        Ok(match client {
            Client::AlpacaPy => {
                exports([self.pair(secret_key), address()].concat()) + "\n" + snippets::PYTHON
            }
            Client::Js => exports([self.pair(secret_key), address()].concat()) + "\n" + snippets::JAVASCRIPT,
            Client::Curl => exports([self.pair(secret_key), address()].concat()) + "\n" + snippets::CURL,
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
    pub(crate) fn all(&self, secret_key: &str) -> Variables {
        let proxy = self.through_proxy().unwrap_or_default();
        [self.direct(secret_key), proxy].concat()
    }

    /// Every variable but the proxy's.
    pub(crate) fn direct(&self, secret_key: &str) -> Variables {
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
    pub(crate) fn through_proxy(&self) -> Outcome<Variables> {
        let Some(proxy) = &self.proxy else {
            return Err(Failure::new(
                "this client's hosts cannot be changed, and Paddock's proxy entrance is not open",
            )
            .hint(
                "start the server with `paddock serve --proxy 127.0.0.1:7884`, or set `proxy` under [listen]",
            ));
        };
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

    fn settings(environment: Environment, proxy: bool) -> Settings {
        let proxy = proxy.then(|| Proxy {
            url: "http://127.0.0.1:7884".to_owned(),
            bundle: PathBuf::from("/data dir/ca-bundle.pem"),
        });
        Settings {
            key_id: "PDKBOT".to_owned(),
            environment,
            gateway: "http://127.0.0.1:7880".to_owned(),
            proxy,
        }
    }

    #[test]
    fn a_client_with_fixed_hosts_needs_the_proxy() {
        let failure = settings(Environment::Paper, false).printed(Client::Mcp, "s").unwrap_err();
        assert!(failure.to_string().contains("--proxy"), "{failure}");
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
        for client in Client::value_variants() {
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
