//! One call of one operation, and how its parameters are read.

use std::str::FromStr;

use axum::body::Bytes;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::operation::{Operation, PathParams};
use paddock_alpaca::path::Query;
use uuid::Uuid;

use crate::PaperBroker;
use crate::access::Access;
use crate::broker::{Account, Broker};
use crate::stream::Closing;

/// An authenticated request with its operation.
pub(crate) struct Call {
    pub broker: PaperBroker,
    pub operation: &'static Operation,
    /// Nil where no account is needed.
    pub account: Uuid,
    /// What opened it.
    pub access: Option<Access>,
    pub params: PathParams,
    pub query: Query,
    pub body: Bytes,
    /// Ends answers that would go on for ever.
    pub closing: Closing,
    /// When market data stands still, if it does.
    pub data_until: Option<Timestamp>,
}

impl Call {
    /// Looks at the caller's account. One that was there when the request was authenticated still is.
    pub async fn view<T>(
        &self,
        look: impl FnOnce(&Broker, &Account) -> Result<T, AlpacaError>,
    ) -> Result<T, AlpacaError> {
        self.broker
            .view(|broker| match broker.account(self.account) {
                Some(account) => look(broker, account),
                None => Err(AlpacaError::unauthorized()),
            })
            .await?
    }

    /// Up to when the call sees market data: now, unless data stands still.
    pub fn data_now(&self) -> Timestamp {
        let now = self.broker.now();
        self.data_until.map_or(now, |until| now.min(until))
    }

    /// The path's first parameter; an operation without one has an empty text.
    pub fn param(&self) -> &str {
        self.params.first().unwrap_or_default()
    }

    /// The path's parameter as an order id.
    pub fn order_id(&self) -> Result<Uuid, AlpacaError> {
        self.param().parse().map_err(|_| AlpacaError::order_id_missing())
    }

    /// A query parameter, absent also when it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).filter(|value| !value.is_empty())
    }

    /// A query parameter of another type. What cannot be read is answered with status 422.
    pub fn read<T: FromStr>(&self, name: &str) -> Result<Option<T>, AlpacaError> {
        self.text(name).map(|text| text.parse().map_err(|_| invalid(name, text))).transpose()
    }

    /// A query parameter that is true or false, in any case: alpaca-py sends Python's `True`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, AlpacaError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(invalid(name, text)),
        }
    }

    /// A query parameter that is one of some words.
    pub fn one_of(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, AlpacaError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        words.iter().find(|word| **word == text).map(|word| Some(*word)).ok_or_else(|| invalid(name, text))
    }

    /// An instant, or a date that stands for its midnight in New York.
    pub fn instant(&self, name: &str) -> Result<Option<Timestamp>, AlpacaError> {
        let zone = paddock_core::calendar::new_york();
        self.text(name).map(|text| parse_instant(text, &zone).ok_or_else(|| invalid(name, text))).transpose()
    }

    /// A list with commas.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.text(name).map(|text| text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
    }
}

fn invalid(name: &str, text: &str) -> AlpacaError {
    let shown: String = text.chars().take(64).collect();
    AlpacaError::invalid_field(format!("invalid {name}: {shown}"))
}

/// Reads an RFC 3339 instant, or a date for its midnight in `zone`. A space stands for the plus sign of an offset that was
/// not percent-encoded.
pub(super) fn parse_instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return zone.to_timestamp(date.to_datetime(Time::midnight())).ok();
    }
    match text.parse() {
        Ok(instant) => Some(instant),
        Err(_) => text.replace(' ', "+").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use paddock_core::calendar::new_york;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-06-24T14:00:00Z", "2026-06-24T14:00:00Z")]
    #[case("2026-06-24T10:00:00-04:00", "2026-06-24T14:00:00Z")]
    #[case("2026-06-24T14:00:00 00:00", "2026-06-24T14:00:00Z")]
    #[case("2026-06-24T14:00:00.123456789Z", "2026-06-24T14:00:00.123456789Z")]
    #[case("2026-06-24", "2026-06-24T04:00:00Z")]
    #[case("2026-01-24", "2026-01-24T05:00:00Z")]
    fn instants(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse_instant(text, &new_york()), Some(expected.parse().unwrap()));
    }

    #[rstest]
    #[case("")]
    #[case("yesterday")]
    #[case("2026-06-31")]
    #[case("1782309600")]
    fn no_instants(#[case] text: &str) {
        assert_eq!(parse_instant(text, &new_york()), None);
    }
}
