//! Ids that sort as the events do: ULIDs.

use jiff::Timestamp;

/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The ULID of the event with this number at this instant: 48 bits of milliseconds, then the number in place of randomness.
pub(crate) fn ulid(at: Timestamp, number: u64) -> String {
    let milliseconds = u128::try_from(at.as_millisecond()).unwrap_or_default() & ((1 << 48) - 1);
    let value = milliseconds << 80 | u128::from(number);
    (0..26).rev().map(|place| char::from(DIGITS[(value >> (5 * place) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_then_by_number() {
        let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
        // The time of the example in Alpaca's specification.
        assert_eq!(ulid(at(1_650_377_550_656), 0), "01G112NTT00000000000000000");
        let ids = [ulid(at(1), 5), ulid(at(1), 32), ulid(at(2), 0), ulid(at(1_650_377_550_656), 0)];
        assert!(ids.is_sorted(), "{ids:?}");
    }
}
