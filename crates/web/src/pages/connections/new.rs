//! `/connections/new`: paper or live first, then the pair.

use askama::Template;
use axum::response::Response;
use paddock_core::Environment;

use super::oauth::{leading_to_alpaca, left_by_attempt};
use super::{at_its_field, repairs_for_address, repairs_of_problem};
use crate::api::connections::add;
use crate::api::connections::attestation::{STATEMENTS, Statement, text_sha256};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name;
use crate::pages::answer::{page, page_with, see};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;
use crate::query::Query;

/// The fields whose content stands there again after a refusal.
pub(super) const KEPT: [&str; 3] = ["name", "statements", "signed_name"];

#[derive(Debug, Template)]
#[template(path = "connections/choose.html")]
struct Choose {
    shell: Shell,
    paper_broker: Option<String>,
    /// What starts another Paddock, for accounts at Alpaca itself.
    beside: String,
    /// Whether accounts can be connected by OAuth.
    oauth: bool,
}

#[derive(Debug, Template)]
#[template(path = "connections/new.html")]
struct New {
    shell: Shell,
    environment: &'static str,
    form: FormView,
    /// What was taken off the pasted fields.
    repairs: Vec<String>,
    statements: [Statement; 5],
    text_sha256: String,
    /// The broker on this machine, where that stands in for Alpaca.
    paper_broker: Option<String>,
    /// What starts another Paddock, for accounts at Alpaca itself.
    beside: String,
    /// The connection that the problem is about.
    known: Option<String>,
    /// Whether real money needs a second factor first, which whoever asks does not have.
    needs_factor: bool,
    /// The other environment, where the pair turned out to belong to it.
    belongs_to: Option<&'static str>,
    /// Whether it can be connected by OAuth.
    oauth: bool,
}

/// The choice between paper and live.
pub(super) async fn choose(desk: Desk) -> Result<Response, Problem> {
    let paper_broker = desk.own_broker(Environment::Paper);
    page(&Choose {
        shell: Shell::load(&desk, Section::Connections, "Connect an account").await?,
        paper_broker,
        beside: desk.beside(),
        oauth: desk.oauth.is_some(),
    })
}

/// The form for a paper account.
pub(super) async fn paper(desk: Desk, query: Query) -> Result<Response, Problem> {
    show(&desk, Environment::Paper, query).await
}

/// The form for a live account.
pub(super) async fn live(desk: Desk, query: Query) -> Result<Response, Problem> {
    show(&desk, Environment::Live, query).await
}

/// Connects a paper account, or shows the form with what is wrong.
pub(super) async fn connect_paper(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    connect(&desk, Environment::Paper, fields).await
}

/// Connects a live account, or shows the form with what is wrong.
pub(super) async fn connect_live(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    connect(&desk, Environment::Live, fields).await
}

async fn show(desk: &Desk, environment: Environment, mut query: Query) -> Result<Response, Problem> {
    if let Some((typed, problem)) = left_by_attempt(desk, &mut query).await? {
        let shown = page(&form_page(desk, environment, typed.refused(problem)).await?)?;
        return Ok(leading_to_alpaca(desk, shown));
    }
    // The command line may send somebody here who has chosen a name there.
    let asked = query.text("name").filter(|name| name::check(name).is_ok());
    let usual = if environment == Environment::Paper { "my-paper" } else { "my-live" };
    let name = asked.as_deref().unwrap_or(usual);
    let taken = desk.store.connection_named(desk.user, name).await?.is_some();
    let form = if taken { FormView::blank() } else { FormView::blank().with("name", name) };
    let shown = page(&form_page(desk, environment, form).await?)?;
    Ok(leading_to_alpaca(desk, shown))
}

async fn connect(desk: &Desk, environment: Environment, fields: FormFields) -> Result<Response, Problem> {
    let fields = FormFields(fields.0.set("environment", environment.as_str()));
    let kept = FormView::keep(&fields, &KEPT);
    match add::perform(desk, fields.0, None).await {
        Ok(added) => {
            let repaired = repairs_for_address(&added.repairs);
            let path = format!("/connections/{}?done=connected", added.connection.name);
            Ok(see(&if repaired.is_empty() { path } else { format!("{path}&repaired={repaired}") }))
        }
        Err(problem) => refused(desk, environment, kept, at_its_field(problem, environment)).await,
    }
}

/// The form with what is wrong.
pub(super) async fn refused(
    desk: &Desk,
    environment: Environment,
    kept: FormView,
    problem: Problem,
) -> Result<Response, Problem> {
    let status = problem.http_status();
    let shown = page_with(status, &form_page(desk, environment, kept.refused(problem)).await?)?;
    Ok(leading_to_alpaca(desk, shown))
}

async fn form_page(desk: &Desk, environment: Environment, form: FormView) -> Result<New, Problem> {
    let fact = |name: &str| {
        let extra = form.problem.as_ref().and_then(|problem| problem.extra.get(name));
        extra.and_then(serde_json::Value::as_str).map(str::to_owned)
    };
    let title = match environment {
        Environment::Paper => "Connect a paper account",
        Environment::Live => "Connect a live account",
    };
    Ok(New {
        shell: Shell::load(desk, Section::Connections, title).await?,
        environment: environment.as_str(),
        repairs: form.problem.as_ref().map(repairs_of_problem).unwrap_or_default(),
        needs_factor: environment == Environment::Live && desk.lacks_second_factor().await?,
        statements: STATEMENTS,
        text_sha256: text_sha256(),
        paper_broker: desk.own_broker(environment),
        beside: desk.beside(),
        known: fact("connection"),
        belongs_to: fact("found").map(|_| environment.other().as_str()),
        oauth: desk.oauth.is_some(),
        form,
    })
}
