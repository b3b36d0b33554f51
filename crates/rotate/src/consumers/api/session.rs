//! What an API with logins and media types of its own needs besides.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use paddock_core::SecretText;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Api, json, segment};
use crate::{Answer, Fault, FaultKind};

const JSON: &str = "application/json";

impl Api {
    /// The API with one more header in every request.
    pub(in crate::consumers) fn with_text(mut self, name: HeaderName, value: &str) -> Result<Self, Fault> {
        self.headers.insert(name, header_value(value)?);
        Ok(self)
    }

    /// The API with a secret in a header of every request.
    pub(in crate::consumers) fn with_secret(mut self, name: HeaderName, secret: &str) -> Result<Self, Fault> {
        let mut value = header_value(secret)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The API with the token of a login in every request.
    pub(in crate::consumers) fn with_login(self, token: &SecretText) -> Result<Self, Fault> {
        let text = Zeroizing::new(format!("Bearer {}", token.expose().trim()));
        self.with_secret(header::AUTHORIZATION, &text)
    }

    /// Asks with a body: a login, or a question. Changes nothing, so that it may be asked again.
    pub(in crate::consumers) async fn question(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, Fault> {
        self.call(Method::POST, path, media(JSON), json(body)?, false).await
    }

    /// Asks with a body that is written already, under headers of its own.
    pub(in crate::consumers) async fn question_as(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<Answer, Fault> {
        self.call(Method::POST, path, headers, body, false).await
    }

    /// Changes something with a body that is written already, under headers of its own.
    pub(in crate::consumers) async fn change_as(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Zeroizing<Vec<u8>>,
    ) -> Result<Answer, Fault> {
        self.call(method, path, headers, body, true).await
    }

    /// The JSON of an answer, whatever its status.
    pub(in crate::consumers) fn parse<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Fault> {
        serde_json::from_slice(&answer.body).map_err(|_| self.unexpected())
    }

    /// What the status stands for, where it stands for a fault.
    pub(in crate::consumers) fn judge(&self, answer: &Answer) -> Result<(), Fault> {
        answer.fault(&self.host).map_or(Ok(()), Err)
    }
}

/// The header that says what a body is.
pub(in crate::consumers) fn media(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
}

/// A path of several segments, parted by slashes; slashes around it and doubled ones are left out.
pub(in crate::consumers) fn segments(path: &str) -> String {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(segment).collect();
    parts.join("/")
}

/// A query with its question mark.
pub(in crate::consumers) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
    format!("?{}", pairs.join("&"))
}

fn header_value(value: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(value).map_err(|_| {
        let message = "the secret or a setting has characters that no header can hold";
        Fault::new(FaultKind::Settings, message, "Paste it again, without line breaks.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(segments("/team a//app?x#y/"), "team%20a/app%3Fx%23y");
        assert_eq!(query(&[("secretPath", "/a&b"), ("x", "")]), "?secretPath=%2Fa%26b&x=");
    }
}
