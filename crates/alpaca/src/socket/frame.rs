//! The form of a frame (RFC 6455, section 5).

use super::{Fault, Role};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with a message.
    Continuation,
    /// Begins a text.
    Text,
    /// Begins bytes.
    Binary,
    /// Ends the connection.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    /// Whether it may come between the frames of a message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What comes before the payload of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether the message ends with this frame.
    pub last: bool,
    /// The first reserved bit: the message is compressed.
    pub compressed: bool,
    /// What it is.
    pub opcode: Opcode,
    /// The key with which the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// How long the payload is.
    pub length: u64,
}

/// The most that a control frame may carry.
pub const MAX_CONTROL: usize = 125;

impl Header {
    /// Reads the header at the beginning of `bytes`, and tells how long it is; `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`Fault::Protocol`] for a header that `role` must not receive.
    pub fn read(bytes: &[u8], role: Role) -> Result<Option<(Self, usize)>, Fault> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0b0011_0000 != 0 {
            return Err(Fault::Protocol("a reserved bit is set"));
        }
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Fault::Protocol("an unknown opcode"))?;
        let (last, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        let masked = second & 0x80 != 0;
        match role {
            Role::Server if !masked => return Err(Fault::Protocol("a client's frame must be masked")),
            Role::Client if masked => return Err(Fault::Protocol("a server's frame must not be masked")),
            Role::Server | Role::Client => {}
        }
        let short = second & 0x7f;
        if opcode.is_control() && (!last || usize::from(short) > MAX_CONTROL) {
            return Err(Fault::Protocol("a control frame is whole and short"));
        }
        if compressed && (opcode.is_control() || opcode == Opcode::Continuation) {
            return Err(Fault::Protocol("only the first frame of a message says that it is compressed"));
        }
        let (length, rest) = match short {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        let least = match short {
            126 => 126,
            127 => 1 << 16,
            _ => 0,
        };
        if length < least || length > i64::MAX.unsigned_abs() {
            return Err(Fault::Protocol("a length has its shortest form"));
        }
        let (mask, rest) = match rest.split_first_chunk() {
            Some((mask, rest)) if masked => (Some(*mask), rest),
            None if masked => return Ok(None),
            _ => (None, rest),
        };
        Ok(Some((Self { last, compressed, opcode, mask, length }, bytes.len() - rest.len())))
    }

    /// Writes the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.last) << 7 | u8::from(self.compressed) << 6 | self.opcode.bits());
        let masked = u8::from(self.mask.is_some()) << 7;
        if let Ok(short) = u8::try_from(self.length)
            && short < 126
        {
            out.push(masked | short);
        } else if let Ok(medium) = u16::try_from(self.length) {
            out.push(masked | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        } else {
            out.push(masked | 127);
            out.extend_from_slice(&self.length.to_be_bytes());
        }
        out.extend(self.mask.iter().flatten());
    }
}

/// Masks a payload, or takes the mask off.
pub fn mask(payload: &mut [u8], key: [u8; 4]) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        word.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    }
    words.into_remainder().iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
}

/// A whole frame. Clients give it a key.
pub fn write(opcode: Opcode, compressed: bool, payload: &[u8], key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let header = Header { last: true, compressed, opcode, mask: key, length: payload.len() as u64 };
    out.reserve(payload.len() + 14);
    header.write(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key {
        mask(&mut out[start..], key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// The examples of RFC 6455, section 5.7.
    #[rstest]
    #[case::unmasked_text(&[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], Role::Client, Opcode::Text, 5)]
    #[case::masked_text(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], Role::Server, Opcode::Text, 5)]
    #[case::medium(&[0x82, 0x7e, 0x01, 0x00], Role::Client, Opcode::Binary, 256)]
    #[case::long(&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], Role::Client, Opcode::Binary, 65536)]
    fn headers_of_the_rfc_are_read(
        #[case] bytes: &[u8],
        #[case] role: Role,
        #[case] opcode: Opcode,
        #[case] length: u64,
    ) {
        let (header, _) = Header::read(bytes, role).unwrap().unwrap();
        assert_eq!((header.opcode, header.length, header.last), (opcode, length, true));
    }

    #[rstest]
    #[case::second_reserved_bit(&[0xa1, 0x80], Role::Server)]
    #[case::third_reserved_bit(&[0x91, 0x80], Role::Server)]
    #[case::unknown_data_opcode(&[0x83, 0x80], Role::Server)]
    #[case::unknown_control_opcode(&[0x8b, 0x80], Role::Server)]
    #[case::client_without_mask(&[0x81, 0x00], Role::Server)]
    #[case::server_with_mask(&[0x81, 0x80], Role::Client)]
    #[case::fragmented_ping(&[0x09, 0x80], Role::Server)]
    #[case::long_ping(&[0x89, 0xfe], Role::Server)]
    #[case::compressed_ping(&[0xc9, 0x80], Role::Server)]
    #[case::compressed_continuation(&[0xc0, 0x80], Role::Server)]
    #[case::short_length_in_two_bytes(&[0x82, 0xfe, 0, 125], Role::Server)]
    #[case::medium_length_in_eight_bytes(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Role::Server)]
    #[case::length_above_63_bits(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Role::Server)]
    fn what_breaks_a_rule_is_a_fault(#[case] bytes: &[u8], #[case] role: Role) {
        let fault = Header::read(bytes, role).unwrap_err();
        assert_eq!(fault.code(), 1002, "{fault}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            last: bool, compressed: bool, masked: bool, key: [u8; 4],
            length in prop_oneof![0_u64..300, 65_000_u64..66_000, any::<u64>().prop_map(|length| length >> 1)],
        ) {
            let header = Header { last, compressed, opcode: Opcode::Text, mask: masked.then_some(key), length };
            let role = if masked { Role::Server } else { Role::Client };
            let mut out = Vec::new();
            header.write(&mut out);
            for cut in 0..out.len() {
                prop_assert_eq!(Header::read(&out[..cut], role), Ok(None));
            }
            prop_assert_eq!(Header::read(&out, role), Ok(Some((header, out.len()))));
        }

        #[test]
        fn masking_twice_changes_nothing(payload: Vec<u8>, key: [u8; 4]) {
            let mut masked = payload.clone();
            mask(&mut masked, key);
            prop_assert!(masked.iter().zip(&payload).enumerate().all(|(at, (one, other))| *one == other ^ key[at % 4]));
            mask(&mut masked, key);
            prop_assert_eq!(masked, payload);
        }
    }
}
