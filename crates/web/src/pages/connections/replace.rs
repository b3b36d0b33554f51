//! `/connections/{name}/replace`: another key pair of the same account.

use askama::Template;
use axum::response::Response;
use paddock_store::Connection;

use super::{at_its_field, repairs_for_address, repairs_of_problem};
use crate::api::connections::{add, named};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{page, page_with, see};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

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
}

/// The form.
pub(super) async fn show(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    page(&form_page(&desk, &row, FormView::blank()).await?)
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
    match add::perform(&desk, fields).await {
        Ok(added) => {
            let repaired = repairs_for_address(&added.repairs);
            // Whichever of this user's connections has the account got the pair.
            let path = format!("/connections/{}?done=replaced", added.connection.name);
            Ok(see(&if repaired.is_empty() { path } else { format!("{path}&repaired={repaired}") }))
        }
        Err(problem) => {
            let mut problem = at_its_field(problem, row.environment);
            if problem.code == "name_taken" {
                // The account is another one, and there is no field for a name here.
                problem.title = "Another account".into();
                problem.next_step = format!(
                    "paste a pair of account `{}`, or connect the other account by itself",
                    row.account_number
                )
                .into();
                problem = problem.at("key_id");
            }
            let status = problem.http_status();
            page_with(status, &form_page(&desk, &row, FormView::blank().refused(problem)).await?)
        }
    }
}

async fn form_page(desk: &Desk, row: &Connection, form: FormView) -> Result<Replace, Problem> {
    Ok(Replace {
        shell: Shell::load(desk, Section::Connections, "Replace the key pair").await?.about(row),
        name: row.name.clone(),
        environment: row.environment.as_str(),
        account_number: row.account_number.clone(),
        repairs: form.problem.as_ref().map(repairs_of_problem).unwrap_or_default(),
        paper_broker: desk.own_broker(row.environment),
        form,
    })
}
