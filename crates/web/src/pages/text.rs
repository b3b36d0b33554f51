//! Numbers and times as people read them.

use jiff::{SignedDuration, Timestamp};
use paddock_core::decide::{Passage, Passing};
use paddock_core::money::format_usd;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// An instant on the page: what is shown without scripts, and what a script turns into the visitor's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For machines, UTC.
    pub(crate) iso: String,
    /// For people.
    pub(crate) shown: String,
    /// In full, UTC.
    pub(crate) full: String,
}

impl Moment {
    /// How long ago it was.
    pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Self {
        Self::new(at, ago(at, now))
    }

    /// The date.
    pub(crate) fn day(at: Timestamp) -> Self {
        Self::new(at, at.strftime("%-d %b %Y").to_string())
    }

    /// The time of day, with the date if that was not within the last 12 hours.
    pub(crate) fn clock(at: Timestamp, now: Timestamp) -> Self {
        let near = now.duration_since(at).abs() < SignedDuration::from_hours(12);
        let format = if near { "%H:%M:%S" } else { "%-d %b %H:%M" };
        Self::new(at, at.strftime(format).to_string())
    }

    /// How far off it is, for what ends.
    pub(crate) fn left(at: Timestamp, now: Timestamp) -> Self {
        Self::new(at, left(at, now))
    }

    /// Date and time.
    pub(crate) fn full(at: Timestamp) -> Self {
        Self::new(at, at.strftime("%-d %b %Y, %H:%M:%S").to_string())
    }

    fn new(at: Timestamp, shown: String) -> Self {
        let iso = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self { iso, shown, full: at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string() }
    }
}

/// `just now`, `42 s ago`, `5 min ago`, `3 h ago`, `2 days ago`, then the date. `live.js` counts in the same words.
fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        ..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_592_000 => format!("{} days ago", seconds / 86_400),
        _ => at.strftime("%-d %b %Y").to_string(),
    }
}

/// What passes a freeze, as a clause.
pub(crate) fn passing_words(passing: Passing) -> String {
    let passes: Vec<&str> = Vec::from(passing).into_iter().map(Passage::as_str).collect();
    match passes.as_slice() {
        [] => "nothing passes".to_owned(),
        [one] => format!("only {one} pass"),
        [most @ .., last] => format!("only {} and {last} pass", most.join(", ")),
    }
}

/// A clause of a problem as a sentence in HTML: with a capital, a full stop, and what stands in backticks as code.
pub(crate) fn prose(clause: &str) -> String {
    let mut html = String::with_capacity(clause.len() + 16);
    for (index, piece) in clause.split('`').enumerate() {
        let escaped: String = piece.chars().map(escape).collect();
        if index % 2 == 0 {
            html.push_str(&escaped);
        } else {
            html.push_str("<code>");
            html.push_str(&escaped);
            html.push_str("</code>");
        }
    }
    let mut letters = html.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let ended = clause.ends_with(['.', '?', ':']);
    format!("{first}{}{}", letters.as_str(), if ended || clause.is_empty() { "" } else { "." })
}

fn escape(letter: char) -> String {
    match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        other => other.to_string(),
    }
}

/// `in 42 s`, `in 5 min`, `in 3 h`, `in 2 days`, then the date; `now` when it is over. `times.js` counts in the same words.
fn left(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.duration_since(now).as_secs();
    match seconds {
        ..=0 => "now".to_owned(),
        1..60 => format!("in {seconds} s"),
        60..3600 => format!("in {} min", seconds / 60),
        3600..86_400 => format!("in {} h", seconds / 3600),
        86_400..2_592_000 => format!("in {} days", seconds / 86_400),
        _ => at.strftime("%-d %b %Y").to_string(),
    }
}

/// `412 µs`, `8.3 ms`, `124 ms`, `1.24 s`: three figures at most.
pub(crate) fn latency(micros: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", micros / unit, micros % unit / (unit / 10));
    match micros {
        ..1000 => format!("{micros} µs"),
        1000..100_000 => format!("{} ms", tenths(1000)),
        100_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{} s", tenths(1_000_000)),
    }
}

/// `$1,000.00`: an amount of money, cents always. A cap in a sentence has none where it needs none: see `Scope::describe`.
pub(crate) fn dollars(amount: Decimal) -> String {
    format!("${}", format_usd(amount.round_dp(2)))
}

/// How many figures a price below a cent is told with.
const FIGURES: u32 = 4;

/// A price: cents, below a dollar six decimals, as small stocks have, and below a cent four figures, wherever those begin.
pub(crate) fn price(price: Decimal) -> String {
    let size = price.abs();
    let rounded = if size >= Decimal::ONE {
        price.round_dp(2)
    } else if size >= Decimal::new(1, 2) {
        price.round_dp(6)
    } else {
        price.round_sf(FIGURES).unwrap_or(price)
    };
    format!("${}", format_usd(rounded))
}

/// Thousands parted by commas.
pub(crate) fn grouped(count: u64) -> String {
    let text = format_usd(Decimal::from(count));
    text.trim_end_matches(".00").to_owned()
}

/// A text as it stands in the query of an address.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// How much of a cap is used, in whole percent from 0 to 100, rounded down; anything at all is at least 1.
pub(crate) fn percent(used: Decimal, cap: Decimal) -> u8 {
    if used <= Decimal::ZERO {
        return 0;
    }
    let share = used.checked_mul(Decimal::ONE_HUNDRED).and_then(|hundredfold| hundredfold.checked_div(cap));
    share.and_then(|share| share.trunc().to_u8()).unwrap_or(100).clamp(1, 100)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "just now")]
    #[case(-5, "just now")]
    #[case(42, "42 s ago")]
    #[case(3599, "59 min ago")]
    #[case(86_399, "23 h ago")]
    #[case(100_000, "yesterday")]
    #[case(864_000, "10 days ago")]
    #[case(8_640_000, "13 Aug 2026")]
    fn times_ago(#[case] seconds: i64, #[case] expected: &str) {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(ago(now - SignedDuration::from_secs(seconds), now), expected);
    }

    #[rstest]
    #[case(412, "412 µs")]
    #[case(8345, "8.3 ms")]
    #[case(124_999, "124 ms")]
    #[case(1_245_000, "1.2 s")]
    fn latencies(#[case] micros: u64, #[case] expected: &str) {
        assert_eq!(latency(micros), expected);
    }

    #[rstest]
    #[case("0", "1000", 0)]
    #[case("0.01", "1000", 1)]
    #[case("310", "1000", 31)]
    #[case("999.99", "1000", 99)]
    #[case("1000", "1000", 100)]
    #[case("99999", "1", 100)]
    #[case("1", "0", 100)]
    fn shares_of_caps(#[case] used: &str, #[case] cap: &str, #[case] expected: u8) {
        assert_eq!(percent(used.parse().unwrap(), cap.parse().unwrap()), expected);
    }

    #[rstest]
    #[case("it is `a<b>` & more", "It is <code>a&lt;b&gt;</code> &amp; more.")]
    #[case("<script>", "&lt;script&gt;.")]
    #[case("`x` is taken", "<code>x</code> is taken.")]
    #[case("one ` only", "One <code> only</code>.")]
    fn clauses_become_sentences(#[case] clause: &str, #[case] expected: &str) {
        assert_eq!(prose(clause), expected);
    }

    #[rstest]
    #[case("nothing", "nothing passes")]
    #[case("cancels", "only cancels pass")]
    #[case("reads,cancels,closes", "only reads, cancels and closes pass")]
    fn what_passes(#[case] words: &str, #[case] expected: &str) {
        assert_eq!(passing_words(words.parse().unwrap()), expected);
    }

    #[rstest]
    #[case("590.334052", "$590.33")]
    #[case("98765.4321", "$98,765.43")]
    #[case("1", "$1.00")]
    #[case("0.5", "$0.50")]
    #[case("0.0123", "$0.0123")]
    #[case("0.12345678", "$0.123457")]
    #[case("0.0000421", "$0.0000421")]
    #[case("0.00000812", "$0.00000812")]
    #[case("0.000000123456", "$0.0000001235")]
    #[case("0", "$0.00")]
    fn prices_of_stocks_and_of_coins(#[case] amount: &str, #[case] expected: &str) {
        assert_eq!(price(amount.parse().unwrap()), expected);
    }

    #[test]
    fn amounts() {
        assert_eq!(dollars("1000".parse().unwrap()), "$1,000.00");
        assert_eq!(dollars("99.5".parse().unwrap()), "$99.50");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
