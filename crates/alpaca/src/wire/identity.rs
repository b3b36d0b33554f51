//! Which orders an answer or an event of Alpaca's speaks of, and what is left of it when some of them are taken out.
//!
//! What is left stands as it came, to the digit: texts are cut out of texts, and nothing is written anew that was not changed.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Order, null_is_empty, word_or_nothing};

/// As much of an order as says which one it is and with which others it hangs together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OrderIdentity {
    /// Alpaca's identity of the order.
    pub id: Uuid,
    /// The client's own name for it, or one that Alpaca made.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub client_order_id: String,
    /// When it was submitted, by Alpaca's clock.
    #[serde(default, deserialize_with = "word_or_nothing::deserialize")]
    pub submitted_at: Option<Timestamp>,
    /// The order whose place it took.
    #[serde(default, deserialize_with = "word_or_nothing::deserialize")]
    pub replaces: Option<Uuid>,
    /// The order that took its place.
    #[serde(default, deserialize_with = "word_or_nothing::deserialize")]
    pub replaced_by: Option<Uuid>,
    /// How it hangs together with others; empty for a simple order.
    #[serde(default, deserialize_with = "null_is_empty")]
    order_class: String,
    /// Its exits, or the legs of a multi-leg order, where they are told.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub legs: Vec<OrderIdentity>,
}

impl OrderIdentity {
    /// Whether it brings others with it that are not told here.
    #[must_use]
    pub fn lacks_legs(&self) -> bool {
        self.legs.is_empty() && !matches!(self.order_class.as_str(), "" | "simple")
    }
}

impl From<&Order> for OrderIdentity {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id,
            client_order_id: order.client_order_id.clone(),
            submitted_at: order.submitted_at,
            replaces: order.replaces,
            replaced_by: order.replaced_by,
            order_class: order.order_class.as_str().to_owned(),
            legs: order.legs.iter().flatten().map(Self::from).collect(),
        }
    }
}

/// The orders that an answer to a change speaks of: one by itself, or those that close positions. Nothing where it speaks of none.
#[must_use]
pub fn orders_in_answer(body: &[u8]) -> Vec<OrderIdentity> {
    #[derive(Deserialize)]
    struct Closed {
        body: Value,
    }
    if let Ok(order) = serde_json::from_slice(body) {
        return vec![order];
    }
    let closed: Vec<Closed> = serde_json::from_slice(body).unwrap_or_default();
    closed.into_iter().filter_map(|closed| OrderIdentity::deserialize(closed.body).ok()).collect()
}

/// The order that a trade update speaks of, as the stream (`data.order`) or the server-sent events (`order`) tell it.
#[must_use]
pub fn order_in_update(update: &Value) -> Option<OrderIdentity> {
    let data = update.get("data").unwrap_or(update);
    OrderIdentity::deserialize(&data["order"]).ok()
}

/// One of a list, as it came.
#[derive(Debug)]
pub struct Listed<'a, T> {
    /// Its JSON.
    pub raw: &'a str,
    /// What it is.
    pub what: T,
}

/// As much of an activity as says whether it is of an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ActivityIdentity {
    /// Alpaca's identity of it, which is also the token of the page that follows.
    pub id: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    activity_type: String,
    #[serde(default)]
    order_id: Option<Uuid>,
}

impl ActivityIdentity {
    /// The order that it comes of. A fill that does not say which is of none that is known.
    #[must_use]
    pub fn order(&self) -> Option<Option<Uuid>> {
        (self.activity_type == "FILL" || self.order_id.is_some()).then_some(self.order_id)
    }
}

/// A list, item by item; nothing when it is none or an item does not say what it is.
#[must_use]
pub fn listed<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Option<Vec<Listed<'_, T>>> {
    let raws: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
    let one = |raw: &RawValue| serde_json::from_str(raw.get()).ok();
    raws.into_iter().map(|raw| Some(Listed { raw: raw.get(), what: one(raw)? })).collect()
}

/// The members of an error that name orders which are in the way.
const ONE: &str = "existing_order_id";
const SEVERAL: &str = "related_orders";

/// The orders that an error, or the errors in a list, name as being in the way.
#[must_use]
pub fn orders_in_the_way(body: &[u8]) -> HashSet<Uuid> {
    fn gather(value: &Value, found: &mut HashSet<Uuid>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if name == ONE => found.extend(Uuid::parse_str(text)),
                        Value::Array(items) if name == SEVERAL => found.extend(
                            items.iter().filter_map(Value::as_str).filter_map(|id| Uuid::parse_str(id).ok()),
                        ),
                        other => gather(other, found),
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = HashSet::new();
    if let Ok(value) = serde_json::from_slice(body) {
        gather(&value, &mut found);
    }
    found
}

/// The same error or list without the names of all orders but these. `None` where nothing has to go.
#[must_use]
pub fn naming_only(body: &[u8], these: &HashSet<Uuid>) -> Option<Vec<u8>> {
    fn clean(value: &mut Value, these: &HashSet<Uuid>) -> bool {
        let may_stay = |value: &Value| {
            value.as_str().and_then(|id| Uuid::parse_str(id).ok()).is_some_and(|id| these.contains(&id))
        };
        match value {
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| clean(item, these) | changed),
            Value::Object(members) => {
                let before = members.len();
                members.retain(|name, value| name != ONE || may_stay(value));
                let mut changed = members.len() < before;
                for (name, value) in members.iter_mut() {
                    changed |= match value {
                        Value::Array(items) if name == SEVERAL => {
                            let before = items.len();
                            items.retain(may_stay);
                            items.len() < before
                        }
                        other => clean(other, these),
                    };
                }
                changed
            }
            _ => false,
        }
    }
    let mut value: Value = serde_json::from_slice(body).ok()?;
    clean(&mut value, these).then(|| value.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE_ID: &str = "38e482f3-79a8-4f75-a057-f07a1ec6a397";
    const OTHER_ID: &str = "48e482f3-79a8-4f75-a057-f07a1ec6a397";

    fn id(text: &str) -> Uuid {
        Uuid::parse_str(text).unwrap()
    }

    #[test]
    fn an_order_and_its_legs() {
        let body = json!({"id": ONE_ID, "client_order_id": "mine", "order_class": "bracket", "replaces": null, "replaced_by": "",
            "submitted_at": "2026-11-20T15:00:00.000000001Z", "legs": [{"id": OTHER_ID, "legs": null}]});
        let orders = orders_in_answer(body.to_string().as_bytes());
        assert_eq!(
            (orders[0].id, orders[0].legs[0].id, orders[0].replaced_by),
            (id(ONE_ID), id(OTHER_ID), None)
        );
        assert!(!orders[0].lacks_legs());
        let parsed: Order = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(OrderIdentity::from(&parsed).legs.len(), 1);
        let bare = json!({"id": ONE_ID, "order_class": "oco", "legs": null});
        assert!(orders_in_answer(bare.to_string().as_bytes())[0].lacks_legs());
        let update = json!({"stream": "trade_updates", "data": {"event": "new", "order": body}});
        assert_eq!(order_in_update(&update).map(|order| order.id), Some(id(ONE_ID)));
        assert_eq!(
            order_in_update(&update["data"]).map(|order| order.client_order_id),
            Some("mine".to_owned())
        );
    }

    #[test]
    fn the_orders_that_close_positions() {
        let body = json!([{"symbol": "AAPL", "status": 200, "body": {"id": ONE_ID}},
            {"symbol": "MSFT", "status": 403, "body": {"code": 40_310_000, "message": "no"}}]);
        let orders = orders_in_answer(body.to_string().as_bytes());
        assert_eq!(orders.iter().map(|order| order.id).collect::<Vec<_>>(), [id(ONE_ID)]);
        for other in ["", "{}", "[]", "[{\"id\":\"x\"}]"] {
            assert_eq!(orders_in_answer(other.as_bytes()), []);
        }
    }

    #[test]
    fn a_list_keeps_its_digits() {
        let body = format!(r#"[{{"id":"{ONE_ID}","qty":"1.10"}}, {{"qty":2.50,"id":"{OTHER_ID}"}}]"#);
        let orders = listed::<OrderIdentity>(body.as_bytes()).unwrap();
        assert_eq!(orders[1].raw, format!(r#"{{"qty":2.50,"id":"{OTHER_ID}"}}"#));
        assert!(listed::<OrderIdentity>(b"[{}]").is_none() && listed::<OrderIdentity>(b"{}").is_none());
    }

    #[test]
    fn which_activities_are_of_an_order() {
        let body = json!([{"id": "1", "activity_type": "FILL", "order_id": ONE_ID}, {"id": "2", "activity_type": "FILL"},
            {"id": "3", "activity_type": "DIV"}]);
        let text = body.to_string();
        let orders: Vec<_> = listed::<ActivityIdentity>(text.as_bytes())
            .unwrap()
            .iter()
            .map(|item| item.what.order())
            .collect();
        assert_eq!(orders, [Some(Some(id(ONE_ID))), Some(None), None]);
    }

    #[test]
    fn an_error_names_no_orders_but_some() {
        let error = json!({"code": 40_310_000, "available": "0", "related_orders": [ONE_ID, OTHER_ID], "existing_order_id": OTHER_ID});
        let list = json!([{"symbol": "AAPL", "status": 403, "body": error}]).to_string();
        let named = orders_in_the_way(list.as_bytes());
        assert_eq!(named, [id(ONE_ID), id(OTHER_ID)].into());
        let cleaned = naming_only(list.as_bytes(), &[id(ONE_ID)].into()).unwrap();
        let cleaned: Value = serde_json::from_slice(&cleaned).unwrap();
        let expected = json!({"code": 40_310_000, "available": "0", "related_orders": [ONE_ID]});
        assert_eq!(cleaned[0]["body"], expected);
        assert_eq!(naming_only(list.as_bytes(), &named), None);
        assert_eq!(naming_only(b"no JSON", &named), None);
    }
}
