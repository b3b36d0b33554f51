//! `/v2/calendar` and `/v3/calendar/{market}`.

use axum::response::Response;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::CalendarDay;
use paddock_core::calendar::{self, Session, new_york};
use serde::Serialize;

use crate::http::{Call, respond};

/// What Alpaca's calendar covers of the years that ours does.
const FIRST: Date = calendar::FIRST_DATE;
const LAST: Date = jiff::civil::date(2029, 12, 31);

/// The market days from `start` to `end`, both included.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let (start, end) = (date(call, "start")?.unwrap_or(FIRST), date(call, "end")?.unwrap_or(LAST));
    let by_settlement = call.one_of("date_type", &["TRADING", "SETTLEMENT"])? == Some("SETTLEMENT");
    // A trade settles within a week.
    let first = if by_settlement { start.saturating_sub(jiff::Span::new().days(10)) } else { start };
    let days: Vec<CalendarDay> = calendar::sessions_between(first, end.min(LAST))
        .map(|session| CalendarDay::of(&session))
        .filter(|day| !by_settlement || (start..=end).contains(&day.settlement_date))
        .collect();
    respond::ok(&days)
}

/// One of the markets that keep the hours of the New York Stock Exchange.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Place {
    acronym: &'static str,
    mic: &'static str,
    name: &'static str,
    timezone: &'static str,
}

const PLACES: [Place; 4] = [
    Place { acronym: "NYSE", mic: "XNYS", name: "New York Stock Exchange", timezone: "America/New_York" },
    Place {
        acronym: "NASDAQ",
        mic: "XNAS",
        name: "National Association of Securities Dealers Automated Quotations",
        timezone: "America/New_York",
    },
    Place { acronym: "IEX", mic: "IEXG", name: "Investors Exchange", timezone: "America/New_York" },
    Place { acronym: "OTC", mic: "OTCM", name: "Over-The-Counter", timezone: "America/New_York" },
];

/// Markets that Alpaca has beside them. Their hours and holidays are not known here.
const ELSEWHERE: [&str; 26] = [
    "BMO", "BNYM", "BOATS", "CEUX", "CHIX", "HKEX", "ISE", "JPX", "LSE", "MTA", "MTAA", "OCEA", "OPRA",
    "SIFMA", "TADAWUL", "XAMS", "XBRU", "XDUB", "XETR", "XETRA", "XHKG", "XLIS", "XLON", "XPAR", "XSAU",
    "XTKS",
];

impl Place {
    /// The market of an acronym or a MIC.
    pub fn named(name: &str) -> Result<Self, AlpacaError> {
        let place = PLACES.into_iter().find(|place| place.acronym == name || place.mic == name);
        place.ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            AlpacaError::data_bad_request(match ELSEWHERE.contains(&name) {
                true => format!(
                    "the paper broker does not know the hours of {shown}: ask for NYSE, NASDAQ, IEX or OTC"
                ),
                false => format!("invalid market: {shown}: ask for NYSE, NASDAQ, IEX or OTC"),
            })
        })
    }
}

#[derive(Serialize)]
struct PlaceCalendar {
    market: Place,
    calendar: Vec<PlaceDay>,
}

#[derive(Serialize)]
struct PlaceDay {
    date: Date,
    pre_start: String,
    pre_end: String,
    core_start: String,
    core_end: String,
    post_start: String,
    post_end: String,
    settlement_date: Date,
}

/// The market days of one market, those of a week from today unless asked otherwise. Times have the market's offset, or none
/// if they are asked for in UTC.
pub(in crate::http) fn list_v3(call: &Call) -> Result<Response, AlpacaError> {
    let market = Place::named(call.param())?;
    let today = calendar::trading_date(call.broker.now());
    let start = date(call, "start").map_err(bad_request)?.unwrap_or(today);
    let end = date(call, "end")
        .map_err(bad_request)?
        .unwrap_or_else(|| start.saturating_add(jiff::Span::new().days(7)));
    let in_utc = call.one_of("timezone", &["UTC"]).map_err(bad_request)?.is_some();
    let written = |at: Timestamp| match in_utc {
        true => at.to_string(),
        false => at.display_with_offset(new_york().to_offset(at)).to_string(),
    };
    let days = calendar::sessions_between(start, end.min(LAST)).map(|session| {
        let (pre, post) = extended_hours(&session);
        PlaceDay {
            date: session.date,
            pre_start: written(pre),
            pre_end: written(session.open),
            core_start: written(session.open),
            core_end: written(session.close),
            post_start: written(session.close),
            post_end: written(post),
            settlement_date: CalendarDay::of(&session).settlement_date,
        }
    });
    respond::ok(&PlaceCalendar { market, calendar: days.collect() })
}

/// These paths answer 400 to what `/v2` answers 422 to.
pub(super) fn bad_request(error: AlpacaError) -> AlpacaError {
    AlpacaError::data_bad_request(error.message.into_owned())
}

/// When extended hours begin and end: five and a half hours before the opening, four after the close.
pub(super) fn extended_hours(session: &Session) -> (Timestamp, Timestamp) {
    let before = SignedDuration::from_mins(5 * 60 + 30);
    (session.open - before, session.close + SignedDuration::from_hours(4))
}

/// A date, or the date of a date-time as it is written, whatever its zone: the JavaScript client writes the date that it
/// means as midnight UTC, which in New York is still the day before.
fn date(call: &Call, name: &str) -> Result<Option<Date>, AlpacaError> {
    if call.instant(name)?.is_none() {
        return Ok(None);
    }
    Ok(call.text(name).and_then(|text| text.get(..10)).and_then(|date| date.parse().ok()))
}
