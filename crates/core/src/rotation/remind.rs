//! When somebody is reminded that a pair is due.

use jiff::{SignedDuration, Timestamp};

use crate::words;

words! {
    /// How near the day is on which a pair is due. Each is told once.
    Nearness {
        /// In two weeks or less.
        Fortnight = "14_days",
        /// In a week or less.
        Week = "7_days",
        /// In a day or less.
        Day = "1_day",
        /// It was due.
        Overdue = "overdue",
    }
}

impl Nearness {
    /// How near a day is now, for a pair that is replaced every so many days; `None` while it is far. A pair that is replaced every week is not
    /// near when it is new.
    #[must_use]
    pub fn of(due_at: Timestamp, every: u32, now: Timestamp) -> Option<Self> {
        let left = due_at.duration_since(now);
        if left <= SignedDuration::ZERO {
            return Some(Self::Overdue);
        }
        let within = |days: u32| every > days && left <= SignedDuration::from_hours(24 * i64::from(days));
        [(1, Self::Day), (7, Self::Week), (14, Self::Fortnight)]
            .into_iter()
            .find_map(|(days, near)| within(days).then_some(near))
    }
}

/// Whole days until something is due, and of a day that has begun the whole; negative when it was due.
#[must_use]
pub fn days_left(due_at: Timestamp, now: Timestamp) -> i64 {
    let seconds = due_at.duration_since(now).as_secs();
    seconds.div_euclid(86_400).saturating_add(i64::from(seconds.rem_euclid(86_400) > 0))
}

/// So many days from now, in words: `in 7 days`, `within a day`, `now`.
#[must_use]
pub fn due_words(days_left: i64) -> String {
    match days_left {
        ..=0 => "now".to_owned(),
        1 => "within a day".to_owned(),
        days => format!("in {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::far(180, 15 * 24, None, 15, "in 15 days")]
    #[case::two_weeks(180, 14 * 24, Some(Nearness::Fortnight), 14, "in 14 days")]
    #[case::between(180, 7 * 24 + 1, Some(Nearness::Fortnight), 8, "in 8 days")]
    #[case::a_week(90, 7 * 24, Some(Nearness::Week), 7, "in 7 days")]
    #[case::a_day(90, 24, Some(Nearness::Day), 1, "within a day")]
    #[case::an_hour(90, 1, Some(Nearness::Day), 1, "within a day")]
    #[case::now(90, 0, Some(Nearness::Overdue), 0, "now")]
    #[case::over(90, -30, Some(Nearness::Overdue), -1, "now")]
    #[case::long_over(90, -100 * 24, Some(Nearness::Overdue), -100, "now")]
    #[case::a_new_pair_of_every_week(7, 7 * 24, None, 7, "in 7 days")]
    #[case::a_new_pair_of_every_ten_days(10, 10 * 24, None, 10, "in 10 days")]
    #[case::which_nears(10, 6 * 24, Some(Nearness::Week), 6, "in 6 days")]
    #[case::a_new_pair_of_every_day(1, 24, None, 1, "within a day")]
    fn a_day_comes_nearer(
        #[case] every: u32,
        #[case] hours: i64,
        #[case] near: Option<Nearness>,
        #[case] days: i64,
        #[case] words: &str,
    ) {
        let now: Timestamp = "2026-11-27T15:00:00Z".parse().unwrap();
        let due_at = now + SignedDuration::from_hours(hours);
        let seen =
            (Nearness::of(due_at, every, now), days_left(due_at, now), due_words(days_left(due_at, now)));
        assert_eq!(seen, (near, days, words.to_owned()));
    }
}
