//! Which streams of market data there are, and what each of them carries.

use jiff::SignedDuration;

/// A market data stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// Stocks, from one exchange.
    Iex,
    /// Stocks, from all exchanges.
    Sip,
    /// The same, 15 minutes later.
    DelayedSip,
    /// Stocks at night, from Blue Ocean.
    Boats,
    /// Stocks at night, derived from that.
    Overnight,
    /// One symbol that trades around the clock.
    Test,
    /// Crypto at Alpaca.
    Crypto,
    /// Crypto at Kraken in the United States.
    CryptoUs1,
    /// Crypto at Kraken in Europe.
    CryptoEu1,
    /// News.
    News,
    /// Option contracts, with quotes that are derived and trades that are late.
    IndicativeOptions,
    /// Option contracts, from all exchanges.
    Opra,
}

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Trades, with their corrections and cancellations.
    Trades,
    /// Best bids and offers.
    Quotes,
    /// Order books of crypto.
    Orderbooks,
    /// Minute bars.
    Bars,
    /// Minute bars that late trades have changed.
    UpdatedBars,
    /// The day's bar so far.
    DailyBars,
    /// Halts and resumptions.
    Statuses,
    /// Limits between which a stock may trade.
    Lulds,
    /// Order imbalances before auctions.
    Imbalances,
    /// News.
    News,
}

impl Feed {
    /// All there are.
    pub const ALL: [Self; 12] = [
        Self::Iex,
        Self::Sip,
        Self::DelayedSip,
        Self::Boats,
        Self::Overnight,
        Self::Test,
        Self::Crypto,
        Self::CryptoUs1,
        Self::CryptoEu1,
        Self::News,
        Self::IndicativeOptions,
        Self::Opra,
    ];

    /// Its path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Iex => "/v2/iex",
            Self::Sip => "/v2/sip",
            Self::DelayedSip => "/v2/delayed_sip",
            Self::Boats => "/v2/boats",
            Self::Overnight => "/v2/overnight",
            Self::Test => "/v2/test",
            Self::Crypto => "/v1beta3/crypto/us",
            Self::CryptoUs1 => "/v1beta3/crypto/us-1",
            Self::CryptoEu1 => "/v1beta3/crypto/eu-1",
            Self::News => "/v1beta1/news",
            Self::IndicativeOptions => "/v1beta1/indicative",
            Self::Opra => "/v1beta1/opra",
        }
    }

    /// The stream at a path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.path() == path)
    }

    /// What it carries, in the order of Alpaca's acknowledgement.
    #[must_use]
    pub const fn channels(self) -> &'static [Channel] {
        use Channel::{
            Bars, DailyBars, Imbalances, Lulds, News, Orderbooks, Quotes, Statuses, Trades, UpdatedBars,
        };
        match self {
            Self::Iex | Self::Sip | Self::DelayedSip | Self::Boats | Self::Overnight | Self::Test => {
                &[Trades, Quotes, Bars, UpdatedBars, DailyBars, Statuses, Lulds, Imbalances]
            }
            Self::Crypto | Self::CryptoUs1 | Self::CryptoEu1 => {
                &[Trades, Quotes, Orderbooks, Bars, UpdatedBars, DailyBars]
            }
            Self::News => &[News],
            Self::IndicativeOptions | Self::Opra => &[Trades, Quotes],
        }
    }

    /// Whether it is of crypto.
    #[must_use]
    pub const fn is_crypto(self) -> bool {
        matches!(self, Self::Crypto | Self::CryptoUs1 | Self::CryptoEu1)
    }

    /// Whether it is of option contracts, whose streams speak MessagePack only.
    #[must_use]
    pub const fn is_of_options(self) -> bool {
        matches!(self, Self::IndicativeOptions | Self::Opra)
    }

    /// Whether a subscription to trades brings corrections and cancellations with it.
    #[must_use]
    pub const fn has_corrections(self) -> bool {
        !self.is_crypto() && !self.is_of_options() && !matches!(self, Self::News)
    }

    /// How much later than it happens something is told.
    #[must_use]
    pub const fn delay(self) -> SignedDuration {
        match self {
            Self::DelayedSip => SignedDuration::from_mins(15),
            _ => SignedDuration::ZERO,
        }
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

    /// What messages call it.
    #[must_use]
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

    /// The channel that messages call so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The channel on which messages of a kind come: the `T` of a message. Corrections and cancellations come with the trades.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<Self> {
        Some(match kind {
            "t" | "c" | "x" => Self::Trades,
            "q" => Self::Quotes,
            "o" => Self::Orderbooks,
            "b" => Self::Bars,
            "u" => Self::UpdatedBars,
            "d" => Self::DailyBars,
            "s" => Self::Statuses,
            "l" => Self::Lulds,
            "i" => Self::Imbalances,
            "n" => Self::News,
            _ => return None,
        })
    }
}
