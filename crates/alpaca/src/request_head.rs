//! Is a request one thing only, to every reader of its head?
//!
//! What two programs on the way could read differently is refused before anybody is recognised and anything is parsed.

use http::header::{CONTENT_ENCODING, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, Version};

/// What could be read in more than one way, or asks for another protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadFault {
    /// The target is no path.
    #[error("the target is no path")]
    Target,
    /// The host is missing, said twice, or odd.
    #[error("the host is not said once and plainly")]
    Host,
    /// The body comes in a transfer coding.
    #[error("the body has a transfer coding")]
    TransferCoding,
    /// The body is compressed.
    #[error("the body has a content coding")]
    ContentCoding,
    /// Another protocol is asked for.
    #[error("another protocol is asked for")]
    Upgrade,
}

/// Refuses heads that can be read in more than one way, and those that ask for another protocol.
///
/// # Errors
/// The first [`HeadFault`] that is found.
pub fn check(parts: &Parts) -> Result<(), HeadFault> {
    check_of_stream(parts)?;
    if parts.headers.contains_key(UPGRADE) {
        return Err(HeadFault::Upgrade);
    }
    Ok(())
}

/// The same for a request that opens a stream.
///
/// # Errors
/// The first [`HeadFault`] that is found.
pub fn check_of_stream(parts: &Parts) -> Result<(), HeadFault> {
    if parts.uri.authority().is_some() || parts.uri.scheme().is_some() || parts.method == Method::CONNECT {
        return Err(HeadFault::Target);
    }
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if host.to_str().is_ok_and(is_plain_host) => {}
        (None, None) if parts.version == Version::HTTP_10 => {}
        _ => return Err(HeadFault::Host),
    }
    if parts.headers.contains_key(TRANSFER_ENCODING) {
        return Err(HeadFault::TransferCoding);
    }
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(HeadFault::ContentCoding);
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
