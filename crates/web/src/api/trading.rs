//! `GET /api/v1/trading`, and `POST /api/v1/trading/mode`, `/pause` and `/resume`
//!
//! How the engine trades. Until there is an engine nothing trades by itself, whatever stands here.

use axum::Json;
use jiff::Timestamp;
use paddock_core::TradingMode;
use paddock_core::audit::Actor;
use paddock_store::{Trading, TradingChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{bodies, problems, words};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::Query;

/// The fields of the bodies that are read here.
pub(crate) const MODE_FIELDS: [&str; 2] = ["mode", "reason"];
pub(crate) const WHY_FIELDS: [&str; 1] = ["reason"];

/// The most characters that a reason may have.
const LONGEST_REASON: usize = 500;

/// How the engine trades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Trading)]
pub struct TradingView {
    /// Who decides about new trades: `autopilot`, `copilot` or `manual`.
    #[schema(value_type = words::TradingModeWord)]
    pub mode: TradingMode,
    /// Whether no new trade is opened, whatever the mode.
    pub paused: bool,
    /// Why, in the words of whoever changed it last.
    #[schema(required)]
    pub reason: Option<String>,
    /// Who changed it last.
    #[schema(required)]
    pub changed_by: Option<String>,
    /// When.
    #[schema(required)]
    pub changed_at: Option<Timestamp>,
    /// Whether there is an engine that follows it.
    pub engine: bool,
}

impl From<Trading> for TradingView {
    fn from(trading: Trading) -> Self {
        let (changed_by, changed_at) = match trading.changed {
            None => (None, None),
            Some((Actor::Person { name, .. } | Actor::AccessKey { name, .. }, at)) => (Some(name), Some(at)),
            Some((Actor::Operator, at)) => (Some("operator".to_owned()), Some(at)),
            Some((Actor::System, at)) => (Some("Paddock".to_owned()), Some(at)),
        };
        Self {
            mode: trading.mode,
            paused: trading.paused,
            reason: trading.reason,
            changed_by,
            changed_at,
            engine: false,
        }
    }
}

/// How the engine trades.
#[utoipa::path(
    get,
    path = "/api/v1/trading",
    operation_id = "getTrading",
    tag = "trading",
    responses((status = 200, description = "How it is now", body = TradingView)),
)]
pub(crate) async fn show(desk: Desk, query: Query) -> Result<Json<TradingView>, Problem> {
    query.finish(&[])?;
    Ok(Json(desk.store.trading(desk.user).await?.into()))
}

/// Changes who decides about new trades.
#[utoipa::path(
    post,
    path = "/api/v1/trading/mode",
    operation_id = "setTradingMode",
    tag = "trading",
    request_body = bodies::Mode,
    responses((status = 200, description = "How it is now", body = TradingView)),
    extensions(("x-problems" = json!([problems::FIELDS]))),
)]
pub(crate) async fn mode(desk: Desk, mut fields: Fields) -> Result<Json<TradingView>, Problem> {
    let wanted = mode_from(&mut fields)?;
    fields.finish(&MODE_FIELDS)?;
    change(&desk, wanted).await.map(Json)
}

/// The mode that is wanted, and why.
pub(crate) fn mode_from(fields: &mut Fields) -> Result<TradingChange, Problem> {
    let text = fields.need_text("mode", "`autopilot`, `copilot` or `manual`")?;
    let reason = reason(fields)?;
    let allowed: Vec<&str> = TradingMode::ALL.iter().map(|mode| mode.as_str()).collect();
    let mode = text.parse().map_err(|_| Problem::not_allowed("mode", &text, &allowed))?;
    Ok(TradingChange { mode: Some(mode), reason, ..TradingChange::default() })
}

/// Opens no new trades from now on. Exits of what is open go on.
#[utoipa::path(
    post,
    path = "/api/v1/trading/pause",
    operation_id = "pauseTrading",
    tag = "trading",
    request_body = bodies::Why,
    responses((status = 200, description = "How it is now", body = TradingView)),
    extensions(("x-problems" = json!([problems::FIELDS]))),
)]
pub(crate) async fn pause(desk: Desk, mut fields: Fields) -> Result<Json<TradingView>, Problem> {
    let reason = reason(&mut fields)?;
    fields.finish(&WHY_FIELDS)?;
    change(&desk, TradingChange { paused: Some(true), reason, ..TradingChange::default() }).await.map(Json)
}

/// Opens new trades again, as the mode says.
#[utoipa::path(
    post,
    path = "/api/v1/trading/resume",
    operation_id = "resumeTrading",
    tag = "trading",
    request_body = bodies::Why,
    responses((status = 200, description = "How it is now", body = TradingView)),
    extensions(("x-problems" = json!([problems::FIELDS]))),
)]
pub(crate) async fn resume(desk: Desk, mut fields: Fields) -> Result<Json<TradingView>, Problem> {
    let reason = reason(&mut fields)?;
    fields.finish(&WHY_FIELDS)?;
    change(&desk, TradingChange { paused: Some(false), reason, ..TradingChange::default() }).await.map(Json)
}

/// Makes a change.
pub(crate) async fn change(desk: &Desk, change: TradingChange) -> Result<TradingView, Problem> {
    Ok(desk.store.change_trading(desk.user, &change, &desk.actor(), desk.now()).await?.into())
}

/// Why, if somebody says it.
fn reason(fields: &mut Fields) -> Result<Option<String>, Problem> {
    let reason = fields.text("reason")?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match reason {
        Some(text) if text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) => {
            Err(Problem::field("reason", format!("one line of at most {LONGEST_REASON} characters")))
        }
        reason => Ok(reason),
    }
}
