//! What an OAuth token may do, and how Alpaca answers about tokens.
//!
//! Scopes are those of Alpaca's page on OAuth (2026-03): none reads the account, `account:write` changes its settings and
//! watchlists, `trading` places, changes and cancels orders, `data` reads prices.

mod app;
mod fault;

use std::fmt;
use std::str::FromStr;

use paddock_core::PermissionClass;
use serde::{Deserialize, Serialize};

pub use app::{OauthApp, OauthSettings, OauthSettingsFault};
pub use fault::OauthFault;

use crate::operation::Operation;

/// One scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthScope {
    /// Changes settings and watchlists.
    AccountWrite,
    /// Places, changes and cancels orders, and closes positions.
    Trading,
    /// Reads market data.
    Data,
}

impl OAuthScope {
    /// All scopes, in the order in which Alpaca writes them.
    pub const ALL: [Self; 3] = [Self::AccountWrite, Self::Trading, Self::Data];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountWrite => "account:write",
            Self::Trading => "trading",
            Self::Data => "data",
        }
    }

    /// The scope that an operation needs; reading the account needs none. Moving assets out has no scope of its own at Alpaca: it
    /// changes the account here.
    #[must_use]
    pub const fn needed_for(operation: &Operation) -> Option<Self> {
        match operation.class {
            PermissionClass::AccountRead => None,
            PermissionClass::Settings | PermissionClass::Watchlist | PermissionClass::MoneyOut => {
                Some(Self::AccountWrite)
            }
            PermissionClass::Order | PermissionClass::Cancel | PermissionClass::PositionClose => {
                Some(Self::Trading)
            }
            PermissionClass::Data => Some(Self::Data),
        }
    }
}

/// The scopes of a token: any of the three, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OAuthScopes([bool; 3]);

/// A word that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scopes are account:write, trading and data, with spaces between them")]
pub struct UnknownScope;

impl OAuthScopes {
    /// All of them.
    pub const ALL: Self = Self([true; 3]);

    /// Whether the scope is among them.
    #[must_use]
    pub const fn has(self, scope: OAuthScope) -> bool {
        self.0[scope as usize]
    }

    /// Those of a text that are known here. A scope that Alpaca adds one day is none that Paddock needs.
    #[must_use]
    pub fn of_known_words(text: &str) -> Self {
        let mut scopes = Self::default();
        for scope in OAuthScope::ALL {
            scopes.0[scope as usize] = text.split(' ').any(|word| word == scope.as_str());
        }
        scopes
    }

    /// Whether they allow an operation.
    #[must_use]
    pub fn allow(self, operation: &Operation) -> bool {
        OAuthScope::needed_for(operation).is_none_or(|scope| self.has(scope))
    }
}

impl FromStr for OAuthScopes {
    type Err = UnknownScope;

    /// Reads names with spaces between them, in any order and as often as they come; an empty text has none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut scopes = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let known = OAuthScope::ALL.into_iter().find(|scope| scope.as_str() == word);
            scopes.0[known.ok_or(UnknownScope)? as usize] = true;
        }
        Ok(scopes)
    }
}

impl fmt::Display for OAuthScopes {
    /// Names in Alpaca's order with spaces between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            OAuthScope::ALL.into_iter().filter(|scope| self.has(*scope)).map(OAuthScope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl From<OAuthScopes> for String {
    fn from(scopes: OAuthScopes) -> Self {
        scopes.to_string()
    }
}

impl TryFrom<String> for OAuthScopes {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The answer to a good authorization code. There is no `expires_in` and no refresh token: tokens live until they are revoked.
#[derive(Serialize)]
pub struct GrantedToken<'a> {
    /// A UUID.
    pub access_token: &'a str,
    /// `bearer`.
    pub token_type: &'static str,
    /// What was granted.
    pub scope: OAuthScopes,
}

/// The answer to good client credentials at authx.
#[derive(Serialize)]
pub struct AuthxToken<'a> {
    /// The token.
    pub access_token: &'a str,
    /// Seconds.
    pub expires_in: u32,
    /// `Bearer`.
    pub token_type: &'static str,
}

/// How long a token of authx lives, seconds.
pub const AUTHX_TOKEN_SECONDS: u32 = 899;

/// A refusal of authx: `{"error":"invalid_client","fields":[{"name":"client_id"}]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthxError {
    /// The HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// The code.
    pub error: &'static str,
    /// What to do about it.
    pub error_description: &'static str,
    /// Which parameters it is about.
    pub fields: Vec<AuthxField>,
}

/// A parameter that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthxField {
    /// Its name.
    pub name: &'static str,
}

impl AuthxError {
    fn new(status: u16, error: &'static str, description: &'static str, fields: &[&'static str]) -> Self {
        let fields = fields.iter().map(|name| AuthxField { name }).collect();
        Self { status, error, error_description: description, fields }
    }

    /// The body cannot be read as a form.
    #[must_use]
    pub fn unreadable() -> Self {
        Self::new(
            400,
            "invalid_request",
            "send a form (application/x-www-form-urlencoded), each parameter once",
            &[],
        )
    }

    /// Something is missing.
    #[must_use]
    pub fn missing(name: &'static str) -> Self {
        Self::new(400, "invalid_request", "the parameter is missing", &[name])
    }

    /// Another grant than client credentials.
    #[must_use]
    pub fn unsupported_grant_type() -> Self {
        Self::new(400, "unsupported_grant_type", "the grant type is client_credentials", &["grant_type"])
    }

    /// A signed assertion in the place of the secret.
    #[must_use]
    pub fn assertion_not_offered() -> Self {
        Self::new(
            400,
            "unauthorized_client",
            "this broker does not offer private_key_jwt: send client_secret in the form",
            &["client_assertion_type"],
        )
    }

    /// A scope: these tokens have none.
    #[must_use]
    pub fn invalid_scope() -> Self {
        Self::new(400, "invalid_scope", "these tokens read market data and have no scopes", &["scope"])
    }

    /// An unknown client or a wrong secret.
    #[must_use]
    pub fn invalid_client() -> Self {
        Self::new(401, "invalid_client", "the client is unknown or its secret is wrong", &["client_id"])
    }

    /// Too many tokens at once.
    #[must_use]
    pub fn quota_exceeded() -> Self {
        Self::new(429, "quota_exceeded", "use a token until it expires before asking for another", &[])
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::operation::by_id;

    #[rstest]
    #[case("", "")]
    #[case("trading", "trading")]
    #[case("data account:write", "account:write data")]
    #[case("  trading  trading ", "trading")]
    fn scopes_are_written_in_one_order(#[case] text: &str, #[case] written: &str) {
        assert_eq!(text.parse::<OAuthScopes>().unwrap().to_string(), written);
    }

    #[rstest]
    #[case("", "")]
    #[case("trading data", "trading data")]
    #[case("news trading Trading", "trading")]
    fn words_that_are_unknown_grant_nothing(#[case] text: &str, #[case] known: &str) {
        assert_eq!(OAuthScopes::of_known_words(text).to_string(), known);
    }

    #[rstest]
    #[case("Trading")]
    #[case("trading,data")]
    #[case("account:read")]
    #[case("*")]
    fn other_words_are_no_scopes(#[case] text: &str) {
        assert_eq!(text.parse::<OAuthScopes>(), Err(UnknownScope));
    }

    #[rstest]
    #[case("getAccount", None)]
    #[case("subscribeToTradesSSE", None)]
    #[case("LegacyClock", None)]
    #[case("patchAccountConfig", Some(OAuthScope::AccountWrite))]
    #[case("postWatchlist", Some(OAuthScope::AccountWrite))]
    #[case("createWhitelistedAddress", Some(OAuthScope::AccountWrite))]
    #[case("postOrder", Some(OAuthScope::Trading))]
    #[case("deleteAllOrders", Some(OAuthScope::Trading))]
    #[case("deleteOpenPosition", Some(OAuthScope::Trading))]
    #[case("StockBars", Some(OAuthScope::Data))]
    fn each_operation_needs_its_scope(#[case] id: &str, #[case] needed: Option<OAuthScope>) {
        let operation = by_id(id).unwrap();
        assert_eq!(OAuthScope::needed_for(operation), needed);
        assert_eq!(OAuthScopes::default().allow(operation), needed.is_none());
        assert!(OAuthScopes::ALL.allow(operation));
    }
}
