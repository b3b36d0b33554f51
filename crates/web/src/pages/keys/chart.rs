//! The use of a key by day, as a drawing that needs no script.

use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::api::keys::usage::DayView;
use crate::pages::text::grouped;

/// How many days are drawn.
pub(super) const DAYS: i32 = 30;

/// One day's column is so wide, with its gap.
const SLOT: u64 = 20;
const BAR: u64 = 14;
/// The drawing's height, and where its columns stand.
const HEIGHT: u64 = 150;
const BASE: u64 = 128;
const TOP: u64 = 12;
/// Room for the numbers at its left.
const LEFT: u64 = 44;
/// Room for the last date at its right.
const RIGHT: u64 = 18;

/// A drawing of the last 30 days.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) left: u64,
    pub(super) base: u64,
    pub(super) top: u64,
    /// The most of one day, as its line is named.
    pub(super) most: String,
    pub(super) columns: Vec<Column>,
    pub(super) dates: Vec<Label>,
    /// For who does not see it.
    pub(super) words: String,
}

/// One day.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) day: String,
    /// What is shown when it is pointed at.
    pub(super) title: String,
    pub(super) parts: Vec<Part>,
    pub(super) requests: String,
    pub(super) reads: String,
    pub(super) orders: String,
    pub(super) refused: String,
    pub(super) failed: String,
}

/// One kind of requests of a day.
#[derive(Debug)]
pub(super) struct Part {
    /// The class that gives its colour.
    pub(super) class: &'static str,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

#[derive(Debug)]
pub(super) struct Label {
    pub(super) x: u64,
    pub(super) text: String,
}

/// Draws the days up to `today`; nothing when there was no use on any of them.
pub(super) fn of(days: &[DayView], today: Date) -> Option<Chart> {
    let most = days.iter().map(|day| day.requests).max().filter(|most| *most > 0)?;
    let mut columns = Vec::new();
    let mut dates = Vec::new();
    let mut x = LEFT;
    for back in (0..DAYS).rev() {
        let date = today.checked_sub(i64::from(back).days()).ok()?;
        let day = days.iter().find(|day| day.day == date);
        columns.push(column(date, day, x, most));
        if back % 7 == 0 {
            dates.push(Label { x: x + BAR / 2, text: date.strftime("%-d %b").to_string() });
        }
        x += SLOT;
    }
    let sum: u64 = days.iter().map(|day| day.requests).sum();
    let refused: u64 = days.iter().flat_map(|day| day.refused.values()).sum();
    let words = format!(
        "Requests on each of the last {DAYS} days: {} in all, {} of them refused; the most on one day were {}",
        grouped(sum),
        grouped(refused),
        grouped(most)
    );
    Some(Chart {
        width: x + RIGHT,
        height: HEIGHT,
        left: LEFT,
        base: BASE,
        top: TOP,
        most: grouped(most),
        columns,
        dates,
        words,
    })
}

fn column(date: Date, day: Option<&DayView>, x: u64, most: u64) -> Column {
    let refused = day.map_or(0, |day| day.refused.values().sum());
    let count = |of: fn(&DayView) -> u64| day.map_or(0, of);
    let (requests, reads, orders, failed) =
        (count(|day| day.requests), count(|day| day.reads), count(|day| day.orders), count(|day| day.failed));
    let others = requests.saturating_sub(reads + orders + failed + refused);
    let mut title = format!("{}: {} requests", date.strftime("%A, %-d %B"), grouped(requests));
    let kinds =
        [("orders", orders), ("reads", reads), ("others", others), ("failed", failed), ("refused", refused)];
    let mut parts = Vec::new();
    let mut foot = BASE;
    for (class, count) in kinds.into_iter().filter(|(_, count)| *count > 0) {
        _ = write!(title, ", {} {class}", grouped(count));
        // What happened at all is seen.
        let height = (count * (BASE - TOP) / most).max(1);
        foot = foot.saturating_sub(height);
        parts.push(Part { class, x, y: foot, width: BAR, height });
    }
    Column {
        day: date.strftime("%a %-d %b").to_string(),
        title,
        parts,
        requests: grouped(requests),
        reads: grouped(reads),
        orders: grouped(orders),
        refused: grouped(refused),
        failed: grouped(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, requests: u64, orders: u64, refused: u64) -> DayView {
        DayView {
            day: day.parse().unwrap(),
            requests,
            reads: requests - orders - refused,
            orders,
            failed: 0,
            busiest_minute: 1,
            refused: [("symbol_not_allowed".to_owned(), refused)].into(),
        }
    }

    #[test]
    fn each_day_has_a_column_and_the_busiest_reaches_the_top() {
        let today = "2026-11-23".parse().unwrap();
        let chart = of(&[day("2026-11-23", 100, 20, 10), day("2026-11-20", 1, 0, 0)], today).unwrap();
        assert_eq!(chart.columns.len(), 30);
        let last = chart.columns.last().unwrap();
        assert_eq!(last.title, "Monday, 23 November: 100 requests, 20 orders, 70 reads, 10 refused");
        let heights: u64 = last.parts.iter().map(|part| part.height).sum();
        assert!((BASE - TOP - 3..=BASE - TOP).contains(&heights), "{heights}");
        assert_eq!(chart.columns[26].parts[0].height, 1, "a single request is seen");
        assert!(chart.columns[0].parts.is_empty());
        assert!(chart.words.contains("101 in all, 10 of them refused"), "{}", chart.words);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert!(of(&[], "2026-11-23".parse().unwrap()).is_none());
    }
}
