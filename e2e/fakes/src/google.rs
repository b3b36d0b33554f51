//! Google Secret Manager and the endpoint where a service account gets its token, by
//! <https://cloud.google.com/secret-manager/docs/reference/rest> and RFC 7523.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use paddock_vault::Rs256Key;
use serde_json::{Value, json};

use crate::{Fake, Heard, Reply};

/// A key for tests and for nothing else.
const TEST_KEY: &str = include_str!("google_test_key.pem");
const TOKEN: &str = "ya29.fake";
const EMAIL: &str = "paddock@project-1.iam.gserviceaccount.com";
/// For how long a statement may be good, in seconds.
const LONGEST: i64 = 3600;
/// How far the clock of who states may be off, in seconds.
const TOLERANCE: i64 = 300;

/// A project with one secret.
#[derive(Clone, Debug)]
pub struct Google {
    /// The secret's versions, the first being 1.
    pub versions: Vec<Version>,
    /// Whether the secret is there at all.
    pub exists: bool,
    /// What the service account may do.
    pub granted: BTreeSet<&'static str>,
    /// Whether requests without a token pass: for a client that does not log in.
    pub anonymous: bool,
}

/// One version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its value.
    pub data: Vec<u8>,
    /// Whether it may be read.
    pub enabled: bool,
}

impl Default for Google {
    fn default() -> Self {
        let first = Version { data: br#"{"OTHER":"untouched","number":1.10}"#.to_vec(), enabled: true };
        let granted = ["access", "add", "get", "disable"];
        Self { versions: vec![first], exists: true, granted: granted.into(), anonymous: false }
    }
}

/// The key file of the service account, for a server at this address.
#[must_use]
pub fn key_file(url: &str) -> String {
    json!({
        "type": "service_account", "project_id": "project-1", "private_key_id": "key-1", "private_key": TEST_KEY,
        "client_email": EMAIL, "client_id": "1", "token_uri": format!("{url}/token"),
    })
    .to_string()
}

impl Google {
    fn token(heard: &Heard) -> Reply {
        if Self::states(heard).is_none() {
            let description = "Invalid JWT Signature, or its times are not reasonable.";
            return Reply::json(400, &json!({ "error": "invalid_grant", "error_description": description }));
        }
        Reply::json(200, &json!({ "access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer" }))
    }

    /// Whether the form holds a statement of the service account's.
    fn states(heard: &Heard) -> Option<()> {
        if heard.header("content-type") != "application/x-www-form-urlencoded" {
            return None;
        }
        let form = Heard { query: String::from_utf8(heard.body.clone()).ok()?, ..heard.clone() };
        if form.asked("grant_type")? != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return None;
        }
        let assertion = form.asked("assertion")?;
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let decode = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (head, claims) = (decode(head)?, decode(claims)?);
        let (issued, ends) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
        let now = heard.now.as_second();
        let in_time = (issued - now).abs() <= TOLERANCE && ends > now && ends - issued <= LONGEST;
        let audience = format!("http://{}/token", heard.header("host"));
        let named = head["alg"] == "RS256" && head["kid"] == "key-1" && claims["iss"] == EMAIL;
        let right =
            claims["aud"] == audience && claims["scope"] == "https://www.googleapis.com/auth/cloud-platform";
        let key = Rs256Key::from_pem(TEST_KEY).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        (in_time && named && right && key.verifies(signed.as_bytes(), &signature)).then_some(())
    }

    fn may(&self, right: &str) -> Result<(), Reply> {
        if self.granted.contains(right) { Ok(()) } else { Err(self.forbidden()) }
    }

    fn permissions(&self, heard: &Heard) -> Reply {
        let Some(body) = heard.json() else { return failed(400, "INVALID_ARGUMENT", "no JSON") };
        let asked = body["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let granted: Vec<&str> = asked
            .filter(|name| {
                name.strip_prefix("secretmanager.versions.").is_some_and(|right| self.granted.contains(right))
            })
            .collect();
        Reply::json(200, &if granted.is_empty() { json!({}) } else { json!({ "permissions": granted }) })
    }

    fn add(&mut self, heard: &Heard) -> Result<Reply, Reply> {
        self.may("add")?;
        let invalid = |what: &str| failed(400, "INVALID_ARGUMENT", what);
        let body = heard.json().ok_or_else(|| invalid("no JSON"))?;
        let data = body["payload"]["data"].as_str().and_then(|data| STANDARD.decode(data).ok());
        let data = data.ok_or_else(|| invalid("payload.data is no Base64"))?;
        let sum = &body["payload"]["dataCrc32c"];
        if !sum.is_null() && sum.as_str() != Some(&sum_of(&data).to_string()) {
            return Err(invalid("the data's CRC32C is another"));
        }
        self.versions.push(Version { data, enabled: true });
        let mut told = self.told(self.versions.len());
        told["clientSpecifiedPayloadChecksum"] = json!(!sum.is_null());
        Ok(Reply::json(200, &told))
    }

    fn told(&self, number: usize) -> Value {
        let enabled = self.versions[number - 1].enabled;
        json!({
            "name": format!("projects/123456/secrets/bots/versions/{number}"),
            "createTime": "2026-11-27T20:00:00Z", "state": if enabled { "ENABLED" } else { "DISABLED" },
            "etag": etag(number, enabled),
        })
    }

    fn access(&self, name: &str) -> Result<Reply, Reply> {
        self.may("access")?;
        let number = self.number(name)?;
        let version = &self.versions[number - 1];
        if !version.enabled {
            return Err(failed(400, "FAILED_PRECONDITION", "the version is in DISABLED state"));
        }
        let payload = json!({ "data": STANDARD.encode(&version.data), "dataCrc32c": sum_of(&version.data).to_string() });
        let name = format!("projects/123456/secrets/bots/versions/{number}");
        Ok(Reply::json(200, &json!({ "name": name, "payload": payload })))
    }

    fn disable(&mut self, heard: &Heard, name: &str) -> Result<Reply, Reply> {
        self.may("disable")?;
        let number = self.number(name)?;
        let given = heard.json().and_then(|body| body["etag"].as_str().map(str::to_owned));
        if given.is_some_and(|given| given != etag(number, self.versions[number - 1].enabled)) {
            return Err(failed(409, "ABORTED", "the etag is another"));
        }
        self.versions[number - 1].enabled = false;
        Ok(Reply::json(200, &self.told(number)))
    }

    fn number(&self, name: &str) -> Result<usize, Reply> {
        let number = if name == "latest" { Some(self.versions.len()) } else { name.parse().ok() };
        let found = number.filter(|number| (1..=self.versions.len()).contains(number));
        found.ok_or_else(|| failed(404, "NOT_FOUND", "no such version"))
    }

    fn manage(&mut self, heard: &Heard) -> Result<Reply, Reply> {
        let segments = heard.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let ["v1", "projects", "project-1" | "123456", "secrets", rest @ ..] = parts.as_slice() else {
            return Err(failed(404, "NOT_FOUND", "no such path"));
        };
        let (secret, verb) = rest[0].split_once(':').unwrap_or((rest[0], ""));
        if !self.exists || secret != "bots" {
            return Err(failed(404, "NOT_FOUND", "Secret not found."));
        }
        match (heard.method.as_str(), verb, &rest[1..]) {
            ("GET", "", []) => Ok(Reply::json(200, &json!({ "name": "projects/123456/secrets/bots" }))),
            ("POST", "testIamPermissions", []) => Ok(self.permissions(heard)),
            ("POST", "addVersion", []) => self.add(heard),
            (method, "", ["versions", version]) => match (method, version.split_once(':')) {
                ("GET", None) => {
                    self.may("get")?;
                    Ok(Reply::json(200, &self.told(self.number(version)?)))
                }
                ("GET", Some((name, "access"))) => self.access(name),
                ("POST", Some((name, "disable"))) => self.disable(heard, name),
                _ => Err(failed(404, "NOT_FOUND", "no such method")),
            },
            _ => Err(failed(404, "NOT_FOUND", "no such method")),
        }
    }
}

impl Fake for Google {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if heard.method == Method::POST && heard.path == "/token" {
            return Self::token(heard);
        }
        if !self.anonymous && heard.header("authorization") != format!("Bearer {TOKEN}") {
            return failed(401, "UNAUTHENTICATED", "no valid credentials");
        }
        self.manage(heard).unwrap_or_else(|refusal| refusal)
    }

    fn forbidden(&self) -> Reply {
        failed(403, "PERMISSION_DENIED", "the permission is denied for the resource, or it may not exist")
    }

    fn limited(&self, seconds: u64) -> Reply {
        failed(429, "RESOURCE_EXHAUSTED", "quota exceeded").with("retry-after", &seconds.to_string())
    }

    fn reads(heard: &Heard) -> bool {
        heard.method == Method::GET || heard.path == "/token" || heard.path.ends_with(":testIamPermissions")
    }
}

fn etag(number: usize, enabled: bool) -> String {
    format!("\"{number}-{enabled}\"")
}

/// CRC-32C by its definition: long division of the bits, mirrored.
fn sum_of(bytes: &[u8]) -> u32 {
    let mut sum = !0_u32;
    for byte in bytes {
        for bit in 0..8 {
            let one = (u32::from(*byte) >> bit) & 1;
            let carry = (sum & 1) ^ one;
            sum >>= 1;
            if carry == 1 {
                sum ^= 0x82f6_3b78;
            }
        }
    }
    !sum
}

fn failed(status: u16, word: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "error": { "code": status, "message": message, "status": word } }))
}
