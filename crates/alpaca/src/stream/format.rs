//! The two forms in which streams speak.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::socket::Message;

/// In which form a stream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON, in text frames or binary ones.
    Json,
    /// Asked for by `Content-Type: application/msgpack` in the handshake.
    MessagePack,
}

/// The largest frame that a client may send, and the largest message of several frames: room for every symbol there is.
pub const MAX_MESSAGE: usize = 1 << 20;

impl Format {
    /// The form that a handshake asks for.
    #[must_use]
    pub fn asked_for(headers: &HeaderMap) -> Self {
        let asked = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
        if asked.trim_ascii().eq_ignore_ascii_case(b"application/msgpack") {
            Self::MessagePack
        } else {
            Self::Json
        }
    }
}

/// What a data frame says; `None` if that cannot be read. A frame that asks for nothing, as a ping does, has `null`.
#[must_use]
pub fn read(message: &Message, format: Format) -> Option<Value> {
    match message {
        Message::Text(text) => serde_json::from_str(text).ok(),
        Message::Binary(bytes) if format == Format::Json => serde_json::from_slice(bytes).ok(),
        Message::Binary(bytes) => {
            let mut rest: &[u8] = bytes;
            let value = rmp_serde::decode::from_read(&mut rest).ok()?;
            rest.is_empty().then_some(value)
        }
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Some(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(Message::text(r#"{"action":"auth"}"#), Format::Json)]
    #[case(Message::binary(br#"{"action":"auth"}"#.to_vec()), Format::Json)]
    #[case(Message::text(r#"{"action":"auth"}"#), Format::MessagePack)]
    #[case(Message::binary(b"\x81\xa6action\xa4auth".to_vec()), Format::MessagePack)]
    fn every_form_of_a_frame_is_read(#[case] message: Message, #[case] format: Format) {
        assert_eq!(read(&message, format), Some(json!({"action": "auth"})));
    }

    #[rstest]
    #[case(Message::text(r#"{"action":"auth"} x"#), Format::Json)]
    #[case(Message::binary(b"\x81\xa6action\xa4auth".to_vec()), Format::Json)]
    #[case(Message::binary(b"\x81\xa6action\xa4auth\x00".to_vec()), Format::MessagePack)]
    #[case(Message::binary(Vec::new()), Format::MessagePack)]
    fn what_cannot_be_read_is_none(#[case] message: Message, #[case] format: Format) {
        assert_eq!(read(&message, format), None);
    }

    proptest! {
        #[test]
        fn no_frame_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for format in [Format::Json, Format::MessagePack] {
                let _ = read(&Message::binary(bytes.clone()), format);
            }
        }
    }
}
