//! `/keys/{name}/replace`: another access key with the same limits, while the old one goes on for a while.

use askama::Template;
use axum::response::Response;

use super::issued::Issued;
use crate::api::keys::{named, replace as api, shown_by_id};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "keys/replace.html")]
struct Replace {
    shell: Shell,
    path: String,
    name: String,
    sentence: String,
    own_orders: bool,
    overlaps: Vec<(&'static str, &'static str)>,
    form: FormView,
}

/// The form.
pub(super) async fn show(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let form = FormView::blank().with("overlap", "7d");
    page(&gather(&desk, &name, form).await?)
}

/// Does it. The page that answers shows the new secret once.
pub(super) async fn submit(
    desk: Desk,
    PathName(name): PathName,
    fields: FormFields,
) -> Result<Response, Problem> {
    let kept = FormView::keep(&fields, &api::FIELDS);
    match api::perform(&desk, &name, fields.0).await {
        Ok((created, connection)) => Issued::page(&desk, &connection, &created).await,
        Err(problem) if problem.code == "unknown_key" => Err(problem),
        Err(problem) => {
            let problem = if problem.code == "name_taken" { problem.with("field", "name") } else { problem };
            let status = problem.http_status();
            page_with(status, &gather(&desk, &name, kept.refused(problem)).await?)
        }
    }
}

async fn gather(desk: &Desk, name: &str, form: FormView) -> Result<Replace, Problem> {
    let key = named(desk, name).await?;
    let view = shown_by_id(desk, key.id).await?;
    let mut shell = Shell::load(desk, Section::Keys, format!("Replace {}", key.name)).await?;
    if let Some(connection) = desk.store.connection(key.connection).await? {
        shell = shell.about(&connection);
    }
    Ok(Replace {
        shell,
        path: super::path(&view),
        name: view.name,
        sentence: view.scope_sentence,
        own_orders: key.scope.only_own_orders,
        overlaps: vec![("1h", "an hour"), ("1d", "a day"), ("7d", "7 days"), ("30d", "30 days")],
        form,
    })
}
