//! When orders work and when their time is over.

use jiff::civil::{Date, Time, time};
use jiff::{SignedDuration, Span, Timestamp};
use paddock_core::order::{OrderRequest, TimeInForce};
use paddock_core::{AssetClass, calendar};

use crate::market::Market;

/// When extended hours begin, New York time.
const EXTENDED_OPEN: Time = time(4, 0, 0, 0);
/// How long after the regular session extended hours end: at 20:00, or at 17:00 after an early close.
const EXTENDED_AFTER_CLOSE: SignedDuration = SignedDuration::from_hours(4);
/// When orders that have lived their 90 days expire, New York time.
const GTC_EXPIRY: Time = time(16, 15, 0, 0);
/// From when on orders for the next auctions are taken, New York time.
const AUCTION_EVENING: Time = time(19, 0, 0, 0);
/// Until when orders for the opening auction are taken, New York time.
const OPG_UNTIL: Time = time(9, 28, 0, 0);
/// How long before the close orders for the closing auction are no longer taken: from 15:50, or 12:50 on half days.
const CLS_BEFORE_CLOSE: SignedDuration = SignedDuration::from_mins(10);
/// The close of a whole day, New York time, for days without a session.
const REGULAR_CLOSE: Time = time(16, 0, 0, 0);

/// Whether an order can be filled at `at`. One for an auction never can before it.
pub(super) fn is_working(market: &Market, request: &OrderRequest, at: Timestamp) -> bool {
    if is_for_auction(request.time_in_force) {
        return false;
    }
    market.is_open(&request.symbol, at)
        || (request.extended_hours
            && extended_session(at).is_some_and(|(open, close)| open <= at && at < close))
}

/// Whether an order waits for the price of the session's opening or close.
pub(super) const fn is_for_auction(time_in_force: TimeInForce) -> bool {
    matches!(time_in_force, TimeInForce::Opg | TimeInForce::Cls)
}

/// Whether what cannot be filled at once is canceled.
pub(super) const fn is_immediate(time_in_force: TimeInForce) -> bool {
    matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok)
}

/// Whether orders for the opening auction are taken: from 19:00 to 9:28.
pub(super) fn opg_is_taken(at: Timestamp) -> bool {
    let local = calendar::new_york().to_datetime(at).time();
    local >= AUCTION_EVENING || local < OPG_UNTIL
}

/// Whether orders for the closing auction are taken: from 19:00 to ten minutes before the close.
pub(super) fn cls_is_taken(at: Timestamp) -> bool {
    let date = calendar::trading_date(at);
    let close = calendar::session_on(date).map_or_else(|| new_york(date, REGULAR_CLOSE), |today| today.close);
    at >= new_york(date, AUCTION_EVENING) || at < close - CLS_BEFORE_CLOSE
}

/// When an order that is accepted at `at` expires: a day order with the session under way or the next one, one for an auction
/// with it, every other order after 90 days.
pub(super) fn expiry(request: &OrderRequest, at: Timestamp) -> Timestamp {
    let crypto = request.symbol.class() == AssetClass::Crypto;
    match request.time_in_force {
        TimeInForce::Opg => calendar::next_open(at),
        TimeInForce::Gtc => gtc_expiry(at),
        _ if crypto => gtc_expiry(at),
        TimeInForce::Day if request.extended_hours => match extended_session(at) {
            Some((_, close)) if at < close => close,
            _ => calendar::next_session_after(calendar::trading_date(at)).close + EXTENDED_AFTER_CLOSE,
        },
        TimeInForce::Day | TimeInForce::Cls | TimeInForce::Ioc | TimeInForce::Fok => calendar::next_close(at),
    }
}

fn gtc_expiry(at: Timestamp) -> Timestamp {
    new_york(calendar::trading_date(at).saturating_add(Span::new().days(90)), GTC_EXPIRY)
}

/// When a queued order comes into the market.
pub(super) fn opening(request: &OrderRequest, at: Timestamp) -> Timestamp {
    if !request.extended_hours {
        return calendar::next_open(at);
    }
    match extended_session(at) {
        Some((open, _)) if at < open => open,
        _ => new_york(calendar::next_session_after(calendar::trading_date(at)).date, EXTENDED_OPEN),
    }
}

/// The extended hours of the date, if it has a session.
fn extended_session(at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let session = calendar::session_on(calendar::trading_date(at))?;
    Some((new_york(session.date, EXTENDED_OPEN), session.close + EXTENDED_AFTER_CLOSE))
}

/// All these hours exist on every date; so the fallback is never taken.
fn new_york(date: Date, at: Time) -> Timestamp {
    calendar::new_york().to_timestamp(date.to_datetime(at)).unwrap_or(Timestamp::MAX)
}
