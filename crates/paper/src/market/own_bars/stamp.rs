//! When a bar begins, as files say it.

use jiff::Timestamp;
use jiff::civil::Date;

/// When a bar begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// An instant, in nanoseconds since 1970.
    Nanoseconds(i128),
    /// A date, for bars of a day.
    Date(Date),
}

impl Stamp {
    /// Reads a date, an instant with an offset, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970;
    /// which of these follows from how large it is. `None` for everything else, so also for a time of day without an offset.
    pub fn parse(text: &str) -> Option<Self> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.len() {
                8 => text.parse().ok().map(Self::Date),
                9..=20 => Some(Self::Nanoseconds(epoch(text.parse().ok()?))),
                _ => None,
            };
        }
        if text.len() == 10 {
            return text.parse().ok().map(Self::Date);
        }
        text.parse::<Timestamp>().ok().map(|at| Self::Nanoseconds(at.as_nanosecond()))
    }
}

/// Nanoseconds since 1970. Seconds have up to 11 digits, each finer unit three more: so all of 1973 to 5138 is told apart.
fn epoch(count: i128) -> i128 {
    match count {
        0..100_000_000_000 => count * 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => count * 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => count * 1000,
        _ => count,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2024-01-02T14:30:00Z")]
    #[case("2024-01-02 14:30:00+00:00")]
    #[case("2024-01-02T09:30:00-05:00")]
    #[case("1704205800")]
    #[case("1704205800000")]
    #[case("1704205800000000")]
    #[case("1704205800000000000")]
    fn one_instant_has_many_spellings(#[case] text: &str) {
        assert_eq!(Stamp::parse(text), Some(Stamp::Nanoseconds(1_704_205_800_000_000_000)));
    }

    #[rstest]
    #[case("2024-01-02")]
    #[case("20240102")]
    fn dates(#[case] text: &str) {
        assert_eq!(Stamp::parse(text), Some(Stamp::Date(jiff::civil::date(2024, 1, 2))));
    }

    #[rstest]
    #[case("")]
    #[case("2024-01-02 14:30:00")]
    #[case("2024-13-02")]
    #[case("14:30")]
    #[case("12345")]
    fn everything_else_is_refused(#[case] text: &str) {
        assert_eq!(Stamp::parse(text), None);
    }
}
