//! The hours in which an access key trades.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::calendar;

/// When orders may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Hours {
    /// While the stock exchanges' regular session is open.
    Regular,
    /// On every day between two times of New York, the first included and the second not. The night is between when the first is
    /// later.
    Between(Time, Time),
}

/// The text says no hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours are `regular`, or two times of New York such as `09:45-15:30`")]
pub struct NoHours;

impl Hours {
    /// Whether the instant is in them.
    #[must_use]
    pub fn contains(self, at: Timestamp) -> bool {
        match self {
            Self::Regular => calendar::is_open(at),
            Self::Between(from, to) => {
                let time = calendar::new_york().to_datetime(at).time();
                if from <= to { from <= time && time < to } else { from <= time || time < to }
            }
        }
    }
}

impl FromStr for Hours {
    type Err = NoHours;
    fn from_str(text: &str) -> Result<Self, NoHours> {
        if text == "regular" {
            return Ok(Self::Regular);
        }
        let (from, to) = text.split_once('-').ok_or(NoHours)?;
        let time = |text: &str| {
            let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5).ok_or(NoHours)?;
            let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
                true => text.parse::<i8>().map_err(|_| NoHours),
                false => Err(NoHours),
            };
            Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| NoHours)
        };
        match (time(from)?, time(to)?) {
            (from, to) if from == to => Err(NoHours),
            (from, to) => Ok(Self::Between(from, to)),
        }
    }
}

/// As it is read back: `in regular hours`, `from 09:45 to 15:30 New York time`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Regular => f.write_str("in regular hours"),
            Self::Between(from, to) => {
                write!(f, "from {} to {} New York time", from.strftime("%H:%M"), to.strftime("%H:%M"))
            }
        }
    }
}

impl TryFrom<String> for Hours {
    type Error = NoHours;
    fn try_from(text: String) -> Result<Self, NoHours> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        match hours {
            Hours::Regular => "regular".to_owned(),
            Hours::Between(from, to) => format!("{}-{}", from.strftime("%H:%M"), to.strftime("%H:%M")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("regular", "2026-11-20T14:30:00Z", true)]
    #[case("regular", "2026-11-20T14:29:59Z", false)]
    #[case("regular", "2026-11-21T15:00:00Z", false)]
    #[case("09:45-15:30", "2026-11-20T14:45:00Z", true)]
    #[case("09:45-15:30", "2026-11-20T20:29:59Z", true)]
    #[case("09:45-15:30", "2026-11-20T20:30:00Z", false)]
    #[case::in_summer("09:45-15:30", "2026-07-01T13:45:00Z", true)]
    #[case::over_night("20:00-04:00", "2026-11-20T02:00:00Z", true)]
    #[case::over_night("20:00-04:00", "2026-11-20T12:00:00Z", false)]
    fn instants(#[case] hours: &str, #[case] at: &str, #[case] inside: bool) {
        assert_eq!(hours.parse::<Hours>().unwrap().contains(at.parse().unwrap()), inside);
    }

    #[rstest]
    #[case("")]
    #[case("always")]
    #[case("9:45-15:30")]
    #[case("09:45")]
    #[case("09:45-09:45")]
    #[case("09:45-24:00")]
    #[case("-9:45-15:30")]
    fn no_hours(#[case] text: &str) {
        assert_eq!(text.parse::<Hours>(), Err(NoHours));
    }

    #[test]
    fn they_are_kept_as_they_were_written() {
        for text in ["\"regular\"", "\"09:45-15:30\""] {
            let hours: Hours = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&hours).unwrap(), text);
        }
    }
}
