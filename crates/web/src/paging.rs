//! Pages of lists: `limit` and `cursor` in the query, `items` and `next_cursor` in the answer.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::query::{Query, bad};

/// The most items that a page may have.
pub(crate) const MOST: u32 = 1000;

/// How many items a page has, unless told otherwise.
pub(crate) const USUAL: u32 = 100;

/// Bytes of a cursor that tell whether it was given out for this list. They protect from slips, not from people: a cursor says where to go
/// on and nothing about what may be seen.
const MARK: usize = 4;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; nothing on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// Which page of a list is wanted. `P` is the place of an item: a page begins after one.
#[derive(Debug)]
pub(crate) struct Paging<P> {
    list: &'static str,
    limit: u32,
    /// The place of the last item of the page before.
    pub(crate) after: Option<P>,
}

impl<P: Display + FromStr> Paging<P> {
    /// Reads `limit` and `cursor`. `list` names the list, so that a cursor of another one is refused.
    pub(crate) fn read(query: &mut Query, list: &'static str) -> Result<Self, Problem> {
        let limit = query.limit(USUAL, MOST)?;
        let after = match query.text("cursor") {
            None => None,
            Some(cursor) => Some(
                place(list, &cursor)
                    .ok_or_else(|| bad("cursor", "the `next_cursor` of an answer of this list"))?,
            ),
        };
        Ok(Self { list, limit, after })
    }

    /// How many items to look for: one more than the page has, which tells whether there is a next page.
    pub(crate) const fn lookahead(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// The page of what was found from [`Self::after`] on, of which [`Self::lookahead`] is enough.
    pub(crate) fn page<T>(&self, mut found: Vec<T>, place: impl Fn(&T) -> P) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let next_cursor = last.map(|item| cursor(self.list, &place(item).to_string()));
        Page { items: found, next_cursor }
    }

    /// The page of a list that is at hand in whole, in the order of its places.
    pub(crate) fn page_of_all<T>(&self, mut all: Vec<T>, place: impl Fn(&T) -> P) -> Page<T>
    where
        P: Ord,
    {
        if let Some(after) = &self.after {
            all.retain(|item| place(item) > *after);
        }
        self.page(all, place)
    }
}

impl<T> Page<T> {
    /// The same page with something else in the place of its items.
    pub(crate) fn with<U>(self, items: impl FnOnce(Vec<T>) -> Vec<U>) -> Page<U> {
        Page { items: items(self.items), next_cursor: self.next_cursor }
    }
}

/// The place of what has an instant and an identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Since {
    pub(crate) at: Timestamp,
    pub(crate) id: String,
}

impl Since {
    pub(crate) fn new(at: Timestamp, id: impl Display) -> Self {
        Self { at, id: id.to_string() }
    }
}

impl Display for Since {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.id)
    }
}

impl FromStr for Since {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once(' ').ok_or(())?;
        Ok(Self { at: at.parse().map_err(|_| ())?, id: id.to_owned() })
    }
}

fn cursor(list: &str, place: &str) -> String {
    format!("{}{}", hex::encode(mark(list, place)), hex::encode(place))
}

fn place<P: FromStr>(list: &str, cursor: &str) -> Option<P> {
    let bytes = hex::decode(cursor).ok()?;
    let (given, text) = bytes.split_at_checked(MARK)?;
    let text = std::str::from_utf8(text).ok()?;
    if given != mark(list, text) {
        return None;
    }
    text.parse().ok()
}

fn mark(list: &str, place: &str) -> [u8; MARK] {
    let digest = Sha256::new().chain_update(list).chain_update([0]).chain_update(place).finalize();
    let mut mark = [0; MARK];
    mark.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn paging(limit: u32, after: Option<u64>) -> Paging<u64> {
        Paging { list: "numbers", limit, after }
    }

    #[test]
    fn pages_follow_one_another_without_gap_or_repetition() {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = paging(3, after).page_of_all((1..=7).collect(), |number| *number);
            seen.extend(page.items);
            match page.next_cursor {
                Some(next) => after = place("numbers", &next),
                None => break,
            }
        }
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[rstest]
    #[case(6, None)]
    #[case(7, None)]
    #[case(5, Some(5))]
    fn the_last_page_says_so(#[case] limit: u32, #[case] next: Option<u64>) {
        let page = paging(limit, None).page_of_all((1..=6).collect(), |number| *number);
        assert_eq!(page.next_cursor.and_then(|cursor| place("numbers", &cursor)), next);
    }

    #[test]
    fn an_instant_and_an_identifier_survive() {
        let since = Since::new("2026-11-21T12:00:00.000123Z".parse().unwrap(), "0192 x");
        assert_eq!(place("keys", &cursor("keys", &since.to_string())), Some(since));
    }

    #[rstest]
    #[case("")]
    #[case("x")]
    #[case("00000000")]
    #[case("0000000031")]
    fn what_was_not_given_out_is_refused(#[case] cursor: &str) {
        assert_eq!(place::<u64>("numbers", cursor), None);
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        assert_eq!(place::<u64>("letters", &cursor("numbers", "7")), None);
    }

    proptest! {
        #[test]
        fn no_cursor_panics(text in ".*") {
            _ = place::<Since>("keys", &text);
        }
    }
}
