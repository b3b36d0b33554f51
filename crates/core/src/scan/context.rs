//! What stands around a candidate.

use super::Spot;
use super::candidate::Candidate;
use crate::SecretText;

/// How much text before a candidate may name it, in bytes.
const NAME_BYTES: usize = 72;

/// How far around a candidate a mention of Alpaca counts, in bytes.
const MENTION_BYTES: usize = 500;

/// A line with this in it is left out: somebody has looked at it.
const ALLOWED: &str = "paddock:allow";

/// A text, to be looked at around candidates.
pub(super) struct Around<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Around<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// The number of the line, from 0, that holds a byte.
    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// The candidate with its place.
    pub(super) fn spot(&self, one: &Candidate<'_>) -> Spot {
        let line = self.line(one.start);
        let before = self.text.get(self.lines[line]..one.start).unwrap_or_default();
        let value = SecretText::new(one.text.to_owned());
        Spot { line: line + 1, column: before.chars().count() + 1, value }
    }

    /// Whether the line says that it may stay.
    pub(super) fn is_allowed(&self, one: &Candidate<'_>) -> bool {
        let line = self.line(one.start);
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        self.text.get(self.lines[line]..end).is_some_and(|line| line.contains(ALLOWED))
    }

    /// What names a candidate: the text before it, in small letters, on its line and on the one before.
    fn name(&self, one: &Candidate<'_>) -> String {
        let line = self.line(one.start);
        let earliest = self.lines[line.saturating_sub(1)];
        let from = one.start.saturating_sub(NAME_BYTES).max(earliest);
        let before = piece(self.text, from, one.start);
        // On its own line, if that says anything.
        let own = before.rsplit('\n').next().unwrap_or_default();
        let says = own.bytes().filter(u8::is_ascii_alphabetic).count() >= 3;
        let chosen = if says { own } else { before };
        chosen.to_ascii_lowercase()
    }

    /// Whether its name says that it is of Alpaca.
    pub(super) fn names_alpaca(&self, one: &Candidate<'_>) -> bool {
        let name = self.name(one);
        name.contains("apca") || name.contains("alpaca")
    }

    /// Whether its name says that it is a secret.
    pub(super) fn names_a_secret(&self, one: &Candidate<'_>) -> bool {
        let name = self.name(one);
        ["secret", "key", "token", "pass"].iter().any(|word| name.contains(word))
    }

    /// Whether Alpaca is spoken of nearby.
    pub(super) fn mentions_alpaca(&self, one: &Candidate<'_>) -> bool {
        let near = piece(self.text, one.start.saturating_sub(MENTION_BYTES), one.end + MENTION_BYTES);
        let near = near.to_ascii_lowercase();
        near.contains("apca") || near.contains("alpaca")
    }
}

/// A piece of a text whose ends need not be those of characters.
fn piece(text: &str, mut from: usize, mut to: usize) -> &str {
    to = to.min(text.len());
    while !text.is_char_boundary(from) {
        from += 1;
    }
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text.get(from..to).unwrap_or_default()
}
