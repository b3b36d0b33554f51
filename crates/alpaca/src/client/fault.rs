//! Why an answer did not come, or was an error.

use std::error::Error;
use std::time::Duration;

use rustls::CertificateError;

use crate::error::AlpacaError;

/// Why there is no good answer. Nothing in it repeats the credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No connection to the host: no name, no route, nobody listening, or the connection broke.
    #[error("the host cannot be reached")]
    Unreachable,
    /// The host was reached, but no trusted encrypted connection came to be.
    #[error("no trusted connection to the host")]
    Tls {
        /// Whether the certificate's dates do not fit this machine's clock, which is more often wrong than
        /// Alpaca's certificate.
        clock_skew_likely: bool,
    },
    /// No answer in time. The request may have been carried out.
    #[error("the host did not answer in time")]
    Timeout,
    /// Too many requests.
    #[error("too many requests: try again later")]
    RateLimited {
        /// When the host said to try again.
        retry_after: Option<Duration>,
    },
    /// The host failed.
    #[error("the host failed with HTTP status {status}")]
    Server {
        /// The HTTP status, 500 or above.
        status: u16,
    },
    /// The broker refused.
    #[error(transparent)]
    Api(AlpacaError),
    /// The answer is not what Alpaca answers: a proxy's or a captive portal's page, a redirect, which is not followed, or half an answer.
    /// It says nothing about the credential and nothing about the account.
    #[error("the answer cannot be read as Alpaca's")]
    Unreadable,
}

impl ClientError {
    /// Whether the broker refused the credential. Nothing else proves that it is dead.
    #[must_use]
    pub const fn refuses_credential(&self) -> bool {
        matches!(self, Self::Api(error) if error.refuses_credential())
    }

    /// What a failure to send or receive means. The failure itself is not kept, since it names the address and with it
    /// the query.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if let Some(fault) = tls_fault(error) {
            return Self::Tls { clock_skew_likely: is_clock_skew(fault) };
        }
        if error.is_timeout() {
            return Self::Timeout;
        }
        if error.is_decode() {
            return Self::Unreadable;
        }
        Self::Unreachable
    }
}

/// The TLS failure among the causes of an error, if there is one.
///
/// An [`std::io::Error`] names as its source not the error inside it but that one's source, so it is opened.
#[must_use]
pub fn tls_fault<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(fault) = error.downcast_ref::<rustls::Error>() {
            return Some(fault);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Whether a TLS failure is about the certificate's dates.
#[must_use]
pub const fn is_clock_skew(fault: &rustls::Error) -> bool {
    matches!(
        fault,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(CertificateError::Expired, true)]
    #[case(CertificateError::NotValidYet, true)]
    #[case(CertificateError::UnknownIssuer, false)]
    #[case(CertificateError::NotValidForName, false)]
    #[case(CertificateError::Revoked, false)]
    fn dates_point_at_the_clock(#[case] certificate: CertificateError, #[case] skew: bool) {
        let inner = rustls::Error::InvalidCertificate(certificate);
        assert_eq!(is_clock_skew(&inner), skew);
        let wrapped = std::io::Error::new(std::io::ErrorKind::InvalidData, std::io::Error::other(inner));
        assert_eq!(tls_fault(&wrapped).map(is_clock_skew), Some(skew));
    }

    #[test]
    fn other_errors_are_not_tls() {
        assert!(tls_fault(&std::io::Error::other("refused")).is_none());
    }
}
