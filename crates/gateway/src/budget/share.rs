//! What a program is told of the budget: its own part of it.

use http::{HeaderMap, HeaderValue};

use super::head;

/// One key's part: as large as that of every other key that uses the budget now. Whoever keeps to it is never refused for its sake; when
/// others use less, it finds more left next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Requests a minute.
    pub(crate) limit: u32,
    /// How many of them are left.
    pub(crate) remaining: u32,
    /// When there will be more, in seconds since 1970.
    pub(crate) reset: i64,
}

impl Share {
    /// Says so in Alpaca's headers.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(head::LIMIT, HeaderValue::from(self.limit));
        headers.insert(head::REMAINING, HeaderValue::from(self.remaining));
        headers.insert(head::RESET, HeaderValue::from(self.reset));
    }
}
