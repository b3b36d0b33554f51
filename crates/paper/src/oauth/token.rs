//! `POST /oauth/token`: an authorization code for a token.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, StatusCode};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::oauth::GrantedToken;
use paddock_alpaca::path::Query;

use super::memory::Redeemed;
use super::{field, form};
use crate::PaperBroker;
use crate::broker::Command;
use crate::http::{Served, finished, json};
use crate::keys::hashes_to;

/// Answers with the token. The client's secret is in the form, and nowhere else.
pub(super) async fn issue(State(served): State<Served>, headers: HeaderMap, body: Bytes) -> Response {
    let outcome = exchange(&served.broker, &headers, &body).await;
    let mut response = finished(&served, outcome);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn exchange(broker: &PaperBroker, headers: &HeaderMap, body: &Bytes) -> Result<Response, AlpacaError> {
    let form = form(headers, body).ok_or_else(AlpacaError::oauth_invalid_request)?;
    let client_id = authenticated(broker, &form)?;
    if field(&form, "grant_type") != Some("authorization_code") {
        return Err(AlpacaError::oauth_unsupported_grant_type());
    }
    let named = |name| field(&form, name).ok_or_else(AlpacaError::oauth_invalid_request);
    let (code, redirect_uri) = (named("code")?, named("redirect_uri")?);
    let grant = broker.new_id();
    let redeemed = broker.oauth_memory().redeem(code, &client_id, redirect_uri, grant, broker.wall_now());
    let consent = match redeemed {
        Redeemed::Good(consent) => consent,
        Redeemed::Again(earlier) => {
            // Whoever of the two has stolen it, the token goes. It may be gone already.
            let _ = broker.execute(Command::RevokeOAuthGrant { grant: earlier }).await;
            return Err(AlpacaError::oauth_invalid_grant());
        }
        Redeemed::Bad => return Err(AlpacaError::oauth_invalid_grant()),
    };
    let granted = broker.grant_oauth(grant, client_id, consent.accounts, consent.scopes).await;
    // An account that was deleted in the meantime cannot be opened any more.
    let token = granted.map_err(|error| match error.status {
        404 => AlpacaError::oauth_invalid_grant(),
        _ => error,
    })?;
    json(
        StatusCode::OK,
        &GrantedToken { access_token: token.expose(), token_type: "bearer", scope: consent.scopes },
    )
}

/// The client that a form's `client_id` and `client_secret` prove to be there. An unknown one takes as long as a wrong secret.
fn authenticated(broker: &PaperBroker, form: &Query) -> Result<String, AlpacaError> {
    let client_id = field(form, "client_id").unwrap_or_default();
    let secret = field(form, "client_secret").unwrap_or_default();
    client_with(broker, client_id, secret)
        .map(|_| client_id.to_owned())
        .ok_or_else(AlpacaError::oauth_invalid_client)
}

/// The hash of a client's secret, if `secret` is that.
pub(super) fn client_with(broker: &PaperBroker, client_id: &str, secret: &str) -> Option<String> {
    let kept =
        broker.look(|broker| broker.oauth_client(client_id).map(|client| client.secret_sha256.clone()));
    let known = kept.is_some();
    let kept = kept.unwrap_or_default();
    (hashes_to(secret, &kept) && known).then_some(kept)
}
