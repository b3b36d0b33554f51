//! The tables of what is traded, and of what the generated prices are around.
//!
//! Base prices are round figures of late 2025, volatilities and volumes the usual ones of the asset: sensible, not
//! quoted from anywhere. Names and venues are the public ones.

/// How the prices of an asset come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// From the recording with that position in [`super::recorded::RECORDINGS`], then generated from its last close.
    Recorded(usize),
    /// Generated around a base price.
    Generated(Around),
    /// A crypto pair whose daily opens and closes are the quotient of two other pairs.
    Cross {
        numerator: &'static str,
        denominator: &'static str,
        /// Only its `volatility` (for the day's reach beyond open and close) and `volume` count.
        around: Around,
    },
}

/// What generated prices vary around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Around {
    /// The price that the path comes back to, in price units.
    pub price: i64,
    /// The usual change from one close to the next, in basis points.
    pub volatility: i64,
    /// The usual volume of a day, in volume units.
    pub volume: i64,
}

pub(super) struct Stock {
    pub symbol: &'static str,
    pub name: &'static str,
    pub exchange: &'static str,
    pub easy_to_borrow: bool,
    pub model: Model,
}

pub(super) struct Pair {
    pub symbol: &'static str,
    pub name: &'static str,
    /// The step of prices, in price units.
    pub grid: i64,
    /// In volume units.
    pub min_order_size: i64,
    pub model: Model,
}

const fn recorded(
    symbol: &'static str,
    name: &'static str,
    exchange: &'static str,
    position: usize,
) -> Stock {
    Stock { symbol, name, exchange, easy_to_borrow: true, model: Model::Recorded(position) }
}

/// `price` in dollars, `volume` in millions of shares a day.
const fn stock(
    symbol: &'static str,
    name: &'static str,
    exchange: &'static str,
    price: i64,
    volatility: i64,
    volume: i64,
) -> Stock {
    let around = Around { price: price * 10_000, volatility, volume: volume * 1_000_000 };
    Stock { symbol, name, exchange, easy_to_borrow: true, model: Model::Generated(around) }
}

const fn hard_to_borrow(stock: Stock) -> Stock {
    Stock { easy_to_borrow: false, ..stock }
}

/// `price`, `grid` and `min_order_size` in billionths, `volume` in whole coins a day.
const fn pair(
    symbol: &'static str,
    name: &'static str,
    price: i64,
    volatility: i64,
    volume: i64,
    grid: i64,
    min_order_size: i64,
) -> Pair {
    let around = Around { price, volatility, volume: volume * 1_000_000_000 };
    Pair { symbol, name, grid, min_order_size, model: Model::Generated(around) }
}

/// Like [`pair`], but its price is that of `numerator` divided by that of `denominator`.
const fn cross(pair: Pair, numerator: &'static str, denominator: &'static str) -> Pair {
    let around = match pair.model {
        Model::Generated(around) | Model::Cross { around, .. } => around,
        Model::Recorded(_) => Around { price: 0, volatility: 0, volume: 0 },
    };
    Pair { model: Model::Cross { numerator, denominator, around }, ..pair }
}

#[rustfmt::skip]
pub(super) static STOCKS: [Stock; 75] = [
    recorded("AAPL", "Apple Inc. Common Stock", "NASDAQ", 0),
    recorded("FB", "Facebook, Inc. Class A Common Stock", "NASDAQ", 1),
    recorded("GOOG", "Alphabet Inc. Class C Capital Stock", "NASDAQ", 2),
    recorded("IBM", "International Business Machines Corporation", "NYSE", 3),
    recorded("MSFT", "Microsoft Corporation Common Stock", "NASDAQ", 4),
    stock("SPY", "SPDR S&P 500 ETF Trust", "ARCA", 660, 95, 70),
    stock("QQQ", "Invesco QQQ Trust", "NASDAQ", 600, 125, 50),
    stock("IWM", "iShares Russell 2000 ETF", "ARCA", 240, 130, 35),
    stock("DIA", "SPDR Dow Jones Industrial Average ETF Trust", "ARCA", 465, 85, 4),
    stock("VOO", "Vanguard S&P 500 ETF", "ARCA", 608, 95, 6),
    stock("VTI", "Vanguard Total Stock Market ETF", "ARCA", 325, 95, 4),
    stock("GLD", "SPDR Gold Shares", "ARCA", 375, 95, 11),
    stock("SLV", "iShares Silver Trust", "ARCA", 46, 180, 25),
    stock("TLT", "iShares 20+ Year Treasury Bond ETF", "NASDAQ", 90, 90, 35),
    stock("XLF", "Financial Select Sector SPDR Fund", "ARCA", 53, 105, 40),
    stock("XLE", "Energy Select Sector SPDR Fund", "ARCA", 89, 140, 15),
    stock("XLK", "Technology Select Sector SPDR Fund", "ARCA", 280, 140, 6),
    stock("ARKK", "ARK Innovation ETF", "ARCA", 80, 240, 9),
    stock("TQQQ", "ProShares UltraPro QQQ", "NASDAQ", 100, 370, 60),
    stock("SOXL", "Direxion Daily Semiconductor Bull 3X Shares", "ARCA", 42, 520, 70),
    stock("TSLA", "Tesla, Inc. Common Stock", "NASDAQ", 420, 340, 85),
    stock("NVDA", "NVIDIA Corporation Common Stock", "NASDAQ", 185, 260, 190),
    stock("AMZN", "Amazon.com, Inc. Common Stock", "NASDAQ", 225, 190, 42),
    stock("GOOGL", "Alphabet Inc. Class A Common Stock", "NASDAQ", 270, 180, 34),
    stock("META", "Meta Platforms, Inc. Class A Common Stock", "NASDAQ", 640, 200, 13),
    stock("AMD", "Advanced Micro Devices, Inc. Common Stock", "NASDAQ", 220, 310, 48),
    stock("NFLX", "Netflix, Inc. Common Stock", "NASDAQ", 112, 210, 36),
    stock("AVGO", "Broadcom Inc. Common Stock", "NASDAQ", 345, 250, 22),
    stock("INTC", "Intel Corporation Common Stock", "NASDAQ", 37, 280, 80),
    stock("QCOM", "QUALCOMM Incorporated Common Stock", "NASDAQ", 170, 200, 8),
    stock("MU", "Micron Technology, Inc. Common Stock", "NASDAQ", 225, 310, 24),
    stock("CSCO", "Cisco Systems, Inc. Common Stock", "NASDAQ", 74, 130, 20),
    stock("ORCL", "Oracle Corporation Common Stock", "NYSE", 225, 240, 18),
    stock("CRM", "Salesforce, Inc. Common Stock", "NYSE", 240, 190, 7),
    stock("ADBE", "Adobe Inc. Common Stock", "NASDAQ", 335, 190, 4),
    stock("PYPL", "PayPal Holdings, Inc. Common Stock", "NASDAQ", 64, 220, 14),
    stock("SHOP", "Shopify Inc. Class A Subordinate Voting Shares", "NASDAQ", 150, 300, 8),
    stock("UBER", "Uber Technologies, Inc. Common Stock", "NYSE", 90, 220, 18),
    stock("COIN", "Coinbase Global, Inc. Class A Common Stock", "NASDAQ", 290, 420, 10),
    stock("PLTR", "Palantir Technologies Inc. Class A Common Stock", "NASDAQ", 172, 350, 60),
    stock("SNOW", "Snowflake Inc. Class A Common Stock", "NYSE", 250, 290, 5),
    stock("HOOD", "Robinhood Markets, Inc. Class A Common Stock", "NASDAQ", 122, 400, 32),
    stock("SOFI", "SoFi Technologies, Inc. Common Stock", "NASDAQ", 27, 350, 65),
    stock("JPM", "JPMorgan Chase & Co. Common Stock", "NYSE", 305, 140, 9),
    stock("BAC", "Bank of America Corporation Common Stock", "NYSE", 52, 150, 36),
    stock("WFC", "Wells Fargo & Company Common Stock", "NYSE", 85, 150, 14),
    stock("GS", "The Goldman Sachs Group, Inc. Common Stock", "NYSE", 790, 160, 2),
    stock("V", "Visa Inc. Class A Common Stock", "NYSE", 332, 120, 6),
    stock("MA", "Mastercard Incorporated Class A Common Stock", "NYSE", 545, 120, 3),
    stock("BRK.B", "Berkshire Hathaway Inc. Class B", "NYSE", 505, 105, 4),
    stock("JNJ", "Johnson & Johnson Common Stock", "NYSE", 200, 105, 8),
    stock("PFE", "Pfizer Inc. Common Stock", "NYSE", 25, 140, 42),
    stock("UNH", "UnitedHealth Group Incorporated Common Stock", "NYSE", 322, 200, 9),
    stock("LLY", "Eli Lilly and Company Common Stock", "NYSE", 1020, 210, 3),
    stock("XOM", "Exxon Mobil Corporation Common Stock", "NYSE", 117, 140, 15),
    stock("CVX", "Chevron Corporation Common Stock", "NYSE", 153, 140, 8),
    stock("WMT", "Walmart Inc. Common Stock", "NYSE", 103, 120, 16),
    stock("COST", "Costco Wholesale Corporation Common Stock", "NASDAQ", 905, 120, 2),
    stock("HD", "The Home Depot, Inc. Common Stock", "NYSE", 350, 140, 4),
    stock("MCD", "McDonald's Corporation Common Stock", "NYSE", 306, 100, 3),
    stock("KO", "The Coca-Cola Company Common Stock", "NYSE", 71, 90, 15),
    stock("PEP", "PepsiCo, Inc. Common Stock", "NASDAQ", 146, 105, 7),
    stock("DIS", "The Walt Disney Company Common Stock", "NYSE", 107, 150, 9),
    stock("NKE", "NIKE, Inc. Class B Common Stock", "NYSE", 64, 190, 12),
    stock("BA", "The Boeing Company Common Stock", "NYSE", 190, 210, 8),
    stock("CAT", "Caterpillar Inc. Common Stock", "NYSE", 560, 180, 3),
    stock("GE", "GE Aerospace Common Stock", "NYSE", 300, 180, 5),
    stock("F", "Ford Motor Company Common Stock", "NYSE", 13, 200, 65),
    stock("GM", "General Motors Company Common Stock", "NYSE", 70, 200, 9),
    stock("T", "AT&T Inc. Common Stock", "NYSE", 26, 120, 36),
    stock("VZ", "Verizon Communications Inc. Common Stock", "NYSE", 41, 110, 20),
    stock("RIVN", "Rivian Automotive, Inc. Class A Common Stock", "NASDAQ", 15, 380, 40),
    stock("NIO", "NIO Inc. American Depositary Shares", "NYSE", 6, 400, 50),
    hard_to_borrow(stock("GME", "GameStop Corp. Class A Common Stock", "NYSE", 22, 380, 9)),
    hard_to_borrow(stock("AMC", "AMC Entertainment Holdings, Inc. Class A", "NYSE", 8, 450, 18)),
];

#[rustfmt::skip]
pub(super) static CRYPTO: [Pair; 29] = [
    pair("BTC/USD", "Bitcoin / US Dollar", 90_000_000_000_000, 270, 400, 10_000_000, 12_000),
    pair("ETH/USD", "Ethereum / US Dollar", 3_000_000_000_000, 380, 4000, 10_000_000, 400_000),
    pair("SOL/USD", "Solana / US Dollar", 140_000_000_000, 450, 40_000, 1_000_000, 8_000_000),
    pair("LTC/USD", "Litecoin / US Dollar", 90_000_000_000, 380, 20_000, 1_000_000, 12_000_000),
    pair("BCH/USD", "Bitcoin Cash / US Dollar", 520_000_000_000, 400, 2000, 10_000_000, 2_000_000),
    pair("AVAX/USD", "Avalanche / US Dollar", 14_000_000_000, 480, 80_000, 1_000_000, 80_000_000),
    pair("LINK/USD", "Chainlink / US Dollar", 13_000_000_000, 460, 90_000, 1_000_000, 80_000_000),
    pair("UNI/USD", "Uniswap / US Dollar", 7_000_000_000, 480, 60_000, 1_000_000, 150_000_000),
    pair("AAVE/USD", "Aave / US Dollar", 175_000_000_000, 480, 2500, 10_000_000, 6_000_000),
    pair("DOT/USD", "Polkadot / US Dollar", 2_500_000_000, 460, 150_000, 100_000, 400_000_000),
    pair("DOGE/USD", "Dogecoin / US Dollar", 150_000_000, 500, 9_000_000, 1000, 7_000_000_000),
    pair("SHIB/USD", "Shiba Inu / US Dollar", 8500, 520, 400_000_000, 1, 120_000_000_000_000),
    pair("XRP/USD", "XRP / US Dollar", 2_100_000_000, 430, 900_000, 100_000, 500_000_000),
    pair("GRT/USD", "The Graph / US Dollar", 60_000_000, 500, 900_000, 1000, 17_000_000_000),
    pair("CRV/USD", "Curve DAO / US Dollar", 450_000_000, 520, 200_000, 100_000, 2_300_000_000),
    pair("MKR/USD", "Maker / US Dollar", 1_400_000_000_000, 430, 60, 100_000_000, 700_000),
    pair("SUSHI/USD", "SushiSwap / US Dollar", 400_000_000, 520, 100_000, 100_000, 2_500_000_000),
    pair("XTZ/USD", "Tezos / US Dollar", 500_000_000, 430, 120_000, 100_000, 2_000_000_000),
    pair("YFI/USD", "yearn.finance / US Dollar", 4_200_000_000_000, 440, 12, 1_000_000_000, 250_000),
    pair("BAT/USD", "Basic Attention Token / US Dollar", 200_000_000, 450, 150_000, 10_000, 5_000_000_000),
    pair("USDT/USD", "Tether / US Dollar", 1_000_000_000, 3, 2_000_000, 100_000, 1_000_000_000),
    pair("USDC/USD", "USD Coin / US Dollar", 1_000_000_000, 2, 2_500_000, 100_000, 1_000_000_000),
    cross(pair("ETH/BTC", "Ethereum / Bitcoin", 0, 200, 60, 100, 400_000), "ETH/USD", "BTC/USD"),
    cross(pair("LTC/BTC", "Litecoin / Bitcoin", 0, 250, 500, 100, 12_000_000), "LTC/USD", "BTC/USD"),
    cross(pair("BCH/BTC", "Bitcoin Cash / Bitcoin", 0, 250, 80, 100, 2_000_000), "BCH/USD", "BTC/USD"),
    cross(pair("BTC/USDT", "Bitcoin / Tether", 0, 270, 60, 10_000_000, 12_000), "BTC/USD", "USDT/USD"),
    cross(pair("ETH/USDT", "Ethereum / Tether", 0, 380, 600, 10_000_000, 400_000), "ETH/USD", "USDT/USD"),
    cross(pair("BTC/USDC", "Bitcoin / USD Coin", 0, 270, 50, 10_000_000, 12_000), "BTC/USD", "USDC/USD"),
    cross(pair("ETH/USDC", "Ethereum / USD Coin", 0, 380, 500, 10_000_000, 400_000), "ETH/USD", "USDC/USD"),
];
