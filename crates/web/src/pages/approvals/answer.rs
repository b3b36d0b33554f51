//! `POST /approvals/{id}`: a yes or a no to exactly what was shown.

use axum::response::Response;
use paddock_core::audit::Actor;

use super::show::unchanged;
use crate::api::approvals::answer::{consent, say_no, say_yes};
use crate::api::approvals::read_id;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::done;
use crate::problem::Problem;

/// Takes the answer of a form: `answer` is `approve` or `deny`, and `request_hash` what the form was shown with. An answer to what is
/// over, or to something else than what was shown, changes nothing and says so.
pub(super) async fn submit(
    desk: Desk,
    PathName(id): PathName,
    mut form: FormFields,
) -> Result<Response, Problem> {
    let approval = read_id(&id)?;
    let answer = form.0.need_text("answer", "`approve` or `deny`")?;
    if !form.0.has("request_hash") {
        return Err(Problem::missing("request_hash", "the hash of what was shown"));
    }
    if let Actor::Person { name, .. } = desk.actor() {
        form.set("by", Some(name));
    }
    let said = async {
        let consent = consent(&desk, &id, form.0).await?;
        match answer.as_str() {
            "approve" => say_yes(&desk, consent).await.map(|_| "approved"),
            "deny" => say_no(&desk, consent).await.map(|_| "denied"),
            other => Err(Problem::not_allowed("answer", other, &["approve", "deny"])),
        }
    };
    match said.await {
        Ok(code) => Ok(done("/approvals", code)),
        Err(problem) if problem.status == 404 => Err(problem),
        Err(problem) => unchanged(&desk, approval, problem).await,
    }
}
