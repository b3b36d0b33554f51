//! Connect with Alpaca: the buttons that lead to its consent page, and `GET /oauth/callback`, where people come back.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use paddock_core::{Environment, SecretText};
use paddock_store::OauthAttempt;

use super::{new, replace};
use crate::api::connections::{attestation, named};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::oauth::{self, Aim, Answer, Ended};
use crate::pages::answer::see;
use crate::pages::form::FormView;
use crate::pages::headers::FormsMayLeadTo;
use crate::problem::Problem;
use crate::query::Query;

/// The fields of the form for a pair that are of no matter here.
const OF_THE_PAIR: [&str; 2] = ["key_id", "secret_key"];

/// Leaves for Alpaca to connect a paper account.
pub(super) async fn leave_for_paper(
    desk: Desk,
    headers: HeaderMap,
    fields: FormFields,
) -> Result<Response, Problem> {
    leave(desk, Environment::Paper, &headers, fields).await
}

/// Leaves for Alpaca to connect a live account.
pub(super) async fn leave_for_live(
    desk: Desk,
    headers: HeaderMap,
    fields: FormFields,
) -> Result<Response, Problem> {
    leave(desk, Environment::Live, &headers, fields).await
}

async fn leave(
    desk: Desk,
    environment: Environment,
    headers: &HeaderMap,
    mut fields: FormFields,
) -> Result<Response, Problem> {
    for field in OF_THE_PAIR {
        fields.set(field, None);
    }
    let kept = FormView::keep(&fields, &new::KEPT);
    let begun = async {
        let mut fields = fields.0;
        let name = fields.need_text("name", "a name for the connection, for example `my-paper`")?;
        let attestation = attestation::read(&mut fields)?;
        fields.finish(&["name"])?;
        oauth::begin(&desk, Aim::New { name, environment, attestation }, origin(headers)).await
    };
    match begun.await {
        Ok(address) => Ok(see(&address)),
        Err(problem) => new::refused(&desk, environment, kept, in_words_for_oauth(problem)).await,
    }
}

/// Leaves for Alpaca to connect the account of a connection again.
pub(super) async fn leave_again(
    desk: Desk,
    PathName(name): PathName,
    headers: HeaderMap,
    fields: FormFields,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    drop(fields);
    match oauth::begin(&desk, Aim::Again(row.clone()), origin(&headers)).await {
        Ok(address) => Ok(see(&address)),
        Err(problem) => replace::refused(&desk, &row, in_words_for_oauth(problem)).await,
    }
}

/// Comes back from Alpaca. Whatever came of it, the next page has no code in its address.
pub(super) async fn come_back(desk: Desk, mut query: Query) -> Result<Response, Problem> {
    let answer = Answer {
        state: query.text("state"),
        code: query.text("code").map(SecretText::new),
        error: query.text("error"),
    };
    drop(query);
    // In a task of its own: a browser that goes away must not stop it between the token and its connection.
    let desk_of_task = desk.clone();
    let task = tokio::spawn(async move { oauth::end(&desk_of_task, answer).await });
    let ended = task.await.map_err(|error| {
        tracing::error!(%error, "connecting an account by OAuth was cut short");
        Problem::new(
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "cut_short",
            "Cut short",
            "something is wrong with Paddock itself, and connecting the account was cut short",
            "see at Connections whether it is connected, and look at the log",
        )
    })??;
    match ended {
        Ended::Connected { name, replaced: false } => {
            Ok(see(&format!("/connections/{name}?done=connected-oauth")))
        }
        Ended::Connected { name, replaced: true } => {
            Ok(see(&format!("/connections/{name}?done=replaced-oauth")))
        }
        Ended::Failed(attempt) => match oauth::connection_of(&desk, &attempt).await? {
            Some(row) => Ok(see(&format!("/connections/{}/replace?tried={}", row.name, attempt.id))),
            None => Ok(see(&format!("/connections/new/{}?tried={}", attempt.environment, attempt.id))),
        },
    }
}

/// What an attempt that failed leaves for its form: what was typed, and what was wrong. Nothing if there is no such attempt of this browser.
pub(super) async fn left_by_attempt(
    desk: &Desk,
    query: &mut Query,
) -> Result<Option<(FormView, Problem)>, Problem> {
    let Some(id) = query.text("tried") else { return Ok(None) };
    let failed = oauth::failed(desk, &id).await?;
    Ok(failed.map(|(attempt, problem)| (typed(attempt), in_words_for_oauth(problem))))
}

fn typed(attempt: OauthAttempt) -> FormView {
    let form = FormView::blank().with("name", attempt.name);
    match attempt.attestation {
        None => form,
        Some(signed) => {
            let all = attestation::STATEMENTS.iter().map(|statement| statement.code.to_owned());
            form.with_all("statements", all).with("signed_name", signed.signed_name)
        }
    }
}

/// The page, from which a form may lead to Alpaca if an app is registered.
pub(super) fn leading_to_alpaca(desk: &Desk, mut page: Response) -> Response {
    if let Some(app) = &desk.oauth {
        page.extensions_mut().insert(FormsMayLeadTo(app.consent_source()));
    }
    page
}

/// Where the browser says that the page of the form is.
fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ORIGIN).map(HeaderValue::to_str).and_then(Result::ok)
}

/// A problem with a next step for somebody who has no pair at hand.
fn in_words_for_oauth(mut problem: Problem) -> Problem {
    let name = problem.extra.get("connection").and_then(serde_json::Value::as_str).map(str::to_owned);
    match (problem.code.as_ref(), name) {
        ("already_connected", Some(name)) => {
            problem.next_step =
                format!("to let `{name}` go on by OAuth, open it and choose Connect with Alpaca there")
                    .into();
        }
        ("name_taken", _) => {
            problem.next_step = "choose another name, or remove the connection that has it first".into();
            problem = problem.at("name");
        }
        _ => {}
    }
    problem
}
