//! `/settings/tokens`: personal API tokens.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, header};
use paddock_core::Role;
use paddock_core::id::TokenId;

use super::answer::{self, Done};
use super::form::FormView;
use super::shell::{Section, Shell};
use super::text::Moment;
use crate::WebState;
use crate::api::tokens::{self, TokenView, create, revoke};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::fresh::Matter;
use crate::name::PathName;
use crate::problem::Problem;

const DONE: [(&str, &str); 1] = [("revoked", "The token is revoked and opens nothing any more.")];

/// What is typed into the form and shown again.
const TYPED: [&str; 5] = ["name", "role", "expires_in", "networks", "may_without_factor"];

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/settings/tokens", get(list))
        .route("/settings/tokens/new", get(blank).post(make))
        .route("/settings/tokens/{id}/revoke", get(ask_end).post(end))
}

#[derive(Debug, Template)]
#[template(path = "tokens/list.html")]
struct List {
    shell: Shell,
    address: String,
    /// Whether tokens of others are among them.
    everybody: bool,
    tokens: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    id: TokenId,
    name: String,
    person: String,
    role: Role,
    may_without_factor: bool,
    networks: Option<String>,
    last_used: Option<Moment>,
    last_used_from: Option<String>,
    expires: Moment,
    expired: bool,
}

#[derive(Debug, Template)]
#[template(path = "tokens/new.html")]
struct New {
    shell: Shell,
    roles: Vec<(&'static str, &'static str)>,
    form: FormView,
}

#[derive(Template)]
#[template(path = "tokens/created.html")]
struct Made<'a> {
    shell: Shell,
    name: &'a str,
    secret: &'a str,
    address: String,
}

#[derive(Debug, Template)]
#[template(path = "tokens/revoke.html")]
struct Revoke {
    shell: Shell,
    token: TokenView,
    last_used: Option<Moment>,
}

async fn list(desk: Desk, done: Done, headers: HeaderMap) -> Result<Response, Problem> {
    let now = desk.now();
    let views = tokens::visible(&desk).await?;
    let own = desk.person.as_ref().map(|person| person.name.as_str());
    let everybody = views.iter().any(|view| Some(view.person.as_str()) != own);
    let rows = views.into_iter().map(|view| Row {
        id: view.id,
        name: view.name,
        person: view.person,
        role: view.role,
        may_without_factor: view.may_without_factor,
        networks: view.networks.map(|list| list.join(", ")),
        last_used: view.last_used_at.map(|at| Moment::ago(at, now)),
        last_used_from: view.last_used_from,
        expires: Moment::clock(view.expires_at, now),
        expired: view.expires_at <= now,
    });
    answer::page(&List {
        shell: Shell::load(&desk, Section::Settings, "API tokens").await?.done(&done, &DONE),
        address: address(&desk, &headers),
        everybody,
        tokens: rows.collect(),
    })
}

async fn blank(desk: Desk) -> Result<Response, Problem> {
    desk.need_fresh(Matter::Access)?;
    let form = FormView::blank().with("role", desk.role.as_str()).with("expires_in", "30d");
    form_page(&desk, form).await
}

async fn form_page(desk: &Desk, form: FormView) -> Result<Response, Problem> {
    let status = form.problem.as_ref().map_or(http::StatusCode::OK, Problem::http_status);
    let words = |role: Role| match role {
        Role::Viewer => "viewer: looks and changes nothing",
        Role::Operator => "operator: freezes, approves, issues access keys",
        Role::Owner => "owner: everything that is yours",
    };
    let own = desk.role;
    let roles = Role::ALL.into_iter().filter(|role| *role <= own).map(|role| (role.as_str(), words(role)));
    let shell = Shell::load(desk, Section::Settings, "New API token").await?;
    answer::page_with(status, &New { shell, roles: roles.collect(), form })
}

/// Makes a token and shows it, in this answer and no other.
async fn make(desk: Desk, headers: HeaderMap, fields: FormFields) -> Result<Response, Problem> {
    let form = FormView::keep(&fields, &TYPED);
    match create::make(&desk, fields.0).await {
        Ok(created) => {
            let shell = Shell::load(&desk, Section::Settings, "New API token").await?;
            let (name, secret) = (created.token.name.as_str(), created.secret.as_str());
            answer::page(&Made { shell, name, secret, address: address(&desk, &headers) })
        }
        Err(problem) if problem.http_status().is_client_error() => {
            form_page(&desk, form.refused(problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// Asks whether a token shall be revoked.
async fn ask_end(desk: Desk, PathName(id): PathName) -> Result<Response, Problem> {
    let token = tokens::named(&desk, &id).await?;
    let shell = Shell::load(&desk, Section::Settings, format!("Revoke {}", token.name)).await?;
    let last_used = token.last_used_at.map(|at| Moment::ago(at, desk.now()));
    answer::page(&Revoke { shell, token, last_used })
}

async fn end(desk: Desk, PathName(id): PathName, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    revoke::end(&desk, &id).await?;
    Ok(answer::done("/settings/tokens", "revoked"))
}

/// The address of these pages, as whoever asks has it.
fn address(desk: &Desk, headers: &HeaderMap) -> String {
    if let Some(origin) = &desk.people.origin {
        return origin.as_str().to_owned();
    }
    // It was checked to be one of ours.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:7878");
    format!("http://{host}")
}
