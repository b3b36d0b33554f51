//! Finding the pair among other values without looking at those.

use std::fmt;

use paddock_core::SecretText;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::{Delivery, Held, PairNames};

/// The two halves out of a JSON object whose keys are names and whose values are texts. Other values are passed over, never kept.
/// `None` when it is no such object.
pub(super) fn pick(body: &[u8], names: &PairNames) -> Option<Held> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let held = reader.deserialize_map(Pick(names)).ok()?;
    reader.end().ok()?;
    Some(held)
}

struct Pick<'a>(&'a PairNames);

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Held;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Held, A::Error> {
        let (mut key_id, mut secret_key) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            let place = match name.as_str() {
                name if name == self.0.key_id => &mut key_id,
                name if name == self.0.secret_key => &mut secret_key,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = Some(SecretText::new(map.next_value()?));
        }
        Ok(Held::Values { key_id, secret_key })
    }
}

impl Held {
    /// Whether both halves are there and are those of the delivery.
    pub(super) fn is(&self, delivery: &Delivery) -> bool {
        match self {
            Self::Values { key_id: Some(key_id), secret_key: Some(secret_key) } => {
                // Both are compared whatever the first says.
                let (one, two) = (*key_id == delivery.key_id, *secret_key == delivery.secret_key);
                one & two
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pair_is_taken() {
        let names = PairNames::default();
        let body = br#"{"OTHER":{"deep":[1]},"APCA_API_KEY_ID":"PK1","LAST":null}"#;
        let held = pick(body, &names).unwrap();
        let expected = Held::Values { key_id: Some(SecretText::new("PK1".to_owned())), secret_key: None };
        assert_eq!(held, expected);
        assert!(pick(b"[]", &names).is_none());
        assert!(pick(br#"{"APCA_API_KEY_ID":1}"#, &names).is_none());
        assert!(pick(br"{} x", &names).is_none());
    }
}
