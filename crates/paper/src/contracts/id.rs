//! Ids of contracts, which hold their symbols: there are too many contracts to look for one by its id.
//!
//! A UUID of version 8: the first six bytes are the root in base 27, the days since 1970 and the right, the last seven the
//! strike in thousandths of a dollar.

use jiff::Span;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use uuid::{Builder, Uuid, Variant, Version};

use super::{Contract, Right};

const FIRST: Date = date(1970, 1, 1);
/// Kept in the byte before the strike, so that no other id is taken for one of these by chance.
const MARK: u8 = 0x9d;

pub(super) fn of(contract: &Contract<'_>) -> Uuid {
    let root = contract
        .underlying
        .symbol
        .as_str()
        .bytes()
        .fold(0_u64, |sum, letter| sum * 27 + u64::from(letter.saturating_sub(b'A')) + 1);
    let days = FIRST.until(contract.expires()).map_or(0, |span| span.get_days());
    let days = u64::from(u16::try_from(days).unwrap_or_default());
    let head = root << 17 | days << 1 | u64::from(contract.right == Right::Put);
    let strike = (contract.strike * Decimal::ONE_THOUSAND).to_u64().unwrap_or_default();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&head.to_be_bytes()[2..]);
    bytes[9..].copy_from_slice(&strike.to_be_bytes()[1..]);
    bytes[9] = MARK;
    Builder::from_bytes(bytes).with_version(Version::Custom).with_variant(Variant::RFC4122).into_uuid()
}

/// The symbol that an id holds, if it is one of these.
pub(super) fn symbol(id: Uuid) -> Option<String> {
    let bytes = id.as_bytes();
    if bytes[9] != MARK || id.get_version() != Some(Version::Custom) {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let (head, strike) = (number(&bytes[..6]), number(&bytes[10..]));
    let mut root = String::new();
    let mut rest = head >> 17;
    while rest > 0 {
        let letter = u8::try_from((rest % 27).checked_sub(1)?).ok()?;
        root.insert(0, char::from(b'A' + letter));
        rest /= 27;
    }
    let days = i64::try_from(head >> 1 & 0xffff).ok()?;
    let expires = FIRST.checked_add(Span::new().days(days)).ok()?.strftime("%y%m%d");
    let right = if head & 1 == 1 { Right::Put } else { Right::Call };
    Some(format!("{root}{expires}{}{strike:08}", right.letter()))
}
