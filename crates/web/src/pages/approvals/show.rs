//! `GET /approvals/{id}`

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use paddock_core::id::ApprovalId;

use super::{Card, DONE};
use crate::api::approvals::{ApprovalView, found, read_id};
use crate::desk::Desk;
use crate::name::PathName;
use crate::pages::answer::{Done, page_with};
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "approvals/show.html")]
struct Show {
    shell: Shell,
    card: Card,
    /// Why what was answered changed nothing.
    problem: Option<Problem>,
}

pub(super) async fn show(desk: Desk, PathName(id): PathName, done: Done) -> Result<Response, Problem> {
    let id = read_id(&id)?;
    let page = gather(&desk, id, None).await?;
    let shell = page.shell.done(&done, &DONE);
    page_with(StatusCode::OK, &Show { shell, ..page })
}

/// The page as it is now, after an answer that changed nothing.
pub(super) async fn unchanged(desk: &Desk, id: ApprovalId, problem: Problem) -> Result<Response, Problem> {
    page_with(problem.http_status(), &gather(desk, id, Some(problem)).await?)
}

async fn gather(desk: &Desk, id: ApprovalId, problem: Option<Problem>) -> Result<Show, Problem> {
    let view = found(desk, id).await?;
    let shell = shell_about(desk, &view, "Approval").await?;
    Ok(Show { shell, card: Card::of(view, desk.now()), problem })
}

/// What stands around a page about one approval, with the band of its account.
pub(super) async fn shell_about(desk: &Desk, view: &ApprovalView, title: &str) -> Result<Shell, Problem> {
    let shell = Shell::load(desk, Section::Approvals, title).await?;
    let connections = desk.store.connections(desk.user).await?;
    let connection = connections.iter().find(|row| Some(&row.name) == view.connection.as_ref());
    Ok(match connection {
        Some(connection) => shell.about(connection),
        None => shell,
    })
}
