//! How long an access key lives, as people write it: `30d`, `12h`, `90m`.

use jiff::{SignedDuration, Timestamp};

/// The longest lifetime: ten years. Anything longer is better left out.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3650);

/// What the text may be, to complete "expected ...".
pub(crate) const EXPECTED: &str = "a number and a unit, `m` for minutes, `h` for hours, `d` for days or `w` for weeks, for example `30d`, at most 3650d";

/// Reads a lifetime: a whole number above zero and one unit, at most ten years.
#[must_use]
pub fn parse(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minutes = digits.parse::<i64>().ok()?.checked_mul(minutes)?;
    let lifetime = SignedDuration::from_secs(minutes.checked_mul(60)?);
    (lifetime > SignedDuration::ZERO && lifetime <= LONGEST).then_some(lifetime)
}

/// The instant at which something ends that begins `now`, to the second.
pub(crate) fn end(now: Timestamp, lifetime: SignedDuration) -> Option<Timestamp> {
    Timestamp::from_second(now.checked_add(lifetime).ok()?.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("30d", 30 * 86_400)]
    #[case("12h", 12 * 3600)]
    #[case("90m", 90 * 60)]
    #[case(" 2w ", 14 * 86_400)]
    #[case("3650d", 3650 * 86_400)]
    fn lifetimes_are_read(#[case] text: &str, #[case] seconds: i64) {
        assert_eq!(parse(text), Some(SignedDuration::from_secs(seconds)));
    }

    #[rstest]
    #[case("")]
    #[case("d")]
    #[case("30")]
    #[case("30s")]
    #[case("0d")]
    #[case("-1d")]
    #[case("+1d")]
    #[case("1.5h")]
    #[case("3651d")]
    #[case("99999999999999999999d")]
    #[case("9223372036854775807w")]
    #[case("3é")]
    fn everything_else_is_refused(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            _ = parse(&text);
        }
    }
}
