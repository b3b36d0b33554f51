//! Numbers as files have them, made into integers without a floating-point calculation.

/// A number of a bar as its file has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number<'a> {
    /// `187.15`, or with an exponent.
    Text(&'a [u8]),
    /// A double stands for the shortest decimal that reads back as it.
    #[cfg_attr(not(any(feature = "parquet", test)), expect(dead_code, reason = "only Parquet has doubles"))]
    Double(f64),
    /// The same for single precision.
    #[cfg_attr(not(any(feature = "parquet", test)), expect(dead_code, reason = "only Parquet has singles"))]
    Single(f32),
    /// So many units of ten to the minus the second.
    #[cfg_attr(not(any(feature = "parquet", test)), expect(dead_code, reason = "only Parquet has decimals"))]
    Scaled(i128, u32),
}

impl Number<'_> {
    /// How many units of ten to the minus `decimals` it is, rounded half to even. `None` if it is no number, below zero, or
    /// too large.
    pub fn units(self, decimals: u32) -> Option<i64> {
        match self {
            Self::Text(text) => units_of_text(text, decimals),
            Self::Double(value) => units_of_text(value.to_string().as_bytes(), decimals),
            Self::Single(value) => units_of_text(value.to_string().as_bytes(), decimals),
            Self::Scaled(units, scale) => {
                shifted(u128::try_from(units).ok()?, i64::from(decimals) - i64::from(scale))
            }
        }
    }

    /// For errors.
    pub fn shown(self) -> String {
        match self {
            Self::Text(text) => String::from_utf8_lossy(text).chars().take(40).collect(),
            Self::Double(value) => value.to_string(),
            Self::Single(value) => value.to_string(),
            Self::Scaled(units, scale) => format!("{units}e-{scale}"),
        }
    }
}

/// The most digits that are read: more than any number of a bar needs, and they fit into 128 bits.
const MOST_DIGITS: u32 = 38;

fn units_of_text(text: &[u8], decimals: u32) -> Option<i64> {
    let (number, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        None => (text, 0),
        Some(place) => {
            let exponent: i64 = std::str::from_utf8(&text[place + 1..]).ok()?.parse().ok()?;
            (&text[..place], exponent)
        }
    };
    let mut mantissa: u128 = 0;
    let (mut digits, mut significant, mut fraction) = (0_u32, 0_u32, None);
    for byte in number.strip_prefix(b"+").unwrap_or(number) {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                significant += u32::from(significant > 0 || *byte != b'0');
                if significant > MOST_DIGITS {
                    return None;
                }
                mantissa = mantissa * 10 + u128::from(byte - b'0');
                if let Some(fraction) = &mut fraction {
                    *fraction += 1_i64;
                }
            }
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => return None,
        }
    }
    if digits == 0 {
        return None;
    }
    let shift = exponent.checked_sub(fraction.unwrap_or(0))?.checked_add(i64::from(decimals))?;
    shifted(mantissa, shift)
}

/// `mantissa` times ten to the power of `shift`, rounded half to even.
fn shifted(mantissa: u128, shift: i64) -> Option<i64> {
    if mantissa == 0 {
        return Some(0);
    }
    let power = |exponent: u64| 10_u128.checked_pow(u32::try_from(exponent).ok()?);
    let units = if shift >= 0 {
        mantissa.checked_mul(power(shift.unsigned_abs())?)?
    } else {
        let Some(divisor) = power(shift.unsigned_abs()) else { return Some(0) };
        let (quotient, rest) = (mantissa / divisor, mantissa % divisor);
        // The divisor is even and the rest is below it, so that neither side overflows.
        let up = rest > divisor / 2 || (rest == divisor / 2 && quotient % 2 == 1);
        quotient + u128::from(up)
    };
    i64::try_from(units).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("187.15", 4, 1_871_500)]
    #[case("187", 4, 1_870_000)]
    #[case(".5", 4, 5_000)]
    #[case("5.", 4, 50_000)]
    #[case("+1e-05", 9, 10_000)]
    #[case("1.2E6", 0, 1_200_000)]
    #[case("187.00005", 4, 1_870_000)]
    #[case("187.00015", 4, 1_870_002)]
    #[case("187.000150001", 4, 1_870_002)]
    #[case("150.25999450683594", 4, 1_502_600)]
    #[case("0.00000000000000000000000000000000000000000000001", 9, 0)]
    #[case("0e999", 9, 0)]
    #[case("1e-999", 9, 0)]
    fn texts_become_units(#[case] text: &str, #[case] decimals: u32, #[case] expected: i64) {
        assert_eq!(Number::Text(text.as_bytes()).units(decimals), Some(expected));
    }

    #[rstest]
    #[case("")]
    #[case(".")]
    #[case("-1")]
    #[case("1e")]
    #[case("1e999")]
    #[case("1.2.3")]
    #[case("NaN")]
    #[case("1,5")]
    #[case("99999999999999999999")]
    #[case("999999999999999999999999999999999999999999")]
    fn everything_else_is_refused(#[case] text: &str) {
        assert_eq!(Number::Text(text.as_bytes()).units(4), None);
    }

    #[test]
    fn a_double_is_its_shortest_decimal() {
        assert_eq!(Number::Double(0.1).units(9), Some(100_000_000));
        assert_eq!(Number::Double(187.15).units(4), Some(1_871_500));
        assert_eq!(Number::Double(1e-7).units(9), Some(100));
        assert_eq!(Number::Double(0.000_05).units(4), Some(0));
        assert_eq!(Number::Single(187.15).units(4), Some(1_871_500));
        assert_eq!(Number::Scaled(18_715, 2).units(4), Some(1_871_500));
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(Number::Double(bad).units(4), None);
        }
    }

    proptest! {
        #[test]
        fn any_price_with_its_decimals_is_exact(units in 0_i64..1_000_000_000_000, decimals in 0_u32..=9) {
            let text = rust_decimal::Decimal::new(units, decimals).to_string();
            prop_assert_eq!(Number::Text(text.as_bytes()).units(decimals), Some(units));
            let double: f64 = text.parse().unwrap();
            prop_assert_eq!(Number::Double(double).units(decimals), Some(units));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,60}", decimals in 0_u32..=9) {
            let _ = Number::Text(text.as_bytes()).units(decimals);
        }
    }
}
