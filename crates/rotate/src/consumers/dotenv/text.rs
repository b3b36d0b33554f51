//! The text of a `.env` file: finds assignments and replaces their values in place.
//!
//! There is no standard. What is written here is read alike by python-dotenv, Node's dotenv and a POSIX shell; where they read a text differently, a value
//! that would need it is refused.

use std::ops::Range;

/// An assignment `NAME=value`, perhaps after `export`, perhaps with a quoted value of several lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment<'a> {
    pub(super) name: &'a [u8],
    /// Where the value is, its quotes included.
    pub(super) value: Range<usize>,
    /// The character that it is quoted with.
    quote: Option<u8>,
}

impl Assignment<'_> {
    /// The value without its quotes.
    pub(super) fn bare<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let inset = usize::from(self.quote.is_some());
        text.get(self.value.start + inset..self.value.end - inset).unwrap_or_default()
    }
}

/// All assignments, in order.
pub(super) fn assignments(text: &[u8]) -> Vec<Assignment<'_>> {
    let mut found = Vec::new();
    let mut place = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while place < text.len() {
        if let Some(assignment) = assignment(text, place) {
            place = assignment.value.end;
            found.push(assignment);
        }
        place = after_line(text, place);
    }
    found
}

fn assignment(text: &[u8], line: usize) -> Option<Assignment<'_>> {
    let mut start = after_blanks(text, line);
    if let Some(rest) = text.get(start..).and_then(|rest| rest.strip_prefix(b"export"))
        && rest.first().is_some_and(|byte| is_blank(*byte))
    {
        start = after_blanks(text, start + b"export".len());
    }
    let name = text.get(start..)?;
    let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
    let name = name.get(..length).filter(|name| !name.is_empty())?;
    let equals = after_blanks(text, start + length);
    if text.get(equals) != Some(&b'=') {
        return None;
    }
    let value = after_blanks(text, equals + 1);
    let quote = text.get(value).copied().filter(|byte| b"'\"`".contains(byte));
    if let Some(quote) = quote
        && let Some(end) = closing(text, value + 1, quote)
    {
        return Some(Assignment { name, value: value..end + 1, quote: Some(quote) });
    }
    Some(Assignment { name, value: value..unquoted_end(text, value), quote: None })
}

/// Where the quote ends that begins before `from`; a backslash before it keeps it open.
fn closing(text: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut place = from;
    loop {
        match *text.get(place)? {
            b'\\' => place += 2,
            byte if byte == quote => return Some(place),
            _ => place += 1,
        }
    }
}

/// Where a value without quotes ends: before the blanks at the line's end or before a comment.
fn unquoted_end(text: &[u8], start: usize) -> usize {
    let line = text.get(start..).unwrap_or_default();
    let line =
        line.get(..line.iter().position(|byte| is_line_end(*byte)).unwrap_or(line.len())).unwrap_or_default();
    let comment = (0..line.len()).find(|&place| {
        line.get(place) == Some(&b'#')
            && (place == 0 || line.get(place - 1).is_some_and(|byte| is_blank(*byte)))
    });
    let value = line.get(..comment.unwrap_or(line.len())).unwrap_or_default();
    start + value.trim_ascii_end().len()
}

fn after_blanks(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| is_blank(**byte)).count()
}

fn after_line(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| is_line_end(*byte)).map_or(rest.len(), |end| end + 1)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// The text with each of these names set to its value, wherever it is assigned, and appended where it is not. Everything else stays byte for byte.
/// `None` when that cannot be done so that all readers read it alike.
pub(super) fn set(text: &[u8], pair: [(&str, &str); 2]) -> Option<Vec<u8>> {
    let mut new = text.to_vec();
    let before = assignments(text);
    for assignment in before.iter().rev() {
        let Some((_, value)) = pair.iter().find(|(name, _)| name.as_bytes() == assignment.name) else {
            continue;
        };
        let written = quoted(value, assignment.quote)?;
        new.splice(assignment.value.clone(), written.into_bytes());
    }
    let line_end: &[u8] = match text.iter().position(|byte| *byte == b'\n') {
        Some(place) if place > 0 && text.get(place - 1) == Some(&b'\r') => b"\r\n",
        _ => b"\n",
    };
    for (name, value) in pair {
        if before.iter().any(|assignment| assignment.name == name.as_bytes()) {
            continue;
        }
        if new.last().is_some_and(|byte| !is_line_end(*byte)) {
            // A shell would take the next line as a part of this one.
            if new.last() == Some(&b'\\') {
                return None;
            }
            new.extend_from_slice(line_end);
        }
        new.extend_from_slice(format!("{name}={}", quoted(value, None)?).as_bytes());
        new.extend_from_slice(line_end);
    }
    is_only_the_pair_changed(text, &new, pair).then_some(new)
}

/// Reads both texts again and compares.
fn is_only_the_pair_changed(old: &[u8], new: &[u8], pair: [(&str, &str); 2]) -> bool {
    let ours = |name: &[u8]| pair.iter().find(|(one, _)| one.as_bytes() == name);
    let others = |text| -> Vec<(Vec<u8>, Vec<u8>)> {
        assignments(text)
            .iter()
            .filter(|one| ours(one.name).is_none())
            .map(|one| (one.name.to_vec(), text.get(one.value.clone()).unwrap_or_default().to_vec()))
            .collect()
    };
    let set: Vec<_> = assignments(new).into_iter().filter(|one| ours(one.name).is_some()).collect();
    let right =
        set.iter().all(|one| ours(one.name).is_some_and(|(_, value)| one.bare(new) == value.as_bytes()));
    let both = pair.iter().all(|(name, _)| set.iter().any(|one| one.name == name.as_bytes()));
    right && both && others(old) == others(new)
}

/// The value as it is written, in the quotes that were there before. Keys of Alpaca need none.
fn quoted(value: &str, before: Option<u8>) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=:@".contains(&byte);
    match before {
        Some(b'"') if value.bytes().all(plain) => Some(format!("\"{value}\"")),
        None if value.bytes().all(plain) => Some(value.to_owned()),
        // Readers differ in what a backslash, a dollar sign and a quote mean inside of single quotes.
        _ if value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b"'\\$`\"".contains(&byte)) => {
            Some(format!("'{value}'"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PAIR: [(&str, &str); 2] = [("KEY", "PK2"), ("SECRET", "s2")];

    #[rstest]
    #[case("", "KEY=PK2\nSECRET=s2\n")]
    #[case("# mine\nKEY=PK1\nA=b\nSECRET=s1 # old\n", "# mine\nKEY=PK2\nA=b\nSECRET=s2 # old\n")]
    #[case("A=b", "A=b\nKEY=PK2\nSECRET=s2\n")]
    #[case("A=b\r\nKEY=PK1\r\n", "A=b\r\nKEY=PK2\r\nSECRET=s2\r\n")]
    #[case("export KEY='PK1'\n\tSECRET = \"s1\"\n", "export KEY='PK2'\n\tSECRET = \"s2\"\n")]
    #[case("KEY=\nSECRET=\n", "KEY=PK2\nSECRET=s2\n")]
    #[case("KEY=PK0\nKEY=PK1\nSECRET=s1", "KEY=PK2\nKEY=PK2\nSECRET=s2")]
    #[case("#KEY=PK1\nMY_KEY=x\nKEYS=y\n", "#KEY=PK1\nMY_KEY=x\nKEYS=y\nKEY=PK2\nSECRET=s2\n")]
    #[case("T='one\nKEY=not me\n'\nKEY=PK1\nSECRET=s1\n", "T='one\nKEY=not me\n'\nKEY=PK2\nSECRET=s2\n")]
    #[case("T=\"a \\\" KEY=no\"\nKEY=`PK1`\nSECRET=s1\n", "T=\"a \\\" KEY=no\"\nKEY='PK2'\nSECRET=s2\n")]
    #[case("KEY=#PK1\nSECRET=a#b\n", "KEY=PK2#PK1\nSECRET=s2\n")]
    fn only_the_pair_is_changed(#[case] before: &str, #[case] after: &str) {
        let set = set(before.as_bytes(), PAIR);
        if before.starts_with("KEY=#") {
            // What looks like a comment would become a part of the value.
            assert_eq!(set, None);
            return;
        }
        assert_eq!(String::from_utf8(set.unwrap()).unwrap(), after);
    }

    #[test]
    fn what_readers_would_read_differently_is_refused() {
        assert!(set(b"", [("KEY", "a'b"), ("SECRET", "s")]).is_none());
        assert!(set(b"", [("KEY", "a$b"), ("SECRET", "s")]).is_none());
        assert!(set(b"", [("KEY", "a\nb"), ("SECRET", "s")]).is_none());
        assert!(set(b"A=b\\", PAIR).is_none());
        assert_eq!(set(b"", [("KEY", "a b#c"), ("SECRET", "s")]).unwrap(), b"KEY='a b#c'\nSECRET=s\n");
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let set = set(b"A=\xff\xfe\nKEY=PK1\nSECRET=s1\n", PAIR).unwrap();
        assert_eq!(set, b"A=\xff\xfe\nKEY=PK2\nSECRET=s2\n");
    }
}
