//! `/connections/{name}/replace`: another key pair of the same account.

use askama::Template;
use axum::response::Response;
use paddock_store::Connection;

use super::oauth::{leading_to_alpaca, left_by_attempt};
use super::{at_its_field, repairs_for_address, repairs_of_problem};
use crate::api::connections::{add, named, view};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{page, page_with, see};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;
use crate::query::Query;

#[derive(Debug, Template)]
#[template(path = "connections/replace.html")]
struct Replace {
    shell: Shell,
    name: String,
    environment: &'static str,
    account_number: String,
    form: FormView,
    repairs: Vec<String>,
    paper_broker: Option<String>,
    /// Whether it can be connected by OAuth.
    oauth: bool,
    /// Whether it has a token of OAuth now.
    has_token: bool,
}

/// The form.
pub(super) async fn show(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let form = match left_by_attempt(&desk, &mut query).await? {
        Some((_, problem)) => FormView::blank().refused(problem),
        None => FormView::blank(),
    };
    let shown = page(&form_page(&desk, &row, form).await?)?;
    Ok(leading_to_alpaca(&desk, shown))
}

/// Replaces the pair, if the new one opens the same account.
pub(super) async fn replace(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let fields = fields
        .set("name", row.name.as_str())
        .set("environment", row.environment.as_str())
        .set("replace", true);
    match add::perform(&desk, fields, Some(row.id)).await {
        Ok(added) => {
            let repaired = repairs_for_address(&added.repairs);
            let path = format!("/connections/{}?done=replaced", added.connection.name);
            Ok(see(&if repaired.is_empty() { path } else { format!("{path}&repaired={repaired}") }))
        }
        Err(problem) => refused(&desk, &row, at_its_field(problem, row.environment)).await,
    }
}

/// The form with what is wrong.
pub(super) async fn refused(desk: &Desk, row: &Connection, problem: Problem) -> Result<Response, Problem> {
    let status = problem.http_status();
    let shown = page_with(status, &form_page(desk, row, FormView::blank().refused(problem)).await?)?;
    Ok(leading_to_alpaca(desk, shown))
}

async fn form_page(desk: &Desk, row: &Connection, form: FormView) -> Result<Replace, Problem> {
    let has_token = view(desk, row.clone()).await?.token_since.is_some();
    let title = if has_token { "Connect it again" } else { "Replace the key pair" };
    Ok(Replace {
        shell: Shell::load(desk, Section::Connections, title).await?.about(row),
        name: row.name.clone(),
        environment: row.environment.as_str(),
        account_number: row.account_number.clone(),
        repairs: form.problem.as_ref().map(repairs_of_problem).unwrap_or_default(),
        paper_broker: desk.own_broker(row.environment),
        oauth: desk.oauth.is_some(),
        has_token,
        form,
    })
}
