//! The forms in which a credential may come back, and where they are in a text.
//!
//! A form is the text itself, its hexadecimal digits, or its base64 in each of the three places that it can have in a longer one. Each
//! character of a form may be escaped besides, as URLs (`%41`) and JSON (`\u0041`) escape, also several times over.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use paddock_alpaca::Credential;
use zeroize::Zeroizing;

use super::suspicion::{SHORTEST, Suspicion};

/// How many times over a character may be escaped.
const NESTED: usize = 3;

/// How many backslashes may stand before an escaped character: JSON in JSON in JSON in JSON.
const BACKSLASHES: usize = 1 << NESTED;

/// The most bytes that stand for one character: backslashes, `u`, and four digits.
const LONGEST_UNIT: usize = BACKSLASHES + 5;

/// All forms of one credential.
pub(super) struct Forms {
    all: Vec<Form>,
    suspicion: Suspicion,
}

struct Form {
    text: Zeroizing<Vec<u8>>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Hex,
    Base64,
}

/// What a text has at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    /// Not that.
    None,
    /// The text ends before it can be told.
    Open,
    /// That, in so many bytes.
    Whole(usize),
}

impl Forms {
    pub(super) fn of(credential: &Credential, suspicion: &Suspicion) -> Self {
        let texts = match credential {
            Credential::KeyPair { key_id, secret_key } => vec![secret_key, key_id],
            Credential::OauthToken(token) => vec![token],
        };
        let mut all = Vec::with_capacity(5 * texts.len());
        for text in texts.into_iter().map(|text| text.expose().as_bytes()) {
            if text.len() < SHORTEST {
                continue;
            }
            all.push(Form { text: Zeroizing::new(text.to_vec()), kind: Kind::Plain });
            all.push(Form { text: Zeroizing::new(hex::encode(text).into_bytes()), kind: Kind::Hex });
            all.extend((0..3).map(|place| Form { text: base64_at(place, text), kind: Kind::Base64 }));
        }
        Self { all, suspicion: *suspicion }
    }

    pub(super) fn finds(&self, text: &[u8]) -> bool {
        let mut found = false;
        self.each_match(text, |_| found = true);
        found
    }

    /// Where forms are in a text. They may overlap.
    pub(super) fn each_match(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        let mut from = 0;
        while let Some(run) = self.suspicion.next_run(text, from) {
            from = run.end;
            for start in run {
                for form in &self.all {
                    if let Match::Whole(length) = form.at(&text[start..]) {
                        found(start..start + length);
                    }
                }
            }
        }
    }

    /// The length of the longest end of `text` with which a form may have begun.
    pub(super) fn open_end(&self, text: &[u8]) -> usize {
        let longest = self.all.iter().map(|form| form.text.len() * LONGEST_UNIT).max().unwrap_or(0);
        let tail = self.suspicion.last_run(&text[text.len().saturating_sub(longest)..]);
        let is_open = |start: &usize| self.all.iter().any(|form| form.at(&tail[*start..]) == Match::Open);
        (0..tail.len()).find(is_open).map_or(0, |start| tail.len() - start)
    }

    /// Whether a header's name, which is in small letters, has a text in it.
    pub(super) fn is_in_name(&self, name: &[u8]) -> bool {
        self.all
            .iter()
            .any(|form| name.windows(form.text.len()).any(|window| window.eq_ignore_ascii_case(&form.text)))
    }
}

impl Form {
    /// Whether the text begins with this form.
    fn at(&self, text: &[u8]) -> Match {
        let mut length = 0;
        for expected in &*self.text {
            match self.unit(&text[length..], *expected) {
                Match::Whole(more) => length += more,
                other => return other,
            }
        }
        Match::Whole(length)
    }

    /// Whether the text begins with a character of this form, as it is or escaped.
    fn unit(&self, text: &[u8], expected: u8) -> Match {
        let Some(&first) = text.first() else { return Match::Open };
        let escaped = match first {
            b'%' => self.percent(text, expected),
            b'\\' => self.backslash(text, expected),
            _ => Match::None,
        };
        if escaped == Match::None && self.same(first, expected) { Match::Whole(1) } else { escaped }
    }

    /// `%41`, and the same with its own percent sign escaped: `%2541`.
    fn percent(&self, text: &[u8], expected: u8) -> Match {
        let mut begun = 1;
        for _ in 0..=NESTED {
            match self.digits(&text[begun..], expected) {
                Match::None if text[begun..].starts_with(b"25") => begun += 2,
                found => return more(found, begun),
            }
        }
        Match::None
    }

    /// `\u0041`, `\x41` or `\/`, with as many backslashes as texts within texts have.
    fn backslash(&self, text: &[u8], expected: u8) -> Match {
        let count = text.iter().take_while(|byte| **byte == b'\\').count();
        if count > BACKSLASHES {
            return Match::None;
        }
        let escaped = match &text[count..] {
            [] | [b'u'] | [b'u', b'0'] => Match::Open,
            [b'u', b'0', b'0', digits @ ..] => more(self.digits(digits, expected), 3),
            [b'x', digits @ ..] => more(self.digits(digits, expected), 1),
            [b'/', ..] if expected == b'/' => Match::Whole(1),
            _ => Match::None,
        };
        more(escaped, count)
    }

    /// Two hexadecimal digits for a character.
    fn digits(&self, text: &[u8], expected: u8) -> Match {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match *text {
            [] => Match::Open,
            [high] if digit(high).is_some() => Match::Open,
            [high, low, ..] => match (digit(high), digit(low)) {
                (Some(high), Some(low)) if self.same(high << 4 | low, expected) => Match::Whole(2),
                _ => Match::None,
            },
            [_] => Match::None,
        }
    }

    fn same(&self, byte: u8, expected: u8) -> bool {
        match self.kind {
            Kind::Plain => byte == expected,
            Kind::Hex => byte.eq_ignore_ascii_case(&expected),
            // The alphabet of URLs has two other letters.
            Kind::Base64 => match byte {
                b'-' => expected == b'+',
                b'_' => expected == b'/',
                byte => byte == expected,
            },
        }
    }
}

fn more(found: Match, before: usize) -> Match {
    match found {
        Match::Whole(length) => Match::Whole(before + length),
        other => other,
    }
}

/// The letters of a base64 text that only `text` decides, when it begins `place` bytes into a group of three. The letters at both
/// ends, which its neighbours decide too, are not among them: they tell at most four bits each.
fn base64_at(place: usize, text: &[u8]) -> Zeroizing<Vec<u8>> {
    let placed = Zeroizing::new([&b"\0\0"[..place], text].concat());
    let letters = Zeroizing::new(STANDARD_NO_PAD.encode(&*placed).into_bytes());
    let (first, last) = ((place * 8).div_ceil(6), placed.len() * 8 / 6);
    Zeroizing::new(letters[first..last].to_vec())
}
