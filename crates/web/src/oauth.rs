//! Connecting by OAuth: a person leaves for Alpaca's consent page, says yes there, and comes back with a code that becomes a token.
//!
//! What goes to Alpaca and comes back, the *state*, belongs to the session that began: nobody can have another person's browser end what
//! they began, and connect an account of theirs there. That is also why programs cannot begin or end it: they have no browser.

mod problems;

use paddock_alpaca::connect_fault::ConnectFault;
use paddock_alpaca::oauth::{OauthApp, OauthFault};
use paddock_core::id::OauthAttemptId;
use paddock_core::{Environment, SecretText};
use paddock_store::{Attestation, Connection, OauthAttempt, Session, UnfitAttempt};

use crate::api::connections::connect::{Connected, Given, Replace, Wish, connect};
use crate::api::connections::{attestation, connect_problem};
use crate::desk::Desk;
use crate::name;
use crate::people::token;
use crate::problem::Problem;
use crate::second_factor;

/// The page to which Alpaca sends people back. The path is part of the address that is registered there.
pub const OAUTH_CALLBACK: &str = "/oauth/callback";

/// What a person wants to connect.
pub(crate) enum Aim {
    /// A new connection.
    New {
        /// Its name.
        name: String,
        /// Alpaca's world.
        environment: Environment,
        /// What was signed, for a live account.
        attestation: Option<Attestation>,
    },
    /// A connection that is there, to the same account.
    Again(Connection),
}

/// What Alpaca sent a browser back with. It has no `Debug`, since the code is in it.
pub(crate) struct Answer {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<SecretText>,
    pub(crate) error: Option<String>,
}

/// An attempt that came to its end.
pub(crate) enum Ended {
    /// The account is connected.
    Connected {
        /// The connection's name.
        name: String,
        /// Whether the credential of a connection that was there before was replaced.
        replaced: bool,
    },
    /// Nothing came of it. What was wrong is kept with it, for the page that the visitor began on.
    Failed(Box<OauthAttempt>),
}

/// The app, if one is registered.
pub(crate) fn app(desk: &Desk) -> Result<&OauthApp, Problem> {
    desk.oauth.as_ref().ok_or_else(problems::not_registered)
}

/// Begins an attempt; the address at Alpaca where it goes on. `origin` is where the browser says that the page is.
pub(crate) async fn begin(desk: &Desk, aim: Aim, origin: Option<&str>) -> Result<String, Problem> {
    let session = browser(desk)?;
    let (name, environment, attestation, connection) = match aim {
        Aim::New { name, environment, attestation } => {
            if environment == Environment::Live {
                desk.need_second_factor().await?;
            }
            name::check(&name)?;
            if desk.store.connection_named(desk.user, &name).await?.is_some() {
                let fault = ConnectFault::NameTaken { name: name.clone() };
                return Err(connect_problem::of_fault(&fault).with("connection", name).at("name"));
            }
            attestation::check(desk, environment, attestation.as_ref())?;
            (name, environment, attestation, None)
        }
        Aim::Again(row) => {
            desk.need_proof_for(row.environment).await?;
            (row.name, row.environment, None, Some(row.id))
        }
    };
    let app = app(desk)?;
    problems::check_origin(app, origin)?;
    let state = token::make(&*desk.entropy);
    let hash = token::hash(state.expose()).ok_or_else(problems::unknown_attempt)?;
    let now = desk.now();
    let attempt = OauthAttempt {
        id: OauthAttemptId::generate(now, &*desk.entropy),
        session: session.id,
        user: desk.user,
        environment,
        connection,
        name,
        attestation,
        created_at: now,
        problem: None,
    };
    desk.store.begin_oauth(&attempt, &hash).await?;
    Ok(app.consent_address(state.expose(), environment))
}

/// Ends the attempt that this answer belongs to. A proof of who is there was given when it was begun, at most ten minutes ago, in the same
/// session; it is not asked for again, since the visitor would have to leave for it with the code in the address.
///
/// # Errors
/// A problem where it belongs to no attempt that could be ended.
pub(crate) async fn end(desk: &Desk, answer: Answer) -> Result<Ended, Problem> {
    let session = browser(desk)?;
    let hash = answer.state.as_deref().and_then(token::hash).ok_or_else(problems::unknown_attempt)?;
    let ended = desk.store.end_oauth(session.id, &hash, desk.now()).await;
    let attempt = match ended {
        Ok(attempt) if attempt.user == desk.user => attempt,
        Ok(_) | Err(UnfitAttempt::Unknown) => return Err(problems::unknown_attempt()),
        Err(UnfitAttempt::Used(_)) => return Err(problems::used_attempt()),
        Err(UnfitAttempt::Expired(attempt)) => return fail(desk, *attempt, problems::too_late()).await,
        Err(UnfitAttempt::Store(error)) => return Err(error.into()),
    };
    match go_on(desk, &attempt, answer).await {
        Ok(Connected { connection, replaced, .. }) => {
            Ok(Ended::Connected { name: connection.name, replaced })
        }
        Err(problem) => fail(desk, attempt, problem).await,
    }
}

/// What became of an attempt of this browser, if nothing did.
pub(crate) async fn failed(desk: &Desk, id: &str) -> Result<Option<(OauthAttempt, Problem)>, Problem> {
    let (Some(session), Ok(id)) = (desk.session(), id.parse()) else { return Ok(None) };
    let Some(attempt) = desk.store.oauth_attempt(session.id, id).await? else { return Ok(None) };
    let problem = attempt.problem.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Ok(problem.map(|problem| (attempt, problem)))
}

async fn go_on(desk: &Desk, attempt: &OauthAttempt, answer: Answer) -> Result<Connected, Problem> {
    let app = app(desk)?;
    let of = |fault: ConnectFault| connect_problem::of_fault(&fault);
    if let Some(error) = answer.error {
        return Err(of(OauthFault::of_redirect(&error).into()));
    }
    // Somebody may have turned it off since.
    if attempt.environment == Environment::Live
        && let Some(person) = &desk.person
        && !second_factor::is_on(desk, person.id).await?
    {
        return Err(crate::fresh::second_factor_needed());
    }
    let code = answer.code.ok_or_else(|| of(OauthFault::CodeRefused.into()))?;
    let granted = desk.client.redeem(app, &code).await.map_err(of)?;
    drop(code);
    let wish = Wish {
        name: attempt.name.clone(),
        environment: attempt.environment,
        given: Given::Token(granted),
        replace: attempt.connection.map_or(Replace::Never, Replace::Only),
        attestation: attempt.attestation.clone(),
    };
    connect(desk, wish).await
}

/// Keeps what was wrong with the attempt, so that the next page can say it and the visitor need not type again.
async fn fail(desk: &Desk, attempt: OauthAttempt, problem: Problem) -> Result<Ended, Problem> {
    if problem.http_status().is_server_error() {
        tracing::warn!(code = %problem.code, "an account was not connected by OAuth: {}", problem.detail);
    }
    let Ok(text) = serde_json::to_string(&problem) else { return Err(problem) };
    desk.store.note_oauth_problem(attempt.id, &text).await?;
    Ok(Ended::Failed(Box::new(attempt)))
}

/// The session of the browser that asks.
fn browser(desk: &Desk) -> Result<&Session, Problem> {
    desk.session().ok_or_else(problems::no_browser)
}

/// The connection of an attempt, for the page that it was begun on.
pub(crate) async fn connection_of(
    desk: &Desk,
    attempt: &OauthAttempt,
) -> Result<Option<Connection>, Problem> {
    match attempt.connection {
        Some(id) => Ok(desk.store.connection(id).await?.filter(|row| row.user == desk.user)),
        None => Ok(None),
    }
}
