//! A JSON object that holds the pair among other fields, which stay as they are to the last digit.

use std::fmt;

use paddock_core::SecretText;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{Delivery, Fault, FaultKind, Held, PairNames};

/// The fields in their order, each value as it was written.
#[derive(Clone, Default)]
pub(super) struct Document {
    fields: Vec<(String, Box<RawValue>)>,
}

impl Document {
    /// What is there of the pair. A value that is no text is none of ours.
    pub(super) fn held(&self, names: &PairNames) -> Held {
        Held::Values { key_id: self.text(&names.key_id), secret_key: self.text(&names.secret_key) }
    }

    /// Whether exactly this pair is there.
    pub(super) fn holds(&self, names: &PairNames, delivery: &Delivery) -> bool {
        self.text(&names.key_id).as_ref() == Some(&delivery.key_id)
            && self.text(&names.secret_key).as_ref() == Some(&delivery.secret_key)
    }

    /// The same object with this pair in it.
    pub(super) fn with(mut self, names: &PairNames, delivery: &Delivery) -> Result<Self, Fault> {
        self.set(&names.key_id, &delivery.key_id)?;
        self.set(&names.secret_key, &delivery.secret_key)?;
        Ok(self)
    }

    fn text(&self, name: &str) -> Option<SecretText> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        serde_json::from_str(value.get()).ok().map(SecretText::new)
    }

    fn set(&mut self, name: &str, value: &SecretText) -> Result<(), Fault> {
        let value = serde_json::value::to_raw_value(value.expose()).map_err(|_| {
            Fault::new(FaultKind::Settings, "the pair cannot be written as JSON", "Paste the pair again.")
        })?;
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, present)) => *present = value,
            None => self.fields.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// Reads the object from a secret's text.
    pub(super) fn parse(text: &[u8], what: &str) -> Result<Self, Fault> {
        serde_json::from_slice(text).map_err(|_| {
            let message = format!("{what} holds something that is no JSON object");
            let next_step = "Use a secret of its own, or one whose value is a JSON object: nothing else can be kept beside the pair.";
            Fault::new(FaultKind::Settings, message, next_step)
        })
    }

    /// Writes the object as a secret's text.
    pub(super) fn to_text(&self) -> Result<Zeroizing<String>, Fault> {
        serde_json::to_string(self).map(Zeroizing::new).map_err(|_| {
            Fault::new(FaultKind::Settings, "the secret cannot be written as JSON", "Check the secret.")
        })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} fields)", self.fields.len())
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (name, value) in &self.fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Document;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if document.fields.iter().any(|(field, _)| *field == name) {
                        return Err(A::Error::custom("a field stands twice"));
                    }
                    document.fields.push((name, value));
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::consumers::testing::delivery;

    #[test]
    fn other_fields_stay_to_the_last_digit() {
        let text = r#"{"z":1.10,"APCA_API_KEY_ID":"old","n":12345678901234567890123,"o":{"b":1,"a":[ 2 ]}}"#;
        let names = PairNames::default();
        let document = Document::parse(text.as_bytes(), "it").unwrap().with(&names, &delivery()).unwrap();
        assert!(document.holds(&names, &delivery()));
        let id = delivery().key_id.expose().to_owned();
        let secret = delivery().secret_key.expose().to_owned();
        let expected = format!(
            r#"{{"z":1.10,"APCA_API_KEY_ID":"{id}","n":12345678901234567890123,"o":{{"b":1,"a":[ 2 ]}},"APCA_API_SECRET_KEY":"{secret}"}}"#
        );
        assert_eq!(*document.to_text().unwrap(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("\"text\"")]
    #[case(r#"{"a":1,"a":2}"#)]
    fn what_cannot_be_kept_is_not_overwritten(#[case] text: &str) {
        assert_eq!(Document::parse(text.as_bytes(), "it").unwrap_err().kind, FaultKind::Settings);
    }

    #[test]
    fn half_a_pair_is_none() {
        let mut half = Document::default().with(&PairNames::default(), &delivery()).unwrap();
        half.set("APCA_API_KEY_ID", &SecretText::new("other".to_owned())).unwrap();
        assert!(!half.holds(&PairNames::default(), &delivery()));
    }
}
