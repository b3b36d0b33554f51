//! Takes the compression off an answer, so that it can be looked at.
//!
//! The broker is asked for plain answers and gives them. If one is compressed all the same, by whatever stands between, it is passed
//! on plain. A coding that is unknown, or data that is not what the coding says, makes the answer one that cannot be checked.

use std::collections::VecDeque;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation as _};

/// How many codings may lie on top of each other.
const MOST: usize = 4;

/// How much is decompressed at a time, in bytes; what a bomb can fill.
const PIECE: usize = 16 * 1024;

/// The largest window of Zstandard, as a power of two: what RFC 9659 has servers keep to.
const ZSTD_WINDOW: u32 = 23;

/// The answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer's coding is unknown, or its data is damaged")]
pub(crate) struct Undecodable;

/// Takes off the codings of one answer.
pub(crate) struct Decoder {
    /// The outermost first.
    layers: Vec<Layer>,
    arrived: VecDeque<Bytes>,
}

/// One coding, with what came out of the one outside it.
struct Layer {
    coding: Coding,
    input: Bytes,
    /// Whether the coding's own end has come.
    ended: bool,
}

enum Coding {
    Gzip(Decompress),
    Deflate(Decompress),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(Zstd<'static>),
}

impl Decoder {
    /// For an answer with these headers; `None` if it is not encoded.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Undecodable> {
        let mut layers = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().map_err(|_| Undecodable)?.split(',') {
                let name = name.trim().to_ascii_lowercase();
                if name != "identity" {
                    layers.push(Layer { coding: Coding::named(&name)?, input: Bytes::new(), ended: false });
                }
            }
        }
        if layers.len() > MOST {
            return Err(Undecodable);
        }
        // They are named in the order in which they were put on.
        layers.reverse();
        Ok((!layers.is_empty()).then(|| Self { layers, arrived: VecDeque::new() }))
    }

    /// Takes what has arrived.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.arrived.push_back(piece);
    }

    /// The next piece of the plain answer; `None` when more has to arrive first.
    pub(crate) fn pull(&mut self) -> Result<Option<Bytes>, Undecodable> {
        self.pull_from(self.layers.len())
    }

    /// What comes out of the first `depth` layers.
    fn pull_from(&mut self, depth: usize) -> Result<Option<Bytes>, Undecodable> {
        let Some(inner) = depth.checked_sub(1) else { return Ok(self.arrived.pop_front()) };
        let mut output = vec![0; PIECE];
        loop {
            let layer = &mut self.layers[inner];
            let (read, written) = layer.step(&mut output)?;
            if written > 0 {
                output.truncate(written);
                return Ok(Some(output.into()));
            }
            if read == 0 {
                // It may still have output when its input is used up, but not when it did nothing.
                match self.pull_from(inner)? {
                    Some(input) => self.layers[inner].feed(input)?,
                    None => return Ok(None),
                }
            }
        }
    }

    /// Whether the answer is complete, when no more will arrive.
    pub(crate) fn finish(&self) -> Result<(), Undecodable> {
        let whole =
            self.arrived.is_empty() && self.layers.iter().all(|layer| layer.ended && layer.input.is_empty());
        if whole { Ok(()) } else { Err(Undecodable) }
    }
}

impl Layer {
    fn feed(&mut self, input: Bytes) -> Result<(), Undecodable> {
        if self.input.is_empty() {
            self.input = input;
        } else if !input.is_empty() {
            // A coding that takes nothing of its input will never take more.
            return Err(Undecodable);
        }
        Ok(())
    }

    /// Decompresses a little. Gives how much was read and written.
    fn step(&mut self, output: &mut [u8]) -> Result<(usize, usize), Undecodable> {
        if self.ended {
            if self.input.is_empty() {
                return Ok((0, 0));
            }
            // Several gzip members or Zstandard frames in a row are one text; nothing may follow the others.
            self.coding.begin_anew()?;
            self.ended = false;
        }
        let (read, written, ended) = self.coding.step(&self.input, output)?;
        self.input = self.input.slice(read..);
        self.ended = ended;
        Ok((read, written))
    }
}

impl Coding {
    fn named(name: &str) -> Result<Self, Undecodable> {
        Ok(match name {
            "gzip" | "x-gzip" => Self::Gzip(Decompress::new_gzip(15)),
            "deflate" => Self::Deflate(Decompress::new(true)),
            "br" => Self::Brotli(Box::new(BrotliState::new_strict(
                StandardAlloc::default(),
                StandardAlloc::default(),
                StandardAlloc::default(),
            ))),
            "zstd" => {
                let mut zstd = Zstd::new().map_err(|_| Undecodable)?;
                zstd.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).map_err(|_| Undecodable)?;
                Self::Zstd(zstd)
            }
            _ => return Err(Undecodable),
        })
    }

    fn begin_anew(&mut self) -> Result<(), Undecodable> {
        match self {
            Self::Gzip(inflate) => *inflate = Decompress::new_gzip(15),
            Self::Zstd(zstd) => zstd.reinit().map_err(|_| Undecodable)?,
            Self::Deflate(_) | Self::Brotli(_) => return Err(Undecodable),
        }
        Ok(())
    }

    /// How much was read and written, and whether this was the end.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize, bool), Undecodable> {
        match self {
            Self::Gzip(inflate) | Self::Deflate(inflate) => {
                let (read, written) = (inflate.total_in(), inflate.total_out());
                let status = match inflate.decompress(input, output, FlushDecompress::None) {
                    Ok(status) => status,
                    Err(_) => return Err(Undecodable),
                };
                let read = usize::try_from(inflate.total_in() - read).map_err(|_| Undecodable)?;
                let written = usize::try_from(inflate.total_out() - written).map_err(|_| Undecodable)?;
                Ok((read, written, status == Status::StreamEnd))
            }
            Self::Brotli(state) => {
                let (mut left, mut read) = (input.len(), 0);
                let (mut room, mut written, mut total) = (output.len(), 0, 0);
                let result = BrotliDecompressStream(
                    &mut left,
                    &mut read,
                    input,
                    &mut room,
                    &mut written,
                    output,
                    &mut total,
                    state,
                );
                match result {
                    BrotliResult::ResultFailure => Err(Undecodable),
                    result => Ok((read, written, matches!(result, BrotliResult::ResultSuccess))),
                }
            }
            Self::Zstd(zstd) => {
                let status = zstd.run_on_buffers(input, output).map_err(|_| Undecodable)?;
                Ok((status.bytes_read, status.bytes_written, status.remaining == 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn decoder(codings: &[&str]) -> Result<Option<Decoder>, Undecodable> {
        let mut headers = HeaderMap::new();
        for coding in codings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
        }
        Decoder::of(&headers)
    }

    pub(crate) fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::default();
        match coding {
            "gzip" => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
                gzip.write_all(plain).unwrap();
                gzip.finish().unwrap()
            }
            "deflate" => {
                let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
                zlib.write_all(plain).unwrap();
                zlib.finish().unwrap()
            }
            "zstd" => zstd::encode_all(plain, 3).unwrap(),
            "br" => stored_brotli(plain),
            _ => panic!("no coding {coding}"),
        }
    }

    /// Brotli in its uncompressed blocks: a window of 16 bits, blocks of at most 64 KiB, and an empty last one.
    fn stored_brotli(plain: &[u8]) -> Vec<u8> {
        let (mut out, mut bits, mut count) = (Vec::new(), 0_u64, 0);
        let mut put = |out: &mut Vec<u8>, value: u64, width: u32, align: bool| {
            bits |= value << count;
            count += width;
            while count >= 8 || (align && count > 0) {
                out.push(bits as u8);
                bits >>= 8;
                count = count.saturating_sub(8);
            }
        };
        put(&mut out, 0, 1, false);
        for block in plain.chunks(1 << 16) {
            put(&mut out, 0, 3, false);
            put(&mut out, block.len() as u64 - 1, 16, false);
            put(&mut out, 1, 1, true);
            out.extend_from_slice(block);
        }
        put(&mut out, 3, 2, true);
        out
    }

    fn decoded(codings: &[&str], pieces: &[&[u8]]) -> Result<Vec<u8>, Undecodable> {
        let mut decoder = decoder(codings)?.unwrap();
        let mut out = Vec::new();
        for piece in pieces {
            decoder.push(Bytes::copy_from_slice(piece));
            while let Some(plain) = decoder.pull()? {
                assert!(plain.len() <= PIECE);
                out.extend_from_slice(&plain);
            }
        }
        decoder.finish()?;
        Ok(out)
    }

    #[rstest]
    #[case(&[], false)]
    #[case(&["identity"], false)]
    #[case(&["identity, Identity"], false)]
    #[case(&["gzip"], true)]
    #[case(&["GZIP"], true)]
    #[case(&["gzip, br"], true)]
    fn plain_or_not(#[case] codings: &[&str], #[case] encoded: bool) {
        assert_eq!(decoder(codings).unwrap().is_some(), encoded);
    }

    #[rstest]
    #[case(&["compress"])]
    #[case(&["gzip, dcb"])]
    #[case(&[""])]
    #[case(&["gzip;q=1"])]
    #[case(&["gzip", "gzip", "gzip", "gzip", "gzip"])]
    fn unknown_codings_are_refused(#[case] codings: &[&str]) {
        assert!(decoder(codings).is_err());
    }

    #[rstest]
    fn what_is_no_such_data_is_refused(#[values("gzip", "deflate", "br", "zstd")] coding: &str) {
        let whole = encoded(coding, b"{\"id\":1}");
        assert!(decoded(&[coding], &[b"{\"id\":1, \"this is\": \"not compressed at all\"}"]).is_err());
        assert!(decoded(&[coding], &[&whole[..whole.len() - 1]]).is_err(), "it is cut off");
        assert!(decoded(&[coding], &[&whole, b"more"]).is_err(), "something follows");
        assert!(decoded(&[coding], &[]).is_err(), "it is empty");
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0xff;
        assert_ne!(decoded(&[coding], &[&damaged]).ok().as_deref(), Some(&b"{\"id\":1}"[..]));
    }

    #[test]
    fn real_brotli() {
        // Node's `zlib.brotliCompressSync("echo echo echo echo echo echo")`.
        let bytes = hex::decode(BROTLI).unwrap();
        assert_eq!(decoded(&["br"], &[&bytes]).unwrap(), b"echo echo echo echo echo echo");
    }

    const BROTLI: &str = "1b1c00f88d54b5bf04192b2bb4b760270ad009";

    #[test]
    fn members_and_frames_in_a_row_are_one_text() {
        for coding in ["gzip", "zstd"] {
            let (one, two) = (encoded(coding, b"one"), encoded(coding, b"two"));
            assert_eq!(decoded(&[coding], &[&one, &two]).unwrap(), b"onetwo");
        }
    }

    #[test]
    fn a_bomb_comes_out_in_small_pieces() {
        for coding in ["gzip", "deflate", "zstd"] {
            let bomb = encoded(coding, &encoded(coding, &vec![0; 64 << 20]));
            let out = decoded(&[coding, coding], &[&bomb]).unwrap();
            assert_eq!(out.len(), 64 << 20);
        }
    }

    proptest! {
        #[test]
        fn what_was_put_on_is_taken_off(
            plain in prop::collection::vec(any::<u8>(), 0..3000),
            codings in prop::collection::vec(prop::sample::select(vec!["gzip", "deflate", "br", "zstd"]), 1..4),
            step in 1_usize..700,
        ) {
            let encoded = codings.iter().fold(plain.clone(), |inner, coding| encoded(coding, &inner));
            let pieces: Vec<&[u8]> = encoded.chunks(step).collect();
            prop_assert_eq!(decoded(&[&codings.join(", ")], &pieces), Ok(plain));
        }
    }
}
