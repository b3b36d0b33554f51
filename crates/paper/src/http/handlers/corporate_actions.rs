//! `GET /v1/corporate-actions`: the splits and dividends of the recorded stocks.

use axum::response::Response;
use jiff::Span;
use jiff::civil::Date;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::corporate::CorporateActionsPage;
use paddock_core::calendar;
use uuid::Uuid;

use super::data;
use crate::http::{Call, respond, views};
use crate::market::{ActionKind, CorporateAction};

const TYPES: &[&str] = &[
    "reverse_split",
    "forward_split",
    "unit_split",
    "cash_dividend",
    "stock_dividend",
    "spin_off",
    "cash_merger",
    "stock_merger",
    "stock_and_cash_merger",
    "redemption",
    "name_change",
    "worthless_removal",
    "rights_distribution",
    "partial_call",
    "reorganization",
];
const LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;
/// How long before its ex-date an action is known, days. Companies declare most dividends some weeks before.
const KNOWN_AHEAD: i64 = 30;

/// The actions that are known by now.
pub(super) fn known(call: &Call) -> impl Iterator<Item = &CorporateAction> {
    let until = calendar::trading_date(call.broker.now()).saturating_add(Span::new().days(KNOWN_AHEAD));
    call.broker.market().corporate_actions().iter().filter(move |action| action.ex_date <= until)
}

/// Actions by the day on which they are processed, a page at a time.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    for (name, words) in [
        ("types", TYPES),
        ("region", &["us", "non_us", "all"]),
        ("data_quality", &["complete", "all"]),
        ("sort", &["asc", "desc"]),
    ] {
        data::check_words(call, name, words)?;
    }
    let limit = data::limit(call, "limit", LIMIT, MAX_LIMIT)?;
    let mut found: Vec<&CorporateAction> = match call.list("ids") {
        Some(ids) => by_ids(call, &ids)?,
        None => by_filters(call)?,
    };
    found.sort_by_key(|action| (views::process_date(action), action.symbol.as_str(), action.id));
    if call.text("sort") == Some("desc") {
        found.reverse();
    }
    let start = match call.text("page_token") {
        None => 0,
        Some(token) => {
            let id: Option<Uuid> = token.parse().ok();
            found.iter().position(|action| Some(action.id) == id).ok_or_else(|| {
                AlpacaError::data_bad_request("invalid page_token: ask again from the beginning".to_owned())
            })?
        }
    };
    let mut page = CorporateActionsPage::default();
    for action in found.iter().skip(start).take(limit) {
        match action.kind {
            ActionKind::Dividend { rate, special } => {
                page.corporate_actions.cash_dividends.push(views::cash_dividend(action, rate, special));
            }
            ActionKind::Split { new, old } => {
                page.corporate_actions.forward_splits.push(views::forward_split(action, new, old));
            }
        }
    }
    page.next_page_token = found.get(start + limit).map(|next| next.id.to_string());
    respond::ok(&page)
}

fn by_ids<'a>(call: &'a Call, ids: &[&str]) -> Result<Vec<&'a CorporateAction>, AlpacaError> {
    let others = ["symbols", "cusips", "types", "start", "end", "region", "data_quality"];
    if others.iter().any(|name| call.text(name).is_some()) {
        let message = "ids cannot be combined with other filters";
        return Err(AlpacaError::data_bad_request(message.to_owned()));
    }
    let ids = ids
        .iter()
        .map(|id| id.parse::<Uuid>().map_err(|_| AlpacaError::data_bad_request("invalid ids".to_owned())))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(known(call).filter(|action| ids.contains(&action.id)).collect())
}

fn by_filters(call: &Call) -> Result<Vec<&CorporateAction>, AlpacaError> {
    let today = calendar::trading_date(call.broker.now());
    let start: Date = data::read(call, "start")?.unwrap_or(today);
    let end: Date = data::read(call, "end")?.unwrap_or(today);
    if end < start {
        return Err(AlpacaError::data_bad_request("end should not be before start".to_owned()));
    }
    let (symbols, cusips, types) = (call.list("symbols"), call.list("cusips"), call.list("types"));
    let here = call.text("region") != Some("non_us");
    Ok(known(call)
        .filter(|action| {
            let kind = match action.kind {
                ActionKind::Dividend { .. } => "cash_dividend",
                ActionKind::Split { .. } => "forward_split",
            };
            let date = views::process_date(action);
            here && start <= date
                && date <= end
                && symbols.as_ref().is_none_or(|symbols| symbols.contains(&action.symbol.as_str()))
                && cusips.as_ref().is_none_or(|cusips| cusips.contains(&action.cusip))
                && types.as_ref().is_none_or(|types| types.contains(&kind))
        })
        .collect())
}
