//! `/connections/{name}/rotate`: a rotation is planned.

use askama::Template;
use axum::response::Response;
use paddock_core::Environment;
use paddock_store::Connection;

use crate::api::connections::named;
use crate::api::consumers::kinds;
use crate::api::rotations::plan as api;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

const KEPT: [&str; 7] =
    ["cause", "window_from", "window_until", "ticket", "open_orders", "resume", "test_order"];

#[derive(Debug, Template)]
#[template(path = "rotations/plan.html")]
struct Plan {
    shell: Shell,
    name: String,
    environment: &'static str,
    account_number: String,
    consumers: Vec<(String, &'static str)>,
    /// The rotation that is under way.
    open: Option<String>,
    /// The rehearsal that is.
    rehearsal: Option<String>,
    may: bool,
    /// What a window is, with the time that it is now: it is typed in UTC.
    window_hint: String,
    causes: Vec<(&'static str, &'static str)>,
    orders: Vec<(&'static str, &'static str)>,
    resumes: Vec<(&'static str, &'static str)>,
    form: FormView,
}

/// The form.
pub(super) async fn show(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let (orders, resume) = match row.environment {
        Environment::Paper => ("go_on", "swapped"),
        Environment::Live => ("wait", "proven"),
    };
    let form = FormView::blank().with("open_orders", orders).with("resume", resume).with("cause", "by_hand");
    page(&form_page(&desk, &row, form).await?)
}

/// Plans it.
pub(super) async fn plan(
    desk: Desk,
    PathName(name): PathName,
    fields: FormFields,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let kept = FormView::keep(&fields, &KEPT);
    match api::perform(&desk, &name, fields.0).await {
        Ok(id) => Ok(done(&format!("/rotations/{id}"), "planned")),
        Err(problem) => {
            let status = problem.http_status();
            page_with(status, &form_page(&desk, &row, kept.refused(problem)).await?)
        }
    }
}

async fn form_page(desk: &Desk, row: &Connection, form: FormView) -> Result<Plan, Problem> {
    let consumers = desk.store.consumers_of(row.id).await?;
    let open = async |rehearsal| {
        let open = api::open_one(desk, row, rehearsal).await?;
        Ok::<_, Problem>(open.map(|open| open.rotation.id.to_string()))
    };
    let shell = Shell::load(desk, Section::Rotations, "Rotate the key pair").await?.about(row);
    Ok(Plan {
        may: row.environment == Environment::Paper || shell.owns,
        shell,
        name: row.name.clone(),
        environment: row.environment.as_str(),
        account_number: row.account_number.clone(),
        consumers: consumers
            .into_iter()
            .map(|one| (one.name, kinds::named(&one.kind).map_or("", |kind| kind.title)))
            .collect(),
        open: open(false).await?,
        rehearsal: open(true).await?,
        window_hint: format!(
            "A live pair is replaced in a planned window, and started within it. It is {} UTC now",
            desk.now().strftime("%-d %b %Y, %H:%M")
        ),
        causes: vec![
            ("by_hand", "I want to"),
            ("scheduled", "its time has come"),
            ("compromise", "somebody may have it who should not"),
            ("offboarding", "somebody who had it has left"),
            ("account_reset", "the paper account was reset"),
        ],
        orders: vec![
            ("wait", "wait until there are none"),
            ("cancel", "cancel them"),
            ("go_on", "leave them open and go on"),
        ],
        resumes: vec![
            ("swapped", "as soon as Paddock has the new pair"),
            ("proven", "when every consumer has it and the old one is dead"),
        ],
        form,
    })
}
