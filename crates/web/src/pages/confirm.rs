//! `/confirm`: a proof of who is at the keyboard, for what cannot be taken back easily; and `POST /api/v1/confirm`, the same for programs
//! that hold a session.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answer;
use super::form::FormView;
use super::shell::{Section, Shell};
use crate::WebState;
use crate::access::{came_from, local};
use crate::desk::Desk;
use crate::document::{bodies, problems};
use crate::fields::{Fields, FormFields};
use crate::people::{network, sign_in};
use crate::problem::Problem;
use crate::query::Query;
use crate::second_factor::{self, Proof};

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new().route("/confirm", get(show).post(submit))
}

/// What a proof may be sent as.
pub(crate) const FIELDS: [&str; 2] = ["code", "password"];

#[derive(Debug, Template)]
#[template(path = "security/confirm.html")]
struct Confirm {
    shell: Shell,
    name: String,
    next: String,
    /// Where whoever changes their mind goes.
    back: String,
    has_factor: bool,
    /// Whether the visitor came by the link of a demo, whose owner has a password that nobody knows.
    by_demo_link: bool,
    form: FormView,
}

async fn show(desk: Desk, headers: HeaderMap, mut query: Query) -> Result<Response, Problem> {
    let next = query.text("next").unwrap_or_default();
    let back = came_from(&headers).unwrap_or_default();
    page(&desk, &next, &back, FormView::blank()).await
}

async fn page(desk: &Desk, next: &str, back: &str, form: FormView) -> Result<Response, Problem> {
    let person = desk.somebody()?;
    let (status, retry_after) = match &form.problem {
        Some(problem) => (problem.http_status(), problem.extra.get("retry_after").and_then(Value::as_i64)),
        None => (StatusCode::OK, None),
    };
    let by_demo_link = desk.store.has_demo_link(person.id, desk.now()).await?;
    let page = Confirm {
        shell: Shell::load(desk, Section::Elsewhere, "Confirm that it is you").await?,
        name: person.name.clone(),
        next: local(next).unwrap_or("/").to_owned(),
        back: local(back).unwrap_or("/").to_owned(),
        has_factor: second_factor::is_on(desk, person.id).await?,
        by_demo_link,
        form,
    };
    let mut response = answer::page_with(status, &page)?;
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

async fn submit(desk: Desk, parts: Parts, fields: FormFields) -> Result<Response, Problem> {
    let mut fields = fields.0;
    let next = fields.text("next")?.unwrap_or_default();
    let back = fields.text("back")?.unwrap_or_default();
    // What a password manager filled in beside the password.
    _ = fields.text("username")?;
    let network = network::of_parts(&parts, &desk.shared());
    match prove(&desk, fields, network).await {
        Ok(proof) => {
            let next = local(&next).unwrap_or("/");
            Ok(match proof {
                // Whoever uses one should know how many are left.
                Some(Proof::RecoveryCode { .. }) if next == "/" => {
                    answer::done("/settings/security", "recovery-code-used")
                }
                _ => answer::see(next),
            })
        }
        Err(problem) if problem.http_status().is_client_error() && desk.person.is_some() => {
            page(&desk, &next, &back, FormView::blank().refused(problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// When a proof was given.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Confirmed {
    confirmed_at: Timestamp,
}

/// Proves who is there to the session whose cookie was sent: by a code where there is a second factor, by the password where there is none.
#[utoipa::path(
    post,
    path = "/api/v1/confirm",
    operation_id = "confirm",
    tag = "people",
    request_body = bodies::Proof,
    responses((status = 200, description = "From when on it counts", body = Confirmed)),
    extensions(("x-problems" = json!([
        problems::VAULT, problems::FIELDS, "no_session_here", "too_many_attempts", "too_many_sign_ins", "wrong_code", "wrong_password"
    ]))),
)]
pub(crate) async fn confirm(desk: Desk, parts: Parts, fields: Fields) -> Result<Json<Confirmed>, Problem> {
    let network = network::of_parts(&parts, &desk.shared());
    prove(&desk, fields, network).await?;
    Ok(Json(Confirmed { confirmed_at: desk.now() }))
}

/// Takes a code, or a password where there is no second factor, and notes in the session that it was given.
async fn prove(desk: &Desk, fields: Fields, network: IpAddr) -> Result<Option<Proof>, Problem> {
    fields.only(&FIELDS, &FIELDS)?;
    let mut fields = fields;
    let (Some(session), Some(person)) = (desk.session(), &desk.person) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_session_here",
            "No session",
            "a proof is noted in the session of a browser, and this request has none",
            "sign in on the pages",
        ));
    };
    let proof = if second_factor::is_on(desk, person.id).await? {
        let code = fields.need_secret("code", "the six digits that your app shows, or a recovery code")?;
        fields.finish(&["code"])?;
        Some(second_factor::prove(&desk.shared(), person, &code, network).await?)
    } else {
        let password = fields.need_secret("password", "your password")?;
        fields.finish(&["password"])?;
        sign_in::check(&desk.shared(), &person.name, password, network).await.map_err(wrong_password)?;
        None
    };
    desk.store.set_session_factor(session.id, desk.now()).await?;
    Ok(proof)
}

/// The name was right: it is the session's.
fn wrong_password(problem: Problem) -> Problem {
    if problem.code != "wrong_name_or_password" {
        return problem;
    }
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "wrong_password",
        "Wrong password",
        "this is not your password",
        "try again",
    )
    .with("field", "password")
}
