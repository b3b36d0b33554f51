//! The query of a request, read strictly and written anew.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest query that is read, in bytes: room for some thousand symbols.
pub const MAX_QUERY: usize = 16 * 1024;

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A query as ordered pairs of decoded name and value. No name occurs twice.
///
/// Parameters that the operation does not list are kept, since Alpaca adds some now and then and ignores what it does
/// not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// Why a query was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// A name occurs twice; readers differ on which value counts. Alpaca takes lists with commas.
    #[error("the query names `{0}` twice: give a list as one value with commas")]
    Duplicate(String),
    /// A percent sign without two hexadecimal digits, bytes that are no UTF-8, or a control character.
    #[error("the query is not percent-encoded properly")]
    Encoding,
    /// Something other than `name=value` between ampersands.
    #[error("the query is not of the form name=value&name=value")]
    Malformed,
    /// It is longer than 16 KiB.
    #[error("the query is longer than 16 KiB")]
    TooLong,
}

impl Query {
    /// Reads what follows the question mark of a request target; empty text is an empty query. A plus sign is a space, as in
    /// HTML forms and in what clients send.
    ///
    /// # Errors
    /// [`QueryFault`] when a name occurs twice or the text could be read in two ways.
    pub fn parse(raw: &str) -> Result<Self, QueryFault> {
        if raw.is_empty() {
            return Ok(Self::default());
        }
        if raw.len() > MAX_QUERY {
            return Err(QueryFault::TooLong);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').ok_or(QueryFault::Malformed)?;
            let (name, value) = (decode(name)?, decode(value)?);
            if name.is_empty() {
                return Err(QueryFault::Malformed);
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(QueryFault::Duplicate(name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// A query of these decoded names and values, whose names must differ.
    #[must_use]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The decoded value of the parameter of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Decoded names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The single spelling that is sent to Alpaca, without the question mark: everything but letters, digits and `-._~`
    /// is percent-encoded.
    #[must_use]
    pub fn to_upstream(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            let ampersand = if text.is_empty() { "" } else { "&" };
            let (name, value) = (utf8_percent_encode(name, ENCODED), utf8_percent_encode(value, ENCODED));
            _ = write!(text, "{ampersand}{name}={value}");
        }
        text
    }
}

/// Decodes a name or a value: `+` and percent-encodings; a raw byte must be one that a query can hold.
fn decode(text: &str) -> Result<String, QueryFault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let (Some(high), Some(low)) = (high, low) else { return Err(QueryFault::Encoding) };
                u8::try_from(high * 16 + low).map_err(|_| QueryFault::Encoding)?
            }
            // A semicolon once parted pairs, and a hash ends the query.
            b';' | b'#' | b'\\' => return Err(QueryFault::Malformed),
            b' '..=b'~' if byte != b' ' => byte,
            _ => return Err(QueryFault::Encoding),
        });
    }
    let decoded = String::from_utf8(decoded).map_err(|_| QueryFault::Encoding)?;
    if decoded.chars().any(char::is_control) { Err(QueryFault::Encoding) } else { Ok(decoded) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "")]
    #[case("status=open&limit=50", "status=open&limit=50")]
    #[case("symbols=AAPL,MSFT", "symbols=AAPL%2CMSFT")]
    #[case("symbols=BTC%2fUSD", "symbols=BTC%2FUSD")]
    #[case("start=2026-01-02T00%3A00%3A00%2B00%3A00", "start=2026-01-02T00%3A00%3A00%2B00%3A00")]
    #[case("name=my+list", "name=my%20list")]
    #[case("placeholder=", "placeholder=")]
    #[case("page_token=QUJD==", "page_token=QUJD%3D%3D")]
    #[case("%6eested=true", "nested=true")]
    fn one_spelling_goes_upstream(#[case] raw: &str, #[case] upstream: &str) {
        assert_eq!(Query::parse(raw).unwrap().to_upstream(), upstream);
    }

    #[rstest]
    #[case("a=1&a=2", QueryFault::Duplicate("a".to_owned()))]
    #[case("a=1&%61=2", QueryFault::Duplicate("a".to_owned()))]
    #[case("a", QueryFault::Malformed)]
    #[case("a=1&", QueryFault::Malformed)]
    #[case("&a=1", QueryFault::Malformed)]
    #[case("=1", QueryFault::Malformed)]
    #[case("a=1;b=2", QueryFault::Malformed)]
    #[case("a=1#b", QueryFault::Malformed)]
    #[case("a=%", QueryFault::Encoding)]
    #[case("a=%4", QueryFault::Encoding)]
    #[case("a=%zz", QueryFault::Encoding)]
    #[case("a=%+1", QueryFault::Encoding)]
    #[case("a=%ff", QueryFault::Encoding)]
    #[case("a=%00", QueryFault::Encoding)]
    #[case("a=%0d%0aHost:evil", QueryFault::Encoding)]
    #[case("a=ä", QueryFault::Encoding)]
    #[case("a= b", QueryFault::Encoding)]
    fn ambiguous_queries_are_refused(#[case] raw: &str, #[case] fault: QueryFault) {
        assert_eq!(Query::parse(raw), Err(fault));
    }

    proptest! {
        #[test]
        fn what_is_sent_reads_back_the_same(raw in "([a-z%0-9]{1,3}=[ -~]{0,6}&){0,3}[a-z]{1,2}=[!-~]{0,6}") {
            if let Ok(query) = Query::parse(&raw) {
                prop_assert_eq!(Query::parse(&query.to_upstream()), Ok(query));
            }
        }

        #[test]
        fn any_value_survives(value in "\\PC{0,20}") {
            let query = Query(vec![("q".to_owned(), value)]);
            prop_assert_eq!(Query::parse(&query.to_upstream()), Ok(query));
        }
    }
}
