//! `GET /v2/clock`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The market's clock. Times are written with New York's offset, for example `2026-06-24T16:00:00-04:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The present instant.
    #[serde(with = "eastern")]
    pub timestamp: Timestamp,
    /// Whether the regular session is on.
    pub is_open: bool,
    /// When the next session opens.
    #[serde(with = "eastern")]
    pub next_open: Timestamp,
    /// When this session, or else the next one, closes.
    #[serde(with = "eastern")]
    pub next_close: Timestamp,
}

impl Clock {
    /// The clock at an instant, by the market's calendar.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        use paddock_core::calendar;
        Self {
            timestamp: now,
            is_open: calendar::is_open(now),
            next_open: calendar::next_open(now),
            next_close: calendar::next_close(now),
        }
    }
}

/// An instant, written with New York's offset and read with any.
pub mod eastern {
    use jiff::Timestamp;
    use paddock_core::calendar::new_york;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the instant.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let offset = new_york().to_offset(*at);
        serializer.collect_str(&at.display_with_offset(offset))
    }

    /// Reads the instant.
    ///
    /// # Errors
    /// When it is no RFC 3339 instant.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_new_yorks() {
        let clock = Clock::at("2026-06-24T18:15:22.123456789Z".parse().unwrap());
        let json = serde_json::to_string(&clock).unwrap();
        assert_eq!(
            json,
            r#"{"timestamp":"2026-06-24T14:15:22.123456789-04:00","is_open":true,"next_open":"2026-06-25T09:30:00-04:00","next_close":"2026-06-24T16:00:00-04:00"}"#
        );
        assert_eq!(serde_json::from_str::<Clock>(&json).unwrap(), clock);
    }
}
