//! The request that opens a WebSocket (RFC 6455, section 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method};
use sha1_smol::Sha1;

use super::Agreed;

/// What is hashed with the client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that is answered with status 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whether messages may be compressed.
    pub compression: Option<Agreed>,
    /// The headers of the answer.
    pub headers: HeaderMap,
}

/// Why no WebSocket is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHandshake {
    /// Only GET opens one.
    #[error("a WebSocket is opened with GET")]
    Method,
    /// The request does not ask for it.
    #[error("a WebSocket is opened with `Connection: Upgrade` and `Upgrade: websocket`")]
    Headers,
    /// There is no other version than 13 any more.
    #[error("the version of a WebSocket is 13: send `Sec-WebSocket-Version: 13`")]
    Version,
    /// The key is missing or is not 16 bytes in base64.
    #[error("a WebSocket needs a `Sec-WebSocket-Key` of 16 bytes in base64")]
    Key,
}

impl NoHandshake {
    /// The HTTP status that says so.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::Version => 426,
            Self::Headers | Self::Key => 400,
        }
    }
}

impl Accepted {
    /// Accepts a request.
    ///
    /// # Errors
    /// [`NoHandshake`] when it is none that opens a WebSocket.
    pub fn answer(method: &Method, headers: &HeaderMap) -> Result<Self, NoHandshake> {
        if method != Method::GET {
            return Err(NoHandshake::Method);
        }
        if !has_word(headers, &CONNECTION, "upgrade") || !has_word(headers, &UPGRADE, "websocket") {
            return Err(NoHandshake::Headers);
        }
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version.as_bytes() != b"13") {
            return Err(NoHandshake::Version);
        }
        let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(NoHandshake::Key)?.as_bytes();
        if !STANDARD.decode(key).is_ok_and(|key| key.len() == 16) {
            return Err(NoHandshake::Key);
        }
        let compression = Agreed::accept(headers);
        // Both texts are ASCII, which every header may hold.
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| NoHandshake::Key);
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, value(&accept_of(key))?);
        if let Some(agreed) = compression {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, value(&agreed.answer())?);
        }
        Ok(Self { compression, headers })
    }
}

fn accept_of(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.digest().bytes())
}

fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The usual request with other headers; an empty one is left out.
    fn request(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let usual = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in usual.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_static(value));
            if value.is_empty() {
                headers.remove(*name);
            }
        }
        headers
    }

    /// The example of RFC 6455, section 1.3.
    #[test]
    fn the_key_of_the_rfc_has_its_answer() {
        assert_eq!(accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let accepted = Accepted::answer(&Method::GET, &request(&[])).unwrap();
        assert_eq!(accepted.compression, None);
        assert!(!accepted.headers.contains_key(SEC_WEBSOCKET_EXTENSIONS));
    }

    #[test]
    fn compression_is_answered() {
        let offer = request(&[("sec-websocket-extensions", "permessage-deflate")]);
        let accepted = Accepted::answer(&Method::GET, &offer).unwrap();
        let answer = "permessage-deflate; server_no_context_takeover";
        assert_eq!(accepted.headers[SEC_WEBSOCKET_EXTENSIONS], answer);
        assert!(accepted.compression.is_some());
    }

    #[rstest]
    #[case(Method::POST, &[], 405)]
    #[case(Method::GET, &[("connection", "keep-alive")], 400)]
    #[case(Method::GET, &[("upgrade", "h2c")], 400)]
    #[case(Method::GET, &[("sec-websocket-version", "")], 426)]
    #[case(Method::GET, &[("sec-websocket-version", "8")], 426)]
    #[case(Method::GET, &[("sec-websocket-key", "")], 400)]
    #[case(Method::GET, &[("sec-websocket-key", "c2hvcnQ=")], 400)]
    fn what_opens_none_is_refused(
        #[case] method: Method,
        #[case] changes: &[(&'static str, &'static str)],
        #[case] status: u16,
    ) {
        let headers = request(changes);
        assert_eq!(Accepted::answer(&method, &headers).unwrap_err().status(), status);
    }
}
