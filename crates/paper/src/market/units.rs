//! Integer prices and volumes, and how they become decimals.
//!
//! Everything in this module tree computes with integers, so that the same seed gives the same prices on every
//! machine. Stock prices are counted in ten-thousandths of a dollar and stock volumes in shares; crypto prices and
//! volumes in billionths.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// How many decimals the integers of one asset stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    pub price: u32,
    pub volume: u32,
}

impl Scale {
    pub const STOCK: Self = Self { price: 4, volume: 0 };
    pub const CRYPTO: Self = Self { price: 9, volume: 9 };

    pub fn price(self, units: i64) -> Decimal {
        decimal(i128::from(units), self.price)
    }

    pub fn volume(self, units: i128) -> Decimal {
        decimal(units, self.volume)
    }

    /// How many decimals a volume-weighted price has.
    pub const fn vwap(self) -> u32 {
        if self.price > 6 { self.price } else { 6 }
    }

    /// What `price` units times `volume` units are worth in whole dollars (or whole quote currency).
    pub fn notional(self, price: i64, volume: i64) -> i128 {
        i128::from(price) * i128::from(volume) / 10_i128.pow(self.price + self.volume)
    }

    /// The highest price in units that is not above `limit`.
    pub fn price_floor(self, limit: Decimal) -> i64 {
        self.in_units(limit, Decimal::floor)
    }

    /// The lowest price in units that is not below `limit`.
    pub fn price_ceil(self, limit: Decimal) -> i64 {
        self.in_units(limit, Decimal::ceil)
    }

    fn in_units(self, limit: Decimal, round: fn(&Decimal) -> Decimal) -> i64 {
        let beyond = if limit.is_sign_negative() { i64::MIN } else { i64::MAX };
        limit
            .checked_mul(Decimal::from(10_i64.pow(self.price)))
            .and_then(|units| round(&units).to_i64())
            .unwrap_or(beyond)
    }
}

/// `units` with `scale` decimals, without trailing zeros. Values beyond 96 bits, which no market has, are capped.
pub(super) fn decimal(mut units: i128, mut scale: u32) -> Decimal {
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(units, scale).unwrap_or(Decimal::MAX)
}

/// The volume-weighted price, rounded half to even to six decimals, or to nine when the price itself has them.
/// `weighted` is four times the sum of prices with so many decimals times volume units.
pub(super) fn vwap(weighted: i128, volume: i128, scale: Scale) -> Decimal {
    let denominator = volume * 4;
    if denominator == 0 {
        return Decimal::ZERO;
    }
    let (quotient, doubled) = (weighted / denominator, weighted % denominator * 2);
    let up = doubled > denominator || (doubled == denominator && quotient % 2 != 0);
    decimal(quotient + i128::from(up), scale.vwap())
}

/// `price` rounded to the nearest multiple of `grid`, then kept within `low..=high`. A bound may itself lie off the
/// grid, as some recorded prices do.
pub(super) fn snap(price: i64, grid: i64, low: i64, high: i64) -> i64 {
    ((price + grid / 2).div_euclid(grid) * grid).clamp(low, high)
}

/// 2^(2^-k) for k = 1..=24, with 32 fractional bits, rounded down.
const ROOTS: [u64; 24] = [
    0x1_6a09_e667,
    0x1_306f_e0a3,
    0x1_172b_83c7,
    0x1_0b55_86cf,
    0x1_059b_0d31,
    0x1_02c9_a3e7,
    0x1_0163_da9f,
    0x1_00b1_afa5,
    0x1_0058_c86d,
    0x1_002c_605e,
    0x1_0016_2f39,
    0x1_000b_175e,
    0x1_0005_8ba0,
    0x1_0002_c5cc,
    0x1_0001_62e5,
    0x1_0000_b172,
    0x1_0000_58b9,
    0x1_0000_2c5c,
    0x1_0000_162e,
    0x1_0000_0b17,
    0x1_0000_058b,
    0x1_0000_02c5,
    0x1_0000_0162,
    0x1_0000_00b1,
];

/// `base * 2^exponent`, where the exponent has 32 fractional bits and lies within -16..16.
pub(super) fn scale_by_power_of_two(base: i64, exponent: i64) -> i64 {
    let fraction = exponent & 0xffff_ffff;
    let mut factor: u64 = 1 << 32;
    for (position, root) in ROOTS.iter().enumerate() {
        if fraction & (1 << (31 - position)) != 0 {
            factor = ((u128::from(factor) * u128::from(*root)) >> 32) as u64;
        }
    }
    let whole = (exponent >> 32).clamp(-16, 16);
    ((i128::from(base) * i128::from(factor)) >> (32 - whole)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn decimals_are_exact_and_bare() {
        assert_eq!(Scale::STOCK.price(4_381_799).to_string(), "438.1799");
        assert_eq!(Scale::STOCK.price(4_380_000).to_string(), "438");
        assert_eq!(Scale::CRYPTO.volume(12_500_000_000).to_string(), "12.5");
    }

    #[test]
    fn limits_round_towards_what_does_not_cross() {
        assert_eq!(Scale::STOCK.price_floor(dec("10.00019")), 100_001);
        assert_eq!(Scale::STOCK.price_ceil(dec("10.00011")), 100_002);
        assert_eq!(Scale::STOCK.price_floor(Decimal::MAX), i64::MAX);
    }

    #[test]
    fn vwap_rounds_half_to_even() {
        assert_eq!(vwap(40_000_000, 3, Scale::STOCK), dec("3.333333"));
        assert_eq!(vwap(4, 2, Scale::STOCK), dec("0"));
        assert_eq!(vwap(12, 2, Scale::STOCK), dec("0.000002"));
    }

    #[test]
    fn powers_of_two() {
        assert_eq!(scale_by_power_of_two(1_000_000, 0), 1_000_000);
        assert_eq!(scale_by_power_of_two(1_000_000, 1 << 32), 2_000_000);
        assert_eq!(scale_by_power_of_two(1_000_000, -(1 << 31)), 707_106);
        assert_eq!(scale_by_power_of_two(1_000_000, 3 << 31), 2_828_427);
    }
}
