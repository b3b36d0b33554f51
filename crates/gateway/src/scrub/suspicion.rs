//! What raises the suspicion that a text has a credential in it.
//!
//! All forms of a credential are runs of few different characters, at least as long as itself. Looking at every twentieth byte or so
//! shows whether a text has any such run.

use std::ops::Range;

use paddock_alpaca::Credential;

/// Texts shorter than this are not looked for: they would be found everywhere. Nothing that opens an account is as short.
pub(super) const SHORTEST: usize = 4;

/// A set of bytes.
type Class = [bool; 256];

/// What forms of letters and digits have, escaped or not.
static WORD: Class = class(b"");
/// The same for tokens with what tokens have besides.
static TOKEN: Class = class(b"-._~+/=");
/// What is no space.
static ANY: Class = {
    let mut any = [true; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        any[byte] = false;
        byte += 1;
    }
    any
};

const fn class(more: &[u8]) -> Class {
    let mut class = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        class[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'%' | b'\\');
        byte += 1;
    }
    let mut place = 0;
    while place < more.len() {
        class[more[place] as usize] = true;
        place += 1;
    }
    class
}

/// Tells texts that may have a credential in them from those that have none. It knows nothing of the credential but its
/// length and kind of characters.
#[derive(Clone, Copy)]
pub(super) struct Suspicion {
    class: &'static Class,
    shortest: usize,
}

impl Suspicion {
    pub(super) fn of(credential: &Credential) -> Self {
        let (first, second) = match credential {
            Credential::KeyPair { key_id, secret_key } => (secret_key.expose(), key_id.expose()),
            Credential::OauthToken(token) => (token.expose(), ""),
        };
        let texts = || [first, second].into_iter().filter(|text| text.len() >= SHORTEST);
        let fits = |class: &Class| texts().flat_map(str::bytes).all(|byte| class[usize::from(byte)]);
        // Base64 of nothing but letters and digits is letters and digits.
        let only_words = texts().flat_map(str::bytes).all(|byte| byte.is_ascii_alphanumeric());
        let class = if only_words {
            &WORD
        } else if fits(&TOKEN) {
            &TOKEN
        } else {
            &ANY
        };
        // Every other form is longer than the text.
        let shortest = texts().map(str::len).min();
        Self { class, shortest: shortest.unwrap_or(usize::MAX / 2) }
    }

    /// Whether the text must be looked at.
    pub(super) fn is_raised_by(&self, text: &[u8]) -> bool {
        self.next_run(text, 0).is_some()
    }

    /// Whether what comes after the text may make it one that must be looked at.
    pub(super) fn is_left_open_by(&self, text: &[u8]) -> bool {
        text.last().is_some_and(|last| self.class[usize::from(*last)])
    }

    /// The next run that is long enough, at or after `from`.
    pub(super) fn next_run(&self, text: &[u8], mut from: usize) -> Option<Range<usize>> {
        let outside = |byte: &u8| !self.class[usize::from(*byte)];
        loop {
            // A run that begins at `from` or later and is long enough has this byte, or begins behind it.
            let probe = from + self.shortest - 1;
            if outside(text.get(probe)?) {
                from = probe + 1;
                continue;
            }
            let start = text[from..probe].iter().rposition(outside).map_or(from, |place| from + place + 1);
            let end = text[probe..].iter().position(outside).map_or(text.len(), |place| probe + place);
            if end - start >= self.shortest {
                return Some(start..end);
            }
            from = end;
        }
    }

    /// The run with which the text ends.
    pub(super) fn last_run<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let outside = |byte: &u8| !self.class[usize::from(*byte)];
        &text[text.iter().rposition(outside).map_or(0, |place| place + 1)..]
    }
}
