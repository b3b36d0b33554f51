//! `/connections/{name}/rehearse`: a rotation is played, with chosen failures.

use askama::Template;
use axum::response::Response;
use paddock_core::Environment;
use paddock_core::rotation::RehearsedFault;
use paddock_store::Connection;

use crate::api::connections::named;
use crate::api::consumers::kinds;
use crate::api::rotations::{plan, rehearse as api};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;
use crate::rehearsal::Slip;

#[derive(Debug, Template)]
#[template(path = "rotations/rehearse.html")]
struct Rehearse {
    shell: Shell,
    name: String,
    environment: &'static str,
    /// The rehearsal that is under way.
    open: Option<String>,
    may: bool,
    slips: Vec<(&'static str, &'static str)>,
    consumers: Vec<Consumer>,
    form: FormView,
}

/// A consumer, and what may go wrong there.
#[derive(Debug)]
struct Consumer {
    name: String,
    title: &'static str,
    faults: Vec<(String, &'static str)>,
}

/// The form.
pub(super) async fn show(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let slips = Slip::ALL.map(|(_, word, _)| word.to_owned());
    page(&form_page(&desk, &row, FormView::blank().with_all("fail", slips)).await?)
}

/// Starts it.
pub(super) async fn rehearse(
    desk: Desk,
    PathName(name): PathName,
    fields: FormFields,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let kept = FormView::keep(&fields, &api::FIELDS);
    match api::perform(&desk, &name, fields.0).await {
        Ok(id) => Ok(done(&format!("/rotations/{id}"), "rehearsed")),
        Err(problem) => {
            let status = problem.http_status();
            page_with(status, &form_page(&desk, &row, kept.refused(problem)).await?)
        }
    }
}

async fn form_page(desk: &Desk, row: &Connection, form: FormView) -> Result<Rehearse, Problem> {
    let consumers = desk.store.consumers_of(row.id).await?.into_iter().map(|one| Consumer {
        title: kinds::named(&one.kind).map_or("", |kind| kind.title),
        faults: RehearsedFault::ALL
            .iter()
            .map(|fault| (format!("consumer={}:{fault}", one.name), words(*fault)))
            .collect(),
        name: one.name,
    });
    let shell = Shell::load(desk, Section::Rotations, "Rehearse a rotation").await?.about(row);
    Ok(Rehearse {
        may: row.environment == Environment::Paper || shell.owns,
        shell,
        name: row.name.clone(),
        environment: row.environment.as_str(),
        open: plan::open_one(desk, row, true).await?.map(|open| open.rotation.id.to_string()),
        slips: Slip::ALL.map(|(_, word, words)| (word, words)).to_vec(),
        consumers: consumers.collect(),
        form,
    })
}

const fn words(fault: RehearsedFault) -> &'static str {
    match fault {
        RehearsedFault::Refused => "The login is refused",
        RehearsedFault::Drift => "It holds values that Paddock did not write",
        RehearsedFault::TooMany => "It answers 429: too many requests",
        RehearsedFault::LostAnswer => "The answer to the write is lost",
        RehearsedFault::PermissionLost => "The right to write is lost meanwhile",
        RehearsedFault::ApprovalPending => "Somebody there must approve the write",
    }
}
