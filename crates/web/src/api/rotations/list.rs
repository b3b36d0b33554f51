//! `GET /api/v1/rotations` and `/api/v1/rotations/{id}`

use axum::Json;

use super::RotationView;
use crate::desk::Desk;
use crate::document::params;
use crate::name::PathName;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// So many of the newest rotations are listed.
pub(crate) const MOST: u32 = 1000;

/// The team's rotations, newest first and without their steps.
#[utoipa::path(
    get,
    path = "/api/v1/rotations",
    operation_id = "listRotations",
    tag = "rotations",
    params(params::Listing),
    responses(
        (status = 200, description = "A page of rotations", body = Page<RotationView>),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<RotationView>>, Problem> {
    let paging = Paging::read(&mut query, "rotations")?;
    query.finish(&["limit", "cursor"])?;
    let mut views = all(&desk).await?;
    let place = |view: &RotationView| Since::new(view.planned_at, view.id);
    if let Some(after) = &paging.after {
        views.retain(|view| place(view) < *after);
    }
    Ok(Json(paging.page(views, place)))
}

/// The team's rotations, newest first.
pub(crate) async fn all(desk: &Desk) -> Result<Vec<RotationView>, Problem> {
    let rows = desk.rotations.list(desk.user, MOST).await?;
    Ok(rows.into_iter().map(|row| super::view(paddock_rotate::Status::of(row), Vec::new())).collect())
}

/// One rotation: where it is, what is done and what a person is asked to do, its consumers, and every step so far.
#[utoipa::path(
    get,
    path = "/api/v1/rotations/{id}",
    operation_id = "showRotation",
    tag = "rotations",
    params(params::Identifier),
    responses(
        (status = 200, description = "The rotation", body = RotationView),
    ),
    extensions(("x-problems" = json!(["unknown_rotation"]))),
)]
pub(crate) async fn show(
    desk: Desk,
    PathName(id): PathName,
    query: Query,
) -> Result<Json<RotationView>, Problem> {
    query.finish(&[])?;
    let found = super::found(&desk, &id).await?;
    Ok(Json(super::shown_in_full(&desk, found.row.rotation.id).await?))
}
