//! What programs and the stream of trade updates say to each other.

use jiff::Timestamp;
use paddock_core::{Environment, SecretText};
use serde_json::{Value, json};

use super::{Format, TRADE_UPDATES};
use crate::socket::Message;

/// What a program asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TradeRequest {
    /// Credentials: a pair, or the word `oauth` and a token.
    Authenticate {
        /// The Key ID, or the word.
        key: String,
        /// The Secret Key, or the token.
        secret: SecretText,
    },
    /// The streams that it wants from now on: whether trade updates are among them, or `None` where no list of streams was sent.
    Listen(Option<bool>),
}

impl TradeRequest {
    /// Reads a request; `None` if its action is none. Programs log in in two forms.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let data = &value["data"];
        match value["action"].as_str()? {
            "authenticate" => Some(match data["oauth_token"].as_str() {
                Some(token) => {
                    Self::Authenticate { key: "oauth".to_owned(), secret: SecretText::new(token.to_owned()) }
                }
                None => credentials(&data["key_id"], &data["secret_key"]),
            }),
            "auth" => Some(credentials(&value["key"], &value["secret"])),
            "listen" => {
                let streams = data["streams"].as_array();
                Some(Self::Listen(
                    streams.map(|streams| streams.iter().any(|stream| stream == TRADE_UPDATES)),
                ))
            }
            _ => None,
        }
    }
}

fn credentials(key: &Value, secret: &Value) -> TradeRequest {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    TradeRequest::Authenticate { key: text(key), secret: SecretText::new(text(secret)) }
}

/// The request of a program that logs in; `key` is `oauth` where the secret is a token.
#[must_use]
pub fn authenticate(key: &str, secret: &str) -> Value {
    let data = match key {
        "oauth" => json!({"oauth_token": secret}),
        _ => json!({"key_id": key, "secret_key": secret}),
    };
    json!({"action": "authenticate", "data": data})
}

/// The request of a program that wants trade updates.
#[must_use]
pub fn listen() -> Value {
    json!({"action": "listen", "data": {"streams": [TRADE_UPDATES]}})
}

/// The answer to credentials, or to who listens without: `action` is what was asked.
#[must_use]
pub fn authorization(authorized: bool, action: &str) -> Value {
    let status = if authorized { "authorized" } else { "unauthorized" };
    json!({"stream": "authorization", "data": {"status": status, "action": action}})
}

/// The same to credentials that are refused, with the reason.
#[must_use]
pub fn unauthorized_because(reason: &str) -> Value {
    json!({"stream": "authorization", "data": {"status": "unauthorized", "action": "authenticate", "message": reason}})
}

/// Whether an answer to credentials lets the program in.
#[must_use]
pub fn is_authorized(answer: &Value) -> bool {
    answer["data"]["status"] == "authorized"
}

/// The acknowledgement of what a program listens to.
#[must_use]
pub fn listening(trade_updates: bool) -> Value {
    let streams = if trade_updates { vec![TRADE_UPDATES] } else { Vec::new() };
    json!({"stream": "listening", "data": {"streams": streams}})
}

/// An update.
#[must_use]
pub fn update(data: &Value) -> Value {
    json!({"stream": TRADE_UPDATES, "data": data})
}

/// Paddock's own notice, which Alpaca's clients ignore: between these instants nothing was heard.
#[must_use]
pub fn gap(from: Timestamp, to: Timestamp) -> Value {
    json!({"stream": "gap", "data": {"from": from, "to": to}})
}

/// An answer to what could not be done.
#[must_use]
pub fn error(words: &str) -> Value {
    json!({"action": "error", "data": {"error_message": words}})
}

/// The stream that a message is of, if it is of one.
#[must_use]
pub fn stream_of(message: &Value) -> Option<&str> {
    message["stream"].as_str()
}

/// A message in the form that a program gets: paper accounts have their JSON in binary frames, as at Alpaca; live ones in text frames.
#[must_use]
pub fn message(value: &Value, format: Format, environment: Environment) -> Message {
    match (format, environment) {
        (Format::Json, Environment::Live) => Message::text(value.to_string()),
        (Format::Json, Environment::Paper) => Message::binary(value.to_string().into_bytes()),
        // A value always has a form in MessagePack.
        (Format::MessagePack, _) => Message::binary(rmp_serde::to_vec_named(value).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn login(key: &str, secret: &str) -> Option<TradeRequest> {
        let secret = SecretText::new(secret.to_owned());
        Some(TradeRequest::Authenticate { key: key.to_owned(), secret })
    }

    #[rstest]
    #[case(json!({"action": "auth", "key": "PK1", "secret": "s"}), login("PK1", "s"))]
    #[case(json!({"action": "authenticate", "data": {"key_id": "PK1", "secret_key": "s"}}), login("PK1", "s"))]
    #[case(json!({"action": "authenticate", "data": {"oauth_token": "t"}}), login("oauth", "t"))]
    #[case(json!({"action": "authenticate"}), login("", ""))]
    #[case(json!({"action": "listen", "data": {"streams": ["trade_updates"]}}), Some(TradeRequest::Listen(Some(true))))]
    #[case(json!({"action": "listen", "data": {"streams": ["other"]}}), Some(TradeRequest::Listen(Some(false))))]
    #[case(json!({"action": "listen", "data": {"streams": "trade_updates"}}), Some(TradeRequest::Listen(None)))]
    #[case(json!({"action": "sing"}), None)]
    #[case(json!([]), None)]
    fn requests_are_read(#[case] value: Value, #[case] expected: Option<TradeRequest>) {
        assert_eq!(TradeRequest::read(&value), expected);
    }

    /// What Paddock says to Alpaca is what a program says.
    #[rstest]
    #[case(authenticate("PK1", "s"), login("PK1", "s"))]
    #[case(authenticate("oauth", "t"), login("oauth", "t"))]
    #[case(listen(), Some(TradeRequest::Listen(Some(true))))]
    fn requests_are_made(#[case] value: Value, #[case] expected: Option<TradeRequest>) {
        assert_eq!(TradeRequest::read(&value), expected);
    }

    #[rstest]
    #[case(
        authorization(true, "authenticate"),
        r#"{"stream":"authorization","data":{"action":"authenticate","status":"authorized"}}"#
    )]
    #[case(
        authorization(false, "listen"),
        r#"{"stream":"authorization","data":{"action":"listen","status":"unauthorized"}}"#
    )]
    #[case(listening(true), r#"{"stream":"listening","data":{"streams":["trade_updates"]}}"#)]
    #[case(listening(false), r#"{"stream":"listening","data":{"streams":[]}}"#)]
    #[case(error("slow client"), r#"{"action":"error","data":{"error_message":"slow client"}}"#)]
    fn answers_are_alpacas(#[case] answer: Value, #[case] expected: &str) {
        assert_eq!(answer, serde_json::from_str::<Value>(expected).unwrap());
    }
}
