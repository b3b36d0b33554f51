//! `GET /api/v1/connections/{name}/consumers` and `.../{consumer}`

use axum::Json;

use super::ConsumerView;
use crate::api::connections;
use crate::desk::Desk;
use crate::document::params;
use crate::name::{PathName, PathPair};
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// The consumers of a connection, in the order in which they were added.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/consumers",
    operation_id = "listConsumers",
    tag = "rotations",
    params(params::ConnectionName, params::Listing),
    responses(
        (status = 200, description = "A page of consumers", body = Page<ConsumerView>),
    ),
    extensions(("x-problems" = json!(["unknown_connection"]))),
)]
pub(crate) async fn list(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Json<Page<ConsumerView>>, Problem> {
    let paging = Paging::read(&mut query, "consumers")?;
    query.finish(&["limit", "cursor"])?;
    let connection = connections::named(&desk, &name).await?;
    let rows = desk.store.consumers_of(connection.id).await?;
    let page = paging.page_of_all(rows, |row| Since::new(row.created_at, row.id));
    let rotation = super::in_progress(&desk, connection.id).await?;
    let view = |row| super::view(&connection, row, rotation.as_ref());
    Ok(Json(page.with(|rows| rows.into_iter().map(view).collect())))
}

/// One consumer.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/consumers/{consumer}",
    operation_id = "showConsumer",
    tag = "rotations",
    params(params::ConsumerPath),
    responses(
        (status = 200, description = "The consumer", body = ConsumerView),
    ),
    extensions(("x-problems" = json!(["unknown_connection", "unknown_consumer"]))),
)]
pub(crate) async fn show(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    query: Query,
) -> Result<Json<ConsumerView>, Problem> {
    query.finish(&[])?;
    let connection = connections::named(&desk, &name).await?;
    let row = super::named(&desk, &connection, &consumer).await?;
    Ok(Json(super::shown_of(&desk, &connection, row).await?))
}
