//! `/connections/{name}/remove`: what becomes of it is said, and the name is typed.

use askama::Template;
use axum::response::Response;
use paddock_store::Connection;

use crate::api::connections::{named, remove as api, view};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "connections/remove.html")]
struct Remove {
    shell: Shell,
    name: String,
    active: bool,
    /// Whether what is erased is a token of OAuth.
    has_token: bool,
    keys: Vec<String>,
    form: FormView,
}

/// The form.
pub(super) async fn show(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    page(&form_page(&desk, &row, FormView::blank()).await?)
}

/// Removes it, if its name was typed.
pub(super) async fn remove(
    desk: Desk,
    PathName(name): PathName,
    FormFields(mut fields): FormFields,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let typed = fields.text("confirm")?.unwrap_or_default();
    if typed.trim() != row.name {
        let problem = Problem::field("confirm", format!("the connection's name, `{}`", row.name));
        let status = problem.http_status();
        return page_with(status, &form_page(&desk, &row, FormView::blank().refused(problem)).await?);
    }
    _ = api::remove(desk, PathName(name), fields).await?;
    Ok(done("/connections", "removed"))
}

async fn form_page(desk: &Desk, row: &Connection, form: FormView) -> Result<Remove, Problem> {
    let keys = desk.store.keys(desk.user).await?.into_iter();
    Ok(Remove {
        shell: Shell::load(desk, Section::Connections, "Remove a connection").await?.about(row),
        name: row.name.clone(),
        active: row.active,
        has_token: view(desk, row.clone()).await?.token_since.is_some(),
        keys: keys
            .filter(|key| key.connection == row.id && key.revoked_at.is_none())
            .map(|key| key.name)
            .collect(),
        form,
    })
}
