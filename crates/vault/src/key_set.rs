//! What a key file holds, and how it is written.
//!
//! ```text
//! paddock key file 1
//! # a comment
//! current <id> <key>
//! previous <id> <key>          (only while the key is being rotated)
//! fingerprint <id> <key>
//! ```
//!
//! Ids are 32 hexadecimal digits and follow from their keys, which are 64: damage to either is noticed on reading.

use std::fmt::Write as _;

use paddock_core::Entropy;
use zeroize::Zeroizing;

use crate::key::{KEY_LEN, KekId, Key, NamedKey};

const FIRST_LINE: &str = "paddock key file 1";
const COMMENT: &str =
    "# whoever reads this file can open every stored credential: keep it apart from copies of the database";

/// The keys of a vault. At most one previous key-encryption key exists, while a rotation is under way.
#[derive(Debug)]
pub(crate) struct KeySet {
    pub(crate) current: NamedKey,
    pub(crate) previous: Option<NamedKey>,
    /// Never rotated, so that fingerprints stay comparable. It opens nothing.
    pub(crate) fingerprint: NamedKey,
}

/// Where and how a text fails to be a key file. Never quotes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) problem: &'static str,
}

impl KeySet {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        Self {
            current: NamedKey::new(Key::generate(entropy)),
            previous: None,
            fingerprint: NamedKey::new(Key::generate(entropy)),
        }
    }

    /// The key-encryption key of that name.
    pub(crate) fn kek(&self, id: KekId) -> Option<&Key> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|named| named.id == id)
            .map(|named| &named.key)
    }

    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let lines = [
            ("current", Some(&self.current)),
            ("previous", self.previous.as_ref()),
            ("fingerprint", Some(&self.fingerprint)),
        ];
        // Room for everything, so that no reallocation leaves a copy of a key behind.
        let mut text = Zeroizing::new(String::with_capacity(1024));
        text.push_str(FIRST_LINE);
        text.push('\n');
        text.push_str(COMMENT);
        text.push('\n');
        for (word, named) in lines {
            if let Some(NamedKey { id, key }) = named {
                let mut digits = Zeroizing::new([0_u8; 2 * KEY_LEN]);
                // Writing to a string and encoding into twice the length cannot fail.
                let _ = hex::encode_to_slice(key.bytes(), &mut digits[..]);
                let _ = write!(text, "{word} {id} ");
                text.extend(digits.iter().map(|digit| char::from(*digit)));
                text.push('\n');
            }
        }
        text
    }

    pub(crate) fn from_text(text: &str) -> Result<Self, Malformed> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        if lines.next().is_none_or(|(_, line)| line != FIRST_LINE) {
            return Err(Malformed { line: 1, problem: "this is not a key file that this version reads" });
        }
        let (mut current, mut previous, mut fingerprint) = (None, None, None);
        let mut last = 1;
        for (line, content) in lines {
            last = line;
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let (word, named) = parse_key(content).map_err(|problem| Malformed { line, problem })?;
            let slot = match word {
                "current" => &mut current,
                "previous" => &mut previous,
                "fingerprint" => &mut fingerprint,
                _ => return Err(Malformed { line, problem: "unknown kind of key" }),
            };
            if slot.replace(named).is_some() {
                return Err(Malformed { line, problem: "a second key of the same kind" });
            }
        }
        let missing = |problem| Malformed { line: last, problem };
        Ok(Self {
            current: current.ok_or(missing("the current key is missing"))?,
            previous,
            fingerprint: fingerprint.ok_or(missing("the fingerprint key is missing"))?,
        })
    }
}

fn parse_key(line: &str) -> Result<(&str, NamedKey), &'static str> {
    let mut words = line.split(' ');
    let (Some(word), Some(id), Some(key), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("expected a word, an id and a key");
    };
    let id: KekId = id.parse().map_err(|_| "the id is not 32 hexadecimal digits")?;
    let named = NamedKey::new(Key::from_hex(key.as_bytes()).ok_or("the key is not 64 hexadecimal digits")?);
    if named.id == id { Ok((word, named)) } else { Err("the key and its id do not belong together") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;

    #[test]
    fn what_is_written_is_read_back() {
        let mut keys = KeySet::generate(&OsEntropy);
        for _ in 0..2 {
            let text = keys.to_text();
            assert!(text.len() < 1024, "the reserved room is enough");
            let read = KeySet::from_text(&text).unwrap();
            assert_eq!(*read.to_text(), *text);
            assert_eq!(read.current.key.bytes(), keys.current.key.bytes());
            assert!(read.kek(keys.current.id).is_some());
            assert!(read.kek(keys.fingerprint.id).is_none());
            keys.previous = Some(NamedKey::new(Key::generate(&OsEntropy)));
        }
    }

    #[test]
    fn damage_is_noticed_and_not_quoted() {
        let keys = KeySet::generate(&OsEntropy);
        let text = keys.to_text();
        let digits = hex::encode(keys.current.key.bytes());
        let swapped: String = digits.chars().rev().collect();
        for (damaged, line) in [
            (String::new(), 1),
            ("something else\n".to_owned(), 1),
            (text.replace("file 1", "file 2"), 1),
            (text.replace(&digits, &swapped), 3),
            (text.replace(&digits, &digits[1..]), 3),
            (text.replace("current", "currant"), 3),
            (text.replace("fingerprint", "current"), 4),
            (text.replace("current", "previous"), 4),
            (text[..text.len() - 1 - 64].to_owned(), 4),
            (text.lines().take(3).map(|line| format!("{line}\n")).collect(), 3),
            (format!("{}\nextra words on a line\n", text.trim_end()), 5),
        ] {
            let error = KeySet::from_text(&damaged).unwrap_err();
            assert_eq!(error.line, line, "{error:?}");
        }
    }
}
