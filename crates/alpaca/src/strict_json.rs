//! Reads JSON so strictly that no other reader can read something else in it.
//!
//! What is decided must be what the broker reads. So a key may occur once only, numbers keep their exact text, and
//! a field that is not known is refused rather than passed on unread.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use paddock_core::money::{NotADecimal, parse_decimal};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::AlpacaError;

/// Longest body that is read, in bytes. The largest order, with four legs, has less than two thousand.
pub const MAX_BODY: usize = 64 * 1024;

/// Deepest nesting that is read. An order needs three levels.
pub const MAX_DEPTH: usize = 8;

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// It is longer than [`MAX_BODY`].
    #[error("longer than {MAX_BODY} bytes")]
    TooLarge,
    /// It begins with a byte order mark.
    #[error("it begins with a byte order mark")]
    ByteOrderMark,
    /// It is no JSON: a syntax error, `NaN`, bytes that are no UTF-8, or something after the end.
    #[error("not valid JSON")]
    Malformed,
    /// It is nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// It is JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A key occurs twice in one object, perhaps in two spellings.
    #[error("the key \"{0}\" occurs twice")]
    DuplicateKey(String),
    /// A field that the operation does not know.
    #[error("unknown field \"{0}\"")]
    UnknownField(String),
    /// A field has a value of another type.
    #[error("{field} must be {expected}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A field should be a number and has none, or an ambiguous one such as `1e3`.
    #[error("{field} is {cause}")]
    Number {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        cause: NotADecimal,
    },
}

impl From<&JsonFault> for AlpacaError {
    fn from(fault: &JsonFault) -> Self {
        match fault {
            JsonFault::TooLarge => Self::body_too_large(),
            JsonFault::ByteOrderMark
            | JsonFault::Malformed
            | JsonFault::TooDeep
            | JsonFault::NotAnObject
            | JsonFault::DuplicateKey(_) => Self::invalid_body(&fault.to_string()),
            JsonFault::UnknownField(_) | JsonFault::WrongType { .. } | JsonFault::Number { .. } => {
                Self::invalid_field(fault.to_string())
            }
        }
    }
}

/// An object whose fields are taken out one after the other; what remains in the end is unknown.
#[derive(Debug)]
pub struct Object<'a> {
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads a whole body.
    ///
    /// # Errors
    /// [`JsonFault`] when it is anything but one JSON object with distinct keys.
    pub fn parse(body: &'a [u8]) -> Result<Self, JsonFault> {
        if body.len() > MAX_BODY {
            return Err(JsonFault::TooLarge);
        }
        if body.starts_with(b"\xef\xbb\xbf") {
            return Err(JsonFault::ByteOrderMark);
        }
        // Depth first: the parser below recurses.
        if depth(body) > MAX_DEPTH {
            return Err(JsonFault::TooDeep);
        }
        let raw: &RawValue = serde_json::from_slice(body).map_err(|_| JsonFault::Malformed)?;
        Self::of(raw)?.ok_or(JsonFault::NotAnObject)
    }

    /// The object in `raw`, or nothing when it is something else.
    fn of(raw: &'a RawValue) -> Result<Option<Self>, JsonFault> {
        if !raw.get().starts_with('{') {
            return Ok(None);
        }
        let Members(members) = serde_json::from_str(raw.get()).map_err(|_| JsonFault::Malformed)?;
        let mut seen = HashSet::with_capacity(members.len());
        if let Some((key, _)) = members.iter().find(|(key, _)| !seen.insert(key.as_str())) {
            return Err(JsonFault::DuplicateKey(clip(key)));
        }
        Ok(Some(Self { members }))
    }

    /// Takes the field out. `null` counts as absent, as it does for Alpaca.
    fn take(&mut self, field: &str) -> Option<&'a RawValue> {
        let index = self.members.iter().position(|(key, _)| key == field)?;
        let (_, raw) = self.members.swap_remove(index);
        (raw.get() != "null").then_some(raw)
    }

    /// A text.
    ///
    /// # Errors
    /// [`JsonFault::WrongType`] when it is something else.
    pub fn text(&mut self, field: &'static str) -> Result<Option<String>, JsonFault> {
        self.take(field).map(|raw| text(raw, field)).transpose()
    }

    /// A text that is one of some words, such as `buy`. The outer result is about JSON, the inner one about the word.
    ///
    /// # Errors
    /// [`JsonFault::WrongType`] when it is no text.
    pub fn word<T: FromStr>(&mut self, field: &'static str) -> Result<Option<Result<T, T::Err>>, JsonFault> {
        Ok(self.text(field)?.map(|word| word.parse()))
    }

    /// A decimal number, written as a number or as a text, exactly as it is written.
    ///
    /// # Errors
    /// [`JsonFault::Number`] when it is not plainly written, [`JsonFault::WrongType`] when it is no number.
    pub fn decimal(&mut self, field: &'static str) -> Result<Option<Decimal>, JsonFault> {
        let Some(raw) = self.take(field) else { return Ok(None) };
        let exact = match raw.get().as_bytes() {
            [b'"', ..] => text(raw, field)?,
            [b'-' | b'0'..=b'9', ..] => raw.get().to_owned(),
            _ => return Err(JsonFault::WrongType { field, expected: "a number" }),
        };
        parse_decimal(&exact).map(Some).map_err(|cause| JsonFault::Number { field, cause })
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// [`JsonFault::WrongType`] when it is something else, the text `"true"` included.
    pub fn boolean(&mut self, field: &'static str) -> Result<Option<bool>, JsonFault> {
        match self.take(field).map(RawValue::get) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(JsonFault::WrongType { field, expected: "true or false" }),
        }
    }

    /// An object.
    ///
    /// # Errors
    /// [`JsonFault::WrongType`] when it is something else, [`JsonFault::DuplicateKey`] when it has a key twice.
    pub fn object(&mut self, field: &'static str) -> Result<Option<Self>, JsonFault> {
        let Some(raw) = self.take(field) else { return Ok(None) };
        Self::of(raw)?.map(Some).ok_or(JsonFault::WrongType { field, expected: "an object" })
    }

    /// A list of objects.
    ///
    /// # Errors
    /// As [`Object::object`].
    pub fn objects(&mut self, field: &'static str) -> Result<Option<Vec<Self>>, JsonFault> {
        let Some(items) = self.items(field, "a list of objects")? else { return Ok(None) };
        let wrong = JsonFault::WrongType { field, expected: "a list of objects" };
        let objects: Result<Vec<Self>, JsonFault> =
            items.into_iter().map(|raw| Self::of(raw)?.ok_or_else(|| wrong.clone())).collect();
        objects.map(Some)
    }

    /// A list of texts.
    ///
    /// # Errors
    /// [`JsonFault::WrongType`] when it is something else.
    pub fn texts(&mut self, field: &'static str) -> Result<Option<Vec<String>>, JsonFault> {
        let Some(items) = self.items(field, "a list of texts")? else { return Ok(None) };
        items.into_iter().map(|raw| text(raw, field)).collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn items(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<Option<Vec<&'a RawValue>>, JsonFault> {
        let Some(raw) = self.take(field) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|_| JsonFault::WrongType { field, expected })
    }

    /// Makes sure that every field was taken.
    ///
    /// # Errors
    /// [`JsonFault::UnknownField`] with the first that was not.
    pub fn finish(self) -> Result<(), JsonFault> {
        match self.members.first() {
            Some((key, _)) => Err(JsonFault::UnknownField(clip(key))),
            None => Ok(()),
        }
    }
}

fn text(raw: &RawValue, field: &'static str) -> Result<String, JsonFault> {
    serde_json::from_str(raw.get()).map_err(|_| JsonFault::WrongType { field, expected: "a text" })
}

/// The key as far as an error message repeats it.
fn clip(key: &str) -> String {
    key.chars().filter(|character| !character.is_control()).take(64).collect()
}

/// The deepest nesting outside of texts.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The members of an object in their order, duplicates included, with keys unescaped.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::dec;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn qty(body: &str) -> Result<Option<Decimal>, JsonFault> {
        let mut object = Object::parse(body.as_bytes())?;
        let qty = object.decimal("qty")?;
        object.finish()?;
        Ok(qty)
    }

    #[rstest]
    #[case(r#"{"qty":"1"}"#, Some(dec("1")))]
    #[case(r#" {"qty" : 1.0 } "#, Some(dec("1")))]
    #[case(r#"{"qty":0.123456789}"#, Some(dec("0.123456789")))]
    #[case(r#"{"qty":-2}"#, Some(dec("-2")))]
    #[case(r#"{"\u0071ty":"\u0031"}"#, Some(dec("1")))]
    #[case(r#"{"qty":999999999999999.999999999}"#, Some(dec("999999999999999.999999999")))]
    #[case(r#"{"qty":null}"#, None)]
    #[case("{}", None)]
    fn numbers_are_exact(#[case] body: &str, #[case] expected: Option<Decimal>) {
        assert_eq!(qty(body), Ok(expected));
    }

    #[rstest]
    #[case("", JsonFault::Malformed)]
    #[case("null", JsonFault::NotAnObject)]
    #[case("[]", JsonFault::NotAnObject)]
    #[case(r#""qty""#, JsonFault::NotAnObject)]
    #[case(r#"{"qty":1,"qty":1000}"#, JsonFault::DuplicateKey("qty".to_owned()))]
    #[case(r#"{"qty":1,"\u0071ty":1000}"#, JsonFault::DuplicateKey("qty".to_owned()))]
    #[case(r#"{"qty":null,"qty":1000}"#, JsonFault::DuplicateKey("qty".to_owned()))]
    #[case(r#"{"qty":1}{"qty":2}"#, JsonFault::Malformed)]
    #[case(r#"{"qty":1} x"#, JsonFault::Malformed)]
    #[case(r#"{"qty":1,}"#, JsonFault::Malformed)]
    #[case(r#"{"qty":01}"#, JsonFault::Malformed)]
    #[case(r#"{"qty":NaN}"#, JsonFault::Malformed)]
    #[case(r#"{"qty":Infinity}"#, JsonFault::Malformed)]
    #[case(r#"{"qty":1/*x*/}"#, JsonFault::Malformed)]
    #[case(r#"{'qty':1}"#, JsonFault::Malformed)]
    #[case("\u{feff}{}", JsonFault::ByteOrderMark)]
    #[case(r#"{"qty":1e3}"#, JsonFault::Number { field: "qty", cause: NotADecimal::Malformed })]
    #[case(r#"{"qty":"1e3"}"#, JsonFault::Number { field: "qty", cause: NotADecimal::Malformed })]
    #[case(r#"{"qty":"NaN"}"#, JsonFault::Number { field: "qty", cause: NotADecimal::Malformed })]
    #[case(r#"{"qty":" 1"}"#, JsonFault::Number { field: "qty", cause: NotADecimal::Malformed })]
    #[case(r#"{"qty":""}"#, JsonFault::Number { field: "qty", cause: NotADecimal::Malformed })]
    #[case(r#"{"qty":0.12345678901}"#, JsonFault::Number { field: "qty", cause: NotADecimal::TooPrecise })]
    #[case(r#"{"qty":true}"#, JsonFault::WrongType { field: "qty", expected: "a number" })]
    #[case(r#"{"qty":[1]}"#, JsonFault::WrongType { field: "qty", expected: "a number" })]
    #[case(r#"{"qty":{"a":1}}"#, JsonFault::WrongType { field: "qty", expected: "a number" })]
    #[case(r#"{"quantity":1}"#, JsonFault::UnknownField("quantity".to_owned()))]
    #[case(r#"{"QTY":1}"#, JsonFault::UnknownField("QTY".to_owned()))]
    #[case(r#"{"\ud800":1}"#, JsonFault::Malformed)]
    #[case(r#"{"x":[[[[[[[[1]]]]]]]]}"#, JsonFault::TooDeep)]
    fn all_else_is_refused(#[case] body: &str, #[case] fault: JsonFault) {
        assert_eq!(qty(body), Err(fault));
    }

    #[test]
    fn brackets_inside_texts_do_not_nest() {
        assert_eq!(depth(br#"{"a":"[[[[\"[[[["}"#), 1);
    }

    #[test]
    fn a_large_body_is_refused_before_it_is_read() {
        let body = format!(r#"{{"qty":"{}"}}"#, "1".repeat(MAX_BODY));
        assert_eq!(qty(&body), Err(JsonFault::TooLarge));
        assert_eq!(AlpacaError::from(&JsonFault::TooLarge).status, 413);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_refused() {
        assert_eq!(Object::parse(b"{\"a\":\"\xff\"}").unwrap_err(), JsonFault::Malformed);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..64)) {
            _ = Object::parse(&body);
        }

        #[test]
        fn a_key_that_occurs_twice_never_passes(key in "[a-z]{1,3}", between in "[d-z]{4}") {
            let body = format!(r#"{{"{key}":1,"{between}":2,"{key}":3}}"#);
            prop_assert_eq!(Object::parse(body.as_bytes()).unwrap_err(), JsonFault::DuplicateKey(key));
        }
    }
}
