//! Phase 1: who is asking?

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use paddock_alpaca::credential::{KEY_ID_HEADER, SECRET_KEY_HEADER};
use paddock_core::SecretText;
use paddock_core::id::AccessKeyId;
use paddock_core::scope::Signed;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::directory::{Directory, KeyEntry};

/// Proof that a request carries a valid access key. Only this module makes one.
#[derive(Clone, Debug)]
pub(crate) struct Grant(Arc<KeyEntry>);

impl Grant {
    pub(crate) fn entry(&self) -> &KeyEntry {
        &self.0
    }

    /// The access key of a signed request that takes such requests. The caller checks the signature before anything else.
    pub(crate) fn by_key_id(directory: &Directory, key_id: &str) -> Option<Self> {
        let entry = directory.key_with_id(key_id)?;
        entry.key.scope.signed.is_some().then(|| Self(Arc::clone(entry)))
    }

    /// The access key of a request that was recognised when it was held for a person.
    pub(crate) fn of_held(directory: &Directory, key: AccessKeyId) -> Option<Self> {
        directory.key(key).map(|entry| Self(Arc::clone(entry)))
    }

    /// The same access key as it is now; `None` if it is gone, or opens with another secret.
    pub(crate) fn renewed(&self, directory: &Directory) -> Option<Self> {
        let entry = directory.key_with_id(&self.0.key.key_id)?;
        let same = entry.key.id == self.0.key.id && entry.key.secret_hash == self.0.key.secret_hash;
        same.then(|| Self(Arc::clone(entry)))
    }
}

/// Why nobody could be recognised. What is wrong with a pair is not told: an attacker learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    /// There is no credential in the request.
    Missing,
    /// The pair or token is not a valid access key.
    Invalid,
    /// Two credentials, or one twice: which of them counts would be a guess.
    Ambiguous,
    /// The secret is right, and is not to be sent: the access key takes signed requests only.
    MustSign,
}

/// What a request presents.
enum Presented {
    Pair { key_id: String, secret: Zeroizing<String> },
    Token(Zeroizing<String>),
}

/// Recognises an access key in the headers that Alpaca's clients send: the APCA pair, HTTP Basic with the pair, or a bearer
/// token, which is the access key's secret alone.
pub(crate) fn authenticate(directory: &Directory, headers: &HeaderMap) -> Result<Grant, Unauthenticated> {
    grant(directory, &presented(headers)?)
}

/// Recognises an access key in a message of a stream: a pair, or the word that stands for a token and the access key's secret.
pub(crate) fn recognise(
    directory: &Directory,
    key: &str,
    secret: &SecretText,
) -> Result<Grant, Unauthenticated> {
    let secret = Zeroizing::new(secret.expose().to_owned());
    grant(
        directory,
        &match key {
            "oauth" | "access_token" => Presented::Token(secret),
            key_id => Presented::Pair { key_id: key_id.to_owned(), secret },
        },
    )
}

fn grant(directory: &Directory, presented: &Presented) -> Result<Grant, Unauthenticated> {
    let entry = match presented {
        Presented::Pair { key_id, secret } => {
            let entry = directory.key_with_id(key_id);
            // An unknown Key ID costs the same hash and comparison as a known one.
            let expected = entry.map_or([0; 32], |entry| entry.key.secret_hash);
            let equal = bool::from(sha256(secret).ct_eq(&expected));
            entry.filter(|_| equal)
        }
        Presented::Token(secret) => directory.key_with_secret_hash(&sha256(secret)),
    };
    let entry = entry.ok_or(Unauthenticated::Invalid)?;
    match entry.key.scope.signed {
        Some(Signed::Required) => Err(Unauthenticated::MustSign),
        None => Ok(Grant(Arc::clone(entry))),
    }
}

fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn presented(headers: &HeaderMap) -> Result<Presented, Unauthenticated> {
    let key_id = only_value(headers, &KEY_ID_HEADER)?;
    let secret = only_value(headers, &SECRET_KEY_HEADER)?;
    let authorization = only_value(headers, &AUTHORIZATION)?;
    match (key_id, secret, authorization) {
        (Some(key_id), Some(secret), None) => {
            Ok(Presented::Pair { key_id: key_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) })
        }
        (None, None, Some(authorization)) => from_authorization(authorization),
        (None, None, None) => Err(Unauthenticated::Missing),
        (_, _, Some(_)) => Err(Unauthenticated::Ambiguous),
        (Some(_), None, None) | (None, Some(_), None) => Err(Unauthenticated::Missing),
    }
}

fn from_authorization(value: &str) -> Result<Presented, Unauthenticated> {
    let (scheme, rest) = value.split_once(' ').ok_or(Unauthenticated::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Presented::Token(Zeroizing::new(rest.to_owned())));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Unauthenticated::Invalid);
    }
    let decoded = Zeroizing::new(STANDARD.decode(rest).map_err(|_| Unauthenticated::Invalid)?);
    let pair = std::str::from_utf8(&decoded).map_err(|_| Unauthenticated::Invalid)?;
    let (key_id, secret) = pair.split_once(':').ok_or(Unauthenticated::Invalid)?;
    Ok(Presented::Pair { key_id: key_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) })
}

/// The value of a header that must not stand twice.
pub(crate) fn only_value<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Unauthenticated> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Unauthenticated::Ambiguous);
    }
    first.map(|value| value.to_str().map_err(|_| Unauthenticated::Invalid)).transpose()
}
