//! The secret that opens a connection, as it goes into a request.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use paddock_core::SecretText;
use zeroize::Zeroizing;

/// The header with a pair's Key ID.
pub const KEY_ID_HEADER: HeaderName = HeaderName::from_static("apca-api-key-id");

/// The header with a pair's Secret Key.
pub const SECRET_KEY_HEADER: HeaderName = HeaderName::from_static("apca-api-secret-key");

/// What opens an Alpaca account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// An API key pair.
    KeyPair {
        /// The Key ID.
        key_id: SecretText,
        /// The Secret Key.
        secret_key: SecretText,
    },
    /// A token from Alpaca's OAuth flow.
    OauthToken(SecretText),
}

/// The credential has a character that no HTTP header can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential has a character that cannot be sent")]
pub struct UnsendableCredential;

impl Credential {
    /// The headers that authenticate a request, marked as sensitive so that no log shows them. They hold the secret in
    /// the clear: make them for one use and drop them.
    ///
    /// # Errors
    /// [`UnsendableCredential`] when a secret has a control character.
    pub fn headers(&self) -> Result<HeaderMap, UnsendableCredential> {
        let mut headers = HeaderMap::with_capacity(2);
        self.add_to(&mut headers)?;
        Ok(headers)
    }

    /// Adds the headers with which requests authenticate to others.
    ///
    /// # Errors
    /// [`UnsendableCredential`] when a secret has a control character.
    pub fn add_to(&self, headers: &mut HeaderMap) -> Result<(), UnsendableCredential> {
        match self {
            Self::KeyPair { key_id, secret_key } => {
                headers.insert(KEY_ID_HEADER, sensitive(key_id.expose())?);
                headers.insert(SECRET_KEY_HEADER, sensitive(secret_key.expose())?);
            }
            Self::OauthToken(token) => {
                let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
                headers.insert(AUTHORIZATION, sensitive(&bearer)?);
            }
        }
        Ok(())
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, UnsendableCredential> {
    let mut value = HeaderValue::from_str(text).map_err(|_| UnsendableCredential)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[test]
    fn nothing_shows_the_secret() {
        let pair = Credential::KeyPair { key_id: secret("PKCANARY"), secret_key: secret("CANARYSECRET") };
        let token = Credential::OauthToken(secret("CANARYTOKEN"));
        for credential in [pair, token] {
            let shown = format!("{credential:?} {:?}", credential.headers().unwrap());
            assert!(!shown.contains("CANARY"), "{shown}");
        }
    }

    #[test]
    fn a_token_is_a_bearer() {
        let headers = Credential::OauthToken(secret("t")).headers().unwrap();
        assert_eq!(headers[AUTHORIZATION], "Bearer t");
    }

    #[test]
    fn a_line_break_cannot_be_sent() {
        let pair = Credential::KeyPair { key_id: secret("a\r\nHost: evil"), secret_key: secret("b") };
        assert_eq!(pair.headers(), Err(UnsendableCredential));
    }
}
