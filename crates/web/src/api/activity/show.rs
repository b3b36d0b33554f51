//! `GET /api/v1/activity/{id}`

use axum::Json;
use http::StatusCode;
use paddock_core::audit::{AuditEvent, AuditRecord};
use paddock_core::id::{ApprovalId, RequestId};
use paddock_store::{Activity, Connection};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::Names;
use super::{RequestView, catch_up_with_now};
use crate::api::accounts::{OrderView, order_of};
use crate::api::audit::list::RecordView;
use crate::desk::Desk;
use crate::document::{params, words};
use crate::name::PathName;
use crate::problem::Problem;
use crate::query::Query;

/// All that is known of one request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Story {
    /// The request.
    pub(crate) request: RequestView,
    /// What it took from the caps of its access key, while it is not known to be released: orders and dollars, as text.
    #[schema(required)]
    pub(crate) reserved: Option<Reserved>,
    /// The approval that it waits for, or waited for.
    #[schema(required, value_type = Option<words::Id>)]
    pub(crate) approval: Option<ApprovalId>,
    /// The order that came of it, as Alpaca has it now.
    #[schema(required)]
    pub(crate) order: Option<OrderView>,
    /// Why the order could not be read.
    #[schema(required)]
    pub(crate) order_fault: Option<Problem>,
    /// The audit records about it, oldest first.
    pub(crate) records: Vec<RecordView>,
    /// The same as they are kept.
    #[serde(skip)]
    pub(crate) kept: Vec<AuditRecord>,
    /// The connection that it is for, removed or not.
    #[serde(skip)]
    pub(crate) connection: Option<Connection>,
}

/// What was taken from the caps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Reserved {
    /// Orders.
    pub(crate) orders: u32,
    /// Dollars.
    #[schema(value_type = words::Exact)]
    pub(crate) notional: rust_decimal::Decimal,
    /// Dollars that were given back since, because the order ended unfilled.
    #[schema(value_type = words::Exact)]
    pub(crate) returned: rust_decimal::Decimal,
}

/// One request: decision, reservation, what Alpaca answered, its audit records, and its order as it is now.
#[utoipa::path(
    get,
    path = "/api/v1/activity/{id}",
    operation_id = "getActivity",
    tag = "activity",
    params(params::RequestPath),
    responses((status = 200, description = "All that is known of it", body = Story)),
    extensions(("x-problems" = json!(["unknown_request"]))),
)]
pub(crate) async fn show(desk: Desk, PathName(id): PathName, query: Query) -> Result<Json<Story>, Problem> {
    query.finish(&[])?;
    story(&desk, &id).await.map(Json)
}

/// The same, for a page.
pub(crate) async fn story(desk: &Desk, id: &str) -> Result<Story, Problem> {
    let id: RequestId = id.parse().map_err(|_| unknown())?;
    catch_up_with_now(desk).await?;
    let row = desk.store.activity_of(desk.user, id).await?.ok_or_else(unknown)?;
    let records = desk.store.records_about(desk.user, id).await?;
    let (mut reserved, mut approval) = (None, None);
    for record in &records {
        match record.event() {
            Ok(AuditEvent::RequestPermitted { orders, notional, .. }) => {
                let returned = rust_decimal::Decimal::ZERO;
                reserved = (orders > 0).then_some(Reserved { orders, notional, returned });
            }
            Ok(AuditEvent::ChargeReturned { notional, .. }) => {
                if let Some(reserved) = &mut reserved {
                    reserved.returned = reserved.returned.saturating_add(notional);
                }
            }
            Ok(AuditEvent::ApprovalRequested { approval: id, .. }) => approval = Some(id),
            _ => {}
        }
    }
    let connection = match row.connection {
        Some(id) => desk.store.connection(id).await?,
        None => None,
    };
    let (order, order_fault) = order_now(desk, connection.as_ref(), &row).await?;
    let names = Names::of(desk, std::slice::from_ref(&row)).await?;
    Ok(Story {
        request: names.view(row),
        reserved,
        approval,
        order,
        order_fault,
        kept: records.clone(),
        connection,
        records: records.into_iter().map(RecordView::from).collect(),
    })
}

/// The order as Alpaca has it now. That it cannot be read spoils nothing else.
async fn order_now(
    desk: &Desk,
    connection: Option<&Connection>,
    row: &Activity,
) -> Result<(Option<OrderView>, Option<Problem>), Problem> {
    let id = row.order_id.as_deref().and_then(|id| id.parse().ok());
    let Some((connection, id)) = connection.filter(|it| it.removed_at.is_none()).zip(id) else {
        return Ok((None, None));
    };
    match order_of(desk, connection, id).await {
        Ok(order) => Ok((Some(order), None)),
        Err(problem) => Ok((None, Some(problem))),
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_request",
        "Unknown request",
        "there is no such request: reads are not kept, and what was removed from the audit is gone from here",
        "look at the list of requests",
    )
}
