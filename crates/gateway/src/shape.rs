//! Is the request one thing only, to every reader of it?
//!
//! What two programs on the way could read differently is refused here, before anybody is recognised and anything is parsed.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, Version};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use crate::answer::Fault;

/// The largest request body in bytes. The largest order there is has well under 4 KiB.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Refuses heads that can be read in more than one way, and those that ask for another protocol.
pub(crate) fn check_head(parts: &Parts) -> Result<(), Fault> {
    check_stream_head(parts)?;
    if parts.headers.contains_key(UPGRADE) {
        return Err(Fault::upgrade());
    }
    Ok(())
}

/// The same for a request that opens a stream.
pub(crate) fn check_stream_head(parts: &Parts) -> Result<(), Fault> {
    if parts.uri.authority().is_some() || parts.uri.scheme().is_some() || parts.method == Method::CONNECT {
        return Err(Fault::bad_target());
    }
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if host.to_str().is_ok_and(is_plain_host) => {}
        (None, None) if parts.version == Version::HTTP_10 => {}
        _ => return Err(Fault::bad_host()),
    }
    if parts.headers.contains_key(TRANSFER_ENCODING) {
        return Err(Fault::transfer_coding());
    }
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(Fault::content_coding());
    }
    Ok(())
}

/// `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`. No user part, no zone, no trailing point, no empty label.
fn is_plain_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match rest.strip_prefix(':') {
                Some(port) => ("ip", Some(port)),
                None if rest.is_empty() => ("ip", None),
                None => return false,
            }
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let good_port =
        port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    name.len() <= 253 && name.split('.').all(label) && good_port
}

/// A request's body, before or after it was read.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// Still on its way.
    Coming(Incoming),
    /// Read, to check the signature over it.
    Read(Bytes),
}

impl RequestBody {
    /// The whole body, at most [`MAX_BODY`] bytes.
    pub(crate) async fn whole(self) -> Result<Bytes, Fault> {
        match self {
            Self::Coming(body) => read_body(body).await,
            Self::Read(body) => Ok(body),
        }
    }
}

/// Reads the whole body, at most [`MAX_BODY`] bytes.
pub(crate) async fn read_body(body: Incoming) -> Result<Bytes, Fault> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Fault::body_too_large());
    }
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Fault::body_too_large()),
        Err(_) => Err(Fault::body_unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain_host;

    #[test]
    fn plain_hosts() {
        for host in
            ["localhost", "127.0.0.1:7880", "[::1]:7880", "[::1]", "my-box.lan:80", "api.alpaca.markets"]
        {
            assert!(is_plain_host(host), "{host}");
        }
    }

    #[test]
    fn odd_hosts() {
        let odd = [
            "",
            ":80",
            "localhost.",
            "a..b",
            "user@localhost",
            "localhost:80:80",
            "localhost:",
            "localhost:99999",
            "[::1",
            "[::1%25eth0]",
            "[::1]x",
            "local host",
            "a/b",
            "a,b",
            "localhost:0x50",
        ];
        for host in odd {
            // An empty port is allowed by the URI grammar and refused here: two readers may differ on it.
            assert!(!is_plain_host(host), "{host}");
        }
    }
}
