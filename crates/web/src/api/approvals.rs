//! Approvals: requests that wait, or waited, for a person.

pub(crate) mod answer;
pub(crate) mod list;
pub(crate) mod show;

use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::id::{AccessKeyId, ApprovalId, RequestId};
use paddock_store::{Approval, ApprovalState};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::words;
use crate::problem::Problem;

/// A held request as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Approval)]
pub struct ApprovalView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: ApprovalId,
    /// Where it is.
    #[schema(value_type = words::ApprovalStateWord)]
    pub state: ApprovalState,
    /// The order in one line, or method and path.
    pub summary: String,
    /// Dollars that it is worth, where that can be told.
    #[schema(required, value_type = Option<words::Exact>)]
    pub notional: Option<Decimal>,
    /// The market's price when it was held.
    #[schema(required, value_type = Option<words::Exact>)]
    pub market_price: Option<Decimal>,
    /// By how many percent the price may differ when it is sent.
    #[schema(value_type = words::Exact)]
    pub price_band: Decimal,
    /// The access key.
    #[schema(value_type = words::Id)]
    pub key: AccessKeyId,
    /// The access key's name.
    #[schema(required)]
    pub key_name: Option<String>,
    /// The connection's name.
    #[schema(required)]
    pub connection: Option<String>,
    /// That connection's environment.
    #[serde(default)]
    #[schema(required, value_type = Option<words::EnvironmentWord>)]
    pub environment: Option<Environment>,
    /// The request, as in the audit.
    #[schema(value_type = words::Id)]
    pub request: RequestId,
    /// What is approved: a hash over all that makes it this request.
    #[schema(value_type = words::Hash)]
    pub request_hash: String,
    /// Method, path and query.
    pub target: String,
    /// The body as it would be sent; what is not plain ASCII stands as an escape.
    pub body: String,
    /// From where it came.
    pub network: String,
    /// When it came.
    pub requested_at: Timestamp,
    /// From when on it is not sent any more.
    pub expires_at: Timestamp,
    /// When it ended to wait.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// Who ended it, as they named themselves.
    #[schema(required)]
    pub ended_by: Option<String>,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
    /// HTTP status of the broker's answer, or of what was answered in its place.
    #[schema(required)]
    pub answer_status: Option<u16>,
    /// What became of it: `sent`, `not_sent`, `unknown`, or `on_its_way`.
    #[schema(required)]
    pub outcome: Option<String>,
    /// The broker's order id, where it gave one.
    #[schema(required)]
    pub order_id: Option<String>,
}

/// The approval as it is shown, with the names of what it belongs to.
pub(crate) async fn view(desk: &Desk, approval: Approval) -> Result<ApprovalView, Problem> {
    let key = desk.store.key(approval.held.key).await?;
    let connection = desk.store.connection(approval.held.connection).await?;
    let now = approval.state_at(desk.now());
    let Approval { held, ended_at, ended_by, reason, answer, outcome, order_id, .. } = approval;
    let outcome = outcome.map(|outcome| match outcome.as_str() {
        "confirmed" => "sent".to_owned(),
        "released" => "not_sent".to_owned(),
        "reserved" => "on_its_way".to_owned(),
        _ => "unknown".to_owned(),
    });
    Ok(ApprovalView {
        id: held.id,
        state: now,
        summary: held.summary,
        notional: held.notional.map(|amount| amount.normalize()),
        market_price: held.market_price,
        price_band: held.price_band.normalize(),
        key: held.key,
        key_name: key.map(|key| key.name),
        environment: connection.as_ref().map(|connection| connection.environment),
        connection: connection.map(|connection| connection.name),
        request: held.request,
        request_hash: hex::encode(held.request_hash),
        target: format!("{} {}", held.method, held.target),
        body: plain(&held.body),
        network: held.network.to_string(),
        requested_at: held.requested_at,
        expires_at: held.expires_at,
        ended_at,
        ended_by,
        reason,
        answer_status: answer.map(|(status, _)| status),
        outcome,
        order_id,
    })
}

/// A program wrote it and a person decides by it: nothing in it may move a terminal's cursor or look like something else.
fn plain(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len());
    for letter in String::from_utf8_lossy(body).chars() {
        if letter == ' ' || letter.is_ascii_graphic() {
            text.push(letter);
        } else {
            text.extend(letter.escape_default());
        }
    }
    text
}

/// The approval of that identifier.
pub(crate) async fn found(desk: &Desk, id: ApprovalId) -> Result<ApprovalView, Problem> {
    let approval = find(desk, id).await?;
    view(desk, approval).await
}

/// The approval, if it is the team's own. Of another team's not even that it exists is told.
async fn find(desk: &Desk, id: ApprovalId) -> Result<Approval, Problem> {
    let approval = desk.store.approval(id).await?.ok_or_else(unknown)?;
    let connection = desk.store.connection(approval.held.connection).await?;
    let own = connection.is_some_and(|connection| connection.user == desk.user);
    if own { Ok(approval) } else { Err(unknown()) }
}

pub(crate) fn read_id(text: &str) -> Result<ApprovalId, Problem> {
    text.parse().map_err(|_| unknown())
}

pub(crate) fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_approval",
        "Unknown approval",
        "there is no approval with this identifier",
        "list those that wait with `paddock approval list`",
    )
}
