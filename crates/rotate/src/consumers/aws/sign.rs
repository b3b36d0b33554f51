//! Requests to Secrets Manager in Amazon's JSON 1.1, signed with Signature Version 4
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use paddock_core::{Clock, SecretText};
use paddock_vault::hmac_sha256;
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::super::api::{self, Api};
use super::{AwsSettings, answers};
use crate::{Fault, FaultKind, Means};

const SERVICE: &str = "secretsmanager";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const TARGET: &str = "x-amz-target";
const SESSION: &str = "x-amz-security-token";

/// Secrets Manager in one region, as one access key.
pub(super) struct AwsApi {
    api: Api,
    key: Key,
    session_token: Option<SecretText>,
    /// What the `Host` header will say, which is signed.
    host: String,
    clock: Arc<dyn Clock>,
}

/// What signs.
struct Key {
    access_key_id: String,
    secret: SecretText,
    region: String,
    service: &'static str,
}

/// What is signed of a request.
struct Signed<'a> {
    method: &'a str,
    /// The path as it is sent.
    path: &'a str,
    /// The query in its canonical form.
    query: &'a str,
    /// Names in lower case and in order.
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

impl fmt::Debug for AwsApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsApi({} at {})", self.key.access_key_id, self.host)
    }
}

impl AwsApi {
    /// `secret` is the secret access key, and on a second line the session token if there is one.
    pub(super) fn new(settings: &AwsSettings, secret: &SecretText, means: &Means) -> Self {
        let mut lines = secret.expose().lines().map(str::trim).filter(|line| !line.is_empty());
        let mut next = || lines.next().map(|line| SecretText::new(line.to_owned()));
        let key = Key {
            secret: next().unwrap_or_else(|| SecretText::new(String::new())),
            access_key_id: settings.access_key_id.clone(),
            region: settings.region.clone(),
            service: SERVICE,
        };
        let session_token = next();
        let address = settings.address();
        let host = Url::parse(&address).map(|url| authority(&url)).unwrap_or_default();
        let api = Api::new(&means.outbound, &address);
        Self { api, key, session_token, host, clock: Arc::clone(&means.clock) }
    }

    /// A question.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
    ) -> Result<T, Fault> {
        let (headers, body) = self.signed(operation, body)?;
        let answer = self.api.question_as("/", headers, body).await?;
        match answers::fault(&answer, self.api.host(), self.clock.now()) {
            Some(fault) => Err(fault),
            None => self.api.parse(&answer),
        }
    }

    /// A change.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        operation: &str,
        body: &impl Serialize,
    ) -> Result<T, Fault> {
        let (headers, body) = self.signed(operation, body)?;
        let answer = self.api.change_as(http::Method::POST, "/", headers, body).await?;
        match answers::fault(&answer, self.api.host(), self.clock.now()) {
            Some(fault) => Err(fault),
            None => self.api.parse(&answer).map_err(Fault::perhaps_applied),
        }
    }

    pub(super) fn unexpected(&self) -> Fault {
        self.api.unexpected()
    }

    fn signed(
        &self,
        operation: &str,
        body: &impl Serialize,
    ) -> Result<(HeaderMap, Zeroizing<Vec<u8>>), Fault> {
        let body = api::json(body)?;
        let target = format!("{SERVICE}.{operation}");
        let at = self.clock.now();
        let date = long_date(at);
        let mut headers =
            vec![("content-type", JSON_1_1), ("host", self.host.as_str()), (DATE, date.as_str())];
        if let Some(token) = &self.session_token {
            headers.push((SESSION, token.expose()));
        }
        headers.push((TARGET, &target));
        let request = Signed { method: "POST", path: "/", query: "", headers: &headers, body: &body };
        let authorization = self.key.authorization(&request, at);
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_1_1));
        map.insert(DATE, value(&date)?);
        map.insert(TARGET, value(&target)?);
        map.insert(AUTHORIZATION, value(&authorization)?);
        if let Some(token) = &self.session_token {
            let mut token = value(token.expose())?;
            token.set_sensitive(true);
            map.insert(SESSION, token);
        }
        Ok((map, body))
    }
}

impl Key {
    fn authorization(&self, request: &Signed<'_>, at: Timestamp) -> String {
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let scope = self.scope(at);
        let signature = hex::encode(*self.signature(&request.canonical(&names), &scope, at));
        format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key_id
        )
    }

    fn scope(&self, at: Timestamp) -> String {
        format!("{}/{}/{}/aws4_request", short_date(at), self.region, self.service)
    }

    fn signature(&self, canonical: &str, scope: &str, at: Timestamp) -> Zeroizing<[u8; 32]> {
        let hashed = hex::encode(Sha256::digest(canonical));
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", long_date(at));
        let first = Zeroizing::new(format!("AWS4{}", self.secret.expose()));
        let day = keyed(first.as_bytes(), &short_date(at));
        let region = keyed(&*day, &self.region);
        let service = keyed(&*region, self.service);
        let key = keyed(&*service, "aws4_request");
        keyed(&*key, &text)
    }
}

impl Signed<'_> {
    fn canonical(&self, names: &str) -> String {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let hashed = hex::encode(Sha256::digest(self.body));
        format!("{}\n{}\n{}\n{headers}\n{names}\n{hashed}", self.method, self.path, self.query)
    }
}

fn keyed(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(hmac_sha256(key, text.as_bytes()))
}

/// The host as HTTP names it: with its port unless that is the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn long_date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn short_date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%d").to_string()
}

fn value(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_| {
        let message = "the session token or a setting has characters that no header can hold";
        Fault::new(FaultKind::Settings, message, "Paste it again.")
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Amazon's test suite for signatures: its requests, and the signatures that it gives for them.
    #[rstest]
    #[case::get_vanilla("GET", "/", "", &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    #[case::post_vanilla("POST", "/", "", &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    #[case::get_vanilla_query("GET", "/", "Param1=value1&Param2=value2", &[], "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    #[case::post_vanilla_query("POST", "/", "Param1=value1", &[], "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")]
    #[case::get_utf8("GET", "/%E1%88%B4", "", &[], "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")]
    fn the_published_signatures_come_out(
        #[case] method: &str,
        #[case] path: &str,
        #[case] query: &str,
        #[case] before: &[(&str, &str)],
        #[case] body: &str,
        #[case] expected: &str,
    ) {
        let mut headers = before.to_vec();
        headers.extend([("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]);
        let request = Signed { method, path, query, headers: &headers, body: body.as_bytes() };
        let authorization = key("service").authorization(&request, "2015-08-30T12:36:00Z".parse().unwrap());
        assert!(authorization.ends_with(&format!("Signature={expected}")), "{authorization}");
    }

    #[test]
    fn a_form_and_a_session_token_are_signed_with_it() {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ];
        let request =
            Signed { method: "POST", path: "/", query: "", headers: &headers, body: b"Param1=value1" };
        let authorization = key("service").authorization(&request, "2015-08-30T12:36:00Z".parse().unwrap());
        assert_eq!(
            authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    fn key(service: &'static str) -> Key {
        Key {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret: SecretText::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            region: "us-east-1".to_owned(),
            service,
        }
    }

    #[rstest]
    #[case("https://secretsmanager.us-east-1.amazonaws.com", "secretsmanager.us-east-1.amazonaws.com")]
    #[case("http://127.0.0.1:5000/", "127.0.0.1:5000")]
    fn the_host_is_signed_as_it_is_sent(#[case] address: &str, #[case] host: &str) {
        assert_eq!(authority(&Url::parse(address).unwrap()), host);
    }
}
