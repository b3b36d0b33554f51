//! Texts with the form of a half: their length, their letters, and that they look drawn by chance.

/// Which half a text could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    KeyId,
    SecretKey,
}

/// A text that could be a half.
pub(super) struct Candidate<'a> {
    pub(super) half: Half,
    pub(super) text: &'a str,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Candidate<'_> {
    /// Whether it is of the longer form, seen since 2025.
    pub(super) const fn is_newer(&self) -> bool {
        matches!(self.text.len(), 26 | 44)
    }

    /// Whether a Key ID of the longer form has only letters and digits of Base32 after its prefix, one of them a digit, as all that were seen.
    pub(super) fn is_strict(&self) -> bool {
        let rest = self.text.as_bytes().get(2..).unwrap_or_default();
        rest.iter().all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(byte))
            && rest.iter().any(u8::is_ascii_digit)
    }

    /// AWS has access key ids of 20 characters and secrets of 40, too.
    pub(super) fn looks_like_aws(&self) -> bool {
        self.text.len() == 20 && (self.text.starts_with("AKIA") || self.text.starts_with("AKID"))
    }

    /// How far it is from another one, in bytes.
    pub(super) const fn distance(&self, other: &Self) -> usize {
        if self.start >= other.end { self.start - other.end } else { other.start.saturating_sub(self.end) }
    }
}

/// All candidates of a text, in order.
pub(super) fn all(text: &str) -> Vec<Candidate<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        if !is_part(bytes[start]) {
            start += 1;
            continue;
        }
        let length = bytes[start..].iter().take_while(|byte| is_part(**byte)).count();
        let end = start + length;
        // Other characters of names and of URL-safe Base64 on either side: a piece of something longer.
        let joined = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'_' | b'-'));
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(end);
        if !joined(before) && !joined(after) {
            take(text, start, end, after == Some(&b'='), &mut found);
        }
        start = end;
    }
    found
}

/// Letters and digits, and what Base64 has besides.
const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn take<'a>(text: &'a str, start: usize, end: usize, padded: bool, found: &mut Vec<Candidate<'a>>) {
    let Some(run) = text.get(start..end) else { return };
    if matches!(run.len(), 40 | 44) && !padded && is_secret_key(run) {
        found.push(Candidate { half: Half::SecretKey, text: run, start, end });
        return;
    }
    // A Key ID may be a segment of a path.
    let mut at = start;
    for piece in run.split(['/', '+']) {
        if is_key_id(piece) {
            found.push(Candidate { half: Half::KeyId, text: piece, start: at, end: at + piece.len() });
        }
        at += piece.len() + 1;
    }
}

/// Prefix, length and letters of a Key ID, and not the kind of text that people write as an example.
fn is_key_id(text: &str) -> bool {
    matches!(text.len(), 20 | 26)
        && matches!(&text.as_bytes()[..2], b"PK" | b"AK" | b"CK")
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && distinct(text) >= 8
        && !is_example(text)
}

fn is_secret_key(text: &str) -> bool {
    let count = |class: fn(&u8) -> bool| text.as_bytes().iter().filter(|byte| class(byte)).count();
    count(u8::is_ascii_uppercase) >= 4
        && count(u8::is_ascii_lowercase) >= 4
        && count(u8::is_ascii_digit) >= 2
        && count(|byte| matches!(byte, b'/' | b'+')) <= 5
        && distinct(text) >= 16
        && changes(text) >= 14
        && !is_example(text)
}

/// How many different characters there are.
fn distinct(text: &str) -> usize {
    text.bytes().fold(0_u128, |seen, byte| seen | 1 << (byte & 127)).count_ones() as usize
}

/// How often the kind of character changes: about 27 times in 44 characters drawn by chance, and seldom in names and words.
fn changes(text: &str) -> usize {
    let kind = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    text.as_bytes().windows(2).filter(|two| kind(two[0]) != kind(two[1])).count()
}

/// Whether a text is one that people write where a key would stand.
fn is_example(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let words = ["EXAMPLE", "YOUR", "XXXX", "KEYID", "SECRET", "PLACEHOLDER", "REDACTED", "DUMMY", "APIKEY"];
    words.iter().any(|word| upper.contains(word)) || has_run(upper.as_bytes())
}

/// Four equal characters in a row, or six that count up.
fn has_run(bytes: &[u8]) -> bool {
    let equal = bytes.windows(4).any(|four| four.iter().all(|byte| *byte == four[0]));
    equal || bytes.windows(6).any(|six| six.windows(2).all(|two| two[1] == two[0] + 1))
}
