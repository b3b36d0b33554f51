//! How values stand in a row: instants as microseconds, identifiers and decimals as text.

use std::str::FromStr;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::StoreError;

/// Reads text back into what it was written from.
pub(crate) fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Malformed { what })
}

pub(crate) fn decimal(text: &str) -> Result<Decimal, StoreError> {
    Decimal::from_str_exact(text).map_err(|_| StoreError::Malformed { what: "decimal" })
}

pub(crate) fn instant(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Malformed { what: "timestamp" })
}

pub(crate) fn maybe_instant(micros: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    micros.map(instant).transpose()
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A whole number that a column holds as `BIGINT` and the code as something narrower or unsigned.
pub(crate) fn number<T: TryFrom<i64>>(value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Malformed { what: "number" })
}

/// The other way: a count that does not fit a `BIGINT` does not occur, and is refused by the column's own checks.
pub(crate) fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn hash(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Malformed { what: "hash" })
}
