//! Keeps the real secret out of what programs get to see.
//!
//! The broker has no reason to echo a credential. If it does, in an error text or a header, the echo stops here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use memchr::memmem;
use paddock_alpaca::Credential;
use zeroize::Zeroizing;

/// What stands in place of an echoed secret; asterisks keep every text format intact.
const MASK: u8 = b'*';

/// The texts that must not pass, for one credential. Made per request and wiped after it.
pub(crate) struct Scrubber {
    needles: Vec<Zeroizing<Vec<u8>>>,
    /// The end of the last piece, held back because a needle may go on in the next one.
    held: BytesMut,
}

impl Scrubber {
    /// Looks for the secret, plain and as base64, and for the pair as HTTP Basic writes it.
    pub(crate) fn new(credential: &Credential) -> Self {
        let mut needles = Vec::new();
        let mut add = |text: &[u8]| needles.push(Zeroizing::new(text.to_vec()));
        match credential {
            Credential::KeyPair { key_id, secret_key } => {
                let pair = Zeroizing::new(format!("{}:{}", key_id.expose(), secret_key.expose()));
                add(secret_key.expose().as_bytes());
                add(STANDARD.encode(secret_key.expose()).trim_end_matches('=').as_bytes());
                add(STANDARD.encode(pair.as_bytes()).trim_end_matches('=').as_bytes());
                add(key_id.expose().as_bytes());
            }
            Credential::OauthToken(token) => {
                add(token.expose().as_bytes());
                add(STANDARD.encode(token.expose()).trim_end_matches('=').as_bytes());
            }
        }
        // The longest first: base64 of the pair may contain base64 of the secret, and masking the inner one would leave the rest.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        Self { needles, held: BytesMut::new() }
    }

    /// Whether a text, such as a header's value, contains what must not pass.
    pub(crate) fn finds(&self, text: &[u8]) -> bool {
        // Most headers are shorter than any secret.
        self.needles.iter().any(|needle| text.len() >= needle.len() && find(text, needle).is_some())
    }

    /// Takes the next piece of a body and gives what may pass of it. An end that could be the beginning of a needle is
    /// held back until the next piece or [`finish`](Self::finish).
    pub(crate) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.held.is_empty() && !self.finds(&piece) && self.open_end(&piece) == 0 {
            return piece;
        }
        self.held.extend_from_slice(&piece);
        self.mask();
        let open = self.open_end(&self.held);
        let ready = self.held.len() - open;
        self.held.split_to(ready).freeze()
    }

    /// Gives what was held back when the body is over.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.mask();
        self.held.split().freeze()
    }

    fn mask(&mut self) {
        for needle in &self.needles {
            while let Some(start) = find(&self.held, needle) {
                self.held[start..start + needle.len()].fill(MASK);
            }
        }
    }

    /// The length of the longest end of `text` with which a needle begins.
    fn open_end(&self, text: &[u8]) -> usize {
        let Some(&last) = text.last() else { return 0 };
        let begins = |needle: &[u8]| {
            let longest = text.len().min(needle.len().saturating_sub(1));
            // Comparing the last byte first spares nearly all comparisons.
            let ends = |length: &usize| needle[*length - 1] == last && text.ends_with(&needle[..*length]);
            (1..=longest).rev().find(ends).unwrap_or(0)
        };
        self.needles.iter().map(|needle| begins(needle)).max().unwrap_or(0)
    }
}

/// Where `needle` begins in `text`. Searching for its first bytes and comparing the rest is cheaper than preparing a search
/// for all of it, which pays only for bodies far larger than Alpaca's.
fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let head = &needle[..needle.len().min(8)];
    memmem::find_iter(text, head).find(|start| text[*start..].starts_with(needle))
}

#[cfg(test)]
mod tests {
    use paddock_core::SecretText;
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "aaabSECRETaaabSECRETaaabSECRETaaabSECRET99";

    fn scrubber() -> Scrubber {
        Scrubber::new(&Credential::KeyPair {
            key_id: SecretText::new("PKIDIDIDIDIDIDIDIDID".to_owned()),
            secret_key: SecretText::new(SECRET.to_owned()),
        })
    }

    fn scrub(pieces: &[&[u8]]) -> Vec<u8> {
        let mut scrubber = scrubber();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&scrubber.finish());
        out
    }

    #[test]
    fn an_innocent_body_passes_without_delay() {
        assert_eq!(scrubber().push(Bytes::from_static(b"{\"id\":1}")), "{\"id\":1}");
    }

    proptest! {
        #[test]
        fn no_split_lets_the_secret_through(
            before in "[a-b]{0,8}",
            after in "[a-b]{0,8}",
            cuts in prop::collection::vec(0_usize..60, 0..6),
            form in 0..3,
        ) {
            let echo = match form {
                0 => SECRET.to_owned(),
                1 => STANDARD.encode(SECRET),
                _ => STANDARD.encode(format!("PKIDIDIDIDIDIDIDIDID:{SECRET}")),
            };
            let body = format!("{before}{echo}{after}");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.sort_unstable();
            cuts.push(body.len());
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts {
                pieces.push(&body.as_bytes()[start..cut]);
                start = cut;
            }
            let out = scrub(&pieces);
            prop_assert_eq!(out.len(), body.len());
            prop_assert!(!out.windows(20).any(|window| echo.as_bytes().windows(20).any(|part| part == window)));
            prop_assert!(out.starts_with(before.as_bytes()) && out.ends_with(after.as_bytes()));
        }
    }
}
