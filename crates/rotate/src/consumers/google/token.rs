//! How a service account gets a token: a signed statement of who it is, exchanged for one that lives for an hour
//! (RFC 7523, <https://developers.google.com/identity/protocols/oauth2/service-account>).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::{Clock, SecretText};
use paddock_vault::Rs256Key;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::super::api::session::{media, query};
use super::super::api::{self, Api};
use super::super::skew;
use crate::{Fault, FaultKind, Means, SettingsFault};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const FORM: &str = "application/x-www-form-urlencoded";
/// For how long the statement is good, in seconds: it is used at once.
const GOOD_FOR: i64 = 300;

/// A service account with its key.
pub(super) struct ServiceAccount {
    email: String,
    key_id: String,
    token_uri: String,
    key: Rs256Key,
    api: Api,
    clock: Arc<dyn Clock>,
}

/// The file that Google makes.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key_id: String,
    private_key: String,
    token_uri: String,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAccount({})", self.email)
    }
}

impl ServiceAccount {
    /// The account of a key file.
    pub(super) fn parse(secret: &SecretText, means: &Means) -> Result<Self, SettingsFault> {
        let fault = |problem: &str| SettingsFault { field: "secret", problem: problem.to_owned() };
        let file: KeyFile = serde_json::from_str(secret.expose())
            .map_err(|_| fault("paste the whole JSON file of the service account's key"))?;
        if file.kind != "service_account" {
            return Err(fault("the file is no key of a service account: its type is another"));
        }
        api::check_address("secret", &file.token_uri)?;
        let key = Rs256Key::from_pem(&Zeroizing::new(file.private_key))
            .map_err(|_| fault("the private key in the file cannot be read: paste the file again"))?;
        Ok(Self {
            api: Api::new(&means.outbound, &file.token_uri),
            email: file.client_email,
            key_id: file.private_key_id,
            token_uri: file.token_uri,
            key,
            clock: Arc::clone(&means.clock),
        })
    }

    /// As whom it is known.
    pub(super) fn email(&self) -> &str {
        &self.email
    }

    /// A token for now.
    pub(super) async fn token(&self) -> Result<SecretText, Fault> {
        let now = self.clock.now();
        let statement = self.statement(now)?;
        let form = query(&[("grant_type", GRANT), ("assertion", &statement)]);
        let body = Zeroizing::new(form.trim_start_matches('?').as_bytes().to_vec());
        let answer = self.api.question_as("", media(FORM), body).await?;
        if matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
            return Err(skew::explain(&answer, now).unwrap_or_else(|| {
                let message = format!("{} refused the service account's key", self.api.host());
                Fault::new(
                    FaultKind::Login,
                    message,
                    "Make a new key for the account, and replace the consumer's secret.",
                )
            }));
        }
        let reply: Value = self.api.read(answer)?;
        let token = reply["access_token"].as_str().ok_or_else(|| self.api.unexpected())?;
        Ok(SecretText::new(token.to_owned()))
    }

    /// A JSON web token that says who this is, signed with RS256.
    fn statement(&self, now: Timestamp) -> Result<Zeroizing<String>, Fault> {
        let issued = now.as_second();
        let head = json!({ "alg": "RS256", "kid": self.key_id, "typ": "JWT" });
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued.saturating_add(GOOD_FOR),
        });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", encode(&head), encode(&claims));
        let signature = self.key.sign(text.as_bytes()).map_err(|_| {
            Fault::new(
                FaultKind::Settings,
                "the service account's key cannot sign",
                "Make a new key for the account.",
            )
        })?;
        Ok(Zeroizing::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}
