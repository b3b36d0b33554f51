use std::collections::BTreeMap;

use jiff::civil::datetime;
use proptest::prelude::*;

use super::*;

const TABLE: &str = include_str!("../../calendar/xnys.txt");

/// Every session of the table: date, open and close.
fn table() -> BTreeMap<Date, (Timestamp, Timestamp)> {
    let mut sessions = BTreeMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let [first, last, open, close] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("bad line: {line}")
        };
        let (first, last): (Date, Date) = (first.parse().unwrap(), last.parse().unwrap());
        let utc = |date: Date, time: &str| {
            date.to_datetime(time.parse().unwrap()).to_zoned(TimeZone::UTC).unwrap().timestamp()
        };
        let mut date = first;
        while date <= last {
            if date.weekday().to_monday_one_offset() <= 5 {
                assert!(sessions.insert(date, (utc(date, open), utc(date, close))).is_none());
            }
            date = date.tomorrow().unwrap();
        }
    }
    sessions
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn every_day_equals_exchange_calendars() {
    let table = table();
    let mut index = 0;
    let mut date = FIRST_DATE;
    while date <= LAST_DATE {
        let ours = session_on(date);
        assert_eq!(ours.map(|s| (s.open, s.close)), table.get(&date).copied(), "{date}");
        assert_eq!(session_index(date), index, "{date}");
        if let Some(session) = ours {
            let full = session.close.duration_since(session.open) == jiff::SignedDuration::from_mins(390);
            assert_eq!((session.date, session.early_close), (date, !full));
            index += 1;
        }
        date = date.tomorrow().unwrap();
    }
    assert_eq!(index, i64::try_from(table.len()).unwrap());
    assert!(sessions_between(FIRST_DATE, LAST_DATE).map(|s| s.date).eq(table.into_keys()));
}

#[test]
fn days_that_other_calendars_get_wrong() {
    let closed = [
        "2025-01-09",
        "2018-12-05",
        "2012-10-29",
        "2001-09-11",
        "2021-12-24",
        "2027-06-18",
        "2022-06-20",
        "1994-04-27",
        "2007-01-02",
    ];
    for day in closed {
        assert_eq!(session_on(day.parse().unwrap()), None, "{day}");
    }
    let open = ["2021-12-31", "1997-01-20", "2021-06-18", "2028-01-03", "2027-12-31"];
    for day in open {
        assert!(session_on(day.parse().unwrap()).is_some(), "{day}");
    }
    let early = ["2024-07-03", "2012-07-03", "2002-07-05", "2025-11-28", "2003-12-26"];
    for day in early {
        let session = session_on(day.parse().unwrap()).unwrap();
        assert!(session.early_close, "{day}");
        assert_eq!(new_york().to_datetime(session.close).time(), time(13, 0, 0, 0));
    }
    // The half days before 1993 ended at 14:00.
    assert_eq!(
        new_york().to_datetime(session_on(date(1992, 12, 24)).unwrap().close),
        datetime(1992, 12, 24, 14, 0, 0, 0)
    );
}

#[test]
fn the_edges_of_a_session() {
    // The Friday before daylight saving time begins, and the Monday after.
    let friday = session_on(date(2025, 3, 7)).unwrap();
    assert_eq!((friday.open, friday.close), (at("2025-03-07T14:30:00Z"), at("2025-03-07T21:00:00Z")));
    let monday = next_session_after(friday.date);
    assert_eq!((monday.open, monday.close), (at("2025-03-10T13:30:00Z"), at("2025-03-10T20:00:00Z")));

    let moment = jiff::SignedDuration::from_nanos(1);
    assert!(!is_open(friday.open - moment));
    assert_eq!(session_at(friday.open), Some(friday));
    assert_eq!(session_at(friday.close - moment), Some(friday));
    assert!(!is_open(friday.close));

    assert_eq!(next_open(friday.open - moment), friday.open);
    assert_eq!(next_open(friday.open), monday.open);
    assert_eq!(next_close(friday.open - moment), friday.close);
    assert_eq!(next_close(friday.close - moment), friday.close);
    assert_eq!(next_close(friday.close), monday.close);
    // 23:30 in New York is already the next day in UTC.
    assert_eq!(trading_date(at("2025-03-08T04:30:00Z")), friday.date);
}

#[test]
fn counting_sessions_from_a_day_without_one() {
    let saturday = date(2025, 1, 4);
    assert_eq!(add_sessions(saturday, 0).date, date(2025, 1, 6));
    assert_eq!(add_sessions(saturday, -1).date, date(2025, 1, 3));
    // Over the closure of January 9.
    assert_eq!(add_sessions(date(2025, 1, 8), 1).date, date(2025, 1, 10));
    assert_eq!(session_index(date(2025, 1, 10)) - session_index(date(2025, 1, 8)), 1);
    assert_eq!(previous_session_before(date(2025, 1, 10)).date, date(2025, 1, 8));
    assert_eq!(sessions_between(date(2025, 1, 4), date(2025, 1, 10)).count(), 4);
    assert_eq!(sessions_between(date(2025, 1, 10), date(2025, 1, 4)).count(), 0);
}

#[test]
fn outside_the_supported_years_the_nearest_session_is_returned() {
    assert_eq!(session_on(date(1989, 12, 29)), None);
    assert_eq!(session_on(date(2100, 1, 4)), None);
    assert_eq!(add_sessions(date(1980, 1, 1), -5).date, date(1990, 1, 2));
    assert_eq!(previous_session_before(date(1980, 1, 1)).date, date(1990, 1, 2));
    assert_eq!(next_session_after(Date::MAX).date, date(2099, 12, 31));
    assert_eq!(add_sessions(date(2099, 12, 31), i32::MAX).date, date(2099, 12, 31));
    assert_eq!(next_open(Timestamp::MAX), session_on(date(2099, 12, 31)).unwrap().open);
    assert_eq!(sessions_between(Date::MIN, Date::MAX).count(), SESSION_DATES.len());
    assert_eq!(sessions_between(Date::MAX, Date::MAX).count(), 0);
}

proptest! {
    #[test]
    fn adding_and_indexing_agree(day in 0_i32..36_000, count in -500_i32..500) {
        let date = date(1995, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let there = add_sessions(date, count);
        prop_assert_eq!(session_index(there.date) - session_index(date), i64::from(count));
        prop_assert_eq!(session_on(there.date), Some(there));
        prop_assert_eq!(previous_session_before(next_session_after(there.date).date), there);
        prop_assert!(next_session_after(date).date > date);
        prop_assert!(previous_session_before(date).date < date);
    }
}
