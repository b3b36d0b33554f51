//! Which streams of market data this broker has, and how its price world is found in them.

use paddock_alpaca::stream::Feed;
use paddock_core::Symbol;

/// The streams that there are here.
pub(in crate::stream) const FEEDS: [Feed; 8] = [
    Feed::Iex,
    Feed::Sip,
    Feed::DelayedSip,
    Feed::Test,
    Feed::Crypto,
    Feed::CryptoUs1,
    Feed::CryptoEu1,
    Feed::News,
];

/// The symbol of the test stream.
pub(super) const TEST_SYMBOL: &str = "FAKEPACA";
/// The stock whose prices the test symbol has.
pub(super) const TEST_MODEL: &str = "AAPL";

/// Whether the prices of a symbol of the price world are in a stream. Crypto costs the same in all places.
pub(super) fn carries(feed: Feed, symbol: &Symbol) -> bool {
    let crypto = symbol.as_str().contains('/');
    match feed {
        Feed::Iex | Feed::Sip | Feed::DelayedSip => !crypto,
        Feed::Test => symbol.as_str() == TEST_MODEL,
        _ => feed.is_crypto() && crypto,
    }
}

/// What a stream calls a symbol of the price world.
pub(super) fn name_of(feed: Feed, symbol: &Symbol) -> &str {
    if feed == Feed::Test { TEST_SYMBOL } else { symbol.as_str() }
}
