//! A code for a token.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use paddock_core::SecretText;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{AlpacaClient, ClientError, read_answer};
use crate::connect_fault::ConnectFault;
use crate::error::AlpacaError;
use crate::oauth::{OAuthScope, OAuthScopes, OauthApp, OauthFault};

/// The longest token, in bytes; Alpaca's are UUIDs.
const LONGEST_TOKEN: usize = 512;

/// The longest code, in bytes.
const LONGEST_CODE: usize = 1024;

/// What a person has granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The token, which lives until its person takes it back.
    pub token: SecretText,
    /// What it may do. Trading is among it.
    pub scopes: OAuthScopes,
}

/// The answer, as far as it is read. `expires_in` and a refresh token do not come.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    /// Absent where all that was asked for was granted (RFC 6749, 5.1).
    scope: Option<String>,
}

impl AlpacaClient {
    /// Exchanges the code that came back from the consent page for a token. Sent once, as everything: Alpaca ends a token whose code
    /// comes a second time.
    ///
    /// # Errors
    /// [`ConnectFault`], also when the token may not trade.
    pub async fn redeem(&self, app: &OauthApp, code: &SecretText) -> Result<Granted, ConnectFault> {
        if code.expose().is_empty() || code.expose().len() > LONGEST_CODE {
            return Err(OauthFault::CodeRefused.into());
        }
        let answered = self.exchange(app, code).await;
        // The connection has code, secret and token in its buffers.
        self.forget_connections();
        let body = answered.map_err(|error| fault(error, app))?;
        let unexpected = || ConnectFault::of_host(ClientError::Unreadable, app.tokens().authority());
        let Answer { access_token, token_type, scope } =
            serde_json::from_slice(&body).map_err(|_| unexpected())?;
        let token = SecretText::new(access_token);
        let text = token.expose();
        let is_sendable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !token_type.eq_ignore_ascii_case("bearer") || !is_sendable || text.len() > LONGEST_TOKEN {
            return Err(unexpected());
        }
        let scopes = scope.map_or(OAuthScopes::ALL, |scope| OAuthScopes::of_known_words(&scope));
        if !scopes.has(OAuthScope::Trading) {
            return Err(OauthFault::TradingNotGranted { granted: scopes }.into());
        }
        Ok(Granted { token, scopes })
    }

    async fn exchange(&self, app: &OauthApp, code: &SecretText) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        let form = Zeroizing::new(app.exchange(code.expose()).as_bytes().to_vec());
        let request = self
            .http()
            .post(format!("{}/oauth/token", app.tokens()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(Bytes::from_owner(form));
        let answer = request.send().await.map_err(|error| ClientError::of(&error))?;
        // A server of tokens has a form of its own for errors (RFC 6749, 5.2).
        read_answer(answer, |status, body| Some(AlpacaError::parse(status, body))).await.map(Zeroizing::new)
    }
}

/// What a refusal means. Alpaca says `invalid_client` of a wrong secret; what it says of a bad code is not documented, so every other
/// refusal of the request is taken for that.
fn fault(error: ClientError, app: &OauthApp) -> ConnectFault {
    let said = |error: &AlpacaError, word: &str| {
        error.message == word || error.extra.get("error").is_some_and(|said| said == word)
    };
    match &error {
        ClientError::Api(refusal) if said(refusal, "invalid_grant") => OauthFault::CodeRefused.into(),
        ClientError::Api(refusal) if said(refusal, "invalid_client") || refusal.status == 401 => {
            OauthFault::AppRefused.into()
        }
        ClientError::Api(refusal) if matches!(refusal.status, 400 | 422) => OauthFault::CodeRefused.into(),
        _ => ConnectFault::of_host(error, app.tokens().authority()),
    }
}
