//! Which certificate the encrypted entrances show.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use paddock_core::{Clock, SecretText};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::authority::{Authority, AuthorityError, Issued, ServerName};

/// The certificates of the encrypted entrances.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// For the TLS entrance.
    pub(crate) own: Arc<ServerConfig>,
    /// For the hosts of Alpaca's that the proxy stands in for.
    pub(crate) alpaca: Arc<ServerConfig>,
}

/// An operator's own certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The local authority cannot issue.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The file of the certificate is none.
    #[error("the certificate is not a chain of certificates in PEM, the server's own first")]
    NoCertificate,
    /// The file of the key is none.
    #[error(
        "the certificate's key is not a private key in PEM (PKCS #8, PKCS #1 or SEC 1) without a passphrase"
    )]
    NoKey,
    /// They do not belong together, or the key is of an unknown kind.
    #[error("the certificate and its key cannot be used together: {0}")]
    Mismatch(rustls::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
}

/// A certificate that the operator brought along.
#[derive(Debug)]
pub struct OwnCertificate<'a> {
    /// The chain in PEM, the server's own certificate first.
    pub chain: &'a str,
    /// Its private key in PEM.
    pub key: &'a SecretText,
}

impl Certificates {
    /// Certificates from the local authority, for a gateway that is reached under `names`; `own` takes their place at the TLS
    /// entrance. Those of the authority are renewed in time by themselves.
    ///
    /// # Errors
    /// [`CertificateError`] when the authority cannot issue, or `own` cannot be used.
    pub fn new(
        authority: Authority,
        names: Vec<ServerName>,
        own: Option<OwnCertificate<'_>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CertificateError> {
        let issued = authority.issue(&names, clock.now())?;
        let current = Mutex::new(Current { key: Arc::new(issued.key), until: issued.until });
        let issuing: Arc<dyn ResolvesServerCert> = Arc::new(Issuing { authority, names, clock, current });
        let alpaca = config(Arc::clone(&issuing))?;
        let own = match own {
            Some(own) => config(Arc::new(Fixed(own.read()?)))?,
            None => Arc::clone(&alpaca),
        };
        Ok(Self { own, alpaca })
    }
}

impl OwnCertificate<'_> {
    fn read(&self) -> Result<Arc<CertifiedKey>, CertificateError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(self.chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::NoCertificate)?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes())
            .map_err(|_| CertificateError::NoKey)?;
        let certified = CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider());
        certified.map(Arc::new).map_err(CertificateError::Mismatch)
    }
}

fn config(resolver: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, CertificateError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config =
        builder.map_err(CertificateError::Tls)?.with_no_client_auth().with_cert_resolver(resolver);
    // WebSockets and the strict reading of requests are HTTP/1.1's.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesServerCert for Fixed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Shows a certificate of the authority's, and a new one before that is too old.
struct Issuing {
    authority: Authority,
    names: Vec<ServerName>,
    clock: Arc<dyn Clock>,
    current: Mutex<Current>,
}

struct Current {
    key: Arc<CertifiedKey>,
    until: jiff::Timestamp,
}

impl fmt::Debug for Issuing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuing").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Issuing {
    fn shown(&self) -> Arc<CertifiedKey> {
        let now = self.clock.now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= current.until {
            match self.authority.issue(&self.names, now) {
                Ok(Issued { key, until }) => *current = Current { key: Arc::new(key), until },
                // The old one is good for a month yet.
                Err(error) => tracing::error!(%error, "the gateway's certificate could not be renewed"),
            }
        }
        Arc::clone(&current.key)
    }
}

impl ResolvesServerCert for Issuing {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use paddock_core::ManualClock;

    use super::*;

    fn start() -> (Arc<ManualClock>, Authority) {
        let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
        let new = Authority::create(clock.now()).unwrap();
        (clock, Authority::load(&new.key, &new.certificate).unwrap())
    }

    #[test]
    fn a_certificate_is_renewed_a_month_before_it_ends() {
        let (clock, authority) = start();
        let issued = authority.issue(&[], clock.now()).unwrap();
        let lasting = issued.until.duration_since(clock.now());
        assert_eq!(lasting, jiff::SignedDuration::from_hours(24 * 60));
        let current = Mutex::new(Current { key: Arc::new(issued.key), until: issued.until });
        let issuing = Issuing { authority, names: Vec::new(), clock: clock.clone(), current };
        let shown = || issuing.shown().cert[0].clone();
        let first = shown();
        clock.advance(Duration::from_secs(59 * 86_400));
        assert_eq!(shown(), first);
        clock.advance(Duration::from_secs(86_400));
        assert_ne!(shown(), first);
    }

    #[test]
    fn an_operators_certificate_must_fit_its_key() {
        let (clock, _) = start();
        let (one, other) = (Authority::create(clock.now()).unwrap(), Authority::create(clock.now()).unwrap());
        let read = |chain: &str, key: &SecretText| OwnCertificate { chain, key }.read().map(drop);
        read(&one.certificate, &one.key).unwrap();
        assert!(matches!(read(&one.certificate, &other.key), Err(CertificateError::Mismatch(_))));
        assert!(matches!(read("", &one.key), Err(CertificateError::NoCertificate)));
        let no_key = SecretText::new("none".to_owned());
        assert!(matches!(read(&one.certificate, &no_key), Err(CertificateError::NoKey)));
    }
}
