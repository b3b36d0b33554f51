//! The numbers behind a decision, as a person reads them.

use jiff::Timestamp;
use paddock_core::money::format_usd;
use rust_decimal::Decimal;

use super::text::dollars;

/// The numbers that are amounts of money, and what they are called.
const AMOUNTS: [(&str, &str); 10] = [
    ("notional", "worth"),
    ("max_order_notional", "at most for an order"),
    ("max_daily_notional", "at most for a day"),
    ("notional_today", "used today"),
    ("approval_over", "a person approves more than"),
    ("open_exposure", "at stake now"),
    ("exposure_added", "it would add"),
    ("max_open_exposure", "at most at stake"),
    ("daily_loss", "lost today"),
    ("max_daily_loss", "at most lost in a day"),
];

/// Those that are prices, which may have more decimals than cents.
const PRICES: [&str; 3] = ["market_price", "held_price", "limit_price"];

/// A number's name and value. What is neither money nor an instant stays as it is.
pub(super) fn told(name: &str, value: &str) -> (String, String) {
    let amount = || value.parse::<Decimal>().ok();
    if let Some((_, words)) = AMOUNTS.iter().find(|(known, _)| *known == name) {
        return ((*words).to_owned(), amount().map_or_else(|| value.to_owned(), dollars));
    }
    let shown = if PRICES.contains(&name) {
        amount().map(|price| format!("${}", format_usd(price)))
    } else if name.ends_with("_at") {
        value.parse::<Timestamp>().ok().map(|at| at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string())
    } else {
        None
    };
    (name.replace('_', " "), shown.unwrap_or_else(|| value.to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("max_order_notional", "1000", "at most for an order", "$1,000.00")]
    #[case("notional", "5382.7", "worth", "$5,382.70")]
    #[case("market_price", "0.0123", "market price", "$0.0123")]
    #[case("max_daily_orders", "10", "max daily orders", "10")]
    #[case("allowed", "AAPL, MSFT", "allowed", "AAPL, MSFT")]
    #[case("expires_at", "2026-11-27T20:35:57.111239021Z", "expires at", "27 November 2026, 20:35:57 UTC")]
    #[case("notional", "unknown", "worth", "unknown")]
    fn money_has_cents_and_times_have_words(
        #[case] name: &str,
        #[case] value: &str,
        #[case] label: &str,
        #[case] shown: &str,
    ) {
        assert_eq!(told(name, value), (label.to_owned(), shown.to_owned()));
    }
}
