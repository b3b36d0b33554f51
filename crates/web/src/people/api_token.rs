//! Who asks with a personal API token.

use std::net::IpAddr;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use paddock_core::id::{TokenId, UserId};
use paddock_store::ApiToken;

use crate::WebState;
use crate::api::tokens::create::hash;
use crate::desk::{Asker, Way};
use crate::problem::Problem;

/// How exactly it is noted when a token was used.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// The token that a program sent, if it sent one.
pub(crate) fn sent(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// For whom it acts, and how far. The person's own role holds as it is now.
pub(crate) async fn of(state: &WebState, token: &str, network: IpAddr) -> Result<Asker, Problem> {
    let now = state.now();
    let found = state.store.token_by_hash(&hash(token)).await?;
    let Some(token) = found.filter(|token| now < token.expires_at) else { return Err(not_good()) };
    let Some((person, _)) = state.store.person(token.person).await? else { return Err(not_good()) };
    if token.networks.as_ref().is_some_and(|networks| !networks.iter().any(|net| net.contains(&network))) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "token_from_elsewhere",
            "Not from this network",
            format!("this API token may not be used from {network}"),
            "use it from where it was made for, or make another one",
        ));
    }
    if token.last_used_at.is_none_or(|last| now.duration_since(last) >= NOTED)
        && let Err(error) = state.store.touch_token(token.id, Some(&network.to_string()), now).await
    {
        tracing::warn!(%error, "it could not be noted that an API token is used");
    }
    let ApiToken { id, expires_at, may_without_factor, .. } = token;
    let way = Way::Token { id, expires_at, may_without_factor };
    Ok(Asker { user: person.team, role: person.role.min(token.role), person: Some(person), way })
}

/// Whether a token of somebody in the team still opens something, for what goes on for long. From where it may be used never changes.
pub(crate) async fn still_stands(state: &WebState, token: TokenId, team: UserId) -> bool {
    match state.store.tokens(team).await {
        Ok(tokens) => tokens.iter().any(|known| known.id == token && state.now() < known.expires_at),
        Err(_) => false,
    }
}

/// Whether there ever was such a token is not said.
fn not_good() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "token_not_good",
        "Not signed in",
        "this API token is none, or it expired or was revoked",
        "make another one with `paddock token create` or on the page API tokens",
    )
}
