//! Who is there: what a request or a stream shows to be let in, and what that opens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::oauth::{OAuthScope, OAuthScopes};
use paddock_alpaca::operation::{Api, Operation};
use paddock_core::{Environment, SecretText};
use uuid::Uuid;

use crate::PaperBroker;
use crate::keys::sha256_hex;

const KEY_ID: HeaderName = HeaderName::from_static("apca-api-key-id");
const SECRET_KEY: HeaderName = HeaderName::from_static("apca-api-secret-key");

/// What a stream's first message has in the place of a Key ID when its secret is a token: of OAuth, or of authx.
const TOKEN_KEYS: [&str; 2] = ["oauth", "access_token"];

/// What is shown to be let in.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    Pair { key_id: String, secret: SecretText },
    Token(SecretText),
}

impl Credentials {
    /// Alpaca's own two headers, or `Authorization` with `Basic` or `Bearer`. A header that is there twice is no header.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(KEY_ID) || headers.contains_key(SECRET_KEY) {
            return Some(Self::pair(only(headers, &KEY_ID)?, only(headers, &SECRET_KEY)?));
        }
        let authorization = only(headers, &AUTHORIZATION)?;
        let (scheme, value) = authorization.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::token(value.trim()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        let (key_id, secret) = decoded.split_once(':')?;
        Some(Self::pair(key_id, secret))
    }

    /// Those of a stream's first message.
    pub fn in_band(key: &str, secret: &str) -> Self {
        if TOKEN_KEYS.contains(&key) { Self::token(secret) } else { Self::pair(key, secret) }
    }

    pub fn token(token: &str) -> Self {
        Self::Token(SecretText::new(token.to_owned()))
    }

    fn pair(key_id: &str, secret: &str) -> Self {
        Self::Pair { key_id: key_id.to_owned(), secret: SecretText::new(secret.to_owned()) }
    }
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// An open door: to which account, and with what it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Whose requests they are. A token of authx opens prices and no account: this is an id that stands for its client then.
    pub account: Uuid,
    means: Means,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Means {
    Pair { key_id: String },
    Grant { id: Uuid, scopes: OAuthScopes },
    Authx { client_id: String, secret_sha256: String },
}

impl Access {
    /// Answers with the missing scope when a token may not do this.
    pub fn may(&self, operation: &Operation) -> Result<(), AlpacaError> {
        match (&self.means, OAuthScope::needed_for(operation)) {
            (Means::Grant { scopes, .. }, Some(needed)) if !scopes.has(needed) => {
                Err(AlpacaError::insufficient_scope(needed.as_str()))
            }
            _ => Ok(()),
        }
    }

    /// The Key ID that it was opened with, if it was a pair.
    pub fn key_id(&self) -> Option<&str> {
        match &self.means {
            Means::Pair { key_id } => Some(key_id),
            _ => None,
        }
    }

    /// Whether prices may be read.
    pub fn may_read_data(&self) -> bool {
        !matches!(self.means, Means::Grant { scopes, .. } if !scopes.has(OAuthScope::Data))
    }
}

impl PaperBroker {
    /// What credentials open at a listener. Trading paths serve one environment each, and to the pair of the other one they answer
    /// as to a wrong one; data paths serve both.
    pub(crate) fn open_door(
        &self,
        credentials: &Credentials,
        api: Api,
        environment: Environment,
    ) -> Option<Access> {
        match credentials {
            Credentials::Pair { key_id, secret } => self.look(|broker| {
                let account = broker.account_by_key_id(key_id)?;
                let here = api == Api::Data || account.environment == environment;
                (here && account.key.as_ref()?.opens_with(secret.expose()))
                    .then(|| Access { account: account.id, means: Means::Pair { key_id: key_id.clone() } })
            }),
            Credentials::Token(token) => {
                let hash = sha256_hex(token.expose());
                self.open_with_grant(&hash, api, environment).or_else(|| self.open_with_authx(&hash, api))
            }
        }
    }

    /// The account that a Key ID belongs to.
    pub(crate) fn account_of_key(&self, key_id: &str) -> Option<Uuid> {
        self.look(|broker| broker.account_by_key_id(key_id).map(|account| account.id))
    }

    fn open_with_grant(&self, token_sha256: &str, api: Api, environment: Environment) -> Option<Access> {
        self.look(|broker| {
            let grant = broker.oauth_grant_by_token(token_sha256)?;
            let account = match broker.granted_account(grant, environment) {
                Some(account) => account.id,
                None if api == Api::Data => *grant.accounts.first()?,
                None => return None,
            };
            Some(Access { account, means: Means::Grant { id: grant.id, scopes: grant.scopes } })
        })
    }

    fn open_with_authx(&self, token_sha256: &str, api: Api) -> Option<Access> {
        if api != Api::Data {
            return None;
        }
        let (client_id, secret_sha256) = self.oauth_memory().authx_client(token_sha256, self.wall_now())?;
        let account = Uuid::new_v5(&Uuid::NAMESPACE_OID, client_id.as_bytes());
        let access = Access { account, means: Means::Authx { client_id, secret_sha256 } };
        self.is_still_open(&access).then_some(access)
    }

    /// Whether the door that was opened would open again. A stream outlives the 15 minutes of an authx token, but not its client's
    /// secret.
    pub(crate) fn is_still_open(&self, access: &Access) -> bool {
        self.look(|broker| match &access.means {
            Means::Pair { key_id } => {
                broker.account_by_key_id(key_id).is_some_and(|account| account.id == access.account)
            }
            Means::Grant { id, .. } => {
                broker.oauth_grant(*id).is_some_and(|grant| grant.accounts.contains(&access.account))
            }
            Means::Authx { client_id, secret_sha256 } => {
                broker.oauth_client(client_id).is_some_and(|client| client.secret_sha256 == *secret_sha256)
            }
        })
    }
}
