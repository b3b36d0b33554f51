//! `GET /api/v1/rotations/{id}/report` and `/api/v1/rotations/{id}/report.md`

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header;
use paddock_rotate::Report;
use serde_json::Value;

use crate::desk::Desk;
use crate::document::params;
use crate::name::PathName;
use crate::problem::Problem;
use crate::query::Query;

async fn made(desk: &Desk, id: &str) -> Result<Report, Problem> {
    let found = super::found(desk, id).await?;
    Ok(desk.rotations.report(found.row.rotation.id).await?)
}

/// What a rotation was from its first moment to its last, for an auditor: its state, each step, each attempt to put the pair at a consumer.
#[utoipa::path(
    get,
    path = "/api/v1/rotations/{id}/report",
    operation_id = "reportRotation",
    tag = "rotations",
    params(params::Identifier),
    responses((status = 200, description = "The report", body = Object)),
    extensions(("x-problems" = json!(["unknown_rotation"]))),
)]
pub(crate) async fn report(desk: Desk, PathName(id): PathName, query: Query) -> Result<Json<Value>, Problem> {
    query.finish(&[])?;
    let report = made(&desk, &id).await?;
    Ok(Json(serde_json::to_value(report).unwrap_or_default()))
}

/// The same as Markdown, for people.
#[utoipa::path(
    get,
    path = "/api/v1/rotations/{id}/report.md",
    operation_id = "reportRotationAsMarkdown",
    tag = "rotations",
    params(params::Identifier),
    responses((status = 200, description = "The report", body = String, content_type = "text/markdown; charset=utf-8")),
    extensions(("x-problems" = json!(["unknown_rotation"]))),
)]
pub(crate) async fn markdown(desk: Desk, PathName(id): PathName, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    Ok(download(&made(&desk, &id).await?))
}

/// The report as a file.
pub(crate) fn download(report: &Report) -> Response {
    let name = format!("attachment; filename=\"rotation-{}.md\"", report.rotation.id);
    let headers = [
        (header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, report.to_markdown()).into_response()
}

/// The report of a rotation as a file, for its page.
pub(crate) async fn file(desk: &Desk, id: &str) -> Result<Response, Problem> {
    Ok(download(&made(desk, id).await?))
}
