//! Files of a user's own bars: either refused with a reason, or bars that hang together.
//!
//! The first byte of an input chooses the file's name; the rest is the file.

use std::cell::OnceCell;
use std::fs;

use paddock_paper::DateLaying;
use paddock_paper::market::{Bar, Market, MarketOptions, OwnBars, Sort, Timeframe, Window};
use tempfile::TempDir;

const NAMES: [&str; 6] = [
    "AAPL.1Min.csv",
    "AAPL.1Day.csv",
    "BTC-USD.1Min.csv",
    "all.1Min.csv",
    "AAPL.1Min.json",
    "any.1Day.ndjson",
];

/// Of so many bars each length is looked at: expanding a day into minutes takes its time.
const BARS: usize = 8;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Checks an input.
pub fn check(data: &[u8]) {
    let Some((&choice, content)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(choice) % NAMES.len()];
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().unwrap()).path();
        let file = folder.join(name);
        fs::write(&file, content).unwrap();
        let (read, again) = (OwnBars::load(folder), OwnBars::load(folder));
        fs::remove_file(&file).unwrap();
        match (read, again) {
            (Ok(bars), Ok(again)) => {
                assert_eq!(bars.digest(), again.digest());
                hang_together(bars);
            }
            (Err(error), Err(again)) => {
                let told = error.to_string();
                assert!(told.contains(name) || told.contains(&*folder.to_string_lossy()), "{told}");
                assert_eq!(told, again.to_string());
            }
            _ => panic!("the same file is read in two ways"),
        }
    });
}

fn hang_together(own: OwnBars) {
    let options = MarketOptions { seed: 1, laying: DateLaying::OntoToday, hold_open: false };
    let market = Market::with_bars(options, Some(own.clone()));
    let now = "2030-01-01T00:00:00Z".parse().unwrap();
    let always = Window { from: "1990-01-01T00:00:00Z".parse().unwrap(), to: now, now };
    assert!(own.count() > 0);
    for symbol in own.symbols().take(2) {
        for timeframe in [Timeframe::DAY, Timeframe::MINUTE] {
            for sort in [Sort::Ascending, Sort::Descending] {
                for bar in market.bars(symbol, timeframe, always, sort).take(BARS) {
                    is_whole(&bar);
                }
            }
        }
    }
}

fn is_whole(bar: &Bar) {
    assert!(bar.low <= bar.open && bar.open <= bar.high, "{bar:?}");
    assert!(bar.low <= bar.close && bar.close <= bar.high, "{bar:?}");
    assert!(bar.low.is_sign_positive() && !bar.low.is_zero(), "{bar:?}");
    assert!(!bar.volume.is_sign_negative(), "{bar:?}");
}
