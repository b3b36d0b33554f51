//! The one spelling of a request's path and query.
//!
//! Two readers of one path must not see two different things: what is decided is what is sent. So a path is read
//! strictly, never repaired, and what goes upstream is written anew from what was read.

mod query;

use std::fmt;

use paddock_core::{AssetClass, Symbol};

pub use query::{Query, QueryFault};

/// More segments than any of Alpaca's operations has (the longest has six).
pub const MAX_SEGMENTS: usize = 8;

/// Longest path that is read, in bytes. Alpaca's longest is far shorter.
pub const MAX_PATH: usize = 512;

/// A path in its one spelling: no empty, `.` or `..` segment, and nothing percent-encoded but the slash inside a crypto
/// pair.
///
/// Crypto pairs name assets in paths (`/v2/assets/BTC%2FUSD`). The JavaScript client sends `%2F`; alpaca-py 0.44.0 puts the
/// symbol into the path as it is, so that its `get_asset("BTC/USD")` asks for `/v2/assets/BTC/USD`. Both are read as
/// the one segment `BTC%2FUSD`, but only where the symbol of an asset, a position or a watchlist entry stands and
/// only when base and quote form a pair, so that no other path can mean two things. The slashless `BTCUSD`
/// stays as it is, since positions are named so.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CanonicalPath(String);

/// Why a path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// There is none.
    #[error("the path is empty")]
    Empty,
    /// It does not begin with a slash: an absolute-form target or an asterisk.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// It is longer than [`MAX_PATH`] or has more than [`MAX_SEGMENTS`] segments.
    #[error("the path is longer than any of Alpaca's")]
    TooLong,
    /// It has `//` in it or ends with a slash.
    #[error("the path has an empty segment: no `//`, and no slash at the end")]
    EmptySegment,
    /// It has a segment made of points only.
    #[error("the path has a segment made of points")]
    DotSegment,
    /// It has a percent-encoding that is not the slash of a crypto pair in the place of a symbol.
    #[error(
        "the path is percent-encoded where it need not be: only the slash of a crypto pair is, as in BTC%2FUSD"
    )]
    Encoded,
    /// It has a byte that no path of Alpaca's has.
    #[error("the path has a character that no path of Alpaca's has")]
    ForbiddenByte,
}

impl CanonicalPath {
    /// Reads the path of a request target, without its query.
    ///
    /// # Errors
    /// [`PathFault`] for every spelling but the canonical one and the three of a crypto pair.
    pub fn parse(raw: &str) -> Result<Self, PathFault> {
        if raw.is_empty() {
            return Err(PathFault::Empty);
        }
        if raw.len() > MAX_PATH {
            return Err(PathFault::TooLong);
        }
        let rest = raw.strip_prefix('/').ok_or(PathFault::NotAbsolute)?;
        if !raw.bytes().all(|byte| is_allowed(byte) || matches!(byte, b'/' | b'%')) {
            return Err(PathFault::ForbiddenByte);
        }
        if rest.is_empty() {
            return Err(PathFault::EmptySegment);
        }
        let mut segments = Vec::with_capacity(MAX_SEGMENTS);
        for segment in rest.split('/') {
            if segment.is_empty() {
                return Err(PathFault::EmptySegment);
            }
            if segment.bytes().all(|byte| byte == b'.') {
                return Err(PathFault::DotSegment);
            }
            if segments.len() == MAX_SEGMENTS {
                return Err(PathFault::TooLong);
            }
            segments.push(segment);
        }
        let place = symbol_place(&segments);
        for (index, segment) in segments.iter().enumerate() {
            if segment.contains('%') && (Some(index) != place || encoded_pair(segment).is_none()) {
                return Err(PathFault::Encoded);
            }
        }
        Ok(Self(match place {
            Some(place) => with_pair(raw, &segments, place),
            None => raw.to_owned(),
        }))
    }

    /// The single spelling that is sent to Alpaca.
    #[must_use]
    pub fn to_upstream(&self) -> &str {
        &self.0
    }

    /// The segments, without slashes; a crypto pair is still encoded, as `BTC%2FUSD`.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalPath({})", self.0)
    }
}

/// RFC 3986's unreserved characters and the colon of `/v2/orders:by_client_order_id`.
const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':')
}

/// The index of the segment that names an asset, where a crypto pair may stand.
fn symbol_place(segments: &[&str]) -> Option<usize> {
    match segments {
        ["v2", "assets" | "positions", _, ..] => Some(2),
        ["v2", "watchlists", _, _, ..] => Some(3),
        _ => None,
    }
}

/// The base and the quote of `BTC%2FUSD`.
fn encoded_pair(segment: &str) -> Option<(&str, &str)> {
    let (base, quote) = segment.split_once("%2F").or_else(|| segment.split_once("%2f"))?;
    is_pair(base, quote).then_some((base, quote))
}

fn is_pair(base: &str, quote: &str) -> bool {
    Symbol::parse(&format!("{base}/{quote}")).is_ok_and(|symbol| symbol.class() == AssetClass::Crypto)
}

/// Writes a crypto pair at `place`, however it was spelled, as one encoded segment.
fn with_pair(raw: &str, segments: &[&str], place: usize) -> String {
    let (before, rest) = segments.split_at(place);
    let (base, quote, after) = match rest {
        [segment, after @ ..] if segment.contains('%') => match encoded_pair(segment) {
            Some((base, quote)) => (base, quote, after),
            None => return raw.to_owned(),
        },
        [base, quote, after @ ..] if is_pair(base, quote) => (*base, *quote, after),
        _ => return raw.to_owned(),
    };
    let mut text = String::with_capacity(raw.len() + 2);
    for segment in before {
        text.push('/');
        text.push_str(segment);
    }
    text.push('/');
    text.push_str(base);
    text.push_str("%2F");
    text.push_str(quote);
    for segment in after {
        text.push('/');
        text.push_str(segment);
    }
    text
}

#[cfg(test)]
mod tests;
