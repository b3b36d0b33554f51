//! What is waited for: authorization codes that no program has come with yet, and tokens of authx. It is in memory only, since
//! neither lives longer than minutes. A code or a token is kept as its hash.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::oauth::{AUTHX_TOKEN_SECONDS, OAuthScopes};
use uuid::Uuid;

use crate::keys::sha256_hex;

/// How long a code is good for.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How many tokens of authx are good at once. Who needs more asks for one too often.
const MAX_TOKENS: usize = 10_000;

/// Codes and short tokens, by their hashes.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Authx>,
}

#[derive(Debug)]
struct Code {
    expires: Timestamp,
    consent: Consent,
    /// The grant that it was exchanged for.
    used_for: Option<Uuid>,
}

/// What a person said yes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Consent {
    pub client_id: String,
    pub redirect_uri: String,
    pub accounts: Vec<Uuid>,
    pub scopes: OAuthScopes,
}

#[derive(Debug)]
struct Authx {
    expires: Timestamp,
    client_id: String,
    /// The hash of the secret with which it was got: with another one it is dead.
    secret_sha256: String,
}

/// What a code is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// It is good, for this once.
    Good(Consent),
    /// It was used before, for this grant. Somebody has a copy of it (RFC 6749, 10.5).
    Again(Uuid),
    /// Nothing.
    Bad,
}

impl Memory {
    /// Keeps a code until somebody comes with it.
    pub(super) fn keep_code(&self, code: &str, consent: Consent, now: Timestamp) {
        let mut inner = self.lock();
        inner.codes.retain(|_, code| code.expires > now);
        let expires = now.saturating_add(CODE_LIFE).unwrap_or(now);
        inner.codes.insert(sha256_hex(code), Code { expires, consent, used_for: None });
    }

    /// Uses a code up, whoever comes with it: one that came to the wrong program, or back from the wrong place, is known to somebody
    /// who should not have it. `grant` is what it is used for.
    pub(super) fn redeem(
        &self,
        code: &str,
        client_id: &str,
        redirect_uri: &str,
        grant: Uuid,
        now: Timestamp,
    ) -> Redeemed {
        let mut inner = self.lock();
        let hash = sha256_hex(code);
        let Some(kept) = inner.codes.get_mut(&hash) else { return Redeemed::Bad };
        let theirs = kept.consent.client_id == client_id;
        if kept.expires <= now || !theirs || kept.consent.redirect_uri != redirect_uri {
            // A program that was given a token for it keeps that, whatever others do.
            if kept.used_for.is_none() {
                inner.codes.remove(&hash);
            }
            return Redeemed::Bad;
        }
        match kept.used_for {
            Some(earlier) => Redeemed::Again(earlier),
            None => {
                kept.used_for = Some(grant);
                Redeemed::Good(kept.consent.clone())
            }
        }
    }

    /// Keeps a token of authx for as long as it lives; false when there are too many.
    pub(super) fn keep_authx(
        &self,
        token: &str,
        client_id: &str,
        secret_sha256: &str,
        now: Timestamp,
    ) -> bool {
        let mut inner = self.lock();
        inner.tokens.retain(|_, token| token.expires > now);
        if inner.tokens.len() >= MAX_TOKENS {
            return false;
        }
        let life = SignedDuration::from_secs(AUTHX_TOKEN_SECONDS.into());
        let token_of = Authx {
            expires: now.saturating_add(life).unwrap_or(now),
            client_id: client_id.to_owned(),
            secret_sha256: secret_sha256.to_owned(),
        };
        inner.tokens.insert(sha256_hex(token), token_of);
        true
    }

    /// The client of a token of authx, and the hash of the secret with which it was got.
    pub(crate) fn authx_client(&self, token_sha256: &str, now: Timestamp) -> Option<(String, String)> {
        let inner = self.lock();
        let token = inner.tokens.get(token_sha256).filter(|token| token.expires > now)?;
        Some((token.client_id.clone(), token.secret_sha256.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "http://127.0.0.1/back";
    const GRANT: Uuid = Uuid::from_u128(1);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn kept() -> (Memory, Consent) {
        let memory = Memory::default();
        let consent = Consent {
            client_id: "app".to_owned(),
            redirect_uri: URI.to_owned(),
            accounts: vec![Uuid::nil()],
            scopes: OAuthScopes::ALL,
        };
        memory.keep_code("code", consent.clone(), at(0));
        (memory, consent)
    }

    #[test]
    fn a_code_is_good_once() {
        let (memory, consent) = kept();
        let redeem = |grant| memory.redeem("code", "app", URI, grant, at(1));
        assert_eq!(redeem(GRANT), Redeemed::Good(consent));
        assert_eq!(redeem(Uuid::from_u128(2)), Redeemed::Again(GRANT));
    }

    #[test]
    fn a_code_is_good_for_ten_minutes() {
        for (second, good) in [(599, true), (600, false)] {
            let (memory, _) = kept();
            let redeemed = memory.redeem("code", "app", URI, GRANT, at(second));
            assert_eq!(redeemed != Redeemed::Bad, good, "{second}");
        }
    }

    #[test]
    fn a_code_in_wrong_hands_is_good_for_nobody() {
        for (client, uri) in [("other", URI), ("app", "http://127.0.0.1/elsewhere")] {
            let (memory, _) = kept();
            assert_eq!(memory.redeem("code", client, uri, GRANT, at(1)), Redeemed::Bad);
            assert_eq!(memory.redeem("code", "app", URI, GRANT, at(1)), Redeemed::Bad);
        }
    }
}
