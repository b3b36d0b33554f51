//! `/v2/corporate_actions/announcements`: the splits and dividends of the recorded stocks.

use axum::response::Response;
use jiff::civil::Date;
use paddock_alpaca::AlpacaError;
use uuid::Uuid;

use super::corporate_actions::known;
use crate::http::{Call, respond, views};
use crate::market::{ActionKind, CorporateAction};

const TYPES: &[&str] = &["dividend", "merger", "spinoff", "split", "reorg"];
const DATE_TYPES: &[&str] = &["declaration_date", "ex_date", "record_date", "payable_date"];
/// The longest stretch that can be asked for, days.
const MAX_DAYS: i32 = 90;

/// The announcements of some kinds within some days.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let types = call.list("ca_types").ok_or_else(|| required("ca_types"))?;
    let types: Vec<String> = types.iter().map(|kind| kind.to_ascii_lowercase()).collect();
    if let Some(unknown) = types.iter().find(|kind| !TYPES.contains(&kind.as_str())) {
        let shown: String = unknown.chars().take(64).collect();
        return Err(AlpacaError::invalid_field(format!("invalid ca_types: {shown}")));
    }
    let since: Date = call.read("since")?.ok_or_else(|| required("since"))?;
    let until: Date = call.read("until")?.ok_or_else(|| required("until"))?;
    let date_type = call.one_of("date_type", DATE_TYPES)?.unwrap_or("ex_date");
    if until < since {
        return Err(AlpacaError::invalid_field("until must not be before since".to_owned()));
    }
    if since.until(until).is_ok_and(|stretch| stretch.get_days() > MAX_DAYS) {
        return Err(AlpacaError::invalid_field(format!("date range must be at most {MAX_DAYS} days")));
    }
    let (symbol, cusip) = (call.text("symbol"), call.text("cusip"));
    let matches = |action: &&CorporateAction| {
        let kind = match action.kind {
            ActionKind::Dividend { .. } => "dividend",
            ActionKind::Split { .. } => "split",
        };
        let date = match date_type {
            "ex_date" => Some(action.ex_date),
            "record_date" => Some(action.record_date),
            "payable_date" => Some(action.payable_date),
            // When an action was declared is not on record here.
            _ => None,
        };
        types.iter().any(|wanted| wanted == kind)
            && date.is_some_and(|date| since <= date && date <= until)
            && symbol.is_none_or(|symbol| action.symbol.as_str() == symbol)
            && cusip.is_none_or(|cusip| action.cusip == cusip)
    };
    let found: Vec<_> = known(call).filter(matches).map(views::announcement).collect();
    respond::ok(&found)
}

/// The announcement of that id.
pub(in crate::http) fn get(call: &Call) -> Result<Response, AlpacaError> {
    let id: Option<Uuid> = call.param().parse().ok();
    match known(call).find(|action| Some(action.id) == id) {
        Some(action) => respond::ok(&views::announcement(action)),
        None => {
            let shown: String = call.param().chars().take(64).collect();
            Err(AlpacaError::new(404, 40_410_000, format!("announcement not found for {shown}")))
        }
    }
}

fn required(name: &str) -> AlpacaError {
    AlpacaError::invalid_field(format!("{name} is required"))
}
