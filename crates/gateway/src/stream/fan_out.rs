//! One frame of the broker's, for many programs.

use std::borrow::Cow;
use std::sync::Arc;

use paddock_alpaca::socket::{Message, Prepared};
use paddock_alpaca::stream::{Channel, Format, Selection, messagepack};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A frame of a data stream, read as far as it must be to know for whom it is.
pub(super) struct Frame<'a> {
    text: &'a str,
    items: Vec<Item<'a>>,
}

pub(super) struct Item<'a> {
    raw: &'a str,
    pub(super) head: Head<'a>,
}

/// What says what a message is and about what.
#[derive(Debug, Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "T", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(rename = "S", borrow, default)]
    symbol: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    symbols: Option<Vec<Cow<'a, str>>>,
    #[serde(default)]
    pub(super) code: Option<u64>,
    #[serde(borrow, default)]
    pub(super) msg: Option<Cow<'a, str>>,
}

impl Head<'_> {
    /// Whether a program with that selection gets it.
    fn is_for(&self, selection: &Selection) -> bool {
        let Some(channel) = Channel::of_kind(&self.kind) else { return false };
        match (&self.symbol, &self.symbols) {
            (Some(symbol), _) => selection.has(channel, symbol),
            (None, Some(symbols)) => {
                symbols.iter().any(|symbol| selection.has(channel, symbol))
                    // News without a symbol is for who gets all of it.
                    || (symbols.is_empty() && selection.has(channel, ""))
            }
            (None, None) => false,
        }
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame; `None` if it is none of a data stream's.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let raws: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        let item =
            |raw: &'a RawValue| Some(Item { raw: raw.get(), head: serde_json::from_str(raw.get()).ok()? });
        let items = raws.into_iter().map(item).collect::<Option<_>>()?;
        Some(Self { text, items })
    }

    pub(super) fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    /// The frame as it came.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// What programs with that selection get of these frames, in their form; `None` if that is nothing.
    pub(super) fn all_for_selection(
        frames: &[&Self],
        selection: &Selection,
        format: Format,
    ) -> Option<Arc<Prepared>> {
        let mut messages =
            frames.iter().filter_map(|frame| frame.for_selection(selection, format)).peekable();
        messages.peek()?;
        Some(Arc::new(Prepared::new(messages)))
    }

    fn for_selection(&self, selection: &Selection, format: Format) -> Option<Message> {
        let chosen: Vec<&Item<'_>> = self.items.iter().filter(|item| item.head.is_for(selection)).collect();
        if chosen.is_empty() {
            return None;
        }
        Some(match format {
            Format::Json if chosen.len() == self.items.len() => Message::text(self.text),
            Format::Json => {
                let raws: Vec<&str> = chosen.iter().map(|item| item.raw).collect();
                Message::text(format!("[{}]", raws.join(",")))
            }
            Format::MessagePack => {
                let values: Vec<serde_json::Value> =
                    chosen.iter().filter_map(|item| serde_json::from_str(item.raw).ok()).collect();
                packed(&serde_json::Value::Array(values))
            }
        })
    }
}

/// A message that Paddock makes itself, in a program's form.
pub(super) fn message(value: &serde_json::Value, format: Format) -> Message {
    match format {
        Format::Json => Message::text(value.to_string()),
        Format::MessagePack => packed(value),
    }
}

fn packed(value: &serde_json::Value) -> Message {
    let mut out = Vec::new();
    messagepack::write(value, &mut out);
    Message::binary(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str =
        r#"[{"T":"t","S":"AAPL","p":1.10},{"T":"q","S":"AAPL","bp":1},{"T":"t","S":"MSFT","p":2}]"#;

    fn selection(lists: &[(Channel, &str)]) -> Selection {
        let mut selection = Selection::default();
        for (channel, symbol) in lists {
            selection.add(*channel, [(*symbol).to_owned()]);
        }
        selection
    }

    fn got(frame: &str, lists: &[(Channel, &str)]) -> Option<String> {
        let frame = Frame::read(frame).unwrap();
        let prepared = Frame::all_for_selection(&[&frame], &selection(lists), Format::Json)?;
        let bytes = prepared.bytes(None);
        // A short frame's head has two bytes, a longer one's four.
        let head = if bytes[1] < 126 { 2 } else { 4 };
        Some(String::from_utf8(bytes[head..].to_vec()).unwrap())
    }

    #[test]
    fn each_gets_its_own_with_the_digits_as_they_came() {
        assert_eq!(
            got(FRAME, &[(Channel::Trades, "AAPL")]).as_deref(),
            Some(r#"[{"T":"t","S":"AAPL","p":1.10}]"#)
        );
        let all = [(Channel::Trades, "*"), (Channel::Quotes, "AAPL")];
        assert_eq!(got(FRAME, &all).as_deref(), Some(FRAME));
        assert_eq!(got(FRAME, &[(Channel::Bars, "*")]), None);
    }

    #[test]
    fn corrections_come_with_the_trades_and_news_by_any_of_its_symbols() {
        let frame = r#"[{"T":"c","S":"AAPL"},{"T":"n","symbols":["IBM","AAPL"]}]"#;
        let trades = got(frame, &[(Channel::Trades, "AAPL")]);
        assert_eq!(trades.as_deref(), Some(r#"[{"T":"c","S":"AAPL"}]"#));
        let news = got(frame, &[(Channel::News, "AAPL")]);
        assert_eq!(news.as_deref(), Some(r#"[{"T":"n","symbols":["IBM","AAPL"]}]"#));
    }

    #[test]
    fn what_is_of_no_known_kind_reaches_nobody() {
        let frame = r#"[{"T":"success","msg":"authenticated","S":"AAPL"},{"T":"secret","S":"AAPL"}]"#;
        assert_eq!(got(frame, &[(Channel::Trades, "*"), (Channel::News, "*")]), None);
        assert!(Frame::read("{}").is_none());
        assert!(Frame::read("[1]").is_none());
    }
}
