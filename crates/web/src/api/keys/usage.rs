//! `GET /api/v1/keys/{name}/usage`

use std::collections::BTreeMap;

use axum::Json;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use paddock_core::calendar::trading_date;
use paddock_core::id::AccessKeyId;
use paddock_core::unusual::Unusual;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{params, views};
use crate::name::PathName;
use crate::problem::Problem;
use crate::query::{Query, bad};

/// How an access key is used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = KeyUse)]
pub struct KeyUseView {
    /// When it was first used.
    #[schema(required)]
    pub first_used_at: Option<Timestamp>,
    /// When it was last used; up to a quarter of a minute late, as all of this.
    #[schema(required)]
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    #[schema(required)]
    pub address: Option<String>,
    /// What the program called itself.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// What was unusual about it, the newest first.
    #[serde(default)]
    #[schema(required)]
    pub unusual: Vec<UnusualView>,
    /// The New York days on which it was used, newest first.
    pub days: Vec<DayView>,
}

/// A kind of unusual use.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = UnusualUse)]
pub struct UnusualView {
    /// The kind.
    #[schema(value_type = views::UnusualKind)]
    pub what: Unusual,
    /// The last New York day on which it was found.
    pub day: Date,
}

/// Requests of one New York day.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DayOfUse)]
pub struct DayView {
    /// The day.
    pub day: Date,
    /// All of them.
    pub requests: u64,
    /// Reads that were forwarded.
    pub reads: u64,
    /// Orders that were forwarded.
    pub orders: u64,
    /// Those that were malformed or could not be served.
    pub failed: u64,
    /// The most in one minute.
    pub busiest_minute: u64,
    /// Those that were refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// How one access key was used, on so many days, 30 unless told otherwise.
#[utoipa::path(
    get,
    path = "/api/v1/keys/{name}/usage",
    operation_id = "getKeyUsage",
    tag = "keys",
    params(params::KeyName, ("days" = Option<u32>, Query, description = "How many New York days, today included", minimum = 1, maximum = 3650)),
    responses(
        (status = 200, description = "How it was used", body = KeyUseView),
    ),
    extensions(("x-problems" = json!(["unknown_key"]))),
)]
pub(crate) async fn usage(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Json<KeyUseView>, Problem> {
    let days = match query.number("days")? {
        None => 30,
        Some(days @ 1..=3650) => i64::try_from(days).unwrap_or(3650),
        Some(_) => return Err(bad("days", "a whole number from 1 to 3650")),
    };
    query.finish(&["days"])?;
    let key = super::ever_named(&desk, &name).await?;
    view(&desk, key.id, days).await.map(Json)
}

/// How an access key was used on so many days up to today.
pub(crate) async fn view(desk: &Desk, key: AccessKeyId, days: i64) -> Result<KeyUseView, Problem> {
    if let Err(error) = desk.control.write_key_use().await {
        tracing::warn!(%error, "the use of access keys could not be written");
    }
    let today = trading_date(desk.now());
    let since = today.checked_sub((days - 1).days()).unwrap_or(today);
    let last = desk.store.last_use(key).await?;
    let unusual = desk.store.unusual_use(key).await?;
    let days = desk.store.key_days(key, since).await?;
    Ok(KeyUseView {
        first_used_at: last.as_ref().map(|last| last.first_at),
        last_used_at: last.as_ref().map(|last| last.at),
        address: last.as_ref().map(|last| last.address.clone()),
        user_agent: last.map(|last| last.agent).filter(|agent| !agent.is_empty()),
        unusual: unusual.into_iter().map(|(what, day)| UnusualView { what, day }).collect(),
        days: days
            .into_iter()
            .map(|day| DayView {
                day: day.day,
                requests: day.requests,
                reads: day.reads,
                orders: day.orders,
                failed: day.failed,
                busiest_minute: day.busiest_minute,
                refused: day.refused,
            })
            .collect(),
    })
}
