//! What data streams tell of halts: Alpaca's trading status messages.

use jiff::Timestamp;
use paddock_alpaca::socket::Message;
use paddock_alpaca::stream::{Channel, Feed, Selection};
use paddock_core::Symbol;

use super::portion::wrapped;
use super::world::{carries, name_of};
use crate::market::{AssetInfo, Market};
use crate::stream::encode::{Format, Value, array, write_map};

/// A halt begins or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stream) struct HaltTold {
    /// Of which symbol; of all, if none is named.
    pub symbol: Option<Symbol>,
    pub halted: bool,
    pub at: Timestamp,
}

/// Code and words, as the plan that reports a listing's trades has them.
type Words = (&'static str, &'static str);

impl HaltTold {
    /// The frame for who has subscribed to the statuses of a symbol that it is about.
    pub(super) fn message(
        &self,
        market: &Market,
        feed: Feed,
        selection: &Selection,
        format: Format,
    ) -> Option<Message> {
        let concerned = |asset: &&AssetInfo| {
            carries(feed, &asset.symbol)
                && self.symbol.as_ref().is_none_or(|symbol| *symbol == asset.symbol)
                && selection.has(Channel::Statuses, name_of(feed, &asset.symbol))
        };
        let messages: Vec<Vec<u8>> =
            market.assets().iter().filter(concerned).map(|asset| self.encoded(asset, feed, format)).collect();
        if messages.is_empty() {
            return None;
        }
        let items = messages.iter().map(|message| &message[..]);
        Some(wrapped(format, array(format, messages.len(), items)))
    }

    fn encoded(&self, asset: &AssetInfo, feed: Feed, format: Format) -> Vec<u8> {
        let tape = asset.tape().unwrap_or_default();
        let ((sc, sm), (rc, rm)) = self.words(tape);
        let fields = [
            ("T", Value::Text("s")),
            ("S", Value::Text(name_of(feed, &asset.symbol))),
            ("sc", Value::Text(sc)),
            ("sm", Value::Text(sm)),
            ("rc", Value::Text(rc)),
            ("rm", Value::Text(rm)),
            ("t", Value::Time(self.at)),
            ("z", Value::Text(tape)),
        ];
        let mut message = Vec::new();
        write_map(format, &fields, &mut message);
        message
    }

    /// Status and reason. Nasdaq's own listings (tape C) have the codes of the UTP plan, all others those of the CTA plan.
    fn words(&self, tape: &str) -> (Words, Words) {
        let everything = self.symbol.is_none();
        match (tape, self.halted) {
            ("C", true) if everything => {
                (("H", "Trading Halt"), ("MWC1", "Market Wide Circuit Breaker Halt - Level 1"))
            }
            ("C", true) => (("H", "Trading Halt"), ("T1", "Halt News Pending")),
            ("C", false) => (("T", "Trading Resumption"), ("T3", "News and Resumption Times")),
            (_, true) if everything => {
                (("2", "Trading Halt"), ("1", "Market-Wide Circuit Breaker Level 1 Breached"))
            }
            (_, true) => (("2", "Trading Halt"), ("P", "News Pending")),
            (_, false) => (("3", "Resume"), ("", "")),
        }
    }
}
