//! Exact decimal amounts.
//!
//! Amounts of money and quantities are [`Decimal`]. Text becomes a number here, strictly: what a reader could
//! take for two different numbers is no number.

use rust_decimal::Decimal;

/// The text is not a plain decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADecimal {
    /// Something other than an optional minus sign, digits and one point between digits.
    #[error("not a plain decimal number")]
    Malformed,
    /// More than 15 digits before the point or more than 9 after it (Alpaca's own precision).
    #[error("more than 15 digits before the point or 9 after it")]
    TooPrecise,
}

/// Reads `-12`, `0.5` or `1000.000000001`: an optional minus sign, 1 to 15 digits, and optionally a point with 1 to 9
/// digits. Exponents, plus signs, spaces, separators, `.5`, `5.` and `NaN` are refused. Zeros after the ninth
/// decimal are dropped, since they do not change the number.
///
/// # Errors
/// [`NotADecimal`] when the text is anything else.
pub fn parse_decimal(text: &str) -> Result<Decimal, NotADecimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(NotADecimal::Malformed),
        None => (unsigned, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(NotADecimal::Malformed);
    }
    let significant = fraction.trim_end_matches('0');
    if whole.trim_start_matches('0').len() > 15 || significant.len() > 9 {
        return Err(NotADecimal::TooPrecise);
    }
    let kept = if significant.is_empty() { whole.to_owned() } else { format!("{whole}.{significant}") };
    let value: Decimal = kept.parse().map_err(|_| NotADecimal::Malformed)?;
    Ok(if text.starts_with('-') { -value } else { value })
}

/// An amount of dollars as it stands in a sentence: `$1,000`, and cents only where there are some.
#[must_use]
pub fn dollars_in_words(amount: Decimal) -> String {
    let text = format_usd(amount);
    format!("${}", text.strip_suffix(".00").unwrap_or(&text))
}

/// An amount as people read it: thousands separated by commas, at least two decimals and no more than it has.
#[must_use]
pub fn format_usd(amount: Decimal) -> String {
    let mut exact = amount.normalize();
    if exact.scale() < 2 {
        exact.rescale(2);
    }
    let text = exact.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    format!("{sign}{grouped}.{fraction}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1")]
    #[case("-0.000000001")]
    #[case("999999999999999.999999999")]
    #[case("1.0000000000")]
    fn plain_numbers_are_read(#[case] text: &str) {
        assert!(parse_decimal(text).is_ok());
    }

    #[rstest]
    #[case("")]
    #[case("-")]
    #[case("1e3")]
    #[case("1E3")]
    #[case("+1")]
    #[case(" 1")]
    #[case("1 ")]
    #[case(".5")]
    #[case("5.")]
    #[case("1_000")]
    #[case("1,000")]
    #[case("0x10")]
    #[case("NaN")]
    #[case("١")]
    #[case("1.2.3")]
    fn ambiguous_numbers_are_malformed(#[case] text: &str) {
        assert_eq!(parse_decimal(text), Err(NotADecimal::Malformed));
    }

    #[rstest]
    #[case("1000000000000000")]
    #[case("0.0000000001")]
    fn too_many_digits_are_refused_and_not_rounded(#[case] text: &str) {
        assert_eq!(parse_decimal(text), Err(NotADecimal::TooPrecise));
    }

    #[rstest]
    #[case("1234567.5", "1,234,567.50")]
    #[case("1000", "1,000.00")]
    #[case("-0.125", "-0.125")]
    #[case("0", "0.00")]
    fn amounts_read_well(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(format_usd(parse_decimal(text).unwrap()), expected);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(units in -999_999_999_999_i64..999_999_999_999, scale in 0_u32..=9) {
            let value = Decimal::new(units, scale);
            prop_assert_eq!(parse_decimal(&value.to_string()), Ok(value));
        }
    }
}
