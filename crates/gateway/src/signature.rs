//! Signed requests: recognising an access key whose secret stays where it is.
//!
//! A program proves that it has the secret by an HMAC over what it sends. What is signed is what is read here: the bytes of the request
//! target as they came, with no rewriting on either side about which two readers could differ. `docs/signed-requests.md` tells
//! programs how, with an example that is a test below.

mod seen;

use http::request::Parts;
use http::{HeaderMap, HeaderName};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::credential::{KEY_ID_HEADER, SECRET_KEY_HEADER};
use paddock_core::id::AccessKeyId;
use paddock_vault::VaultError;
use sha2::{Digest, Sha256};

use crate::answer::Fault;
use crate::authenticate::{Grant, authenticate, only_value};
use crate::directory::Directory;
use crate::lane::Lane;
use crate::shape::{RequestBody, read_body};
use crate::shared::Shared;
use crate::stop::Stop;

pub(crate) use seen::SeenSignatures;

const TIMESTAMP_HEADER: HeaderName = HeaderName::from_static("paddock-timestamp");
const NONCE_HEADER: HeaderName = HeaderName::from_static("paddock-nonce");
const SIGNATURE_HEADER: HeaderName = HeaderName::from_static("paddock-signature");

/// What the signed text begins with. Another scheme would have another label.
const LABEL: &str = "PADDOCK-HMAC-SHA256-V1";

/// How far a timestamp may be from now, both ways.
const WINDOW: SignedDuration = SignedDuration::from_secs(30);

/// The signature of a request that was recognised by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature([u8; 32]);

/// A request whose access key is known.
pub(crate) struct Recognised {
    pub(crate) grant: Grant,
    pub(crate) body: RequestBody,
    /// By what it was recognised, if its secret did not come along.
    pub(crate) signature: Option<Signature>,
}

/// Recognises who asks: by a signature if there is one, otherwise by the secret.
pub(crate) async fn recognise_request(
    shared: &Shared,
    directory: &Directory,
    parts: &Parts,
    body: Incoming,
) -> Result<Recognised, Stop> {
    let Some(head) = SignedHead::of(&parts.headers)? else {
        let grant = authenticate(directory, &parts.headers).map_err(Fault::unauthenticated)?;
        return Ok(Recognised { grant, body: RequestBody::Coming(body), signature: None });
    };
    let body = read_body(body).await?;
    let (grant, signature) = head.verify(shared, directory, parts, &body)?;
    Ok(Recognised { grant, body: RequestBody::Read(body), signature: Some(signature) })
}

/// The headers of a signed request, well formed.
pub(crate) struct SignedHead<'a> {
    key_id: &'a str,
    timestamp: &'a str,
    at: Timestamp,
    nonce: &'a str,
    signature: [u8; 32],
}

impl<'a> SignedHead<'a> {
    /// The signature of a request; `None` when it claims none.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Option<Self>, Fault> {
        let value = |name: &HeaderName| only_value(headers, name).map_err(|_| Fault::malformed_signature());
        let (timestamp, nonce) = (value(&TIMESTAMP_HEADER)?, value(&NONCE_HEADER)?);
        let signature = value(&SIGNATURE_HEADER)?;
        if timestamp.is_none() && nonce.is_none() && signature.is_none() {
            return Ok(None);
        }
        if headers.contains_key(&SECRET_KEY_HEADER) || headers.contains_key(http::header::AUTHORIZATION) {
            return Err(Fault::signed_with_secret());
        }
        let (Some(key_id), Some(timestamp), Some(nonce), Some(signature)) =
            (value(&KEY_ID_HEADER)?, timestamp, nonce, signature)
        else {
            return Err(Fault::malformed_signature());
        };
        let head = || {
            let (at, signature) = (read_timestamp(timestamp)?, read_signature(signature)?);
            is_nonce(nonce).then_some(Self { key_id, timestamp, at, nonce, signature })
        };
        head().map(Some).ok_or_else(Fault::malformed_signature)
    }

    /// Checks the signature, then its time, then that it was not used before. Only whoever has the key learns more than that
    /// the signature does not fit.
    pub(crate) fn verify(
        &self,
        shared: &Shared,
        directory: &Directory,
        parts: &Parts,
        body: &[u8],
    ) -> Result<(Grant, Signature), Fault> {
        let grant = Grant::by_key_id(directory, self.key_id).ok_or_else(Fault::invalid_signature)?;
        let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let text = signed_text(self.timestamp, self.nonce, parts.method.as_str(), target, body);
        let entry = grant.entry();
        let fits = entry.is_signature(&shared.opener, text.as_bytes(), &self.signature).map_err(|error| {
            tracing::error!(%error, key = %entry.key.name, "a signing key does not open");
            match error {
                VaultError::Locked(_) => Fault::vault_locked(),
                _ => Fault::signing_key_unreadable(),
            }
        })?;
        if !fits {
            return Err(Fault::invalid_signature());
        }
        let now = shared.clock.now();
        let off = self.at.duration_since(now);
        if off.abs() > WINDOW {
            return Err(Fault::signature_time(off.as_secs()));
        }
        shared.signatures.take(entry.key.id, self.signature, self.at, now)?;
        Ok((grant, Signature(self.signature)))
    }
}

impl Signature {
    /// Uses the signature up for good before something is changed: this holds across restarts, and on every node.
    pub(crate) async fn use_up(self, lane: &Lane, key: AccessKeyId, at: Timestamp) -> Result<(), Stop> {
        let shared = std::sync::Arc::clone(&lane.shared);
        let used = lane.main.spawn(async move { shared.store.use_signature(&self.0, key, at).await });
        match used.await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Fault::signature_replayed().into()),
            Ok(Err(error)) => {
                tracing::error!(%error, "a signature could not be used up");
                Err(Fault::audit_unavailable().into())
            }
            Err(_) => Err(Fault::audit_unavailable().into()),
        }
    }
}

/// What is signed: six lines, without a line feed at the end.
fn signed_text(timestamp: &str, nonce: &str, method: &str, target: &str, body: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(body));
    [LABEL, timestamp, nonce, method, target, &digest].join("\n")
}

/// Seconds since 1970 UTC in one spelling.
fn read_timestamp(text: &str) -> Option<Timestamp> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0') && text.len() <= 12;
    text.parse().ok().filter(|_| plain).and_then(|seconds| Timestamp::from_second(seconds).ok())
}

fn is_nonce(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (16..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// 64 hexadecimal digits, lower case: a signature in two spellings would be two signatures.
fn read_signature(text: &str) -> Option<[u8; 32]> {
    let mut signature = [0; 32];
    hex::decode_to_slice(text, &mut signature).ok()?;
    (!text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(signature)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The example of docs/signed-requests.md, read from the page, so that the two cannot differ.
    #[test]
    fn the_example_of_the_page_is_what_is_signed() {
        let page = include_str!("../../../docs/signed-requests.md");
        let block = |after: &str| {
            let (_, rest) = page.split_once(after).unwrap();
            let (_, rest) = rest.split_once("```text\n").unwrap();
            rest.split_once("\n```").unwrap().0.to_owned()
        };
        let body = block("with the body");
        let text = signed_text(
            "1795786200",
            "q7Zk0c2mX1sV9bTf",
            "POST",
            "/v2/orders?note=BTC%2FUSD",
            body.as_bytes(),
        );
        assert_eq!(text, block("the signed text is"));
        // The page's signature is this text's HMAC under the page's secret, which `openssl dgst -sha256 -hmac` also gives.
        let key = "pdks_0123456789abcdefghijABCDEFGHIJ0123456789abc";
        assert!(page.contains(key));
        assert_eq!(block("and the signature"), hex::encode(hmac(key.as_bytes(), text.as_bytes())));
    }

    /// RFC 2104 by hand, for a key of at most 64 bytes: a second opinion beside the vault's.
    fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
        let pad = |with: u8| -> Vec<u8> {
            (0..64).map(|place| key.get(place).copied().unwrap_or(0) ^ with).collect()
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
    }

    #[rstest]
    #[case("1795786200", true)]
    #[case("01795786200", false)]
    #[case("+1795786200", false)]
    #[case("1795786200.5", false)]
    #[case("-5", false)]
    #[case("", false)]
    #[case("1e9", false)]
    fn a_timestamp_has_one_spelling(#[case] text: &str, #[case] good: bool) {
        assert_eq!(read_timestamp(text).is_some(), good);
    }

    #[test]
    fn a_signature_has_one_spelling() {
        assert!(read_signature(&"ab".repeat(32)).is_some());
        for wrong in ["AB".repeat(32), "ab".repeat(31), "ab".repeat(33), format!(" {}", "ab".repeat(32))] {
            assert!(read_signature(&wrong).is_none(), "{wrong}");
        }
    }
}
