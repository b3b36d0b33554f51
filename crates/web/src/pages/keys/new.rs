//! `/keys/new`: what the key shall be, what that comes to, and the key itself with its secret, once.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use paddock_core::Environment;
use paddock_store::Connection;

use super::issued::Issued;
use super::{Account, ReadBack, scope_form};
use crate::api::connections;
use crate::api::keys::create::NewKey;
use crate::api::keys::outlook::Outlook;
use crate::complaints::Complaints;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::pages::answer::{page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;
use crate::query::Query;

const TITLE: &str = "New access key";

/// Which account the key shall open.
#[derive(Debug, Template)]
#[template(path = "keys/choose.html")]
struct Choose {
    shell: Shell,
    accounts: Vec<Account>,
}

/// The form.
#[derive(Debug, Template)]
#[template(path = "keys/new.html")]
struct New {
    shell: Shell,
    account: Account,
    /// Whether there are others to choose from.
    several: bool,
    form: FormView,
    read_back: ReadBack,
    /// Whether the form is one of a key that is there already.
    editing: bool,
    signed: bool,
}

/// What was asked for, once more, before it is issued.
#[derive(Debug, Template)]
#[template(path = "keys/preview.html")]
struct Preview {
    shell: Shell,
    account: Account,
    name: String,
    read_back: ReadBack,
    /// Everything that was typed, to be sent again.
    typed: Vec<(String, String)>,
}

/// What stands beside the form.
#[derive(Debug, Template)]
#[template(path = "keys/read_back.html")]
pub(super) struct Beside {
    pub(super) read_back: ReadBack,
}

/// The form, or the choice of an account before it.
pub(super) async fn show(desk: Desk, mut query: Query) -> Result<Response, Problem> {
    let connections = desk.store.connections(desk.user).await?;
    let chosen = match (query.text("connection"), connections.as_slice()) {
        (Some(name), _) => connections::named(&desk, &name).await?,
        (None, [one]) => one.clone(),
        (None, _) => return choose(&desk, &connections).await,
    };
    if chosen.environment == Environment::Live {
        // Before anything is typed: the key would not be issued without it.
        desk.need_second_factor().await?;
    }
    let mut form = scope_form::blank();
    if let Some(preset) = query.text("preset") {
        form = form.with("preset", preset);
    }
    let read_back = look(&desk, &form_of(&form), &chosen);
    form_page(&desk, StatusCode::OK, &chosen, form, read_back).await
}

async fn choose(desk: &Desk, connections: &[Connection]) -> Result<Response, Problem> {
    let shell = Shell::load(desk, Section::Keys, TITLE).await?;
    page(&Choose { shell, accounts: connections.iter().map(Account::of).collect() })
}

async fn form_page(
    desk: &Desk,
    status: StatusCode,
    connection: &Connection,
    form: FormView,
    read_back: ReadBack,
) -> Result<Response, Problem> {
    let shell = Shell::load(desk, Section::Keys, TITLE).await?.about(connection);
    let several = desk.store.connections(desk.user).await?.len() > 1;
    let account = Account::of(connection);
    page_with(status, &New { shell, account, several, form, read_back, editing: false, signed: false })
}

/// The form as it was sent: the next step is shown, or what is wrong.
pub(super) async fn submit(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    let connection = connections::named(&desk, &form.one("connection")).await?;
    let step = form.one("step");
    let view = scope_form::kept(&form, &["name", "connection"]);
    let typed = scope_form::typed(&form, &["name", "connection"]);
    let read_back = look(&desk, &typed, &connection);
    if step == "change" {
        return form_page(&desk, StatusCode::OK, &connection, view, read_back).await;
    }
    let new = match read(&desk, form).await {
        Ok(new) => new,
        Err(complaints) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return form_page(&desk, status, &connection, view.refused_for(complaints), read_back).await;
        }
    };
    if step != "issue" {
        let shell = Shell::load(&desk, Section::Keys, TITLE).await?.about(&connection);
        let name = new.name().to_owned();
        return page(&Preview { shell, account: Account::of(&connection), name, read_back, typed });
    }
    match new.issue(&desk).await {
        Ok(created) => Issued::page(&desk, &connection, &created).await,
        Err(problem) => {
            let problem = if problem.code == "name_taken" { problem.with("field", "name") } else { problem };
            form_page(&desk, problem.http_status(), &connection, view.refused(problem), read_back).await
        }
    }
}

async fn read(desk: &Desk, form: FormFields) -> Result<NewKey, Complaints> {
    let (fields, complaints) = scope_form::fields(form, &["step"]);
    complaints.with(NewKey::read(desk, fields).await)
}

/// What stands beside the form, as it is being filled in.
pub(super) async fn outlook(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    let connection = connections::named(&desk, &form.one("connection")).await?;
    let typed = scope_form::typed(&form, &[]);
    page(&Beside { read_back: look(&desk, &typed, &connection) })
}

/// What the scope that was typed comes to.
fn look(desk: &Desk, typed: &[(String, String)], connection: &Connection) -> ReadBack {
    match scope_form::scope(typed, desk.now()) {
        Ok(scope) => ReadBack::of(&Outlook::of(scope, connection.environment)),
        Err(complaints) => ReadBack::missing(complaints.iter().next()),
    }
}

/// What a browser would send of this form.
fn form_of(form: &FormView) -> Vec<(String, String)> {
    scope_form::sent(form)
}
