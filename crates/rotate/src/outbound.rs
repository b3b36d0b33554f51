//! The one way from consumers to the network.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use zeroize::Zeroizing;

use crate::fault::{Applied, Fault, FaultKind};

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How consumers reach the network.
#[derive(Clone, Debug, Default)]
pub struct OutboundOptions {
    /// Hosts, as settings write them and without a port, that may be inside the operator's network and may be spoken to without TLS.
    pub allowed_hosts: BTreeSet<String>,
    /// How long to wait for a whole answer; 20 seconds when absent.
    pub timeout: Option<Duration>,
    /// Certificate authorities to trust besides the machine's own, as PEM texts.
    pub extra_roots: Vec<String>,
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for consumers could not be set up: check the certificates")]
pub struct OutboundSetupFault(#[source] reqwest::Error);

/// Sends requests of consumers. Follows no redirect, uses no proxy, and reaches no address inside a private network, of this machine or of a
/// cloud's metadata service, whatever a name resolves to, unless the host is allowed by name.
#[derive(Clone, Debug)]
pub struct Outbound {
    http: reqwest::Client,
    options: Arc<OutboundOptions>,
}

/// One request.
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its whole address.
    pub url: String,
    /// Its headers; mark those with a secret as sensitive.
    pub headers: HeaderMap,
    /// Its body, wiped when it was sent.
    pub body: Zeroizing<Vec<u8>>,
    /// Whether it changes something, so that after a lost answer nobody knows whether it did.
    pub changes: bool,
}

/// What was answered.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most 4 MiB.
    pub body: Zeroizing<Vec<u8>>,
}

impl Outbound {
    /// A way out with these options.
    ///
    /// # Errors
    /// [`OutboundSetupFault`] when TLS cannot be set up on this machine.
    pub fn new(options: OutboundOptions) -> Result<Self, OutboundSetupFault> {
        let options = Arc::new(options);
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(options.timeout.unwrap_or(Duration::from_secs(20)))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .pool_max_idle_per_host(0)
            .dns_resolver(Guarded { options: Arc::clone(&options) });
        for pem in &options.extra_roots {
            for certificate in
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(OutboundSetupFault)?
            {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Self { http: builder.build().map_err(OutboundSetupFault)?, options })
    }

    /// The same way out that trusts one more certificate authority, as PEM: a cluster's own.
    ///
    /// # Errors
    /// [`OutboundSetupFault`] when the text is no certificate.
    pub fn trusting(&self, authority: &str) -> Result<Self, OutboundSetupFault> {
        let mut options = OutboundOptions::clone(&self.options);
        options.extra_roots.push(authority.to_owned());
        Self::new(options)
    }

    /// Sends one request once.
    ///
    /// # Errors
    /// [`Fault`] when there is no whole answer. An answer of any status is an [`Answer`].
    pub async fn send(&self, call: Call) -> Result<Answer, Fault> {
        let url = self.permitted(&call.url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let changes = call.changes;
        let lost = |fault: Fault| if changes { fault.perhaps_applied() } else { fault };
        let request = self
            .http
            .request(call.method, url)
            .headers(call.headers)
            // A copy that reqwest drops without wiping: it has no other way of taking a body.
            .body(call.body.to_vec());
        let mut answer = request.send().await.map_err(|error| {
            let fault = fault_of(&error, &host);
            if error.is_connect() { fault } else { lost(fault) }
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(|error| lost(fault_of(&error, &host)))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                let message = format!("{host} answered with more than 4 MiB");
                return Err(lost(Fault::new(FaultKind::Unexpected, message, "Check the address.")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }

    fn permitted(&self, text: &str) -> Result<Url, Fault> {
        let refuse = |message: String| {
            let next_step = "Use an https address, or allow the host by name under [rotation] allowed_hosts.";
            Fault::new(FaultKind::AddressRefused, message, next_step)
        };
        let url = Url::parse(text).map_err(|_| {
            Fault::new(FaultKind::Settings, "the address cannot be read", "Check the consumer's settings.")
        })?;
        let Some(host) = url.host_str() else { return Err(refuse("the address has no host".to_owned())) };
        let named = host.trim_start_matches('[').trim_end_matches(']');
        if self.options.allowed_hosts.contains(named) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err(refuse(format!("{named} would be spoken to without TLS")));
        }
        // Names are judged when they are resolved.
        if named.parse::<IpAddr>().is_ok_and(is_inside) {
            return Err(refuse(format!("{named} is an address inside a network")));
        }
        Ok(url)
    }
}

fn fault_of(error: &reqwest::Error, host: &str) -> Fault {
    if error_chain(error).any(|cause| cause.is::<Inside>()) {
        let next_step = "If that is meant, allow the host by name under [rotation] allowed_hosts.";
        let message = format!("{host} resolves to an address inside a network");
        return Fault::new(FaultKind::AddressRefused, message, next_step);
    }
    if error.is_timeout() {
        return Fault::new(FaultKind::Timeout, format!("{host} gave no answer in time"), "Try again later.");
    }
    let tls = error_chain(error).any(|cause| cause.to_string().contains("certificate"));
    if tls {
        let next_step = "Check the host's certificate, or name its authority under [rotation] extra_roots.";
        return Fault::new(FaultKind::Tls, format!("{host} has no certificate that is trusted"), next_step);
    }
    let next_step = "Check the address and this machine's network.";
    Fault::new(FaultKind::Unreachable, format!("{host} cannot be reached"), next_step)
}

fn error_chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// A name that resolves to addresses of which none may be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address inside a network")]
struct Inside;

/// Resolves names as the machine does and leaves out what must not be reached.
#[derive(Debug)]
struct Guarded {
    options: Arc<OutboundOptions>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.options.allowed_hosts.contains(name.as_str());
        Box::pin(async move {
            let all: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let found = !all.is_empty();
            let open: Vec<SocketAddr> =
                all.into_iter().filter(|address| allowed || !is_inside(address.ip())).collect();
            if open.is_empty() && found {
                return Err(Inside.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

/// Networks that are not the public internet: what IANA's registries of special purposes list (RFC 6890 and its updates, whether or not some of it
/// is reachable from everywhere), among them 169.254.169.254, where clouds keep their metadata. In IPv6 only 2000::/3 is given out at all,
/// so that everything else is one: the unspecified and the loopback address, IPv4-compatible ones, local translation to IPv4, discard-only,
/// site-local, link-local, unique local, multicast and SRv6.
const INSIDE: [&str; 26] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/3",
    "4000::/2",
    "8000::/1",
    // Teredo, benchmarks, ORCHID and what else IETF protocols use.
    "2001::/23",
    "2001:db8::/32",
    // 6to4, which carries an IPv4 address of any kind.
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
];

fn is_inside(address: IpAddr) -> bool {
    // An IPv4 address in IPv6's clothes: mapped (RFC 4291) or translated (RFC 6052).
    let address = match address {
        IpAddr::V6(six) => match six.octets() {
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => IpAddr::from([a, b, c, d]),
            _ => six.to_canonical(),
        },
        four => four,
    };
    INSIDE.iter().filter_map(|net| net.parse::<IpNet>().ok()).any(|net| net.contains(&address))
}

/// The address may be a secret, as that of a webhook is, and the body has the pair.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str);
        f.debug_struct("Call").field("method", &self.method).field("host", &host).finish_non_exhaustive()
    }
}

/// What is answered may be a secret too.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Answer {
    /// What a status means that no consumer has another meaning for; `None` for success.
    #[must_use]
    pub fn fault(&self, host: &str) -> Option<Fault> {
        let status = self.status;
        let (kind, message, next_step) = match status.as_u16() {
            200..=299 => return None,
            401 => (FaultKind::Login, "refused the login", "Replace the consumer's secret."),
            403 => (FaultKind::Forbidden, "does not allow this", "Give the login the right to do this."),
            404 => (FaultKind::NotFound, "knows no such place", "Check the consumer's settings."),
            409 | 412 => (FaultKind::Conflict, "was changed meanwhile", "It is looked at again."),
            429 => (
                FaultKind::Limited(self.retry_after()),
                "asks for fewer requests",
                "It is tried again later.",
            ),
            500..=599 => (FaultKind::Server, "failed", "It is tried again later."),
            _ => (FaultKind::Unexpected, "gave an answer that it should not give", "Check the address."),
        };
        let fault = Fault::new(kind, format!("{host} {message} (status {status})"), next_step);
        Some(if status.is_server_error() { Fault { applied: Applied::Unknown, ..fault } } else { fault })
    }

    /// How long the server asks to wait, when it says so in seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("169.254.169.254", true)]
    #[case("127.0.0.1", true)]
    #[case("10.1.2.3", true)]
    #[case("::1", true)]
    #[case("::ffff:192.168.1.1", true)]
    #[case("64:ff9b::a9fe:a9fe", true)]
    #[case("fd00:ec2::254", true)]
    #[case("100.100.100.200", true)]
    #[case::relay_of_6to4("192.88.99.1", true)]
    #[case::as112("192.175.48.1", true)]
    #[case::multicast("239.1.1.1", true)]
    #[case::unspecified("::", true)]
    #[case::v4_compatible("::8.8.8.8", true)]
    #[case::v4_translated("::ffff:0:8.8.8.8", true)]
    #[case::mapped_outside("::ffff:8.8.8.8", false)]
    #[case::translated_outside("64:ff9b::8.8.8.8", false)]
    #[case::translated_inside("64:ff9b::10.1.2.3", true)]
    #[case::translated_here("64:ff9b:1::8.8.8.8", true)]
    #[case::discard_only("100::1", true)]
    #[case::dummy("100:0:0:1::1", true)]
    #[case::teredo("2001::1", true)]
    #[case::orchid("2001:20::1", true)]
    #[case::documentation("2001:db8::1", true)]
    #[case::more_documentation("3fff:fff::1", true)]
    #[case::of_6to4("2002:a00:1::1", true)]
    #[case::of_6to4_outside("2002:808:808::1", true)]
    #[case::srv6("5f00::1", true)]
    #[case::site_local("fec0::1", true)]
    #[case::link_local("fe80::1", true)]
    #[case::multicast_of_six("ff02::1", true)]
    #[case::after_the_protocols("2001:200::1", false)]
    #[case::google("2001:4860:4860::8888", false)]
    #[case::after_documentation("3fff:1000::1", false)]
    #[case("8.8.8.8", false)]
    #[case("2606:4700::1111", false)]
    #[case("172.32.0.1", false)]
    fn addresses_inside_networks_are_told(#[case] address: &str, #[case] inside: bool) {
        assert_eq!(is_inside(address.parse().unwrap()), inside);
    }

    #[test]
    fn what_is_sent_and_answered_is_not_printed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-canary", "canary".parse().unwrap());
        let call = Call {
            headers: headers.clone(),
            body: Zeroizing::new(b"canary".to_vec()),
            ..get("https://canary:canary@hooks.example/canary?canary#canary")
        };
        let answer = Answer { status: StatusCode::OK, headers, body: Zeroizing::new(b"canary".to_vec()) };
        let printed = format!("{call:?} {answer:?}");
        assert!(!printed.contains("canary") && !printed.contains("99, 97, 110"), "{printed}");
        assert!(printed.contains("hooks.example"), "{printed}");
    }

    #[test]
    fn every_network_is_one() {
        for net in INSIDE {
            assert!(net.parse::<IpNet>().is_ok(), "{net}");
        }
    }

    fn get(url: &str) -> Call {
        Call {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Zeroizing::default(),
            changes: false,
        }
    }

    #[rstest]
    #[case("http://example.com/")]
    #[case("https://127.0.0.1/")]
    #[case("https://[::1]/")]
    #[case("https://localhost/")]
    #[case("https://2130706433/")]
    #[tokio::test]
    async fn nothing_inside_is_reached_unless_allowed(#[case] url: &str) {
        let outbound = Outbound::new(OutboundOptions::default()).unwrap();
        let fault = outbound.send(get(url)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::AddressRefused, "{fault}");
    }

    #[tokio::test]
    async fn an_allowed_host_is_reached_and_redirects_are_not_followed() {
        let server = wiremock::MockServer::start().await;
        let away = wiremock::ResponseTemplate::new(302).insert_header("location", "/elsewhere");
        wiremock::Mock::given(wiremock::matchers::path("/")).respond_with(away).mount(&server).await;
        let allowed_hosts = BTreeSet::from(["127.0.0.1".to_owned()]);
        let outbound = Outbound::new(OutboundOptions { allowed_hosts, ..Default::default() }).unwrap();
        assert_eq!(outbound.send(get(&server.uri())).await.unwrap().status, 302);
    }
}
