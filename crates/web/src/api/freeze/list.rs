//! `GET /api/v1/freezes`

use axum::Json;
use jiff::Timestamp;
use paddock_core::audit::Actor;
use paddock_core::decide::{Frozen, Passing};
use paddock_store::Subject;
use serde::Serialize;
use utoipa::ToSchema;

use super::wind_down::WindDownView;
use crate::desk::Desk;
use crate::document::{params, views, words};
use crate::paging::{Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// What is stopped.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Freezes {
    /// Whether the file or a signal holds everything frozen, whatever the database says.
    pub(crate) frozen_in_memory: bool,
    /// A page of the freezes that hold, the oldest first.
    pub(crate) items: Vec<FreezeView>,
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
    /// The newest that freezes did or have to do about open orders and positions.
    pub(crate) wind_downs: Vec<WindDownView>,
    /// The signs of life that were waited for.
    signs: Vec<SignView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignOfLife)]
struct SignView {
    name: String,
    last_at: Timestamp,
    /// Whether its absence freezes.
    armed: bool,
}

/// A freeze that holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FreezeThatHolds)]
pub(crate) struct FreezeView {
    #[schema(value_type = views::FrozenWhat)]
    pub(crate) what: Frozen,
    /// The name of the access key or connection.
    #[schema(required)]
    pub(crate) name: Option<String>,
    #[schema(value_type = Vec<words::PassageWord>)]
    pub(crate) passes: Passing,
    #[schema(required)]
    pub(crate) reason: Option<String>,
    #[schema(value_type = views::Actor)]
    pub(crate) by: Actor,
    pub(crate) at: Timestamp,
}

/// The freezes that hold, the oldest first, and what stands beside them.
#[utoipa::path(
    get,
    path = "/api/v1/freezes",
    operation_id = "listFreezes",
    tag = "freezes",
    params(params::Listing),
    responses(
        (status = 200, description = "What is stopped", body = Freezes),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Freezes>, Problem> {
    let paging = Paging::read(&mut query, "freezes")?;
    query.finish(&["limit", "cursor"])?;
    let names = super::names(&desk).await?;
    let name = |id: Option<String>| id.and_then(|id| names.get(&id).cloned());
    let rows = desk.store.freezes().await?.into_iter();
    // What was revoked or removed since is frozen for good.
    let rows = rows.filter(|row| row.subject == Subject::Everything || name(row.subject.id()).is_some());
    let page = paging.page_of_all(rows.collect(), |row| {
        Since::new(row.at, row.subject.id().unwrap_or_else(|| "everything".to_owned()))
    });
    let items = page
        .items
        .into_iter()
        .map(|row| FreezeView {
            what: row.subject.what(),
            name: name(row.subject.id()),
            passes: row.passing,
            reason: row.reason.filter(|_| desk.runs_this() || row.subject != Subject::Everything),
            by: if desk.runs_this() || row.subject != Subject::Everything {
                row.actor
            } else {
                Actor::System
            },
            at: row.at,
        })
        .collect();
    let wind_downs = desk.store.wind_downs(desk.user, 10).await?.into_iter();
    // The dead-man switch waits for whoever runs this Paddock.
    let signs = if desk.runs_this() { desk.store.signs().await? } else { Vec::new() };
    Ok(Json(Freezes {
        frozen_in_memory: desk.control.is_frozen_in_memory(),
        items,
        next_cursor: page.next_cursor,
        wind_downs: wind_downs
            .map(|(row, steps)| WindDownView::new(&row, steps, |id| name(Some(id.to_owned()))))
            .collect(),
        signs: signs
            .into_iter()
            .map(|sign| SignView { name: sign.name, last_at: sign.last_at, armed: sign.armed })
            .collect(),
    }))
}
