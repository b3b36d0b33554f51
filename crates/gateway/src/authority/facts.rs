//! What clients and operators want to know of a certificate: how long it is good for, and its fingerprint.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

use super::AuthorityError;

/// DER's tags (X.690) of what stands before a certificate's validity.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What there is to know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// From when on it is good.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// The SHA-256 of its DER, as 64 hexadecimal digits: `openssl x509 -fingerprint -sha256` shows the same with colons.
    pub fingerprint: String,
}

impl CertificateFacts {
    /// Reads them of a certificate in PEM.
    ///
    /// # Errors
    /// [`AuthorityError::Damaged`] when it is none.
    pub fn of(pem: &str) -> Result<Self, AuthorityError> {
        let damaged = || AuthorityError::Damaged("the certificate is none".to_owned());
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| damaged())?;
        let (not_before, not_after) = validity(&der).ok_or_else(damaged)?;
        Ok(Self { not_before, not_after, fingerprint: hex::encode(Sha256::digest(&der)) })
    }
}

/// The two instants of `Certificate.tbsCertificate.validity` (RFC 5280, 4.1).
fn validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (certificate, _) = sequence(der)?;
    let (mut to_be_signed, _) = sequence(certificate)?;
    if to_be_signed.first() == Some(&VERSION) {
        to_be_signed = part(to_be_signed)?.2;
    }
    // The serial number, the algorithm and the issuer stand before it.
    for _ in 0..3 {
        to_be_signed = part(to_be_signed)?.2;
    }
    let (validity, _) = sequence(to_be_signed)?;
    let (tag, from, rest) = part(validity)?;
    let (until_tag, until, _) = part(rest)?;
    Some((instant(tag, from)?, instant(until_tag, until)?))
}

fn sequence(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = part(der)?;
    (tag == SEQUENCE).then_some((content, rest))
}

/// The first part of some DER: its tag, its content, and what follows.
fn part(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` with years from 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn instant(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { year + 2000 } else { year + 1900 }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let day = jiff::civil::Date::new(year, two(0)?, two(2)?).ok()?;
    let time = jiff::civil::Time::new(two(4)?, two(6)?, two(8)?, 0).ok()?;
    Some(day.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::{AUTHORITY_LIFE, Authority, CLOCK_SKEW};
    use super::*;

    /// The second one ends after 2049, from which on certificates write the year with four digits.
    #[rstest]
    #[case("2026-11-20T15:00:00Z")]
    #[case("2045-01-31T23:59:59Z")]
    fn a_certificate_tells_how_long_it_is_good_for(#[case] now: &str) {
        let now: Timestamp = now.parse().unwrap();
        let facts = CertificateFacts::of(&Authority::create(now).unwrap().certificate).unwrap();
        assert_eq!((facts.not_before, facts.not_after), (now - CLOCK_SKEW, now + AUTHORITY_LIFE));
        assert_eq!(facts.fingerprint.len(), 64);
    }

    #[rstest]
    #[case("")]
    #[case("none")]
    #[case("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")]
    #[case("-----BEGIN CERTIFICATE-----\nMIIBMIIB\n-----END CERTIFICATE-----\n")]
    fn what_is_no_certificate_is_damaged(#[case] pem: &str) {
        assert!(matches!(CertificateFacts::of(pem), Err(AuthorityError::Damaged(_))));
    }
}
