//! Which pieces are fetched, and which of those that are there they replace.

use jiff::civil::Date;
use paddock_paper::market::Timeframe;

/// The dates that one file has the bars of, both included, in one month of minutes or one year of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    pub first: Date,
    pub last: Date,
}

impl Piece {
    /// Reads `2024-01-01_2024-01-31`.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('_')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(Self { first, last })
    }

    /// Whether all of `other` is in it.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

/// The end of the month or the year that the date is in.
fn period_end(date: Date, timeframe: Timeframe) -> Date {
    if timeframe == Timeframe::DAY { date.last_of_year() } else { date.last_of_month() }
}

/// What to fetch so that the folder has everything from `start` to `end`, each with the pieces that it replaces. There is one piece
/// for each month or year, so that no bar is there twice: one that is too short is fetched again, longer.
pub(super) fn plan(
    there: &[Piece],
    timeframe: Timeframe,
    start: Date,
    end: Date,
) -> Vec<(Piece, Vec<Piece>)> {
    let mut steps = Vec::new();
    let mut first = start;
    while first <= end {
        let period = period_end(first, timeframe);
        let wanted = Piece { first, last: period.min(end) };
        let old: Vec<Piece> =
            there.iter().copied().filter(|piece| period_end(piece.first, timeframe) == period).collect();
        if !old.iter().any(|piece| piece.covers(wanted)) {
            let first = old.iter().map(|piece| piece.first).fold(wanted.first, Date::min);
            let last = old.iter().map(|piece| piece.last).fold(wanted.last, Date::max);
            steps.push((Piece { first, last }, old));
        }
        let Ok(next) = period.tomorrow() else { break };
        first = next;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&str]) -> Vec<Piece> {
        texts.iter().map(|text| Piece::parse(text).unwrap()).collect()
    }

    fn planned(there: &[&str], timeframe: Timeframe, start: &str, end: &str) -> Vec<String> {
        let steps = plan(&pieces(there), timeframe, start.parse().unwrap(), end.parse().unwrap());
        steps.iter().map(|(piece, old)| format!("{piece} for {}", old.len())).collect()
    }

    #[test]
    fn a_piece_is_a_month_of_minutes_or_a_year_of_days() {
        assert_eq!(
            planned(&[], Timeframe::MINUTE, "2024-01-30", "2024-03-02"),
            ["2024-01-30_2024-01-31 for 0", "2024-02-01_2024-02-29 for 0", "2024-03-01_2024-03-02 for 0",]
        );
        assert_eq!(
            planned(&[], Timeframe::DAY, "2023-06-30", "2024-03-02"),
            ["2023-06-30_2023-12-31 for 0", "2024-01-01_2024-03-02 for 0",]
        );
    }

    #[test]
    fn what_is_there_is_not_fetched_again() {
        let there = ["2024-01-01_2024-01-31", "2024-02-01_2024-02-29"];
        assert!(planned(&there, Timeframe::MINUTE, "2024-01-05", "2024-02-29").is_empty());
        assert_eq!(
            planned(&there, Timeframe::MINUTE, "2024-01-05", "2024-03-01"),
            ["2024-03-01_2024-03-01 for 0"]
        );
    }

    #[test]
    fn a_piece_that_is_too_short_is_replaced_by_one_without_a_gap() {
        assert_eq!(
            planned(&["2024-01-01_2024-01-10"], Timeframe::MINUTE, "2024-01-20", "2024-01-25"),
            ["2024-01-01_2024-01-25 for 1"]
        );
    }
}
