//! `permessage-deflate` (RFC 7692): the agreement, and messages in both directions.
//!
//! What a server sends never refers to earlier messages (`server_no_context_takeover`, which a server may always ask for): a
//! message that many clients get is compressed once, and a client costs no memory for it. Clients may refer to their own earlier
//! messages unless they offer not to.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::Fault;

const NAME: &str = "permessage-deflate";
/// What every compressed message ends with, and what is therefore not sent (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// The window of a client that offers none, and the largest there is.
const WHOLE_WINDOW: u8 = 15;
/// The smallest window that the compressor has. An offer of 8 bits, which RFC 7692 knows as well, is declined.
const SMALLEST_WINDOW: u8 = 9;

/// What server and client have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How far back the server's compressed messages refer at most: to 2 to the power of this many bytes, 9 to 15.
    pub server_window: u8,
    /// Whether the answer names the window.
    pub(super) names_window: bool,
    /// Whether the client's messages refer to nothing before themselves.
    pub client_forgets: bool,
}

impl Agreed {
    /// The agreement of both whole windows, in which only the client refers to earlier messages.
    pub const PLAIN: Self = Self { server_window: WHOLE_WINDOW, names_window: false, client_forgets: false };

    /// Accepts the first of a client's offers that can be kept; none, and so no compression, if there is no such offer.
    #[must_use]
    pub fn accept(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).find_map(accept_one)
    }

    /// The `Sec-WebSocket-Extensions` of the answer.
    #[must_use]
    pub fn answer(self) -> String {
        let mut answer = format!("{NAME}; server_no_context_takeover");
        if self.client_forgets {
            answer.push_str("; client_no_context_takeover");
        }
        if self.names_window {
            answer.push_str(&format!("; server_max_window_bits={}", self.server_window));
        }
        answer
    }
}

/// An offer is declined as a whole if it has a parameter that is unknown, doubled or out of range. No parameter of this extension
/// has a comma or a semicolon in its value, so that quoted values need no more than their quotes taken off.
fn accept_one(offer: &str) -> Option<Agreed> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut agreed = Agreed::PLAIN;
    let mut seen: Vec<&str> = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
            None => (part, None),
        };
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match (name, value) {
            // It is so whether it is asked for or not.
            ("server_no_context_takeover", None) => {}
            ("client_no_context_takeover", None) => agreed.client_forgets = true,
            ("server_max_window_bits", Some(bits)) => {
                agreed.server_window = window(bits).filter(|bits| *bits >= SMALLEST_WINDOW)?;
                agreed.names_window = true;
            }
            // A hint only: what a client sends is read with the whole window.
            ("client_max_window_bits", None) => {}
            ("client_max_window_bits", Some(bits)) => {
                window(bits)?;
            }
            _ => return None,
        }
    }
    Some(agreed)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// 8 to 15, without leading zeros.
fn window(text: &str) -> Option<u8> {
    let bits = text.parse().ok().filter(|bits| (8..=WHOLE_WINDOW).contains(bits))?;
    (!text.starts_with(['0', '+'])).then_some(bits)
}

/// A message as a server sends it compressed; `None` if that would not make it shorter.
#[must_use]
pub fn compressed(payload: &[u8], agreed: Agreed) -> Option<Vec<u8>> {
    // A small message needs no large window.
    let needed = u8::try_from(payload.len().max(2).ilog2() + 1).unwrap_or(WHOLE_WINDOW);
    let window = needed.clamp(SMALLEST_WINDOW, agreed.server_window);
    let mut compress = Compress::new_with_window_bits(Compression::fast(), false, window);
    let mut out = Vec::with_capacity(payload.len() + 64);
    while (compress.total_in() as usize) < payload.len() || out.len() == out.capacity() {
        if out.len() == out.capacity() {
            out.reserve(payload.len() / 2 + 64);
        }
        let rest = payload.get(compress.total_in() as usize..).unwrap_or_default();
        compress.compress_vec(rest, &mut out, FlushCompress::Sync).ok()?;
    }
    if out.ends_with(&TAIL) {
        out.truncate(out.len() - TAIL.len());
    }
    (!out.is_empty() && out.len() < payload.len()).then_some(out)
}

/// Decompresses the messages of one side, in their order.
#[derive(Debug)]
pub struct Inflater {
    forgets: bool,
    /// Made when the first message comes, and gone after each one if that side forgets.
    inflate: Option<Decompress>,
}

impl Inflater {
    /// For the messages of a side that `forgets` or does not.
    #[must_use]
    pub const fn new(forgets: bool) -> Self {
        Self { forgets, inflate: None }
    }

    /// The message that was compressed, if it has at most `limit` bytes.
    ///
    /// # Errors
    /// [`Fault::TooLarge`] as soon as more than `limit` bytes have come out, [`Fault::Damaged`] for what is no compressed message.
    pub fn message(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(false));
        let mut out = Vec::new();
        for part in [payload, &TAIL[..]] {
            inflate_part(inflate, part, limit, &mut out)?;
        }
        if self.forgets {
            self.inflate = None;
        }
        Ok(out)
    }
}

fn inflate_part(
    inflate: &mut Decompress,
    mut part: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    loop {
        if out.len() == out.capacity() {
            // One byte beyond the limit shows that there is too much; more is never made room for.
            let room = (limit + 1).saturating_sub(out.len());
            if room == 0 {
                return Err(Fault::TooLarge);
            }
            out.reserve_exact(room.min(out.len().max(part.len().saturating_mul(4)).max(256)));
        }
        let (read, written) = (inflate.total_in(), out.len());
        let status = inflate.decompress_vec(part, out, FlushDecompress::Sync).map_err(|_| Fault::Damaged)?;
        part = part.get((inflate.total_in() - read) as usize..).unwrap_or_default();
        if out.len() > limit {
            return Err(Fault::TooLarge);
        }
        if status == Status::StreamEnd {
            // A last block may come inside a message (RFC 7692, section 7.2.3.5); what follows begins anew.
            inflate.reset(false);
        } else if out.len() < out.capacity() && (part.is_empty() || out.len() == written) {
            return if part.is_empty() { Ok(()) } else { Err(Fault::Damaged) };
        }
        if part.is_empty() && out.len() < out.capacity() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn answer_to(offers: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(offer).unwrap());
        }
        Agreed::accept(&headers).map(Agreed::answer)
    }

    #[rstest]
    #[case::bare(&["permessage-deflate"], "permessage-deflate; server_no_context_takeover")]
    #[case::node_ws(&["permessage-deflate; client_max_window_bits"], "permessage-deflate; server_no_context_takeover")]
    #[case::python_websockets(
        &["permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"],
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=12"
    )]
    #[case::go_coder(
        &["permessage-deflate; client_no_context_takeover; server_no_context_takeover"],
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    )]
    #[case::quoted(
        &["permessage-deflate; server_max_window_bits=\"10\""],
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10"
    )]
    #[case::second_offer(
        &["permessage-deflate; server_max_window_bits=8, permessage-deflate"],
        "permessage-deflate; server_no_context_takeover"
    )]
    #[case::second_header(&["x-webkit-deflate-frame", "permessage-deflate"], "permessage-deflate; server_no_context_takeover")]
    fn offers_that_can_be_kept_are_accepted(#[case] offers: &[&str], #[case] expected: &str) {
        assert_eq!(answer_to(offers).as_deref(), Some(expected));
    }

    #[rstest]
    #[case::nothing(&[])]
    #[case::another_extension(&["x-webkit-deflate-frame"])]
    #[case::unknown_parameter(&["permessage-deflate; mystery"])]
    #[case::doubled_parameter(&["permessage-deflate; client_max_window_bits; client_max_window_bits=10"])]
    #[case::value_where_none_is(&["permessage-deflate; server_no_context_takeover=1"])]
    #[case::value_where_none_is(&["permessage-deflate; client_no_context_takeover=1"])]
    #[case::no_value_where_one_is(&["permessage-deflate; server_max_window_bits"])]
    #[case::window_too_small(&["permessage-deflate; client_max_window_bits=7"])]
    #[case::window_too_large(&["permessage-deflate; server_max_window_bits=16"])]
    #[case::window_with_a_zero(&["permessage-deflate; server_max_window_bits=09"])]
    #[case::window_with_a_sign(&["permessage-deflate; server_max_window_bits=+9"])]
    #[case::window_of_eight_bits(&["permessage-deflate; server_max_window_bits=8"])]
    fn all_others_are_declined(#[case] offers: &[&str]) {
        assert_eq!(answer_to(offers), None);
    }

    /// The examples of RFC 7692, section 7.2.3: all of them say "Hello".
    #[rstest]
    #[case::one_block(&[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..]])]
    #[case::context_takeover(&[&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00]])]
    #[case::no_compression(&[&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00][..]])]
    #[case::last_block(&[&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00][..]])]
    #[case::two_blocks(&[&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00][..]])]
    fn examples_of_the_rfc_are_read(#[case] messages: &[&[u8]]) {
        let mut inflater = Inflater::new(false);
        for message in messages {
            assert_eq!(inflater.message(message, 5).as_deref(), Ok(&b"Hello"[..]));
        }
    }

    #[test]
    fn who_forgets_cannot_refer_to_an_earlier_message() {
        let mut inflater = Inflater::new(true);
        inflater.message(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 5).unwrap();
        assert_eq!(inflater.message(&[0xf2, 0x00, 0x11, 0x00, 0x00], 5), Err(Fault::Damaged));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = compressed(&vec![b' '; 100 << 20], Agreed::PLAIN).unwrap();
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        let mut inflater = Inflater::new(false);
        assert_eq!(inflater.message(&bomb, 1 << 16), Err(Fault::TooLarge));
    }

    #[rstest]
    #[case(4)]
    #[case(5)]
    fn the_limit_is_exact(#[case] limit: usize) {
        let message = Inflater::new(false).message(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], limit);
        assert_eq!(message.is_ok(), limit == 5, "{message:?}");
    }

    #[test]
    fn an_empty_message_is_empty() {
        assert_eq!(Inflater::new(false).message(&[0x00], 10), Ok(Vec::new()));
        assert_eq!(compressed(b"", Agreed::PLAIN), None);
    }

    #[test]
    fn no_message_refers_further_back_than_was_agreed() {
        // The same 600 bytes of noise before and after 4,000 others: only a window of 8 KB sees them twice.
        let noise: Vec<u8> = (0..600_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let payload = [&noise[..], &[b'-'; 4000], &noise].concat();
        let length =
            |bits| compressed(&payload, Agreed { server_window: bits, ..Agreed::PLAIN }).unwrap().len();
        assert!(length(9) > length(15) + 300, "{} {}", length(9), length(15));
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(
            texts in prop::collection::vec("[a-d]{0,3000}", 1..4), bits in 9_u8..=15,
        ) {
            let agreed = Agreed { server_window: bits, ..Agreed::PLAIN };
            let mut inflater = Inflater::new(true);
            for text in texts {
                if let Some(short) = compressed(text.as_bytes(), agreed) {
                    prop_assert_eq!(inflater.message(&short, text.len()), Ok(text.into_bytes()));
                }
            }
        }

        #[test]
        fn nothing_breaks_the_inflater(payload: Vec<u8>, limit in 0_usize..5000) {
            let mut inflater = Inflater::new(false);
            for _ in 0..2 {
                if let Ok(message) = inflater.message(&payload, limit) {
                    prop_assert!(message.len() <= limit);
                }
            }
        }
    }
}
