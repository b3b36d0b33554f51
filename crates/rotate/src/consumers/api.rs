//! JSON over HTTP, as most consumers speak it.

pub(super) mod session;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use paddock_core::SecretText;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{Answer, Applied, Call, Fault, FaultKind, Outbound, SettingsFault};

/// Room for a body with a pair in it, so that growing leaves no copies of the pair behind.
const BODY_ROOM: usize = 4096;

/// All but what RFC 3986 calls unreserved.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One API: its address, and the headers that go with every request.
#[derive(Clone, Debug)]
pub(super) struct Api {
    outbound: Outbound,
    base: String,
    host: String,
    headers: HeaderMap,
}

impl Api {
    /// An API under `base`, to which paths are appended.
    pub(super) fn new(outbound: &Outbound, base: &str) -> Self {
        let host = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned));
        let mut headers = HeaderMap::new();
        let agent = concat!("paddock/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        Self {
            outbound: outbound.clone(),
            base: base.trim_end_matches('/').to_owned(),
            host: host.unwrap_or_default(),
            headers,
        }
    }

    /// The API with one more header in every request.
    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The API with the secret as bearer token in every request.
    ///
    /// # Errors
    /// [`SettingsFault`] when no header can hold it.
    pub(super) fn with_bearer(mut self, token: &SecretText) -> Result<Self, SettingsFault> {
        let text = Zeroizing::new(format!("Bearer {}", token.expose().trim()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| SettingsFault {
            field: "secret",
            problem: "it has characters that no token has: paste it again".to_owned(),
        })?;
        value.set_sensitive(true);
        self.headers.insert(header::AUTHORIZATION, value);
        Ok(self)
    }

    /// The name of the other side in messages.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Fault`] when there is no answer; an answer of any status is one.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.get_with(path, HeaderMap::new()).await
    }

    /// Reads, with headers of this request alone.
    pub(super) async fn get_with(&self, path: &str, headers: HeaderMap) -> Result<Answer, Fault> {
        self.call(Method::GET, path, headers, Zeroizing::default(), false).await
    }

    /// Changes something: sends `body` as JSON.
    pub(super) async fn change(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.call(method, path, headers, json(body)?, true).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        own: HeaderMap,
        body: Zeroizing<Vec<u8>>,
        changes: bool,
    ) -> Result<Answer, Fault> {
        let mut headers = self.headers.clone();
        headers.extend(own);
        let url = format!("{}{path}", self.base);
        self.outbound.send(Call { method, url, headers, body, changes }).await
    }

    /// A success is let through; anything else is what its status means everywhere.
    pub(super) fn succeeded(&self, answer: Answer) -> Result<Answer, Fault> {
        match answer.fault(&self.host) {
            None => Ok(answer),
            Some(fault) => Err(fault),
        }
    }

    /// The JSON of a successful answer.
    ///
    /// # Errors
    /// What the status means; [`FaultKind::Unexpected`] when the answer has not that form.
    pub(super) fn read<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, Fault> {
        let answer = self.succeeded(answer)?;
        serde_json::from_slice(&answer.body).map_err(|_| self.unexpected())
    }

    /// An answer that the API does not describe.
    pub(super) fn unexpected(&self) -> Fault {
        let message = format!("{} gave an answer that it should not give", self.host);
        Fault::new(FaultKind::Unexpected, message, "Check the address in the consumer's settings.")
    }
}

/// JSON in memory that is wiped.
pub(super) fn json(body: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut text = Zeroizing::new(Vec::with_capacity(BODY_ROOM));
    serde_json::to_writer(&mut *text, body).map_err(|_| Fault {
        kind: FaultKind::Settings,
        message: "the request cannot be written".to_owned(),
        next_step: "Check the consumer's settings.".to_owned(),
        applied: Applied::No,
    })?;
    Ok(text)
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, IN_A_SEGMENT).to_string()
}

/// Checks that an address of an API can be one: http or https, a host, no login, no query.
pub(super) fn check_address(field: &'static str, address: &str) -> Result<(), SettingsFault> {
    let fault = |problem: &str| Err(SettingsFault { field, problem: problem.to_owned() });
    let Ok(url) = Url::parse(address) else {
        return fault("it cannot be read: write a whole address, such as https://example.com");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return fault("an address starts with https:// and a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return fault("a login does not belong into an address: put it into the consumer's secret");
    }
    if url.fragment().is_some() {
        return fault("an address has no #");
    }
    Ok(())
}

/// Checks a name that becomes a part of a path.
pub(super) fn check_part(field: &'static str, part: &str) -> Result<(), SettingsFault> {
    let odd = part.chars().any(|letter| letter.is_control() || letter == '/');
    if part.is_empty() || part.len() > 200 || odd || matches!(part, "." | "..") {
        let problem = "a name has 1 to 200 characters and no slash".to_owned();
        return Err(SettingsFault { field, problem });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://api.example.com", true)]
    #[case("http://127.0.0.1:8080/api/v3", true)]
    #[case("https://user:word@example.com", false)]
    #[case("https://example.com/#x", false)]
    #[case("ftp://example.com", false)]
    #[case("example.com", false)]
    fn an_address_is_judged(#[case] address: &str, #[case] good: bool) {
        assert_eq!(check_address("api", address).is_ok(), good);
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("a/b c?d#e%.."), "a%2Fb%20c%3Fd%23e%25..");
        assert!(check_part("app", "..").is_err());
        assert!(check_part("app", "a/b").is_err());
        assert!(check_part("app", "my-app").is_ok());
    }
}
