//! How long a year of minute bars takes: `cargo run --release -p paddock-paper --example replay [FOLDER]`.
//!
//! Without a folder, a year of 10 symbols is written to a temporary one first, which is not measured. Measured is all that a
//! start and a replay do: reading and checking the files, then stepping a broker through every minute of every session, with
//! resting orders, while each symbol's quote and the bar of the minute are read.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for people, not part of the product"
)]

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use paddock_core::order::{Amount, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::{Environment, Symbol, calendar};
use paddock_paper::broker::{Broker, Command};
use paddock_paper::keys::KeptKey;
use paddock_paper::market::{Bar, DateLaying, Market, MarketOptions, OwnBars, Sort, Timeframe, Window};
use rust_decimal::Decimal;
use uuid::Uuid;

const SYMBOLS: [&str; 10] = ["AAPL", "MSFT", "TSLA", "NVDA", "SPY", "QQQ", "AMZN", "META", "AMD", "JPM"];

fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = match std::env::args().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => {
            write_year(temporary.path())?;
            temporary.path().to_owned()
        }
    };

    let started = Instant::now();
    let bars = OwnBars::load(&folder)?;
    let loaded = started.elapsed();
    let count = bars.count();
    let symbols: Vec<Symbol> = bars.symbols().cloned().collect();
    let market = Arc::new(Market::with_bars(options(), Some(bars)));
    let whole = Window { from: Timestamp::MIN, to: Timestamp::MAX, now: Timestamp::MAX };
    let first = market
        .bars(&symbols[0], Timeframe::DAY, whole, Sort::Ascending)
        .next()
        .map_or(Timestamp::MIN, |bar| bar.at);

    let started = Instant::now();
    let (steps, filled) = replay(&market, &symbols, calendar::trading_date(first));
    let replayed = started.elapsed();
    let seconds = |duration: Duration| format!("{}.{:03} s", duration.as_secs(), duration.subsec_millis());
    println!("{count} bars of {} symbols: loaded in {}, ", symbols.len(), seconds(loaded));
    println!("replayed in {} ({steps} steps, {filled} orders filled), ", seconds(replayed));
    println!("together {}", seconds(loaded + replayed));
    Ok(())
}

fn options() -> MarketOptions {
    MarketOptions { seed: 1, laying: DateLaying::OntoToday, hold_open: false }
}

/// Steps a broker through a year, a minute at a time. Every fifth day each symbol gets a limit order and a stop order near the
/// price; they rest until they are filled, or expire.
fn replay(market: &Arc<Market>, symbols: &[Symbol], first: jiff::civil::Date) -> (usize, usize) {
    let last = first.saturating_add(jiff::Span::new().days(365));
    let sessions: Vec<_> = calendar::sessions_between(first, last).collect();
    let account = Uuid::from_u128(1);
    let mut broker = Broker::new(Arc::clone(market), sessions[0].open);
    let create = Command::CreateAccount {
        account,
        environment: Environment::Paper,
        number: "PA1".to_owned(),
        cash: Decimal::from(10_000_000),
        key: KeptKey { key_id: "PK1".to_owned(), secret_sha256: String::new() },
    };
    broker.apply(sessions[0].open, &create).unwrap();
    let (mut steps, mut ids) = (0, 1000_u128);
    for (number, session) in sessions.iter().enumerate() {
        let mut now = session.open;
        while now < session.close {
            now += SignedDuration::from_mins(1);
            broker.advance(now);
            steps += 1;
            for symbol in symbols {
                let minute = now - SignedDuration::from_mins(1);
                let window = Window { from: minute, to: minute, now };
                let bar = market.bars(symbol, Timeframe::MINUTE, window, Sort::Ascending).next();
                let quote = market.quote(symbol, now);
                if bar.is_none() || quote.is_none() {
                    continue;
                }
                if number % 5 == 0 && now == session.open + SignedDuration::from_mins(1) {
                    let ask = quote.map_or(Decimal::ONE, |quote| quote.ask);
                    for order in orders(symbol, ask) {
                        ids += 1;
                        let request = Box::new(order);
                        let place = Command::PlaceOrder {
                            account,
                            order: Uuid::from_u128(ids),
                            request,
                            intent: None,
                        };
                        // A stop to sell may be refused while nothing is held.
                        let _ = broker.apply(now, &place);
                    }
                }
            }
        }
    }
    let filled = broker
        .account(account)
        .map_or(0, |account| account.orders().filter(|order| !order.filled_quantity.is_zero()).count());
    (steps, filled)
}

fn orders(symbol: &Symbol, price: Decimal) -> [OrderRequest; 2] {
    let part = |percent: i64| (price * Decimal::new(percent, 2)).round_dp(2);
    let order = |side| {
        OrderRequest::market(symbol.clone(), side, TimeInForce::Gtc, Amount::Quantity(Decimal::from(2)))
    };
    [
        OrderRequest { order_type: OrderType::Limit, limit_price: Some(part(97)), ..order(Side::Buy) },
        OrderRequest { order_type: OrderType::Stop, stop_price: Some(part(103)), ..order(Side::Buy) },
    ]
}

/// A year of generated minutes, as `paddock paper import` would write them.
fn write_year(folder: &Path) -> Result<(), Box<dyn Error>> {
    let market = Market::new(options());
    let (from, to) = (date(2024, 1, 2), date(2024, 12, 31));
    let instant =
        |date: jiff::civil::Date| date.to_zoned(calendar::new_york()).map(|zoned| zoned.timestamp());
    let window = Window { from: instant(from)?, to: instant(to)?, now: Timestamp::MAX };
    for text in SYMBOLS {
        let file = std::fs::File::create(folder.join(format!("{text}.1Min.csv.gz")))?;
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        packer.write_all(b"timestamp,open,high,low,close,volume,trade_count,vwap\n")?;
        for bar in market.bars(&Symbol::parse(text)?, Timeframe::MINUTE, window, Sort::Ascending) {
            let Bar { at, open, high, low, close, volume, trade_count, vwap } = bar;
            writeln!(packer, "{at},{open},{high},{low},{close},{volume},{trade_count},{vwap}")?;
        }
        packer.finish()?;
    }
    Ok(())
}
