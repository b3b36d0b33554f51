//! The local certificate authority, whose certificate clients are told to trust.
//!
//! Its certificate is bound by name constraints to Alpaca's domain and to names and addresses of private networks: whoever steals
//! its key cannot pass for any other site, not even to a client that trusts it.

mod facts;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;

use jiff::{SignedDuration, Timestamp};
use paddock_core::SecretText;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;

pub use facts::CertificateFacts;

/// The domain of all of Alpaca's hosts.
const ALPACA: &str = "alpaca.markets";

/// The names besides Alpaca's that the authority can vouch for: this machine, and the top-level names that are set aside for
/// private networks (RFC 6762, RFC 8375, and ICANN's `internal`) or commonly used so.
const LOCAL_NAMES: [&str; 5] = ["localhost", "local", "lan", "internal", "home.arpa"];

/// Loopback, private (RFC 1918, RFC 4193), shared (RFC 6598) and link-local networks.
const LOCAL_NETWORKS: [(&str, &str); 9] = [
    ("127.0.0.0", "255.0.0.0"),
    ("10.0.0.0", "255.0.0.0"),
    ("172.16.0.0", "255.240.0.0"),
    ("192.168.0.0", "255.255.0.0"),
    ("100.64.0.0", "255.192.0.0"),
    ("169.254.0.0", "255.255.0.0"),
    ("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fe00::"),
    ("fe80::", "ffc0::"),
];

/// How long the authority's certificate is good for.
const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// How long a server certificate is good for.
const SERVER_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// When a server certificate is replaced by a new one.
const SERVER_RENEWAL: SignedDuration = SignedDuration::from_hours(24 * 60);
/// How far a client's clock may be behind.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(24);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The stored key or certificate cannot be read.
    #[error("the certificate authority cannot be read: it is damaged ({0})")]
    Damaged(String),
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Making(String),
    /// A name that cannot stand in a certificate, or that the authority may not vouch for.
    #[error(
        "the local authority cannot vouch for `{0}`: use a name under .local, .lan, .internal or .home.arpa, a private address, or a certificate of your own"
    )]
    ForeignName(String),
}

/// A new authority, as it is stored.
pub struct NewAuthority {
    /// The private key, PKCS #8 in PEM.
    pub key: SecretText,
    /// The certificate in PEM, for clients.
    pub certificate: String,
}

impl fmt::Debug for NewAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAuthority").finish_non_exhaustive()
    }
}

/// The local certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a new authority, good for ten years from `now`.
    ///
    /// # Errors
    /// [`AuthorityError::Making`] when the machine cannot make keys.
    pub fn create(now: Timestamp) -> Result<NewAuthority, AuthorityError> {
        let key = KeyPair::generate().map_err(making)?;
        let mut params = authority_params()?;
        (params.not_before, params.not_after) = (instant(now - CLOCK_SKEW)?, instant(now + AUTHORITY_LIFE)?);
        let certificate = params.self_signed(&key).map_err(making)?;
        Ok(NewAuthority { key: SecretText::new(key.serialize_pem()), certificate: certificate.pem() })
    }

    /// Reads a stored authority.
    ///
    /// # Errors
    /// [`AuthorityError::Damaged`] when key or certificate is none, or they do not belong together.
    pub fn load(key: &SecretText, certificate: &str) -> Result<Self, AuthorityError> {
        let damaged = |what: &str| AuthorityError::Damaged(what.to_owned());
        let key = KeyPair::from_pem(key.expose()).map_err(|_| damaged("the key is none"))?;
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| damaged("the certificate is none"))?;
        // A certificate holds its public key as it is.
        if memchr::memmem::find(&certificate, key.public_key_raw()).is_none() {
            return Err(damaged("key and certificate do not belong together"));
        }
        Ok(Self { issuer: Issuer::new(authority_params()?, key), certificate })
    }

    /// A certificate for a server that is reached under `names` and under Alpaca's own, good for ninety days from `now`.
    pub(crate) fn issue(&self, names: &[ServerName], now: Timestamp) -> Result<Issued, AuthorityError> {
        let key = KeyPair::generate().map_err(making)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Paddock gateway");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = alternatives(names)?;
        (params.not_before, params.not_after) = (instant(now - CLOCK_SKEW)?, instant(now + SERVER_LIFE)?);
        let certificate = params.signed_by(&key, &self.issuer).map_err(making)?;
        let private = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|_| AuthorityError::Making("a key of an unknown form".to_owned()))?;
        let signer = rustls::crypto::aws_lc_rs::sign::any_supported_type(&private).map_err(making)?;
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        Ok(Issued { key: CertifiedKey::new(chain, signer), until: now + SERVER_RENEWAL })
    }
}

/// A server certificate with its key.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) key: CertifiedKey,
    /// When another one should take its place.
    pub(crate) until: Timestamp,
}

/// A name or address under which clients reach the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// A host name.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl ServerName {
    /// Reads a name for which the local authority can vouch.
    ///
    /// # Errors
    /// [`AuthorityError::ForeignName`] for all others.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        let foreign = || AuthorityError::ForeignName(text.to_owned());
        if let Ok(address) = text.parse::<IpAddr>() {
            return if is_local(address) { Ok(Self::Ip(address)) } else { Err(foreign()) };
        }
        let name = text.to_ascii_lowercase();
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let local = LOCAL_NAMES
            .iter()
            .any(|local| name == *local || name.strip_suffix(local).is_some_and(|rest| rest.ends_with('.')));
        if local && name.split('.').all(label) { Ok(Self::Dns(name)) } else { Err(foreign()) }
    }
}

fn is_local(address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    LOCAL_NETWORKS.iter().any(|(network, mask)| {
        let (Ok(network), Ok(mask)) = (network.parse::<IpAddr>(), mask.parse::<IpAddr>()) else {
            return false;
        };
        network.is_ipv4() == address.is_ipv4() && bits(address) & bits(mask) == bits(network)
    })
}

/// Everything about the authority's certificate but its dates. An issuer has the same, so that the certificates it signs name it.
fn authority_params() -> Result<CertificateParams, AuthorityError> {
    let mut permitted: Vec<GeneralSubtree> = [ALPACA]
        .into_iter()
        .chain(LOCAL_NAMES)
        .map(|name| GeneralSubtree::DnsName(name.to_owned()))
        .collect();
    for (network, mask) in LOCAL_NETWORKS {
        let subnet = CidrSubnet::from_str(&format!("{network}/{}", prefix_length(mask)))
            .map_err(|()| AuthorityError::Making(format!("{network} is no network")))?;
        permitted.push(GeneralSubtree::IpAddress(subnet));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Paddock local authority");
    // It signs servers' certificates and no further authorities'.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    Ok(params)
}

fn prefix_length(mask: &str) -> u32 {
    match mask.parse::<IpAddr>() {
        Ok(IpAddr::V4(mask)) => u32::from(mask).count_ones(),
        Ok(IpAddr::V6(mask)) => u128::from(mask).count_ones(),
        Err(_) => 0,
    }
}

fn alternatives(names: &[ServerName]) -> Result<Vec<SanType>, AuthorityError> {
    let dns = |name: &str| {
        Ia5String::try_from(name)
            .map(SanType::DnsName)
            .map_err(|_| AuthorityError::ForeignName(name.to_owned()))
    };
    let mut alternatives = vec![dns(&format!("*.{ALPACA}"))?, dns(&format!("*.data.{ALPACA}"))?];
    for name in names {
        alternatives.push(match name {
            ServerName::Dns(name) => dns(name)?,
            ServerName::Ip(address) => SanType::IpAddress(*address),
        });
    }
    Ok(alternatives)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished.push(DnType::OrganizationName, "Paddock");
    distinguished
}

fn instant(at: Timestamp) -> Result<OffsetDateTime, AuthorityError> {
    OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(making)
}

fn making(error: impl fmt::Display) -> AuthorityError {
    AuthorityError::Making(error.to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-20T15:00:00Z";

    fn authority() -> (NewAuthority, Authority) {
        let new = Authority::create(NOW.parse().unwrap()).unwrap();
        let loaded = Authority::load(&new.key, &new.certificate).unwrap();
        (new, loaded)
    }

    /// Whether a client that trusts the authority takes its certificate for `host`.
    fn is_trusted(names: &[ServerName], host: &str) -> Result<(), rustls::Error> {
        use rustls::client::WebPkiServerVerifier;
        use rustls::client::danger::ServerCertVerifier as _;

        let (new, authority) = authority();
        let issued = authority.issue(names, NOW.parse().unwrap()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(new.certificate.as_bytes()).unwrap()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider().into();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let now = NOW.parse::<Timestamp>().unwrap().as_second().unsigned_abs();
        let host = rustls::pki_types::ServerName::try_from(host.to_owned()).unwrap();
        let [leaf, rest @ ..] = issued.key.cert.as_slice() else { panic!("a chain") };
        let at = rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        verifier.verify_server_cert(leaf, rest, &host, &[], at).map(drop)
    }

    #[rstest]
    #[case("localhost")]
    #[case("127.0.0.1")]
    #[case("box.lan")]
    #[case("192.168.1.7")]
    #[case("paper-api.alpaca.markets")]
    #[case("api.alpaca.markets")]
    #[case("data.alpaca.markets")]
    #[case("stream.data.alpaca.markets")]
    fn clients_that_trust_the_authority_trust_its_servers(#[case] host: &str) {
        let names =
            ["localhost", "127.0.0.1", "box.lan", "192.168.1.7"].map(|name| ServerName::parse(name).unwrap());
        is_trusted(&names, host).unwrap();
    }

    /// What a thief of the key could sign is worth nothing beyond Alpaca's domain and private networks.
    #[rstest]
    #[case(ServerName::Dns("bank.example".to_owned()), "bank.example")]
    #[case(ServerName::Dns("alpaca.markets.evil.example".to_owned()), "alpaca.markets.evil.example")]
    #[case(ServerName::Ip("93.184.216.34".parse().unwrap()), "93.184.216.34")]
    fn the_authority_cannot_vouch_for_others(#[case] name: ServerName, #[case] host: &str) {
        let refused = is_trusted(&[name], host).unwrap_err();
        assert!(format!("{refused:?}").contains("NameConstraintViolation"), "{refused:?}");
    }

    #[rstest]
    #[case("example.com")]
    #[case("lan.example.com")]
    #[case("evillan")]
    #[case("8.8.8.8")]
    #[case("2001:db8::1")]
    #[case("a..lan")]
    #[case("*.lan")]
    #[case("")]
    fn other_names_are_refused(#[case] name: &str) {
        assert!(matches!(ServerName::parse(name), Err(AuthorityError::ForeignName(_))), "{name}");
    }

    #[test]
    fn halves_of_two_authorities_are_refused() {
        let (one, _) = authority();
        let (other, _) = authority();
        assert!(matches!(Authority::load(&one.key, &other.certificate), Err(AuthorityError::Damaged(_))));
        assert!(Authority::load(&SecretText::new("none".to_owned()), &one.certificate).is_err());
    }
}
