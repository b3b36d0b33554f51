//! What a stream carries in one stretch of time.
//!
//! Everything is read from the price world, so that the same stretch always has the same messages. A bar of a minute comes
//! when the minute ends, and the bar of the day so far with it. Half a minute later, one minute bar in ten comes once more as
//! an updated bar, as Alpaca sends them when trades were reported late; here none are, and the figures are the same.

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::socket::Message;

use super::world::{carries, name_of};
use crate::http::views;
use crate::market::{AssetInfo, Bar, Market, Sort, Timeframe, Window};
use crate::stream::encode::{Format, Value, array, write_map};
use paddock_alpaca::stream::{Channel, Feed, Selection};

/// Portions end where these seconds begin, so that sockets that lag behind by different lengths read the same ones, and
/// so that no portion has a minute's end inside.
const SECONDS: i64 = 10;

/// At most so many messages in one frame.
const IN_A_FRAME: usize = 500;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// How long after a minute's end its updated bar comes.
const UPDATE_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Where the portion ends that begins after `from`, if it is now `to`.
pub(super) fn end_of(from: Timestamp, to: Timestamp) -> Timestamp {
    let boundary = (from.as_second().div_euclid(SECONDS) + 1) * SECONDS;
    Timestamp::from_second(boundary).map_or(to, |boundary| to.min(boundary))
}

/// The messages of what happened after `from` and up to `to`, a stretch inside one portion.
pub(super) fn frames(
    market: &Market,
    feed: Feed,
    selection: &Selection,
    format: Format,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Message> {
    let mut portion = Portion { feed, format, out: Vec::new(), messages: Vec::new() };
    if feed == Feed::News {
        portion.news(market, selection, from, to);
        return portion.frames();
    }
    let wanted =
        |asset: &&AssetInfo| carries(feed, &asset.symbol) && selection.wants(name_of(feed, &asset.symbol));
    let chosen: Vec<&AssetInfo> = market.assets().iter().filter(wanted).collect();
    for asset in &chosen {
        portion.trades_and_quotes(market, asset, selection, from, to);
    }
    // Stable: what happened at the same instant stays in the order of symbols, the trade before its quote.
    portion.messages.sort_by_key(|(at, _)| *at);
    if to > from && to.as_second() % 60 == 0 && to.subsec_nanosecond() == 0 {
        for asset in &chosen {
            portion.bars(market, asset, selection, to);
        }
    }
    if to > from && to.as_second() % 60 == 30 && to.subsec_nanosecond() == 0 {
        for asset in &chosen {
            portion.updated_bar(market, asset, selection, to);
        }
    }
    portion.frames()
}

pub(super) struct Portion {
    feed: Feed,
    format: Format,
    out: Vec<u8>,
    /// When each message happened, and where it is in `out`.
    messages: Vec<(Timestamp, std::ops::Range<usize>)>,
}

impl Portion {
    pub(super) fn put(&mut self, at: Timestamp, fields: &[(&str, Value<'_>)]) {
        let start = self.out.len();
        write_map(self.format, fields, &mut self.out);
        self.messages.push((at, start..self.out.len()));
    }

    fn frames(self) -> Vec<Message> {
        let frames = self.messages.chunks(IN_A_FRAME).map(|messages| {
            let items = messages.iter().map(|(_, range)| &self.out[range.clone()]);
            wrapped(self.format, array(self.format, messages.len(), items))
        });
        frames.collect()
    }

    fn trades_and_quotes(
        &mut self,
        market: &Market,
        asset: &AssetInfo,
        selection: &Selection,
        from: Timestamp,
        to: Timestamp,
    ) {
        // What is later than `from` is at least a microsecond later.
        let first = from.saturating_add(SignedDuration::from_micros(1)).unwrap_or(from);
        let window = Window { from: first, to, now: to };
        let name = name_of(self.feed, &asset.symbol).to_owned();
        let symbol = ("S", Value::Text(&name));
        let has = |channel| selection.has(channel, &name);
        let crypto = self.feed.is_crypto();
        if has(Channel::Trades) {
            for trade in market.trades(&asset.symbol, window, Sort::Ascending) {
                if crypto {
                    let trade = views::crypto_trade(trade);
                    self.put(
                        trade.t,
                        &[
                            ("T", Value::Text("t")),
                            symbol,
                            ("p", Value::Price(trade.p)),
                            ("s", Value::Price(trade.s)),
                            ("t", Value::Time(trade.t)),
                            ("i", Value::Count(trade.i.unsigned_abs())),
                            ("tks", Value::Text(&trade.tks)),
                        ],
                    );
                } else {
                    let trade = views::stock_trade(asset, trade);
                    self.put(
                        trade.t,
                        &[
                            ("T", Value::Text("t")),
                            symbol,
                            ("i", Value::Count(trade.i)),
                            ("x", Value::Text(&trade.x)),
                            ("p", Value::Price(trade.p)),
                            ("s", Value::Units(trade.s)),
                            ("c", Value::Texts(&texts(&trade.c))),
                            ("z", Value::Text(&trade.z)),
                            ("t", Value::Time(trade.t)),
                        ],
                    );
                }
            }
        }
        if !has(Channel::Quotes) && !has(Channel::Orderbooks) {
            return;
        }
        for quote in market.quotes(&asset.symbol, window, Sort::Ascending) {
            if !crypto {
                let quote = views::stock_quote(asset, quote);
                self.put(
                    quote.t,
                    &[
                        ("T", Value::Text("q")),
                        symbol,
                        ("bx", Value::Text(&quote.bx)),
                        ("bp", Value::Price(quote.bp)),
                        ("bs", Value::Units(quote.bid_size)),
                        ("ax", Value::Text(&quote.ax)),
                        ("ap", Value::Price(quote.ap)),
                        ("as", Value::Units(quote.ask_size)),
                        ("c", Value::Texts(&texts(&quote.c))),
                        ("z", Value::Text(&quote.z)),
                        ("t", Value::Time(quote.t)),
                    ],
                );
                continue;
            }
            let quote = views::crypto_quote(quote);
            if has(Channel::Quotes) {
                self.put(
                    quote.t,
                    &[
                        ("T", Value::Text("q")),
                        symbol,
                        ("bp", Value::Price(quote.bp)),
                        ("bs", Value::Price(quote.bid_size)),
                        ("ap", Value::Price(quote.ap)),
                        ("as", Value::Price(quote.ask_size)),
                        ("t", Value::Time(quote.t)),
                    ],
                );
            }
            if has(Channel::Orderbooks) {
                // The book has one level, so that each change is a whole new book.
                self.put(
                    quote.t,
                    &[
                        ("T", Value::Text("o")),
                        symbol,
                        ("t", Value::Time(quote.t)),
                        ("b", Value::Levels(&[(quote.bp, quote.bid_size)])),
                        ("a", Value::Levels(&[(quote.ap, quote.ask_size)])),
                        ("r", Value::Yes),
                    ],
                );
            }
        }
    }

    /// What comes when a minute ends at `end`.
    fn bars(&mut self, market: &Market, asset: &AssetInfo, selection: &Selection, end: Timestamp) {
        let name = name_of(self.feed, &asset.symbol).to_owned();
        let (bars, days) = (selection.has(Channel::Bars, &name), selection.has(Channel::DailyBars, &name));
        if !bars && !days {
            return;
        }
        let Some(minute) = minute_bar(market, asset, end) else { return };
        if bars {
            self.bar("b", &name, minute, end);
        }
        if days {
            let window = Window { from: Timestamp::MIN, to: end, now: end };
            if let Some(day) = market.bars(&asset.symbol, Timeframe::DAY, window, Sort::Descending).next() {
                self.bar("d", &name, day, end);
            }
        }
    }

    fn updated_bar(&mut self, market: &Market, asset: &AssetInfo, selection: &Selection, at: Timestamp) {
        let name = name_of(self.feed, &asset.symbol).to_owned();
        let end = at.saturating_sub(UPDATE_AFTER).unwrap_or(at);
        if !selection.has(Channel::UpdatedBars, &name) || !is_updated(&name, end) {
            return;
        }
        if let Some(minute) = minute_bar(market, asset, end) {
            self.bar("u", &name, minute, at);
        }
    }

    fn bar(&mut self, kind: &str, name: &str, bar: Bar, at: Timestamp) {
        let volume = if self.feed.is_crypto() { Value::Price(bar.volume) } else { Value::Units(bar.volume) };
        self.put(
            at,
            &[
                ("T", Value::Text(kind)),
                ("S", Value::Text(name)),
                ("o", Value::Price(bar.open)),
                ("h", Value::Price(bar.high)),
                ("l", Value::Price(bar.low)),
                ("c", Value::Price(bar.close)),
                ("v", volume),
                ("n", Value::Count(bar.trade_count)),
                ("vw", Value::Price(bar.vwap)),
                ("t", Value::Time(bar.at)),
            ],
        );
    }
}

/// The bar of the minute that ended at `end`, if it had a trade.
fn minute_bar(market: &Market, asset: &AssetInfo, end: Timestamp) -> Option<Bar> {
    let start = end.saturating_sub(MINUTE).ok()?;
    if market.was_halted(&asset.symbol, start, end) {
        return None;
    }
    let window = Window { from: start, to: start, now: end };
    market.bars(&asset.symbol, Timeframe::MINUTE, window, Sort::Ascending).next()
}

/// Whether the bar of the minute that ended at `end` comes once more: one in ten, spread over symbols and minutes.
fn is_updated(name: &str, end: Timestamp) -> bool {
    let letters: i64 = name.bytes().map(i64::from).sum();
    (end.as_second() / 60 * 7 + letters).rem_euclid(10) == 0
}

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// The frame for an encoded message.
pub(super) fn wrapped(format: Format, message: Vec<u8>) -> Message {
    match (format, String::from_utf8(message)) {
        (Format::Json, Ok(text)) => Message::text(text),
        (Format::MessagePack, Ok(text)) => Message::binary(text.into_bytes()),
        (_, Err(bytes)) => Message::binary(bytes.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::{DateLaying, MarketOptions};

    fn at(seconds: i64, micros: i32) -> Timestamp {
        // The session of 2026-06-24 opens.
        Timestamp::new(1_782_307_800 + seconds, micros * 1000).unwrap()
    }

    /// All that is told between two instants when the socket looks at these instants in between.
    fn told(market: &Market, from: Timestamp, to: Timestamp, looks: &[Timestamp]) -> Vec<serde_json::Value> {
        let mut selection = Selection::default();
        for channel in
            [Channel::Trades, Channel::Quotes, Channel::Bars, Channel::UpdatedBars, Channel::DailyBars]
        {
            selection.add(channel, ["AAPL", "MSFT", "IBM"].map(str::to_owned));
        }
        let (mut stood, mut messages) = (from, Vec::new());
        for now in looks.iter().copied().chain([to]) {
            while stood < now {
                let end = end_of(stood, now);
                for frame in frames(market, Feed::Iex, &selection, Format::Json, stood, end) {
                    let Message::Text(frame) = frame else { panic!("{frame:?}") };
                    let frame: Vec<serde_json::Value> = serde_json::from_str(&frame).unwrap();
                    assert!(frame.len() <= IN_A_FRAME);
                    messages.extend(frame);
                }
                stood = end;
            }
        }
        messages
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn how_often_a_socket_looks_makes_no_difference(
            start in -30_i64..90,
            micros in 0..1_000_000,
            mut looks in prop::collection::vec((0_i64..150, 0..1_000_000), 0..12),
        ) {
            let market = Market::new(MarketOptions { seed: 3, laying: DateLaying::OntoToday, hold_open: false });
            let (from, to) = (at(start, micros), at(start + 150, micros));
            looks.sort_unstable();
            let looks: Vec<Timestamp> =
                looks.into_iter().map(|(seconds, micros)| at(start + seconds, micros)).filter(|look| *look < to).collect();
            prop_assert_eq!(told(&market, from, to, &looks), told(&market, from, to, &[]));
        }
    }
}
