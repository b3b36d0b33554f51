//! Being signed in.

use http::HeaderMap;
use http::header::USER_AGENT;
use jiff::{SignedDuration, Timestamp};
use paddock_core::SecretText;
use paddock_core::id::{PersonId, SessionId};
use paddock_store::{Person, Session};
use std::net::IpAddr;

use super::token;
use crate::WebState;
use crate::problem::Problem;

/// How often it is noted that a session is used.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// The longest name of a browser that is kept.
const LONGEST_AGENT: usize = 200;

/// The session of the browser that sent these headers, and who is signed in in it.
pub(crate) async fn of(
    state: &WebState,
    headers: &HeaderMap,
    network: IpAddr,
) -> Result<Option<(Session, Person)>, Problem> {
    let Some(hash) = state.people.cookie(headers).and_then(|cookie| token::hash(cookie.expose())) else {
        return Ok(None);
    };
    let now = state.now();
    let found = state.store.session(&hash, now).await?;
    if let Some((session, _)) = &found
        && now.duration_since(session.last_seen_at) >= NOTED
        && let Err(error) = state.store.touch_session(session.id, &network.to_string(), now).await
    {
        tracing::warn!(%error, "it could not be noted that a session is used");
    }
    Ok(found)
}

/// Whether a session is still one, for what goes on for long.
pub(crate) async fn still_stands(state: &WebState, session: SessionId, person: PersonId) -> bool {
    match state.store.sessions(person, state.now()).await {
        Ok(sessions) => sessions.iter().any(|known| known.id == session),
        Err(_) => false,
    }
}

/// Signs a person in: always with a new token, whatever the browser sent, so that nobody can have put it there. The session that the
/// browser had ends. `factor_at` is when a second factor was proved, or what stands for one.
pub(crate) async fn begin(
    state: &WebState,
    person: PersonId,
    headers: &HeaderMap,
    network: IpAddr,
    factor_at: Option<Timestamp>,
) -> Result<SecretText, Problem> {
    let now = state.now();
    let token = token::make(&*state.entropy);
    let Some(hash) = token::hash(token.expose()) else { return Err(no_token()) };
    let old = state.people.cookie(headers).and_then(|cookie| token::hash(cookie.expose()));
    let session = Session {
        id: SessionId::generate(now, &*state.entropy),
        person,
        created_at: now,
        last_seen_at: now,
        expires_at: now.checked_add(Session::LIFETIME).unwrap_or(now),
        network: network.to_string(),
        user_agent: agent(headers),
        factor_at,
    };
    state.store.begin_session(&session, &hash, old.as_ref()).await?;
    Ok(token)
}

fn no_token() -> Problem {
    Problem::new(
        http::StatusCode::INTERNAL_SERVER_ERROR,
        "no_session",
        "No session",
        "a session could not be made",
        "try again",
    )
}

fn agent(headers: &HeaderMap) -> String {
    let text = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_AGENT).collect()
}
