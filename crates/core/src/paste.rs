//! What people paste: repairs what can only be a slip of the hand, and tells what the text looks like.
//!
//! Nothing here proves that a pair works; only Alpaca can say that.

use std::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::{Environment, SecretText};

/// One thing that was taken off a pasted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// Spaces or tabs around or inside it.
    Spaces,
    /// Line breaks.
    LineBreaks,
    /// Quotation marks around it.
    Quotes,
    /// A variable assignment before it, such as `export APCA_API_KEY_ID=`.
    Assignment,
    /// Characters that cannot be seen: zero-width spaces, byte order marks, soft hyphens.
    InvisibleCharacters,
}

impl Repair {
    /// What was removed, in words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Spaces => "spaces",
            Self::LineBreaks => "line breaks",
            Self::Quotes => "quotation marks",
            Self::Assignment => "a variable assignment in front",
            Self::InvisibleCharacters => "invisible characters",
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

/// A pasted text after repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pasted {
    /// The text that remains.
    pub text: SecretText,
    /// What was removed, each kind once.
    pub repairs: Vec<Repair>,
}

/// Removes what no key ever contains. Characters that a key could contain are never changed.
#[must_use]
pub fn repair(pasted: &SecretText) -> Pasted {
    let mut repairs = Vec::new();
    let mut note = |repair: Repair| {
        if !repairs.contains(&repair) {
            repairs.push(repair);
        }
    };
    let mut visible = Zeroizing::new(String::with_capacity(pasted.expose().len()));
    for character in pasted.expose().chars() {
        if is_invisible(character) {
            note(Repair::InvisibleCharacters);
        } else if matches!(character, '\r' | '\n' | '\u{2028}' | '\u{2029}') {
            // A line break between words must still part them while an assignment is looked for.
            note(Repair::LineBreaks);
            visible.push('\n');
        } else {
            visible.push(character);
        }
    }
    let mut rest = visible.trim_matches('\n');
    let trimmed = rest.trim_matches([' ', '\t', '\n', '\u{a0}']);
    if trimmed.len() != rest.len() {
        note(Repair::Spaces);
        rest = trimmed;
    }
    if let Some(value) = strip_assignment(rest) {
        note(Repair::Assignment);
        rest = value;
    }
    let rest = strip_quotes(rest, &mut note);
    let mut kept = String::with_capacity(rest.len());
    for character in rest.chars() {
        match character {
            ' ' | '\t' | '\u{a0}' => note(Repair::Spaces),
            '\n' => {}
            other => kept.push(other),
        }
    }
    Pasted { text: SecretText::new(kept), repairs }
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{180e}')
        || (character.is_control() && !matches!(character, '\r' | '\n' | '\t'))
}

/// The value of `NAME=value`, `export NAME=value`, `set NAME=value`, `$env:NAME = value` or `NAME: value`.
fn strip_assignment(text: &str) -> Option<&str> {
    let unprefixed =
        ["export ", "set ", "setx ", "$env:"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let candidate = unprefixed.unwrap_or(text).trim_start();
    let end = candidate
        .find(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '-')))?;
    let (name, rest) = candidate.split_at(end);
    let value = rest.trim_start().strip_prefix(['=', ':'])?.trim_start();
    // Base64-like padding at the end is no assignment, and a name has a letter first.
    let is_name = name.starts_with(|character: char| character.is_ascii_alphabetic() || character == '_');
    (is_name && !value.is_empty() && !value.starts_with('='))
        .then_some(value.trim_end().trim_end_matches([';', ',']))
}

fn strip_quotes<'a>(text: &'a str, note: &mut impl FnMut(Repair)) -> &'a str {
    const QUOTES: [char; 8] = ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '\u{ab}'];
    let inner = text.trim_matches(QUOTES);
    if inner.len() == text.len() {
        return text;
    }
    note(Repair::Quotes);
    inner.trim()
}

/// What a text looks like, by length and letters alone (formats seen in public since 2025; Alpaca publishes none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A Key ID: 20 or 26 upper-case letters and digits. The prefix hints at the environment.
    KeyId(Option<Environment>),
    /// A Secret Key: 40 or 44 letters and digits.
    SecretKey,
    /// Nothing at all.
    Empty,
    /// Neither.
    Other,
}

/// Tells what a text looks like.
#[must_use]
pub fn shape(text: &SecretText) -> Shape {
    let text = text.expose();
    let alphanumeric = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let upper = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    match text.len() {
        0 => Shape::Empty,
        20 | 26 if alphanumeric && upper => Shape::KeyId(prefix_hint(text)),
        40 | 44
            if alphanumeric
                || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')) =>
        {
            Shape::SecretKey
        }
        _ => Shape::Other,
    }
}

/// `PK` has been seen on paper keys and `AK` on live ones. A hint for a sentence, never for a decision.
fn prefix_hint(key_id: &str) -> Option<Environment> {
    match key_id.get(..2) {
        Some("PK") => Some(Environment::Paper),
        Some("AK") => Some(Environment::Live),
        _ => None,
    }
}

/// What is wrong with a pair as it stands, before anyone is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairFault {
    /// One of the fields is empty.
    Missing,
    /// The Secret Key stands in the Key ID's field and the reverse.
    Swapped,
    /// The Secret Key's field holds a Key ID, or the same text stands in both.
    KeyIdTwice,
    /// The Key ID's field holds a Secret Key, and so does the other.
    SecretTwice,
    /// The Key ID is of the older, shorter form and the Secret Key of the newer, longer one, or the reverse.
    HalvesOfTwoPairs,
    /// The Key ID does not look like one.
    KeyIdMalformed,
    /// The Secret Key does not look like one.
    SecretMalformed,
}

impl PairFault {
    /// Whether only Alpaca can tell that it is one. Alpaca publishes no form of its keys and has changed it once, in 2025: where a person
    /// has made a pair that cannot be made again, halves of a length of their own are no reason to refuse it unasked.
    #[must_use]
    pub fn may_be_a_newer_form(self, key_id: &SecretText, secret_key: &SecretText) -> bool {
        match self {
            Self::KeyIdMalformed | Self::SecretMalformed => {
                is_like_a_key(key_id) && is_like_a_key(secret_key)
            }
            Self::HalvesOfTwoPairs => true,
            Self::Missing | Self::Swapped | Self::KeyIdTwice | Self::SecretTwice => false,
        }
    }
}

/// No word or sentence: one piece of the length that drawn keys have.
fn is_like_a_key(text: &SecretText) -> bool {
    let text = text.expose();
    (16..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Looks at a repaired pair. `None` says that it could be one.
#[must_use]
pub fn pair_fault(key_id: &SecretText, secret_key: &SecretText) -> Option<PairFault> {
    match (shape(key_id), shape(secret_key)) {
        (Shape::Empty, _) | (_, Shape::Empty) => Some(PairFault::Missing),
        (Shape::SecretKey, Shape::KeyId(_)) => Some(PairFault::Swapped),
        (Shape::KeyId(_), Shape::KeyId(_)) => Some(PairFault::KeyIdTwice),
        (Shape::SecretKey, Shape::SecretKey) => Some(PairFault::SecretTwice),
        (Shape::KeyId(_), Shape::SecretKey) => {
            let newer_id = key_id.expose().len() == 26;
            let newer_secret = secret_key.expose().len() == 44;
            (newer_id != newer_secret).then_some(PairFault::HalvesOfTwoPairs)
        }
        (Shape::KeyId(_), Shape::Other) => Some(PairFault::SecretMalformed),
        (Shape::Other | Shape::SecretKey, _) => Some(PairFault::KeyIdMalformed),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "PKAAAABBBBCCCCDDDDEEEE2345";
    const OLD_ID: &str = "AK0123456789ABCDEFGH";
    const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP12";
    const OLD_SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL12";

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[rstest]
    #[case::as_known(ID, SECRET, None)]
    #[case::longer_id("PKAAAABBBBCCCCDDDDEEEE23456789", SECRET, Some(true))]
    #[case::longer_secret(ID, "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOP-1234567890", Some(true))]
    #[case::of_two_forms(OLD_ID, SECRET, Some(true))]
    #[case::words("hello", SECRET, Some(false))]
    #[case::sentence("please see my other message", SECRET, Some(false))]
    #[case::empty("", SECRET, Some(false))]
    #[case::swapped(SECRET, ID, Some(false))]
    #[case::twice(ID, ID, Some(false))]
    fn what_only_alpaca_can_tell_is_no_certain_fault(
        #[case] id: &str,
        #[case] key: &str,
        #[case] may_be: Option<bool>,
    ) {
        let (id, key) = (secret(id), secret(key));
        assert_eq!(pair_fault(&id, &key).map(|fault| fault.may_be_a_newer_form(&id, &key)), may_be);
    }

    #[rstest]
    #[case(ID, &[])]
    #[case(" PKAAAABBBBCCCCDDDDEEEE2345\t", &[Repair::Spaces])]
    #[case("PKAAAABBBBCC\nCCDDDDEEEE2345\r\n", &[Repair::LineBreaks])]
    #[case("\"PKAAAABBBBCCCCDDDDEEEE2345\"", &[Repair::Quotes])]
    #[case("export APCA_API_KEY_ID=PKAAAABBBBCCCCDDDDEEEE2345", &[Repair::Assignment])]
    #[case("APCA_API_KEY_ID='PKAAAABBBBCCCCDDDDEEEE2345'", &[Repair::Assignment, Repair::Quotes])]
    #[case("APCA-API-KEY-ID: PKAAAABBBBCCCCDDDDEEEE2345", &[Repair::Assignment])]
    #[case("PKAAAABBBB\u{200b}CCCCDDDDEEEE2345\u{feff}", &[Repair::InvisibleCharacters])]
    #[case("PKAAAABBBB CCCCDDDDEEEE2345", &[Repair::Spaces])]
    fn slips_are_repaired_and_named(#[case] pasted: &str, #[case] expected: &[Repair]) {
        let repaired = repair(&secret(pasted));
        assert_eq!(repaired.text.expose(), ID);
        assert_eq!(repaired.repairs, expected);
    }

    #[rstest]
    #[case("PK-AAA_BBB")]
    #[case("abc+/def=")]
    fn what_a_key_could_contain_stays(#[case] pasted: &str) {
        let repaired = repair(&secret(pasted));
        assert_eq!((repaired.text.expose(), repaired.repairs.len()), (pasted, 0));
    }

    #[rstest]
    #[case(ID, SECRET, None)]
    #[case(OLD_ID, OLD_SECRET, None)]
    #[case(SECRET, ID, Some(PairFault::Swapped))]
    #[case(ID, ID, Some(PairFault::KeyIdTwice))]
    #[case(SECRET, SECRET, Some(PairFault::SecretTwice))]
    #[case(ID, OLD_SECRET, Some(PairFault::HalvesOfTwoPairs))]
    #[case(OLD_ID, SECRET, Some(PairFault::HalvesOfTwoPairs))]
    #[case("", SECRET, Some(PairFault::Missing))]
    #[case("hello", SECRET, Some(PairFault::KeyIdMalformed))]
    #[case(ID, "hello", Some(PairFault::SecretMalformed))]
    fn pairs_are_told_apart(#[case] id: &str, #[case] key: &str, #[case] fault: Option<PairFault>) {
        assert_eq!(pair_fault(&secret(id), &secret(key)), fault);
    }

    #[test]
    fn the_prefix_is_a_hint() {
        assert_eq!(shape(&secret(ID)), Shape::KeyId(Some(Environment::Paper)));
        assert_eq!(shape(&secret(OLD_ID)), Shape::KeyId(Some(Environment::Live)));
    }
}
