//! Which streams there are, and what each of them carries.

use jiff::SignedDuration;
use paddock_core::Symbol;

/// A market data stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Feed {
    Iex,
    Sip,
    /// The same, 15 minutes later.
    DelayedSip,
    /// One symbol that trades around the clock.
    Test,
    Crypto,
    /// There is no news.
    News,
}

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Channel {
    Trades,
    Quotes,
    Orderbooks,
    Bars,
    UpdatedBars,
    DailyBars,
    Statuses,
    Lulds,
    Imbalances,
    News,
}

/// The symbol of the test stream.
pub(super) const TEST_SYMBOL: &str = "FAKEPACA";
/// The stock whose prices the test symbol has.
pub(super) const TEST_MODEL: &str = "AAPL";

impl Feed {
    pub const ALL: [Self; 6] = [Self::Iex, Self::Sip, Self::DelayedSip, Self::Test, Self::Crypto, Self::News];

    pub const fn path(self) -> &'static str {
        match self {
            Self::Iex => "/v2/iex",
            Self::Sip => "/v2/sip",
            Self::DelayedSip => "/v2/delayed_sip",
            Self::Test => "/v2/test",
            Self::Crypto => "/v1beta3/crypto/us",
            Self::News => "/v1beta1/news",
        }
    }

    /// What it carries, in the order of Alpaca's acknowledgement.
    pub(super) const fn channels(self) -> &'static [Channel] {
        use Channel::{
            Bars, DailyBars, Imbalances, Lulds, News, Orderbooks, Quotes, Statuses, Trades, UpdatedBars,
        };
        match self {
            Self::Iex | Self::Sip | Self::DelayedSip | Self::Test => {
                &[Trades, Quotes, Bars, UpdatedBars, DailyBars, Statuses, Lulds, Imbalances]
            }
            Self::Crypto => &[Trades, Quotes, Orderbooks, Bars, UpdatedBars, DailyBars],
            Self::News => &[News],
        }
    }

    /// Whether a subscription to trades brings corrections and cancellations with it.
    pub const fn has_corrections(self) -> bool {
        !matches!(self, Self::Crypto | Self::News)
    }

    /// How much later than it happens something is told.
    pub const fn delay(self) -> SignedDuration {
        match self {
            Self::DelayedSip => SignedDuration::from_mins(15),
            _ => SignedDuration::ZERO,
        }
    }

    /// Whether a symbol of the price world is in it.
    pub fn carries(self, symbol: &Symbol) -> bool {
        let crypto = symbol.as_str().contains('/');
        match self {
            Self::Iex | Self::Sip | Self::DelayedSip => !crypto,
            Self::Test => symbol.as_str() == TEST_MODEL,
            Self::Crypto => crypto,
            Self::News => false,
        }
    }

    /// What the stream calls a symbol of the price world.
    pub fn name_of(self, symbol: &Symbol) -> &str {
        if self == Self::Test { TEST_SYMBOL } else { symbol.as_str() }
    }
}

impl Channel {
    const ALL: [Self; 10] = [
        Self::Trades,
        Self::Quotes,
        Self::Orderbooks,
        Self::Bars,
        Self::UpdatedBars,
        Self::DailyBars,
        Self::Statuses,
        Self::Lulds,
        Self::Imbalances,
        Self::News,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Quotes => "quotes",
            Self::Orderbooks => "orderbooks",
            Self::Bars => "bars",
            Self::UpdatedBars => "updatedBars",
            Self::DailyBars => "dailyBars",
            Self::Statuses => "statuses",
            Self::Lulds => "lulds",
            Self::Imbalances => "imbalances",
            Self::News => "news",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}
