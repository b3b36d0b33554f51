//! How pages answer: a page, a redirect after something was done, or what went wrong.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};

use super::assets::Frame;
use super::shell::{Section, Shell};
use super::text::prose;
use crate::WebState;
use crate::access::confirm_first;
use crate::desk::Desk;
use crate::fresh::{FRESH_FACTOR_NEEDED, SECOND_FACTOR_NEEDED};
use crate::problem::Problem;

/// A page. No browser or proxy may keep it.
pub(crate) fn page<T: Template>(template: &T) -> Result<Response, Problem> {
    page_with(StatusCode::OK, template)
}

/// A page with another status: a form that was refused has its problem's.
pub(crate) fn page_with<T: Template>(status: StatusCode, template: &T) -> Result<Response, Problem> {
    match template.render() {
        Ok(html) => Ok((status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "page_not_written",
                "The page could not be written",
                "something is wrong with Paddock itself",
                "reload the page, and look at the log if it stays so",
            ))
        }
    }
}

/// After a form did what it was for: to `path`, where the sentence with that code is shown.
pub(crate) fn done(path: &str, code: &str) -> Response {
    let joint = if path.contains('?') { '&' } else { '?' };
    see(&format!("{path}{joint}done={code}"))
}

/// To another page of ours, or to Alpaca's consent page. `path` is made of names that were checked and of what is configured, never of what a
/// visitor sent.
pub(crate) fn see(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
    )
        .into_response()
}

/// The code that stands for a proof that was given after something had been refused for want of it.
pub(crate) const CONFIRMED: &str = "confirmed";

/// The code of what was just done, from the page's address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done(Option<String>);

impl Done {
    /// The sentence of the code, if it is one of these.
    pub(super) fn among(&self, sentences: &[(&str, &'static str)]) -> Option<&'static str> {
        let code = self.0.as_deref()?;
        if code == CONFIRMED {
            return Some("It is you, for five minutes. Nothing else was done yet: do it now.");
        }
        sentences.iter().find(|(known, _)| *known == code).map(|(_, sentence)| *sentence)
    }
}

impl<S: Sync> FromRequestParts<S> for Done {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(query.split('&').find_map(|pair| pair.strip_prefix("done=")).map(str::to_owned)))
    }
}

/// What went wrong, with the places to go around it.
#[derive(Debug, Template)]
#[template(path = "trouble.html")]
struct Trouble {
    shell: Shell,
    problem: Problem,
}

/// The same where not even those can be gathered, or nobody is signed in.
#[derive(Debug, Template)]
#[template(path = "bare_trouble.html")]
struct BareTrouble {
    frame: Frame,
    problem: Problem,
}

/// Turns every problem that a page answers with into a page that says so, with the same status.
pub(super) async fn show_problems(
    State(state): State<Arc<WebState>>,
    request: Request,
    next: Next,
) -> Response {
    let for_a_program = request.uri().path().ends_with(".json") || request.uri().path().starts_with("/api/");
    let (mut parts, body) = request.into_parts();
    let desk = Desk::from_request_parts(&mut parts, &state).await.ok();
    let confirm = confirm_first(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    if for_a_program {
        return response;
    }
    // What a visitor can do about it at once they are led to, and back.
    match &*problem.code {
        FRESH_FACTOR_NEEDED => return see(&confirm),
        SECOND_FACTOR_NEEDED => return see("/settings/security?needed=live"),
        _ => {}
    }
    let status = response.status();
    let shell = match &desk {
        Some(desk) => Shell::load(desk, Section::Elsewhere, problem.title.clone()).await.ok(),
        None => None,
    };
    let page = match shell {
        Some(shell) => page_with(status, &Trouble { shell, problem }),
        None => page_with(status, &BareTrouble { frame: Frame::new(), problem }),
    };
    page.unwrap_or(response)
}

impl Problem {
    /// What went wrong as a sentence of a page, in HTML.
    pub(crate) fn sentence(&self) -> String {
        prose(&self.detail)
    }

    /// What to do about it as a sentence of a page, in HTML.
    pub(crate) fn advice(&self) -> String {
        prose(&self.next_step)
    }
}
