//! `/settings/password`, and the sessions as they stand on `/settings/security`.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use super::answer;
use super::form::FormView;
use super::shell::{Section, Shell};
use super::text::Moment;
use crate::WebState;
use crate::api::people::{password, sessions};
use crate::api::tokens;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::people::network::Visited;
use crate::problem::Problem;

/// The page on which password and sessions stand.
const HOME: &str = "/settings/security";

/// The field that says whether API tokens end with a password. It is ticked unless the visitor takes the tick away.
const REVOKE: &str = "revoke_tokens";

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/settings/password", get(show).post(submit))
        .route("/settings/sessions/end", post(end_others))
        .route("/settings/sessions/{id}/end", post(end))
}

/// A session, for `people/sessions.html`.
#[derive(Debug)]
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) current: bool,
    /// What the browser is, in a few words.
    pub(super) browser: String,
    pub(super) network: String,
    pub(super) began: Moment,
    pub(super) seen: Moment,
}

/// The sessions of the visitor, for a page with a field `sessions` that includes `people/sessions.html`.
pub(super) async fn rows(desk: &Desk) -> Result<Vec<SessionRow>, Problem> {
    let now = desk.now();
    let row = |view: sessions::SessionView| SessionRow {
        id: view.id.to_string(),
        current: view.current,
        browser: browser(&view.user_agent),
        network: view.network,
        began: Moment::ago(view.created_at, now),
        seen: Moment::ago(view.last_seen_at, now),
    };
    Ok(sessions::views(desk).await?.into_iter().map(row).collect())
}

/// `Firefox on Linux`, for example; what is not known stays as the browser says it.
fn browser(agent: &str) -> String {
    // The order matters: each later one also names those before it.
    let browsers = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (first(&browsers), first(&systems)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if agent.is_empty() => "Unknown browser".to_owned(),
        _ => agent.chars().take(60).collect(),
    }
}

#[derive(Debug, Template)]
#[template(path = "people/password.html")]
struct Password {
    shell: Shell,
    form: FormView,
    name: String,
    /// The label of the tick with which API tokens end too, where there are any.
    revoke: Option<String>,
}

async fn page(desk: &Desk, form: FormView) -> Result<Response, Problem> {
    let person = sessions::who(desk)?;
    let name = person.name.clone();
    let revoke = match tokens::count_of(desk, person).await? {
        0 => None,
        1 => Some("Revoke my API token too".to_owned()),
        tokens => Some(format!("Revoke my {tokens} API tokens too")),
    };
    let status = form.problem.as_ref().map_or(StatusCode::OK, Problem::http_status);
    let shell = Shell::load(desk, Section::Settings, "Change your password").await?;
    answer::page_with(status, &Password { shell, form, name, revoke })
}

async fn show(desk: Desk) -> Result<Response, Problem> {
    page(&desk, FormView::blank().with(REVOKE, "true")).await
}

async fn submit(desk: Desk, from: Visited, fields: FormFields) -> Result<Response, Problem> {
    let form = FormView::keep(&fields, &[REVOKE]);
    match change(&desk, &from, fields).await {
        Ok(0) => Ok(answer::done(HOME, "password-changed")),
        Ok(_) => Ok(answer::done(HOME, "password-changed-and-tokens")),
        Err(problem) => page(&desk, form.refused(problem)).await,
    }
}

/// Changes it; how many API tokens were revoked with it.
async fn change(desk: &Desk, from: &Visited, fields: FormFields) -> Result<usize, Problem> {
    let mut fields = fields.0;
    let current = fields.need_secret("current", "the password that you have now")?;
    let new = fields.need_secret("new", "a password of at least 12 characters")?;
    let again = fields.need_secret("again", "the same password once more")?;
    let revoke_tokens = fields.flag(REVOKE)?;
    fields.finish(&["current", "new", "again", REVOKE])?;
    if new != again {
        return Err(super::join::passwords_differ());
    }
    password::set(desk, from, current, new, revoke_tokens).await
}

async fn end(desk: Desk, PathName(id): PathName, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    sessions::end_one(&desk, &id).await?;
    Ok(answer::done(HOME, "session-ended"))
}

async fn end_others(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    sessions::end_all_others(&desk).await?;
    Ok(answer::done(HOME, "sessions-ended"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux")]
    #[case(
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
        "Edge on Windows"
    )]
    #[case(
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
        "Chrome on Android"
    )]
    #[case(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
        "Safari on iPhone"
    )]
    #[case("curl/8.5.0", "curl/8.5.0")]
    #[case("", "Unknown browser")]
    fn browsers(#[case] agent: &str, #[case] expected: &str) {
        assert_eq!(browser(agent), expected);
    }
}
