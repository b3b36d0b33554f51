//! The client against real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod client;
mod oauth;
mod probe;
mod tls;

use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::{AlpacaClient, Credential, Endpoints};
use paddock_core::SecretText;
use std::time::Duration;
use wiremock::MockServer;

const KEY_ID: &str = "PKCANARYKEYID00000000000AA";
const SECRET_KEY: &str = "CANARYSECRETKEYabcdefghijklmnopqrstuvwxyz012";

/// Two hosts in the place of Alpaca's; the data host is the paper one.
struct Hosts {
    paper: MockServer,
    live: MockServer,
}

impl Hosts {
    async fn start() -> Self {
        Self { paper: MockServer::start().await, live: MockServer::start().await }
    }

    fn client(&self) -> AlpacaClient {
        client(&self.paper.uri(), &self.live.uri(), &ClientOptions::default())
    }

    fn impatient_client(&self) -> AlpacaClient {
        let options = ClientOptions { timeout: Some(Duration::from_millis(200)), ..ClientOptions::default() };
        client(&self.paper.uri(), &self.live.uri(), &options)
    }
}

fn client(paper: &str, live: &str, options: &ClientOptions) -> AlpacaClient {
    let overrides = EndpointOverrides {
        paper: Some(paper.to_owned()),
        live: Some(live.to_owned()),
        data: Some(paper.to_owned()),
        stream: None,
    };
    AlpacaClient::new(Endpoints::new(&overrides).unwrap(), options).unwrap()
}

fn credential() -> Credential {
    let secret = |text: &str| SecretText::new(text.to_owned());
    Credential::KeyPair { key_id: secret(KEY_ID), secret_key: secret(SECRET_KEY) }
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
