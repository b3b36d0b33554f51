//! Addresses to listen on.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::Deserialize;
use tokio::net::TcpListener;

use crate::failure::{Failure, Outcome};

/// `HOST:PORT` with an IP address or `localhost`. Port 0 takes any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddr(SocketAddr);

impl ListenAddr {
    /// The socket address.
    pub(crate) const fn socket(self) -> SocketAddr {
        self.0
    }

    /// Starts listening. `name` and `option` are for the person who has to choose another address.
    pub(crate) async fn bind(self, name: &str, option: &str) -> Outcome<(TcpListener, SocketAddr)> {
        let failure = |error: std::io::Error| {
            let message = format!("cannot listen on {} for the {name}: {error}", self.0);
            Failure::new(message)
                .hint(format!("give another address with `{option} ADDR`; port 0 takes any free one"))
        };
        let listener = TcpListener::bind(self.0).await.map_err(failure)?;
        let address = listener.local_addr().map_err(failure)?;
        Ok((listener, address))
    }
}

impl FromStr for ListenAddr {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numeric = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        numeric.parse().map(Self).map_err(|_| format!("`{text}` is not an address such as 127.0.0.1:7880"))
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for ListenAddr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
