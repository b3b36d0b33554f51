//! `GET /v2/calendar`.

use jiff::civil::{Date, Time, date, time};
use paddock_core::calendar::{Session, add_sessions, new_york};
use serde::{Deserialize, Serialize};

/// One day on which the market is open. Times are New York's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarDay {
    /// The date.
    pub date: Date,
    /// Opening of the regular session, written `09:30`.
    #[serde(with = "with_colon")]
    pub open: Time,
    /// Close of the regular session, written `16:00`.
    #[serde(with = "with_colon")]
    pub close: Time,
    /// Start of extended hours, written `0400`.
    #[serde(with = "without_colon")]
    pub session_open: Time,
    /// End of extended hours, written `2000`; four hours after the close.
    #[serde(with = "without_colon")]
    pub session_close: Time,
    /// When trades of this day settle.
    pub settlement_date: Date,
}

impl CalendarDay {
    /// The day of a session of the market's calendar.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        let local = |at: jiff::Timestamp| new_york().to_datetime(at).time();
        let session_close = if session.early_close { time(17, 0, 0, 0) } else { time(20, 0, 0, 0) };
        Self {
            date: session.date,
            open: local(session.open),
            close: local(session.close),
            session_open: time(4, 0, 0, 0),
            session_close,
            settlement_date: add_sessions(session.date, settlement_sessions(session.date)).date,
        }
    }
}

/// Sessions until a trade settles: 3 until 2017-09-04, 2 until 2024-05-27, then 1 (SEC Rule 15c6-1 as it was amended). The two
/// bank holidays on which the market is open are not left out.
fn settlement_sessions(traded: Date) -> i32 {
    if traded >= date(2024, 5, 28) {
        1
    } else if traded >= date(2017, 9, 5) {
        2
    } else {
        3
    }
}

mod with_colon {
    use jiff::civil::Time;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(at: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:02}:{:02}", at.hour(), at.minute()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        super::read(&String::deserialize(deserializer)?)
    }
}

mod without_colon {
    use jiff::civil::Time;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(at: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:02}{:02}", at.hour(), at.minute()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        super::read(&String::deserialize(deserializer)?)
    }
}

/// Reads `0930` or `09:30`.
fn read<E: serde::de::Error>(text: &str) -> Result<Time, E> {
    let digits = text.replace(':', "");
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i8>().ok());
    match (digits.len(), number(0..2), number(2..4)) {
        (4, Some(hour), Some(minute)) => Time::new(hour, minute, 0, 0).map_err(E::custom),
        _ => Err(E::custom("not a time of day")),
    }
}

#[cfg(test)]
mod tests {
    use paddock_core::calendar::session_on;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        date(2026, 11, 27),
        r#"{"date":"2026-11-27","open":"09:30","close":"13:00","session_open":"0400","session_close":"1700","settlement_date":"2026-11-30"}"#
    )]
    #[case(
        date(2026, 6, 24),
        r#"{"date":"2026-06-24","open":"09:30","close":"16:00","session_open":"0400","session_close":"2000","settlement_date":"2026-06-25"}"#
    )]
    fn days_are_written_as_alpaca_does(#[case] date: Date, #[case] json: &str) {
        let day = CalendarDay::of(&session_on(date).unwrap());
        assert_eq!(serde_json::to_string(&day).unwrap(), json);
        assert_eq!(serde_json::from_str::<CalendarDay>(json).unwrap(), day);
    }

    #[rstest]
    #[case(date(2024, 5, 24), date(2024, 5, 29))]
    #[case(date(2024, 5, 28), date(2024, 5, 29))]
    fn settlement_became_faster(#[case] traded: Date, #[case] settled: Date) {
        assert_eq!(CalendarDay::of(&session_on(traded).unwrap()).settlement_date, settled);
    }
}
