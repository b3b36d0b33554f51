//! How many requests an account may make in a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

/// What Alpaca allows, and what the headers say when nothing is limited.
const ALPACAS: u32 = 200;

/// Counts requests by account and minute.
#[derive(Debug)]
pub struct RateLimit {
    limit: Option<u32>,
    counts: Mutex<HashMap<Uuid, (i64, u32)>>,
}

/// Where an account stands: the `X-RateLimit-*` headers, and whether the request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests in a minute.
    pub limit: u32,
    /// Requests left in this minute.
    pub remaining: u32,
    /// When the next minute begins, Unix seconds.
    pub reset: i64,
    /// Whether this request is beyond the limit.
    pub exceeded: bool,
}

impl RateLimit {
    /// At most `limit` requests, or any number.
    #[must_use]
    pub fn new(limit: Option<u32>) -> Self {
        Self { limit, counts: Mutex::default() }
    }

    /// Counts a request. Those without an account are not limited.
    #[must_use]
    pub fn count(&self, account: Option<Uuid>, at: Timestamp) -> Allowance {
        let minute = at.as_second().div_euclid(60);
        let reset = (minute + 1) * 60;
        let (Some(limit), Some(account)) = (self.limit, account) else {
            return Allowance { limit: ALPACAS, remaining: ALPACAS - 1, reset, exceeded: false };
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(account).or_insert((minute, 0));
        if count.0 != minute {
            *count = (minute, 0);
        }
        count.1 = count.1.saturating_add(1);
        Allowance { limit, remaining: limit.saturating_sub(count.1), reset, exceeded: count.1 > limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_and_account_has_its_own_count() {
        let limit = RateLimit::new(Some(2));
        let at = |second: i64| Timestamp::from_second(1_782_309_600 + second).unwrap();
        let (one, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        let remaining: Vec<(u32, bool)> = [(one, 0), (one, 1), (one, 59), (other, 59), (one, 60)]
            .into_iter()
            .map(|(account, second)| limit.count(account, at(second)))
            .map(|allowance| (allowance.remaining, allowance.exceeded))
            .collect();
        assert_eq!(remaining, [(1, false), (0, false), (0, true), (1, false), (1, false)]);
        assert_eq!(limit.count(one, at(61)).reset, 1_782_309_720);
    }

    #[test]
    fn without_a_limit_the_headers_never_slow_a_client_down() {
        let limit = RateLimit::new(None);
        for _ in 0..500 {
            let allowance = limit.count(Some(Uuid::nil()), Timestamp::UNIX_EPOCH);
            assert_eq!((allowance.remaining, allowance.exceeded), (199, false));
        }
    }
}
