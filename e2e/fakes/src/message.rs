//! Requests and answers.

use http::{HeaderMap, Method};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its method.
    pub method: Method,
    /// Its path, percent-encoded as it came, without the query.
    pub path: String,
    /// Its query, as it came; empty when there is none.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// The service's time.
    pub now: Timestamp,
}

impl Heard {
    /// The path's segments, decoded.
    #[must_use]
    pub fn segments(&self) -> Vec<String> {
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        self.path.trim_start_matches('/').split('/').map(decode).collect()
    }

    /// A header's text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of a part of the query, decoded.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<String> {
        let pair = self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(percent_decode_str(pair).decode_utf8_lossy().into_owned())
    }

    /// The body, if its content type says JSON and it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        let kind = self.header("content-type").split(';').next().unwrap_or_default().trim();
        (kind == "application/json").then(|| serde_json::from_slice(&self.body).ok())?
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers; length, date and the end of the connection are added.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string().into_bytes() }
            .with("content-type", "application/json; charset=utf-8")
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
            .with("content-type", "text/plain; charset=utf-8")
    }

    /// Nothing but a status.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// The answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
