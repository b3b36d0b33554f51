//! From messages to bytes.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use super::deflate::{Agreed, compressed};
use super::frame::{self, Opcode};
use super::{Close, Message};

/// Messages that a server sends one after the other, perhaps to many clients: each form of them is made once.
#[derive(Debug)]
pub struct Prepared {
    plain: Bytes,
    /// Where the payloads of data messages are in `plain`, and where their frames are.
    messages: Vec<Part>,
    /// By the window that was agreed on.
    compressed: [OnceLock<Bytes>; 16],
}

#[derive(Clone, Debug)]
struct Part {
    opcode: Opcode,
    frame: Range<usize>,
    payload: Range<usize>,
}

impl Prepared {
    /// Prepares messages.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        let mut plain = Vec::new();
        let messages = messages
            .into_iter()
            .map(|message| {
                let start = plain.len();
                let (opcode, length) = write_plain(&message, &mut plain);
                Part { opcode, frame: start..plain.len(), payload: plain.len() - length..plain.len() }
            })
            .collect();
        Self { plain: plain.into(), messages, compressed: Default::default() }
    }

    /// What is sent to a client with which this was agreed.
    pub fn bytes(&self, agreed: Option<Agreed>) -> Bytes {
        let Some(agreed) = agreed else { return self.plain.clone() };
        match self.compressed.get(usize::from(agreed.server_window)) {
            Some(kept) => kept.get_or_init(|| self.compress(agreed)).clone(),
            None => self.plain.clone(),
        }
    }

    /// How much memory it takes at least.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.plain.len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    fn compress(&self, agreed: Agreed) -> Bytes {
        let mut out = Vec::with_capacity(self.plain.len() / 2);
        for part in &self.messages {
            let payload = &self.plain[part.payload.clone()];
            match compressed(payload, agreed).filter(|_| !part.opcode.is_control()) {
                Some(short) => frame::write(part.opcode, true, &short, None, &mut out),
                None => out.extend_from_slice(&self.plain[part.frame.clone()]),
            }
        }
        out.into()
    }
}

/// The frame of one message as a server sends it.
#[must_use]
pub fn encoded(message: &Message, agreed: Option<Agreed>) -> Bytes {
    let mut out = Vec::new();
    let data = match message {
        Message::Text(text) => Some((Opcode::Text, text.as_bytes())),
        Message::Binary(bytes) => Some((Opcode::Binary, &bytes[..])),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
    };
    let short =
        agreed.zip(data).and_then(|(agreed, (opcode, payload))| Some((opcode, compressed(payload, agreed)?)));
    match short {
        Some((opcode, short)) => frame::write(opcode, true, &short, None, &mut out),
        None => {
            write_plain(message, &mut out);
        }
    }
    out.into()
}

/// Writes the frame of a message, and tells what it is and how long its payload is. What a control frame has no room for is cut
/// off.
fn write_plain(message: &Message, out: &mut Vec<u8>) -> (Opcode, usize) {
    let close;
    let (opcode, payload) = match message {
        Message::Text(text) => (Opcode::Text, text.as_bytes()),
        Message::Binary(bytes) => (Opcode::Binary, &bytes[..]),
        Message::Ping(bytes) => (Opcode::Ping, short(bytes)),
        Message::Pong(bytes) => (Opcode::Pong, short(bytes)),
        Message::Close(None) => (Opcode::Close, &[][..]),
        Message::Close(Some(Close { code, reason })) => {
            let reason = &reason.as_bytes()[..reason.floor_char_boundary(frame::MAX_CONTROL - 2)];
            close = [&code.to_be_bytes(), reason].concat();
            (Opcode::Close, &close[..])
        }
    };
    frame::write(opcode, false, payload, None, out);
    (opcode, payload.len())
}

fn short(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(frame::MAX_CONTROL)]
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use rstest::rstest;

    use super::super::deflate::Inflater;
    use super::super::{Reader, Role};
    use super::*;

    fn messages() -> Vec<Message> {
        vec![
            Message::text("[]"),
            Message::text("[{\"T\":\"t\"}]".repeat(100)),
            Message::Ping(Bytes::from_static(b"there?")),
            Message::binary(vec![7; 70_000]),
            Message::Close(Some(Close { code: 1001, reason: "going".to_owned() })),
        ]
    }

    fn read(bytes: &[u8], inflater: Option<Inflater>) -> Vec<Message> {
        let mut reader = Reader::new(Role::Client, 1 << 20, inflater);
        *reader.arrived() = BytesMut::from(bytes);
        std::iter::from_fn(|| reader.message().unwrap()).collect()
    }

    #[rstest]
    #[case(None)]
    #[case(Some(Agreed::PLAIN))]
    #[case(Some(Agreed { server_window: 9, ..Agreed::PLAIN }))]
    fn a_client_reads_what_was_prepared(#[case] agreed: Option<Agreed>) {
        let prepared = Prepared::new(messages());
        for bytes in
            [prepared.bytes(agreed), messages().iter().flat_map(|one| encoded(one, agreed)).collect()]
        {
            assert_eq!(read(&bytes, agreed.map(|_| Inflater::new(true))), messages());
            assert_eq!(bytes.len() < 10_000, agreed.is_some(), "{}", bytes.len());
        }
    }

    #[test]
    fn the_same_bytes_go_to_all_with_the_same_agreement() {
        let prepared = Prepared::new(messages());
        let of = |agreed| prepared.bytes(agreed).as_ptr();
        assert_eq!(of(None), of(None));
        assert_eq!(of(Some(Agreed::PLAIN)), of(Some(Agreed { client_forgets: true, ..Agreed::PLAIN })));
    }

    #[test]
    fn a_reason_is_cut_between_two_characters() {
        let close = Message::Close(Some(Close { code: 1008, reason: "\u{e4}".repeat(100) }));
        let expected = Message::Close(Some(Close { code: 1008, reason: "\u{e4}".repeat(61) }));
        assert_eq!(read(&encoded(&close, None), None), [expected]);
    }
}
