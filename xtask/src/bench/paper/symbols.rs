//! How much memory 10,000 symbols with a day of minutes each take.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::super::measure;
use super::broker::{Account, Broker};

/// How many symbols there are.
const SYMBOLS: usize = 10_000;
/// The minutes of a whole session.
const MINUTES: usize = 390;
/// The session's day, and its opening as minutes of a day, UTC.
const DAY: &str = "2026-06-24";
const OPENING: usize = 13 * 60 + 30;

/// What was found.
pub(super) struct Many {
    pub(super) bars: usize,
    /// From the process to the first answer, reading the file included.
    pub(super) start: Duration,
    /// Resident bytes after the start, and after the day of every symbol was looked at.
    pub(super) idle: u64,
    pub(super) used: u64,
}

/// Starts a broker with bars of that many symbols and looks at all of them.
pub(super) fn measured(binary: &Path, directory: &Path) -> Result<Many> {
    let folder = directory.join("bars");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    write_bars(&folder.join("all.1Min.csv"))?;
    let began = Instant::now();
    let bars = folder.display().to_string();
    let broker = Broker::start(binary, &["--bars", &bars, "--start", &format!("{DAY}T19:59:30Z")])?;
    let start = began.elapsed();
    let idle = measure::resident_memory(broker.process_id())?;
    // The most active symbols are found by looking at the day of each.
    get(&broker, "/v1beta1/screener/stocks/most-actives?top=100")?;
    let used = measure::resident_memory(broker.process_id())?;
    drop(broker);
    fs::remove_dir_all(&folder)?;
    Ok(Many { bars: SYMBOLS * MINUTES, start, idle, used })
}

/// Prices in whole cents that differ from symbol to symbol and from minute to minute.
fn write_bars(path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "symbol,timestamp,open,high,low,close,volume")?;
    for number in 0..SYMBOLS {
        let letters = [17_576, 676, 26, 1]
            .map(|weight| char::from(b'A' + u8::try_from(number / weight % 26).unwrap_or(0)));
        let symbol: String = letters.iter().collect();
        for minute in 0..MINUTES {
            let at = OPENING + minute;
            let cents = 2_000 + number + (minute * 7 + number) % 40;
            let price = |cents: usize| format!("{}.{:02}", cents / 100, cents % 100);
            writeln!(
                file,
                "{symbol},{DAY}T{:02}:{:02}:00Z,{},{},{},{},{}",
                at / 60,
                at % 60,
                price(cents),
                price(cents + 9),
                price(cents - 9),
                price(cents + 3),
                1_000 + (number * 31 + minute * 17) % 5_000
            )?;
        }
    }
    Ok(file.flush()?)
}

fn get(broker: &Broker, path: &str) -> Result<()> {
    let Account { key_id, secret_key } = broker.open_account()?;
    let mut stream = TcpStream::connect(broker.address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {}\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret_key}\r\nConnection: close\r\n\r\n",
        broker.address
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.starts_with("HTTP/1.1 200") {
        bail!("the broker answered {path} with {answer}");
    }
    Ok(())
}
