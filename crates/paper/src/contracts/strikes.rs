//! Which strikes there are.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// The strikes from `price` less its part `reach` to `price` more it, on the steps that prices of that size have. All in
/// dollars.
pub(super) fn around(price: Decimal, reach: Decimal) -> Vec<Decimal> {
    let step = step(price);
    let steps = |price: Decimal| (price / step).floor().to_i64().unwrap_or_default();
    let (low, high) = (steps(price - price * reach).max(1), steps(price + price * reach));
    (low..=high).map(|number| (Decimal::from(number) * step).normalize()).collect()
}

fn step(price: Decimal) -> Decimal {
    match price.to_i64().unwrap_or_default() {
        ..25 => Decimal::new(5, 1),
        25..100 => Decimal::ONE,
        100..250 => Decimal::new(25, 1),
        250..1000 => Decimal::from(5),
        _ => Decimal::TEN,
    }
}
