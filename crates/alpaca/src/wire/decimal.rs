//! Exact decimals in JSON: as a text (`"27032.36"`) or as a number (`27032.36`), never through a floating-point number.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Reads a number or a text that holds one. Market data may come with an exponent.
fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    let Some(raw) = raw else { return Ok(None) };
    let text = raw.get().trim_matches('"');
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .map(Some)
        .map_err(|_| serde::de::Error::custom("not a decimal number"))
}

fn required<E: serde::de::Error>(value: Option<Decimal>) -> Result<Decimal, E> {
    value.ok_or_else(|| E::custom("a decimal number is missing"))
}

/// A required decimal, written as a text, as money is.
pub mod text {
    use super::{Decimal, Deserializer, Serializer, read, required};

    /// Writes the text.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads a text or a number.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        required(read(deserializer)?)
    }
}

/// An optional decimal, written as a text or `null`.
pub mod text_option {
    use super::{Decimal, Deserializer, Serializer, read};

    /// Writes the text or `null`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a text, a number, an empty text or `null`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        read(deserializer)
    }
}

/// A required decimal, written as a JSON number, as market data is.
pub mod number {
    use super::{Decimal, Deserializer, Serializer, read, required, write_number};

    /// Writes the number with no more digits than it has.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        write_number(*value, serializer)
    }

    /// Reads a number or a text.
    ///
    /// # Errors
    /// When it is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        required(read(deserializer)?)
    }
}

/// An optional decimal, written as a JSON number or `null`.
pub mod number_option {
    use super::{Decimal, Deserializer, Serializer, read, write_number};

    /// Writes the number or `null`.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => write_number(*value, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a number, a text or `null`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        read(deserializer)
    }
}

/// A list of optional decimals, written as JSON numbers and `null`s.
pub mod numbers {
    use super::{Decimal, Deserialize, Deserializer, Serializer, number_option};

    #[derive(serde::Serialize, Deserialize)]
    #[serde(transparent)]
    struct Item(#[serde(with = "number_option")] Option<Decimal>);

    /// Writes the list.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(values: &[Option<Decimal>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| Item(*value)))
    }

    /// Reads the list.
    ///
    /// # Errors
    /// When an item is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Option<Decimal>>, D::Error> {
        Ok(Vec::<Item>::deserialize(deserializer)?.into_iter().map(|item| item.0).collect())
    }
}

fn write_number<S: Serializer>(value: Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(value.normalize().to_string())
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::testing::dec;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        #[serde(with = "text")]
        money: Decimal,
        #[serde(with = "number")]
        price: Decimal,
        #[serde(default, with = "text_option")]
        limit: Option<Decimal>,
        #[serde(default, with = "numbers")]
        series: Vec<Option<Decimal>>,
    }

    #[test]
    fn both_forms_are_exact() {
        let sample = Sample {
            money: dec("100000.00"),
            price: dec("0.123456789123"),
            limit: None,
            series: vec![Some(dec("1.50")), None],
        };
        let json = serde_json::to_string(&sample).unwrap();
        assert_eq!(json, r#"{"money":"100000.00","price":0.123456789123,"limit":null,"series":[1.5,null]}"#);
        assert_eq!(serde_json::from_str::<Sample>(&json).unwrap(), sample);
    }

    #[rstest]
    #[case(r#"{"money":1,"price":"2"}"#, "1", "2")]
    #[case(r#"{"money":"1.5","price":1e-05}"#, "1.5", "0.00001")]
    #[case(r#"{"money":"1","price":2,"limit":""}"#, "1", "2")]
    fn reading_is_tolerant(#[case] json: &str, #[case] money: &str, #[case] price: &str) {
        let read: Sample = serde_json::from_str(json).unwrap();
        assert_eq!((read.money, read.price, read.limit), (dec(money), dec(price), None));
    }

    #[rstest]
    #[case(r#"{"money":null,"price":1}"#)]
    #[case(r#"{"price":1}"#)]
    #[case(r#"{"money":"x","price":1}"#)]
    #[case(r#"{"money":true,"price":1}"#)]
    fn but_not_inventive(#[case] json: &str) {
        assert!(serde_json::from_str::<Sample>(json).is_err());
    }

    proptest! {
        #[test]
        fn any_decimal_survives_both_forms(units in any::<i64>(), scale in 0_u32..=12) {
            let value = Decimal::new(units, scale);
            let sample = Sample { money: value, price: value, limit: Some(value), series: vec![] };
            let json = serde_json::to_string(&sample).unwrap();
            prop_assert_eq!(serde_json::from_str::<Sample>(&json).unwrap(), sample);
        }
    }
}
