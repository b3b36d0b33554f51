//! `/sign-in/code`: the second step of signing in, for who has a second factor. There is no session before it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::header;
use http::request::Parts;
use paddock_core::id::PersonId;
use paddock_store::Person;
use serde_json::Value;

use super::answer;
use super::assets::Frame;
use super::form::FormView;
use super::sign_in::with_cookie;
use crate::WebState;
use crate::access::{local, with_next};
use crate::fields::FormFields;
use crate::people::{network, session, step};
use crate::problem::Problem;
use crate::query::Query;
use crate::second_factor::{self, Proof};

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new().route("/sign-in/code", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "security/step.html")]
struct Step {
    frame: Frame,
    name: String,
    next: String,
    form: FormView,
}

/// Sends a person whose password was right on to the second step. The browser keeps a ticket for it, and no session.
pub(super) async fn begin(
    state: &WebState,
    person: PersonId,
    next: Option<&str>,
) -> Result<Response, Problem> {
    let Some(ticket) = step::ticket(state, person).await? else { return Ok(answer::see("/sign-in")) };
    Ok(with_cookie(answer::see(&with_next("/sign-in/code", next)), state.people.set_step_cookie(&ticket)))
}

/// The person whose password was right a moment ago in this browser.
async fn holder(state: &WebState, parts: &Parts) -> Result<Option<Person>, Problem> {
    match state.people.step_cookie(&parts.headers) {
        Some(ticket) => step::holder(state, &ticket).await,
        None => Ok(None),
    }
}

async fn show(
    State(state): State<Arc<WebState>>,
    parts: Parts,
    mut query: Query,
) -> Result<Response, Problem> {
    let next = query.text("next").unwrap_or_default();
    let Some(person) = holder(&state, &parts).await? else { return Ok(answer::see("/sign-in")) };
    page(person, &next, FormView::blank())
}

fn page(person: Person, next: &str, form: FormView) -> Result<Response, Problem> {
    let status = form.problem.as_ref().map_or(http::StatusCode::OK, Problem::http_status);
    let retry_after =
        form.problem.as_ref().and_then(|problem| problem.extra.get("retry_after").and_then(Value::as_i64));
    let next = local(next).unwrap_or("/").to_owned();
    let mut response =
        answer::page_with(status, &Step { frame: Frame::new(), name: person.name, next, form })?;
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

async fn submit(
    State(state): State<Arc<WebState>>,
    parts: Parts,
    fields: FormFields,
) -> Result<Response, Problem> {
    let mut fields = fields.0;
    let next = fields.text("next")?.unwrap_or_default();
    let Some(person) = holder(&state, &parts).await? else { return Ok(answer::see("/sign-in")) };
    let network = network::of_parts(&parts, &state);
    let proof = match fields.need_secret("code", "the six digits that your app shows, or a recovery code") {
        Ok(code) => second_factor::prove(&state, &person, &code, network).await,
        Err(problem) => Err(problem),
    };
    let proof = match proof {
        Ok(proof) => proof,
        Err(problem) if problem.http_status().is_client_error() => {
            return page(person, &next, FormView::blank().refused(problem));
        }
        Err(problem) => return Err(problem),
    };
    let token = session::begin(&state, person.id, &parts.headers, network, Some(state.now())).await?;
    let next = local(&next).unwrap_or("/");
    let response = match proof {
        Proof::Code => answer::see(next),
        // Whoever used one should know how many are left, and may want new ones.
        Proof::RecoveryCode { .. } => answer::done("/settings/security", "recovery-code-used"),
    };
    let response = with_cookie(response, state.people.set_cookie(&token));
    Ok(with_cookie(response, state.people.forget_step_cookie()))
}
