//! `POST /approvals/{id}`: a yes or a no to exactly what was shown.
//!
//! A yes for real money is asked for once more, on a page that says again what it is to.

use askama::Template;
use axum::response::Response;
use paddock_core::audit::Actor;
use paddock_store::Consent;

use super::show::{shell_about, unchanged};
use super::{Card, Fate};
use crate::api::approvals::answer::{consent, say_no, say_yes};
use crate::api::approvals::{found, read_id};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page};
use crate::pages::shell::Shell;
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "approvals/confirm.html")]
struct Confirm {
    shell: Shell,
    card: Card,
    /// What was typed beside the first yes.
    note: Option<String>,
}

/// Takes the answer of a form: `answer` is `approve` or `deny`, and `request_hash` what the form was shown with; `sure` is the second yes,
/// which real money takes. An answer to what is over, or to something else than what was shown, changes nothing and says so.
pub(super) async fn submit(
    desk: Desk,
    PathName(id): PathName,
    mut form: FormFields,
) -> Result<Response, Problem> {
    let approval = read_id(&id)?;
    let answer = form.0.need_text("answer", "`approve` or `deny`")?;
    let sure = form.0.flag("sure")?;
    if !form.0.has("request_hash") {
        return Err(Problem::missing("request_hash", "the hash of what was shown"));
    }
    if let Actor::Person { name, .. } = desk.actor() {
        form.set("by", Some(name));
    }
    let said = async {
        let consent = consent(&desk, &id, form.0).await?;
        match answer.as_str() {
            "approve" => approve(&desk, consent, sure).await,
            "deny" => say_no(&desk, consent).await.map(|_| done("/approvals", "denied")),
            other => Err(Problem::not_allowed("answer", other, &["approve", "deny"])),
        }
    };
    match said.await {
        Ok(response) => Ok(response),
        Err(problem) if problem.status == 404 => Err(problem),
        Err(problem) => unchanged(&desk, approval, problem).await,
    }
}

async fn approve(desk: &Desk, consent: Consent, sure: bool) -> Result<Response, Problem> {
    let id = consent.id;
    if !sure && let Some(confirm) = second_look(desk, &consent).await? {
        return page(&confirm);
    }
    let view = say_yes(desk, consent).await?;
    Ok(match Fate::of(view.outcome.as_deref(), view.answer_status) {
        taken @ Fate::Taken => done("/approvals", taken.code()),
        // What there is to know stands on its own page.
        fate => done(&format!("/approvals/{id}"), fate.code()),
    })
}

/// The page that asks once more, where it waits and is about real money, or that cannot be told.
async fn second_look(desk: &Desk, consent: &Consent) -> Result<Option<Confirm>, Problem> {
    let view = found(desk, consent.id).await?;
    let shell = shell_about(desk, &view, "Approve").await?;
    let card = Card::of(view, desk.now());
    let asks = card.is_live() && card.waits;
    Ok(asks.then(|| Confirm { shell, card, note: consent.reason.clone() }))
}
