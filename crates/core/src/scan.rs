//! Finds Alpaca's key pairs in text: in files, in a repository's history, in logs.
//!
//! Alpaca publishes no format. Seen in public are Key IDs of 20 characters with Secret Keys of 40, and since 2025 Key IDs of 26 with Secret Keys of 44
//! ([`crate::paste::shape`]). Length and letters alone match much that is no key, so a text must look random, and either halves of one
//! generation stand near each other, or the text around says whose key it is.

mod candidate;
mod context;
mod gitleaks;

use serde::Serialize;

use self::candidate::{Candidate, Half};
use self::context::Around;
use crate::SecretText;

pub use gitleaks::RULES as GITLEAKS_RULES;

/// How far apart two halves of a pair may stand, in bytes.
const PAIR_BYTES: usize = 600;

/// How far apart two halves of a pair may stand, in lines.
const PAIR_LINES: usize = 12;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Both halves.
    KeyPair,
    /// A Key ID alone: no secret by itself, and it says that a pair was here.
    KeyId,
    /// A Secret Key alone.
    SecretKey,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::KeyPair, Self::KeyId, Self::SecretKey];

    /// Its stable name, the same as in the rules for gitleaks.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyPair => "alpaca-key-pair",
            Self::KeyId => "alpaca-key-id",
            Self::SecretKey => "alpaca-secret-key",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::KeyPair => "an Alpaca key pair",
            Self::KeyId => "an Alpaca Key ID",
            Self::SecretKey => "an Alpaca Secret Key",
        }
    }
}

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sureness {
    /// It has the form, and nothing around it says whose it is.
    Likely,
    /// The form and what stands around it say the same.
    Certain,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// What it is.
    pub rule: Rule,
    /// How sure it is.
    pub sureness: Sureness,
    /// The Key ID, if there is one.
    pub key_id: Option<Spot>,
    /// The Secret Key, if there is one.
    pub secret_key: Option<Spot>,
}

/// A half and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// The half itself.
    pub value: SecretText,
}

impl Leak {
    /// Where it begins.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        let spots = [&self.key_id, &self.secret_key].into_iter().flatten();
        spots.map(|spot| (spot.line, spot.column)).min().unwrap_or((1, 1))
    }
}

impl Spot {
    /// What may be shown of it: its first four characters and its length.
    #[must_use]
    pub fn redacted(&self) -> String {
        let text = self.value.expose();
        let shown: String = text.chars().take(4).collect();
        format!("{shown}… ({} characters)", text.chars().count())
    }
}

/// Whether a text may hold anything at all: a quick look before a careful one.
#[must_use]
pub fn worth_a_look(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| matches!(two, b"PK" | b"AK" | b"CK"))
        || bytes
            .windows(4)
            .any(|four| four.eq_ignore_ascii_case(b"apca") || four.eq_ignore_ascii_case(b"alpa"))
}

/// Everything that a text holds, in its order.
#[must_use]
pub fn scan(text: &str) -> Vec<Leak> {
    if !worth_a_look(text.as_bytes()) {
        return Vec::new();
    }
    let candidates = candidate::all(text);
    let around = Around::new(text);
    let mut used = vec![false; candidates.len()];
    let mut leaks = Vec::new();
    for (place, id) in candidates.iter().enumerate() {
        if id.half != Half::KeyId || around.is_allowed(id) {
            continue;
        }
        let named = around.names_alpaca(id);
        if id.looks_like_aws() && !named {
            continue;
        }
        let partner = nearest(text, &candidates, place, &used, &around);
        if let Some(partner) = partner {
            used[place] = true;
            used[partner] = true;
            let sure = id.is_newer() || named || around.mentions_alpaca(id);
            let sureness = if sure { Sureness::Certain } else { Sureness::Likely };
            let (key_id, secret_key) = (Some(around.spot(id)), Some(around.spot(&candidates[partner])));
            leaks.push(Leak { rule: Rule::KeyPair, sureness, key_id, secret_key });
        }
    }
    for (one, used) in candidates.iter().zip(&used) {
        if !used && !around.is_allowed(one) {
            leaks.extend(alone(one, &around));
        }
    }
    leaks.sort_by_key(Leak::place);
    leaks
}

/// The Secret Key that belongs to a Key ID: the nearest one of its generation.
fn nearest(
    text: &str,
    candidates: &[Candidate<'_>],
    id: usize,
    used: &[bool],
    around: &Around<'_>,
) -> Option<usize> {
    let key_id = &candidates[id];
    let near = candidates.iter().enumerate().filter(|(place, one)| {
        one.half == Half::SecretKey
            && !used[*place]
            && !around.is_allowed(one)
            && one.is_newer() == key_id.is_newer()
            && one.distance(key_id) <= PAIR_BYTES
            && lines_between(text, one, key_id) <= PAIR_LINES
    });
    near.min_by_key(|(_, one)| one.distance(key_id)).map(|(place, _)| place)
}

fn lines_between(text: &str, one: &Candidate<'_>, other: &Candidate<'_>) -> usize {
    let (from, to) = (one.end.min(other.end), one.start.max(other.start));
    text.as_bytes().get(from..to).map_or(0, |gap| gap.iter().filter(|byte| **byte == b'\n').count())
}

/// A half without the other.
fn alone(one: &Candidate<'_>, around: &Around<'_>) -> Option<Leak> {
    let named = around.names_alpaca(one);
    let spot = || Some(around.spot(one));
    match one.half {
        Half::KeyId if named => {
            Some(Leak { rule: Rule::KeyId, sureness: Sureness::Certain, key_id: spot(), secret_key: None })
        }
        Half::KeyId
            if one.is_newer() && one.is_strict() || around.mentions_alpaca(one) && !one.looks_like_aws() =>
        {
            Some(Leak { rule: Rule::KeyId, sureness: Sureness::Likely, key_id: spot(), secret_key: None })
        }
        Half::SecretKey if named && around.names_a_secret(one) => Some(Leak {
            rule: Rule::SecretKey,
            sureness: Sureness::Certain,
            key_id: None,
            secret_key: spot(),
        }),
        Half::KeyId | Half::SecretKey => None,
    }
}

#[cfg(test)]
mod tests;
