//! `/v2/corporate_actions/announcements`: this market has no corporate actions, so that every search finds none.

use axum::response::Response;
use jiff::civil::Date;
use paddock_alpaca::AlpacaError;
use serde_json::Value;

use crate::http::{Call, respond};

const TYPES: &[&str] = &["dividend", "merger", "spinoff", "split"];
const DATE_TYPES: &[&str] = &["declaration_date", "ex_date", "record_date", "payable_date"];
/// The longest stretch that can be asked for, days.
const MAX_DAYS: i32 = 90;

/// No announcements, if they are asked for correctly.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let types = call.list("ca_types").ok_or_else(|| required("ca_types"))?;
    if let Some(unknown) = types.iter().find(|kind| !TYPES.contains(&kind.to_ascii_lowercase().as_str())) {
        let shown: String = unknown.chars().take(64).collect();
        return Err(AlpacaError::invalid_field(format!("invalid ca_types: {shown}")));
    }
    let since: Date = call.read("since")?.ok_or_else(|| required("since"))?;
    let until: Date = call.read("until")?.ok_or_else(|| required("until"))?;
    call.one_of("date_type", DATE_TYPES)?;
    if until < since {
        return Err(AlpacaError::invalid_field("until must not be before since".to_owned()));
    }
    if since.until(until).is_ok_and(|stretch| stretch.get_days() > MAX_DAYS) {
        return Err(AlpacaError::invalid_field(format!("date range must be at most {MAX_DAYS} days")));
    }
    respond::ok(&Vec::<Value>::new())
}

/// There is none of that id.
pub(in crate::http) fn get(call: &Call) -> Result<Response, AlpacaError> {
    let shown: String = call.param().chars().take(64).collect();
    Err(AlpacaError::new(404, 40_410_000, format!("announcement not found for {shown}")))
}

fn required(name: &str) -> AlpacaError {
    AlpacaError::invalid_field(format!("{name} is required"))
}
