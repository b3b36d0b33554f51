//! Server-sent events, as `GET /v2/events/trades` tells trade updates.

use jiff::Timestamp;
use serde_json::Value;

use crate::wire::OrderIdentity;
use crate::wire::identity::order_in_update;

/// The longest event that is read.
const LONGEST: usize = 1 << 20;

/// One event, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSent {
    /// Its lines, with the empty one that ends it.
    pub text: String,
    /// What tells it from others: its id, or all of it where it has none.
    pub id: String,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// The order that it tells of.
    pub order: Option<OrderIdentity>,
}

/// The stream cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server-sent events cannot be read")]
pub struct Unreadable;

/// Reads events from the pieces in which they come.
#[derive(Debug, Default)]
pub struct EventReader {
    rest: Vec<u8>,
}

impl EventReader {
    /// Takes a piece and gives the events that end in it. Comments and events without data are left out.
    ///
    /// # Errors
    /// [`Unreadable`] for what is no text, no JSON or has no end.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<ServerSent>, Unreadable> {
        self.rest.extend(piece.iter().filter(|byte| **byte != b'\r'));
        let mut events = Vec::new();
        while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.rest.drain(..end + 2).collect();
            events.extend(event(String::from_utf8(block).map_err(|_| Unreadable)?)?);
        }
        if self.rest.len() > LONGEST { Err(Unreadable) } else { Ok(events) }
    }
}

fn event(block: String) -> Result<Option<ServerSent>, Unreadable> {
    let lines = block.lines().filter(|line| !line.is_empty() && !line.starts_with(':'));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let data = data.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
    if data.is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(&data).map_err(|_| Unreadable)?;
    let instant = |name: &str| value[name].as_str().and_then(|at| at.parse().ok());
    Ok(Some(ServerSent {
        id: value["event_id"].as_str().map_or_else(|| data.clone(), str::to_owned),
        at: instant("at").or_else(|| instant("timestamp")),
        order: order_in_update(&value),
        text: text + "\n",
    }))
}

/// Which of an account's events a request asks for, besides those from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Those that happened at this instant or later.
    pub since: Option<Timestamp>,
    /// Of these, those with a higher id.
    pub after: Option<String>,
    /// Only those that happened at this instant or earlier.
    pub until: Option<Timestamp>,
    /// Only those up to the one with this id.
    pub until_id: Option<String>,
}

impl Range {
    /// Reads `since`, `since_id`, `until` and `until_id`.
    ///
    /// # Errors
    /// A sentence about what does not fit.
    pub fn parse(query: &crate::path::Query) -> Result<Self, String> {
        let instant = |name: &str| -> Result<Option<Timestamp>, String> {
            let Some(text) = query.get(name) else { return Ok(None) };
            if let Ok(at) = text.parse() {
                return Ok(Some(at));
            }
            let day = text.parse::<jiff::civil::Date>().ok();
            let day = day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
            day.map(|day| Some(day.timestamp())).ok_or_else(|| format!("{name} is no instant"))
        };
        let (since, until) = (instant("since")?, instant("until")?);
        let after = query.get("since_id").map(str::to_owned);
        let until_id = query.get("until_id").map(str::to_owned);
        if since.is_some() && after.is_some() {
            return Err("since and since_id cannot be used together".to_owned());
        }
        if until.is_some() && since.is_none() {
            return Err("until needs since".to_owned());
        }
        if until_id.is_some() && after.is_none() {
            return Err("until_id needs since_id".to_owned());
        }
        let since = match &after {
            None => since,
            Some(id) => Some(ulid_time(id).ok_or_else(|| "since_id is no id of an event".to_owned())?),
        };
        Ok(Self { since, after, until, until_id })
    }
}

/// When an id was made that is an ULID: its first ten characters are milliseconds since 1970, in Crockford's base 32.
fn ulid_time(id: &str) -> Option<Timestamp> {
    const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if id.len() != 26 || !id.is_ascii() {
        return None;
    }
    let millis = id[..10].chars().try_fold(0_i64, |sum, letter| {
        let digit = DIGITS.find(letter.to_ascii_uppercase())?;
        Some(sum * 32 + i64::try_from(digit).ok()?)
    });
    Timestamp::from_millisecond(millis?).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::path::Query;

    const TEXT: &str = concat!(
        ": connected\n\n",
        "data: {\"event_id\":\"A\",\"at\":\"2026-11-20T15:00:00Z\",\"order\":{\"id\":\"38e482f3-79a8-4f75-a057-f07a1ec6a397\"}}\n\n",
        ": heartbeat\n\nid: 7\r\ndata: {\"event_id\":\"B\"}\r\n\r\ndata: {\"x\":1}\n\n",
    );

    #[test]
    fn events_come_in_any_pieces() {
        for size in [1, 2, 7, 1000] {
            let mut reader = EventReader::default();
            let pieces = TEXT.as_bytes().chunks(size);
            let events: Vec<ServerSent> = pieces.flat_map(|piece| reader.push(piece).unwrap()).collect();
            let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
            assert_eq!(ids, ["A", "B", "{\"x\":1}"]);
            assert!(events[0].order.is_some() && events[0].at.is_some() && events[1].order.is_none());
            assert_eq!(events[1].text, "id: 7\ndata: {\"event_id\":\"B\"}\n\n");
        }
        assert_eq!(EventReader::default().push(b"data: {\n\n"), Err(Unreadable));
    }

    #[rstest]
    #[case("", Ok(Range::default()))]
    #[case("since=2026-11-20", Ok(Range { since: Some("2026-11-20T00:00:00Z".parse().unwrap()), ..Range::default() }))]
    #[case("since_id=01ARZ3NDEKTSV4RRFFQ69G5FAV", Ok(Range {
        since: Some("2016-07-30T23:54:10.259Z".parse().unwrap()),
        after: Some("01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()),
        ..Range::default()
    }))]
    #[case("since_id=7", Err("since_id is no id of an event"))]
    #[case("since=soon", Err("since is no instant"))]
    #[case("until=2026-11-20", Err("until needs since"))]
    #[case("until_id=x", Err("until_id needs since_id"))]
    #[case(
        "since=2026-11-20&since_id=01ARZ3NDEKTSV4RRFFQ69G5FAV",
        Err("since and since_id cannot be used together")
    )]
    fn ranges(#[case] query: &str, #[case] expected: Result<Range, &str>) {
        assert_eq!(Range::parse(&Query::parse(query).unwrap()), expected.map_err(str::to_owned));
    }
}
