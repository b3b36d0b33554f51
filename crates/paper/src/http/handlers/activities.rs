//! `/v2/account/activities`.

use axum::response::Response;
use paddock_alpaca::AlpacaError;
use paddock_core::calendar::trading_date;
use uuid::Uuid;

use crate::broker::activity::{Activity, ActivityEvent};
use crate::http::{Call, respond, views};

const PAGE: usize = 100;

/// The activities, newest first unless asked otherwise, after the one that the page token names.
pub(in crate::http) async fn list(call: &Call) -> Result<Response, AlpacaError> {
    let kinds = kinds(call)?;
    let order: Option<Uuid> = call.read("order_id")?;
    let (after, until) = (call.instant("after")?, call.instant("until")?);
    let date = call.instant("date")?.map(trading_date);
    let ascending = call.one_of("direction", &["asc", "desc"])? == Some("asc");
    let size = call.read::<usize>("page_size")?;
    if size.is_some_and(|size| size == 0 || size > PAGE) {
        return Err(AlpacaError::invalid_field(format!("page_size must be between 1 and {PAGE}")));
    }
    // A whole day comes in one page.
    let size = size.unwrap_or(if date.is_some() { usize::MAX } else { PAGE });
    let token = call.text("page_token");
    let matches = |activity: &Activity| {
        kinds.as_ref().is_none_or(|kinds| kinds.contains(&activity.activity_type()))
            && order.is_none_or(|order| order_of(activity) == Some(order))
            && after.is_none_or(|after| activity.at > after)
            && until.is_none_or(|until| activity.at < until)
            && date.is_none_or(|date| trading_date(activity.at) == date)
    };
    let page = call
        .view(|_, account| {
            let mut ordered: Vec<&Activity> = account.activities.iter().collect();
            if !ascending {
                ordered.reverse();
            }
            let start = match token {
                None => 0,
                Some(token) => ordered
                    .iter()
                    .position(|activity| activity.id() == token)
                    .map(|position| position + 1)
                    .ok_or_else(|| AlpacaError::invalid_field("invalid page_token".to_owned()))?,
            };
            let page: Vec<_> = ordered[start..]
                .iter()
                .filter(|activity| matches(activity))
                .take(size)
                .map(|activity| views::activity(account, activity))
                .collect();
            Ok(page)
        })
        .await?;
    respond::ok(&page)
}

/// Which kinds are asked for: one in the path, some in the query, a category, or all.
fn kinds(call: &Call) -> Result<Option<Vec<&str>>, AlpacaError> {
    let category = call.one_of("category", &["trade_activity", "non_trade_activity"])?;
    match (call.params.first(), call.list("activity_types"), category) {
        (Some(kind), None, None) => Ok(Some(vec![kind])),
        (None, Some(kinds), None) => Ok(Some(kinds)),
        (None, None, Some("trade_activity")) => Ok(Some(vec!["FILL"])),
        (None, None, Some(_)) => Ok(Some(vec!["FEE", "CFEE", "DIV", "SPLIT"])),
        (None, None, None) => Ok(None),
        _ => Err(AlpacaError::invalid_field("only one of activity_types or category is accepted".to_owned())),
    }
}

fn order_of(activity: &Activity) -> Option<Uuid> {
    match &activity.event {
        ActivityEvent::Fill(fill) => Some(fill.order),
        _ => None,
    }
}
