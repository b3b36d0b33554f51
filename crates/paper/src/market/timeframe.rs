//! How long a bar is, in Alpaca's words.

use std::fmt;
use std::str::FromStr;

/// The length of a bar: 1 to 59 minutes, 1 to 23 hours, a day, a week, or 1, 2, 3, 4, 6 or 12 months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeframe {
    unit: Unit,
    count: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// The text is no timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a timeframe: expected 1Min to 59Min, 1Hour to 23Hour, 1Day, 1Week, or 1, 2, 3, 4, 6 or 12Month")]
pub struct NotATimeframe;

impl Timeframe {
    /// `1Min`.
    pub const MINUTE: Self = Self { unit: Unit::Minute, count: 1 };
    /// `1Hour`.
    pub const HOUR: Self = Self { unit: Unit::Hour, count: 1 };
    /// `1Day`.
    pub const DAY: Self = Self { unit: Unit::Day, count: 1 };
    /// `1Week`.
    pub const WEEK: Self = Self { unit: Unit::Week, count: 1 };
    /// `1Month`.
    pub const MONTH: Self = Self { unit: Unit::Month, count: 1 };

    pub(super) const fn unit(self) -> Unit {
        self.unit
    }

    pub(super) const fn count(self) -> u8 {
        self.count
    }
}

/// Reads Alpaca's spellings: `5Min` or `5T`, `4Hour` or `4H`, `1Day` or `1D`, `1Week` or `1W`, `3Month` or `3M`.
impl FromStr for Timeframe {
    type Err = NotATimeframe;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let unit = match unit {
            "Min" | "T" => Unit::Minute,
            "Hour" | "H" => Unit::Hour,
            "Day" | "D" => Unit::Day,
            "Week" | "W" => Unit::Week,
            "Month" | "M" => Unit::Month,
            _ => return Err(NotATimeframe),
        };
        let count: u8 = count.parse().map_err(|_| NotATimeframe)?;
        let possible = match unit {
            Unit::Minute => (1..=59).contains(&count),
            Unit::Hour => (1..=23).contains(&count),
            Unit::Day | Unit::Week => count == 1,
            Unit::Month => matches!(count, 1 | 2 | 3 | 4 | 6 | 12),
        };
        if possible { Ok(Self { unit, count }) } else { Err(NotATimeframe) }
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Minute => "Min",
            Unit::Hour => "Hour",
            Unit::Day => "Day",
            Unit::Week => "Week",
            Unit::Month => "Month",
        };
        write!(f, "{}{unit}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1Min", "1Min")]
    #[case("59T", "59Min")]
    #[case("1H", "1Hour")]
    #[case("23Hour", "23Hour")]
    #[case("1D", "1Day")]
    #[case("1W", "1Week")]
    #[case("12M", "12Month")]
    #[case("4Month", "4Month")]
    fn alpacas_spellings(#[case] text: &str, #[case] canonical: &str) {
        assert_eq!(text.parse::<Timeframe>().unwrap().to_string(), canonical);
    }

    #[rstest]
    #[case("")]
    #[case("Min")]
    #[case("0Min")]
    #[case("60Min")]
    #[case("24Hour")]
    #[case("2Day")]
    #[case("2Week")]
    #[case("5Month")]
    #[case("1min")]
    #[case("-1Min")]
    #[case("1 Min")]
    #[case("999Min")]
    fn everything_else_is_refused(#[case] text: &str) {
        assert_eq!(text.parse::<Timeframe>(), Err(NotATimeframe));
    }
}
