//! From bytes to messages.

use bytes::{Buf, Bytes, BytesMut};

use super::deflate::Inflater;
use super::frame::{self, Header, Opcode};
use super::{Close, Fault, Message, Role};

/// Makes messages of the bytes of one side, however they are cut.
#[derive(Debug)]
pub struct Reader {
    role: Role,
    /// The largest message that is accepted.
    limit: usize,
    inflater: Option<Inflater>,
    arrived: BytesMut,
    begun: Option<Begun>,
}

/// A message of which more frames are to come.
#[derive(Debug)]
struct Begun {
    text: bool,
    compressed: bool,
    payload: Vec<u8>,
}

impl Reader {
    /// A reader for what arrives at a side. Messages have at most `limit` bytes, also when they are decompressed by `inflater`;
    /// without one they must not be compressed.
    #[must_use]
    pub fn new(role: Role, limit: usize, inflater: Option<Inflater>) -> Self {
        Self { role, limit, inflater, arrived: BytesMut::new(), begun: None }
    }

    /// Where what arrives is put.
    pub const fn arrived(&mut self) -> &mut BytesMut {
        &mut self.arrived
    }

    /// The next whole message; `None` if more bytes are needed. Control messages that come between the frames of another
    /// message come first.
    ///
    /// # Errors
    /// [`Fault`]; after one nothing can be read any more.
    pub fn message(&mut self) -> Result<Option<Message>, Fault> {
        loop {
            let Some((header, length)) = Header::read(&self.arrived, self.role)? else { return Ok(None) };
            self.check(&header)?;
            let Some(payload) = usize::try_from(header.length).ok().filter(|payload| *payload <= self.limit)
            else {
                return Err(Fault::TooLarge);
            };
            if self.arrived.len() < length + payload {
                return Ok(None);
            }
            self.arrived.advance(length);
            let mut payload = self.arrived.split_to(payload);
            if let Some(key) = header.mask {
                frame::mask(&mut payload, key);
            }
            if let Some(message) = self.take(&header, payload.freeze())? {
                return Ok(Some(message));
            }
        }
    }

    /// Whether a frame may come now. Told from its header, so that nothing of a bad one is waited for.
    fn check(&self, header: &Header) -> Result<(), Fault> {
        if header.compressed && self.inflater.is_none() {
            return Err(Fault::Protocol("compression was not agreed on"));
        }
        match (header.opcode, &self.begun) {
            (Opcode::Continuation, None) => Err(Fault::Protocol("nothing to go on with")),
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                Err(Fault::Protocol("a message begins before the last one has ended"))
            }
            (Opcode::Continuation, Some(begun))
                if header.length > (self.limit.saturating_sub(begun.payload.len())) as u64 =>
            {
                Err(Fault::TooLarge)
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, header: &Header, payload: Bytes) -> Result<Option<Message>, Fault> {
        match header.opcode {
            Opcode::Ping => return Ok(Some(Message::Ping(payload))),
            Opcode::Pong => return Ok(Some(Message::Pong(payload))),
            Opcode::Close => return close(&payload).map(Message::Close).map(Some),
            Opcode::Text | Opcode::Binary if header.last => {
                return self.whole(header.opcode == Opcode::Text, header.compressed, payload).map(Some);
            }
            Opcode::Text | Opcode::Binary => {
                self.begun = Some(Begun {
                    text: header.opcode == Opcode::Text,
                    compressed: header.compressed,
                    payload: payload.to_vec(),
                });
            }
            Opcode::Continuation => {
                if let Some(begun) = &mut self.begun {
                    begun.payload.extend_from_slice(&payload);
                }
            }
        }
        match self.begun.take_if(|_| header.last) {
            Some(begun) => self.whole(begun.text, begun.compressed, begun.payload.into()).map(Some),
            None => Ok(None),
        }
    }

    fn whole(&mut self, text: bool, compressed: bool, payload: Bytes) -> Result<Message, Fault> {
        let payload = match &mut self.inflater {
            Some(inflater) if compressed => inflater.message(&payload, self.limit)?.into(),
            _ => payload,
        };
        if !text {
            return Ok(Message::Binary(payload));
        }
        String::from_utf8(payload.into()).map(Message::Text).map_err(|_| Fault::NotUtf8)
    }
}

/// What a close frame says. Codes that must not be sent are refused (RFC 6455, section 7.4).
fn close(payload: &[u8]) -> Result<Option<Close>, Fault> {
    if payload.is_empty() {
        return Ok(None);
    }
    let (code, reason) = payload.split_first_chunk().ok_or(Fault::Protocol("half a close code"))?;
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Fault::Protocol("a close code that is never sent"));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
    Ok(Some(Close { code, reason: reason.to_owned() }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::super::deflate::{Agreed, compressed};
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    const LIMIT: usize = 1000;

    /// A client's frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        frame::write(Opcode::Binary, false, payload, Some(KEY), &mut out);
        out[0] = first;
        out
    }

    /// What a server makes of frames that arrive byte by byte.
    fn read(frames: &[Vec<u8>], inflater: Option<Inflater>) -> Result<Vec<Message>, Fault> {
        let mut reader = Reader::new(Role::Server, LIMIT, inflater);
        let mut messages = Vec::new();
        for byte in frames.concat() {
            reader.arrived().extend_from_slice(&[byte]);
            while let Some(message) = reader.message()? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    const TEXT: u8 = 0x81;
    const TEXT_BEGINS: u8 = 0x01;
    const BINARY_BEGINS: u8 = 0x02;
    const GOES_ON: u8 = 0x00;
    const ENDS: u8 = 0x80;
    const CLOSE: u8 = 0x88;
    const PING: u8 = 0x89;
    const PONG: u8 = 0x8a;
    const COMPRESSED: u8 = 0x40;

    #[test]
    fn control_frames_come_between_the_frames_of_a_message() {
        let frames = [
            frame(TEXT_BEGINS, "gr\u{fc}".as_bytes().split_at(3).0),
            frame(PING, b"there?"),
            frame(GOES_ON, "gr\u{fc}".as_bytes().split_at(3).1),
            frame(PONG, b""),
            frame(ENDS, b"n"),
            frame(BINARY_BEGINS, b""),
            frame(ENDS, b"\xff"),
        ];
        let expected = [
            Message::Ping(Bytes::from_static(b"there?")),
            Message::Pong(Bytes::new()),
            Message::text("gr\u{fc}n"),
            Message::binary(&b"\xff"[..]),
        ];
        assert_eq!(read(&frames, None).unwrap(), expected);
    }

    #[rstest]
    #[case::nothing_begun(&[frame(ENDS, b"x")], 1002)]
    #[case::begun_twice(&[frame(TEXT_BEGINS, b"x"), frame(TEXT, b"y")], 1002)]
    #[case::compressed_without_agreement(&[frame(TEXT | COMPRESSED, b"x")], 1002)]
    #[case::text_without_form(&[frame(TEXT, b"\xff")], 1007)]
    #[case::text_without_form_in_frames(&[frame(TEXT_BEGINS, b"\xc3"), frame(ENDS, b"x")], 1007)]
    #[case::too_large(&[frame(TEXT, &[b'x'; LIMIT + 1])], 1009)]
    #[case::too_large_in_frames(&[frame(TEXT_BEGINS, &[b'x'; LIMIT]), frame(ENDS, b"x")], 1009)]
    #[case::half_a_close_code(&[frame(CLOSE, b"\x03")], 1002)]
    #[case::close_code_below_all(&[frame(CLOSE, b"\x03\xe7")], 1002)]
    #[case::close_code_that_is_never_sent(&[frame(CLOSE, b"\x03\xed")], 1002)]
    #[case::close_code_above_all(&[frame(CLOSE, b"\x13\x88")], 1002)]
    #[case::close_reason_without_form(&[frame(CLOSE, b"\x03\xe8\xff")], 1007)]
    fn what_breaks_a_rule_is_a_fault(#[case] frames: &[Vec<u8>], #[case] code: u16) {
        assert_eq!(read(frames, None).unwrap_err().code(), code);
    }

    #[rstest]
    #[case(b"", None)]
    #[case(b"\x03\xe8", Some((1000, "")))]
    #[case(b"\x0b\xb8bye", Some((3000, "bye")))]
    fn closes_are_read(#[case] payload: &[u8], #[case] expected: Option<(u16, &str)>) {
        let close = expected.map(|(code, reason)| Close { code, reason: reason.to_owned() });
        assert_eq!(read(&[frame(CLOSE, payload)], None).unwrap(), [Message::Close(close)]);
    }

    #[test]
    fn messages_of_exactly_the_limit_are_read() {
        let whole = [b'x'; LIMIT];
        let frames = [frame(TEXT, &whole), frame(TEXT_BEGINS, &whole[1..]), frame(ENDS, b"x")];
        assert_eq!(read(&frames, None).unwrap().len(), 2);
    }

    #[test]
    fn a_compressed_message_in_frames_is_one_message() {
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let frames = [
            frame(TEXT_BEGINS | COMPRESSED, &hello[..3]),
            frame(PING, b""),
            frame(ENDS, &hello[3..]),
            // Whoever agreed on compression need not use it.
            frame(TEXT, b"Hello"),
            // And refers to the first message.
            frame(TEXT | COMPRESSED, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ];
        let messages = read(&frames, Some(Inflater::new(false))).unwrap();
        let hello = Message::text("Hello");
        assert_eq!(messages, [Message::Ping(Bytes::new()), hello.clone(), hello.clone(), hello]);
    }

    #[test]
    fn a_compressed_message_is_as_large_as_it_becomes() {
        let bomb = compressed(&[b'x'; LIMIT + 1], Agreed::PLAIN).unwrap();
        let fault = read(&[frame(TEXT | COMPRESSED, &bomb)], Some(Inflater::new(false)));
        assert_eq!(fault.unwrap_err().code(), 1009);
        let damaged = read(&[frame(TEXT | COMPRESSED, b"\xff\xff")], Some(Inflater::new(false)));
        assert_eq!(damaged.unwrap_err().code(), 1007);
    }

    #[test]
    fn a_length_that_no_one_will_send_is_not_waited_for() {
        let mut reader = Reader::new(Role::Server, LIMIT, None);
        reader
            .arrived()
            .extend_from_slice(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(reader.message(), Err(Fault::TooLarge));
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_reader(bytes: Vec<u8>, compressed: bool) {
            for role in [Role::Server, Role::Client] {
                let mut reader = Reader::new(role, LIMIT, compressed.then(|| Inflater::new(false)));
                reader.arrived().extend_from_slice(&bytes);
                while let Ok(Some(_)) = reader.message() {}
            }
        }

        #[test]
        fn however_messages_are_cut_they_are_the_same(
            texts in prop::collection::vec("[ -~\u{e0}-\u{ff}]{0,300}", 0..5), cuts in prop::collection::vec(1_usize..60, 1..20),
        ) {
            let mut cuts = cuts.iter().cycle();
            let mut frames = Vec::new();
            for text in &texts {
                let mut rest = text.as_bytes();
                let mut first = 1;
                loop {
                    let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                    frames.push(frame(first | u8::from(later.is_empty()) << 7, now));
                    (rest, first) = (later, 0);
                    if rest.is_empty() {
                        break;
                    }
                }
            }
            let expected: Vec<_> = texts.iter().map(Message::text).collect();
            prop_assert_eq!(read(&frames, None).unwrap(), expected);
        }
    }
}
