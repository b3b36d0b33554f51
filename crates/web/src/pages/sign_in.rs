//! `/sign-in` and `/sign-out`, and the link that signs in the demo's owner.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use paddock_core::SecretText;
use paddock_store::LinkFor;

use super::answer;
use super::assets::Frame;
use super::form::FormView;
use super::second_step;
use crate::WebState;
use crate::access::local;
use crate::desk::{Asker, Desk};
use crate::fields::FormFields;
use crate::name::PathName;
use crate::people::{network, session, sign_in, token};
use crate::problem::Problem;
use crate::query::Query;
use crate::second_factor;

const FIELDS: [&str; 3] = ["name", "password", "next"];

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/sign-in", get(show).post(submit))
        .route("/sign-out", post(sign_out))
        .route("/demo/{token}", get(demo))
}

#[derive(Debug, Template)]
#[template(path = "people/sign_in.html")]
struct SignIn {
    frame: Frame,
    form: FormView,
    /// What was just done, as a sentence.
    done: Option<&'static str>,
    /// Whether nobody can sign in yet, since the set-up link was not used.
    nobody: bool,
}

async fn show(
    State(state): State<Arc<WebState>>,
    parts: Parts,
    mut query: Query,
    asker: Option<Extension<Asker>>,
) -> Result<Response, Problem> {
    let next = query.text("next").and_then(|next| local(&next).map(str::to_owned));
    let done = match query.text("done").as_deref() {
        Some("signed-out") => Some("You are signed out."),
        Some("password-set") => Some("Your password is set. Sign in with it."),
        _ => None,
    };
    let network = network::of_parts(&parts, &state);
    if asker.is_some() || session::of(&state, &parts.headers, network).await?.is_some() {
        return Ok(answer::see(next.as_deref().unwrap_or("/")));
    }
    let form = FormView::blank().with("next", next.unwrap_or_default());
    answer::page(&SignIn { frame: Frame::new(), form, done, nobody: !state.store.has_persons().await? })
}

async fn submit(
    State(state): State<Arc<WebState>>,
    parts: Parts,
    fields: FormFields,
) -> Result<Response, Problem> {
    let form = FormView::keep(&fields, &["name", "next"]);
    match try_in(&state, &parts, fields).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            let page = SignIn {
                frame: Frame::new(),
                form: form.refused(problem.clone()),
                done: None,
                nobody: false,
            };
            let mut response = answer::page_with(problem.http_status(), &page)?;
            if let Some(seconds) = problem.extra.get("retry_after").and_then(serde_json::Value::as_i64) {
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            Ok(response)
        }
    }
}

async fn try_in(state: &Arc<WebState>, parts: &Parts, fields: FormFields) -> Result<Response, Problem> {
    let mut fields = fields.0;
    let name = fields.need_text("name", "the name by which you sign in")?;
    let password = fields.need_secret("password", "your password")?;
    let next = fields.text("next")?;
    fields.finish(&FIELDS)?;
    let network = network::of_parts(parts, state);
    let person = sign_in::check(state, &name, password, network).await?;
    if second_factor::is_on(state, person.id).await? {
        return second_step::begin(state, person.id, next.as_deref()).await;
    }
    // Without a second factor the password is the best proof of who is there.
    let token = session::begin(state, person.id, &parts.headers, network, Some(state.now())).await?;
    let next = next.as_deref().and_then(local).unwrap_or("/");
    Ok(with_cookie(answer::see(next), state.people.set_cookie(&token)))
}

/// Has the browser keep, or forget, the token of a session.
pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn sign_out(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    if let (Some(session), Some(person)) = (desk.session(), &desk.person) {
        match desk.store.end_session(person.id, session.id, &desk.actor(), desk.now()).await {
            Ok(()) | Err(paddock_store::StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut response = with_cookie(answer::see("/sign-in?done=signed-out"), desk.people.forget_cookie());
    // Whatever pages the browser still has of it, it forgets.
    response
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// Signs in the owner of a demo, whose link stands in the terminal.
async fn demo(
    State(state): State<Arc<WebState>>,
    PathName(token): PathName,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let link = match token::hash(SecretText::new(token).expose()) {
        Some(hash) => state.store.link(&hash, state.now()).await?,
        None => None,
    };
    let Some(LinkFor::Demo(person)) = link.map(|link| link.purpose) else { return Err(super::join::gone()) };
    if second_factor::is_on(&state, person).await? {
        return second_step::begin(&state, person, None).await;
    }
    let network = network::of_parts(&parts, &state);
    let token = session::begin(&state, person, &parts.headers, network, Some(state.now())).await?;
    Ok(with_cookie(answer::see("/"), state.people.set_cookie(&token)))
}
