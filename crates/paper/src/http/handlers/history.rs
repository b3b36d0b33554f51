//! `GET /v2/account/portfolio/history`.

use axum::response::Response;
use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::PortfolioHistory;
use paddock_core::calendar::{self, Session};
use rust_decimal::Decimal;

use super::calendar::extended_hours;
use crate::broker::history::equities;
use crate::http::{Call, respond};

/// As many points as are given at most: a month of minutes around the clock.
const MAX_POINTS: usize = 50_000;
/// Days of intraday history that may be asked for.
const MAX_INTRADAY_DAYS: i64 = 31;

/// What the account was worth from time to time. Without fills in between the figures are those of the market's last trades.
pub(in crate::http) async fn get(call: &Call) -> Result<Response, AlpacaError> {
    let now = call.broker.now();
    let (first, last) = dates(call, now)?;
    let days = first.until(last).map_or(0, |span| i64::from(span.get_days()));
    let timeframe = timeframe(call, days)?;
    let hours = call
        .one_of("intraday_reporting", &["market_hours", "extended_hours", "continuous"])?
        .unwrap_or("market_hours");
    let per_day = call.one_of("pnl_reset", &["no_reset", "per_day"])?.unwrap_or("per_day") == "per_day";
    let times: Vec<Timestamp> = match timeframe.step {
        None => calendar::sessions_between(first, last).map(|session| session.close).collect(),
        Some(_) if days > MAX_INTRADAY_DAYS => {
            let message = "intraday timeframes are limited to 30 days of period";
            return Err(AlpacaError::invalid_field(message.to_owned()));
        }
        Some(step) => intraday(first, last, hours, step),
    };
    let times: Vec<Timestamp> = times.into_iter().take_while(|at| *at <= now).take(MAX_POINTS).collect();

    let history = call
        .view(|broker, account| {
            let worths = equities(account, broker.market(), &times);
            let intraday_reset = per_day && timeframe.step.is_some();
            Ok(assemble(&times, &worths, account.starting_cash, intraday_reset, timeframe.name))
        })
        .await?;
    respond::ok(&history)
}

/// Gains are counted from the first point's worth, or within a day from what the last point of the day before showed.
fn assemble(
    times: &[Timestamp],
    worths: &[Option<Decimal>],
    starting_cash: Decimal,
    reset_daily: bool,
    timeframe: &str,
) -> PortfolioHistory {
    let base_value = worths.iter().flatten().next().copied().unwrap_or(starting_cash);
    let (mut base, mut day, mut before) = (base_value, None, base_value);
    let mut history = PortfolioHistory {
        base_value: Some(base_value.normalize()),
        base_value_asof: times.first().map(|at| calendar::trading_date(*at).to_string()),
        timeframe: timeframe.to_owned(),
        ..PortfolioHistory::default()
    };
    for (at, worth) in times.iter().zip(worths) {
        let date = calendar::trading_date(*at);
        if reset_daily && day.is_some_and(|day| day != date) {
            base = before;
        }
        day = Some(date);
        before = worth.unwrap_or(before);
        // Before it started the account shows zeros, as Alpaca's do: alpaca-py takes no nulls.
        let gain = worth.map_or(Decimal::ZERO, |worth| worth - base);
        history.timestamp.push(at.as_second());
        history.equity.push(Some(worth.unwrap_or_default()));
        history.profit_loss.push(Some(gain));
        history.profit_loss_pct.push(Some(gain.checked_div(base).unwrap_or_default().round_dp(6)));
    }
    history
}

struct Step {
    name: &'static str,
    /// Absent for days.
    step: Option<SignedDuration>,
}

fn timeframe(call: &Call, days: i64) -> Result<Step, AlpacaError> {
    let by_length = match days {
        0..7 => "1Min",
        7..30 => "15Min",
        _ => "1D",
    };
    let name = call.one_of("timeframe", &["1Min", "5Min", "15Min", "1H", "1D"])?.unwrap_or(by_length);
    let minutes = match name {
        "1Min" => 1,
        "5Min" => 5,
        "15Min" => 15,
        "1H" => 60,
        _ => return Ok(Step { name, step: None }),
    };
    Ok(Step { name, step: Some(SignedDuration::from_mins(minutes)) })
}

/// The first and the last date: two of `start`, `end` and `period` at most, a month up to today if nothing is said.
fn dates(call: &Call, now: Timestamp) -> Result<(Date, Date), AlpacaError> {
    let (start, end) = (call.instant("start")?, call.instant("end")?);
    let period = call.text("period").map(period).transpose()?;
    if start.is_some() && end.is_some() && period.is_some() {
        let message = "only two of start, end and period can be specified";
        return Err(AlpacaError::invalid_field(message.to_owned()));
    }
    let (start, end) = (start.map(calendar::trading_date), end.map(calendar::trading_date));
    let length = period.unwrap_or_else(|| Span::new().months(1));
    match (start, end) {
        (Some(start), Some(end)) => Ok((start, end)),
        (Some(start), None) if period.is_some() => Ok((start, start.saturating_add(length))),
        (Some(start), None) => Ok((start, calendar::trading_date(now))),
        (None, end) => {
            let end = end.unwrap_or_else(|| latest_market_day(now));
            // A period of one day is the day itself.
            let start = end.saturating_sub(length).saturating_add(Span::new().days(1));
            Ok((start, end))
        }
    }
}

/// Today, or on a day without a session the last day that had one.
fn latest_market_day(now: Timestamp) -> Date {
    let today = calendar::trading_date(now);
    calendar::session_on(today).map_or_else(|| calendar::previous_session_before(today).date, |_| today)
}

/// Reads a period such as `1M`: a number and D, W, M or A (years).
fn period(text: &str) -> Result<Span, AlpacaError> {
    let invalid = || {
        AlpacaError::invalid_field(format!("invalid period: {}", text.chars().take(16).collect::<String>()))
    };
    let mut characters = text.chars();
    let unit = characters.next_back().ok_or_else(invalid)?;
    let count: i64 =
        characters.as_str().parse().ok().filter(|count| (1..=1000).contains(count)).ok_or_else(invalid)?;
    match unit {
        'D' => Ok(Span::new().days(count)),
        'W' => Ok(Span::new().weeks(count)),
        'M' => Ok(Span::new().months(count)),
        'A' => Ok(Span::new().years(count)),
        _ => Err(invalid()),
    }
}

fn intraday(first: Date, last: Date, hours: &str, step: SignedDuration) -> Vec<Timestamp> {
    if hours == "continuous" {
        let midnight =
            |date: Date| calendar::new_york().to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
        let end = last.tomorrow().ok().and_then(|date| midnight(date).ok());
        return match (midnight(first), end) {
            (Ok(start), Some(end)) => every(start, end, step),
            _ => Vec::new(),
        };
    }
    let stretch = |session: &Session| match hours {
        "extended_hours" => extended_hours(session),
        _ => (session.open, session.close),
    };
    calendar::sessions_between(first, last)
        .flat_map(|session| {
            let (open, close) = stretch(&session);
            every(open, close, step)
        })
        .collect()
}

fn every(from: Timestamp, to: Timestamp, step: SignedDuration) -> Vec<Timestamp> {
    let next = |at: &Timestamp| at.checked_add(step).ok().filter(|at| *at <= to);
    std::iter::successors(Some(from), next).take(MAX_POINTS).collect()
}
