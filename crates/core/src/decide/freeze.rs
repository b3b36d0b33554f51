//! What a freeze stops, and what passes it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::reason::{ReasonCode, Refusal};
use super::{Act, OrderFacts, Request};
use crate::order::{OrderClass, UnknownWord};
use crate::{PermissionClass, words};

/// What has been stopped by a freeze, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frozen {
    /// This access key.
    Key,
    /// The connection that it opens.
    Connection,
    /// Everything.
    Everything,
}

words! {
    /// What may pass a freeze, if whoever freezes says so.
    Passage {
        /// Reading the account and market data, streams included.
        Reads = "reads",
        /// Canceling orders.
        Cancels = "cancels",
        /// Orders that can do nothing but make a position smaller.
        Closes = "closes",
    }
}

/// What passes a freeze. The default is cancels alone: a cancel takes risk away or leaves it as it is, whereas a close is an order that
/// a program gone wrong can place at any price, and what a stranger reads cannot be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Passage>", into = "Vec<Passage>")]
pub struct Passing {
    reads: bool,
    cancels: bool,
    closes: bool,
}

impl Passing {
    /// Nothing passes.
    pub const NOTHING: Self = Self { reads: false, cancels: false, closes: false };

    /// Whether this passes.
    #[must_use]
    pub const fn lets(self, passage: Passage) -> bool {
        match passage {
            Passage::Reads => self.reads,
            Passage::Cancels => self.cancels,
            Passage::Closes => self.closes,
        }
    }

    /// What passes both: of two freezes that hold, each stops what it stops.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            reads: self.reads && other.reads,
            cancels: self.cancels && other.cancels,
            closes: self.closes && other.closes,
        }
    }
}

impl Default for Passing {
    fn default() -> Self {
        Self { cancels: true, ..Self::NOTHING }
    }
}

impl From<Vec<Passage>> for Passing {
    fn from(passages: Vec<Passage>) -> Self {
        passages.into_iter().collect()
    }
}

impl FromIterator<Passage> for Passing {
    fn from_iter<T: IntoIterator<Item = Passage>>(passages: T) -> Self {
        let passages: BTreeSet<Passage> = passages.into_iter().collect();
        let has = |passage| passages.contains(&passage);
        Self { reads: has(Passage::Reads), cancels: has(Passage::Cancels), closes: has(Passage::Closes) }
    }
}

impl From<Passing> for Vec<Passage> {
    fn from(passing: Passing) -> Self {
        Passage::ALL.iter().copied().filter(|passage| passing.lets(*passage)).collect()
    }
}

/// `nothing`, or the words with commas between them.
impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = Vec::from(*self).into_iter().map(Passage::as_str).collect();
        f.write_str(if words.is_empty() { NOTHING.to_owned() } else { words.join(",") }.as_str())
    }
}

const NOTHING: &str = "nothing";

impl FromStr for Passing {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if text.trim() == NOTHING {
            return Ok(Self::NOTHING);
        }
        text.split(',').map(|word| word.trim().parse::<Passage>()).collect()
    }
}

/// What a request is in the eyes of a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It reads.
    Read,
    /// It cancels.
    Cancel,
    /// All that it does is make positions smaller; the broker holds it to that.
    Close,
    /// It may be a close: what it asks for was not read yet.
    Unread,
    /// Anything else.
    Other,
}

impl Manner {
    /// What a request of this class that does this is.
    #[must_use]
    pub fn of(class: PermissionClass, act: &Act) -> Self {
        match (class, act) {
            (PermissionClass::AccountRead | PermissionClass::Data, _) => Self::Read,
            (PermissionClass::Cancel, _) => Self::Cancel,
            (PermissionClass::Order | PermissionClass::PositionClose, Act::Plain) => Self::Unread,
            (PermissionClass::Order | PermissionClass::PositionClose, Act::Orders(orders))
                if orders.iter().all(closes_only) =>
            {
                Self::Close
            }
            _ => Self::Other,
        }
    }
}

/// An order that closes and brings no other order that could open again.
fn closes_only(facts: &OrderFacts) -> bool {
    let enters = matches!(facts.order.order_class, OrderClass::Bracket | OrderClass::Oto | OrderClass::Mleg);
    facts.closes && !enters
}

/// The freeze that holds for a request: the widest, with what passes all that hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// What is frozen.
    pub what: Frozen,
    /// What passes.
    pub passing: Passing,
}

impl Freeze {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { what: self.what.max(other.what), passing: self.passing.and(other.passing) }
    }

    /// Whether what a request does passes.
    ///
    /// # Errors
    /// The refusal when it does not.
    pub fn check(self, manner: Manner) -> Result<(), Refusal> {
        let passes = match manner {
            Manner::Read => self.passing.reads,
            Manner::Cancel => self.passing.cancels,
            Manner::Close | Manner::Unread => self.passing.closes,
            Manner::Other => false,
        };
        if passes { Ok(()) } else { Err(self.refusal()) }
    }

    fn refusal(self) -> Refusal {
        let what = match self.what {
            Frozen::Key => "this access key is",
            Frozen::Connection => "this connection is",
            Frozen::Everything => "everything is",
        };
        let passes: Vec<&str> = Vec::from(self.passing)
            .into_iter()
            .map(|passage| match passage {
                Passage::Closes => "orders that only close a position",
                other => other.as_str(),
            })
            .collect();
        let passes = match passes.as_slice() {
            [] => "nothing passes".to_owned(),
            words => format!("only {} pass", words.join(" and ")),
        };
        let message = format!("{what} frozen: {passes} until a person unfreezes it");
        Refusal::new(ReasonCode::Frozen, message, &[])
    }
}

/// Refuses what the freeze that holds does not let pass.
pub(super) fn check(request: &Request<'_>) -> Result<(), Refusal> {
    let Some(freeze) = request.frozen else { return Ok(()) };
    freeze.check(Manner::of(request.class, &request.act))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nothing", Passing::NOTHING)]
    #[case("cancels", Passing::default())]
    #[case("closes, cancels", Passing { cancels: true, closes: true, ..Passing::NOTHING })]
    fn words_are_read_in_any_order(#[case] text: &str, #[case] expected: Passing) {
        let passing: Passing = text.parse().unwrap();
        assert_eq!(passing, expected);
        assert_eq!(passing.to_string().parse::<Passing>().unwrap(), expected);
        let json = serde_json::to_string(&passing).unwrap();
        assert_eq!(serde_json::from_str::<Passing>(&json).unwrap(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("orders")]
    #[case("cancels,nothing")]
    fn what_is_no_word_is_refused(#[case] text: &str) {
        assert!(text.parse::<Passing>().is_err());
    }

    #[test]
    fn of_two_freezes_each_stops_what_it_stops() {
        let key = Freeze { what: Frozen::Key, passing: "cancels,closes".parse().unwrap() };
        let all = Freeze { what: Frozen::Everything, passing: "reads,cancels".parse().unwrap() };
        let both = key.and(all);
        assert_eq!((both, both.passing.to_string().as_str()), (all.and(key), "cancels"));
        assert_eq!(both.what, Frozen::Everything);
    }
}
