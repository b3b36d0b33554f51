//! Changes of when a key works.

use jiff::Timestamp;
use jiff::civil::Time;

use super::Difference;
use crate::scope::Hours;
use crate::scope::sentence::{and, moment};

const MINUTES: usize = 24 * 60;

/// The end of a key.
pub(super) fn expiry(found: &mut Difference, old: Option<Timestamp>, new: Option<Timestamp>) {
    let limit = "expires_at";
    match (old, new) {
        (Some(old), Some(new)) if new > old => {
            found.allows(limit, format!("use from {} until {}", moment(old), moment(new)));
        }
        (Some(old), Some(new)) if new < old => {
            found.forbids(limit, format!("use from {} until {}", moment(new), moment(old)));
        }
        (Some(old), None) => found.allows(limit, format!("use from {} on", moment(old))),
        (None, Some(new)) => found.forbids(limit, format!("use from {} on", moment(new))),
        _ => {}
    }
}

/// When orders may be sent.
pub(super) fn hours(found: &mut Difference, old: Option<Hours>, new: Option<Hours>) {
    if let Some(words) = beyond(new, old) {
        found.allows("hours", words);
    }
    if let Some(words) = beyond(old, new) {
        found.forbids("hours", words);
    }
}

/// The times in `wide` that are not in `narrow`. Regular hours are those of the longest sessions, and have nothing of the days without one.
fn beyond(wide: Option<Hours>, narrow: Option<Hours>) -> Option<String> {
    let (wide, narrow) = match (wide, narrow) {
        (_, None) => return None,
        (None, Some(narrow)) => return Some(format!("orders at other times than {narrow}")),
        (Some(wide), Some(narrow)) if wide == narrow => return None,
        (Some(wide), Some(narrow)) => (wide, narrow),
    };
    let ranges = ranges(minutes(wide).zip(minutes(narrow)).map(|(wide, narrow)| wide && !narrow));
    let mut parts = Vec::new();
    if !ranges.is_empty() {
        parts.push(format!("orders {} New York time", and(ranges)));
    }
    if narrow == Hours::Regular {
        parts.push(format!("orders {wide} when there is no session"));
    }
    (!parts.is_empty()).then(|| and(parts))
}

/// Minute by minute, whether it is in the hours.
fn minutes(hours: Hours) -> impl Iterator<Item = bool> {
    let (from, to) = match hours {
        Hours::Regular => (9 * 60 + 30, 16 * 60),
        Hours::Between(from, to) => (minute(from), minute(to)),
    };
    (0..MINUTES).map(move |now| if from <= to { from <= now && now < to } else { from <= now || now < to })
}

fn minute(time: Time) -> usize {
    usize::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or_default()
}

/// The stretches that are set, as `from 09:30 to 16:00`.
fn ranges(set: impl Iterator<Item = bool>) -> Vec<String> {
    let (mut ranges, mut begun) = (Vec::new(), None);
    for (now, is_set) in set.chain([false]).enumerate() {
        match (begun, is_set) {
            (None, true) => begun = Some(now),
            (Some(from), false) => {
                ranges.push(format!("from {} to {}", clock(from), clock(now)));
                begun = None;
            }
            _ => {}
        }
    }
    ranges
}

fn clock(minute: usize) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
