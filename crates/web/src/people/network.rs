//! Where a visitor comes from.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::WebState;

/// The address of a visitor: of the connection, or what a proxy that is believed says.
pub(crate) fn of_parts(parts: &Parts, state: &WebState) -> IpAddr {
    of(&parts.extensions, &parts.headers, &state.people.proxies)
}

/// The address of a visitor, for an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visited(pub(crate) IpAddr);

impl FromRequestParts<Arc<WebState>> for Visited {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<WebState>) -> Result<Self, Infallible> {
        Ok(Self(of_parts(parts, state)))
    }
}

pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
    let connected = connected.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !is_proxy(&connected) {
        return connected;
    }
    // Each proxy appends whom it was asked by. The last one that is no proxy of ours is the visitor; what is before it may be made up.
    let lists = headers.get_all("x-forwarded-for").iter().filter_map(|list| list.to_str().ok());
    let mut told: Vec<Option<IpAddr>> =
        lists.flat_map(|list| list.split(',')).map(|text| text.trim().parse().ok()).collect();
    while let Some(last) = told.pop() {
        match last.map(|address: IpAddr| address.to_canonical()) {
            Some(address) if is_proxy(&address) => {}
            Some(address) => return address,
            None => break,
        }
    }
    connected
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("192.0.2.9", &["203.0.113.5"], "192.0.2.9")]
    #[case("127.0.0.1", &[], "127.0.0.1")]
    #[case("127.0.0.1", &["203.0.113.5"], "203.0.113.5")]
    #[case("127.0.0.1", &["1.1.1.1, 203.0.113.5"], "203.0.113.5")]
    #[case("127.0.0.1", &["1.1.1.1", "203.0.113.5, 127.0.0.1"], "203.0.113.5")]
    #[case("127.0.0.1", &["203.0.113.5, nonsense"], "127.0.0.1")]
    #[case("::ffff:127.0.0.1", &["203.0.113.5"], "203.0.113.5")]
    fn only_a_proxy_of_ours_is_believed(
        #[case] connected: &str,
        #[case] told: &[&str],
        #[case] expected: &str,
    ) {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(connected.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        for list in told {
            headers.append("x-forwarded-for", HeaderValue::from_str(list).unwrap());
        }
        let proxies = ["127.0.0.0/8".parse().unwrap()];
        assert_eq!(of(&extensions, &headers, &proxies).to_string(), expected);
    }
}
