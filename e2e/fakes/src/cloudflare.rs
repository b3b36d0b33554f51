//! Cloudflare's API, as far as secrets of Workers go, by <https://developers.cloudflare.com/api/resources/workers/>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Fake, Heard, Reply};

/// The account's id.
pub const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";

/// An account with one Worker, `bot`.
#[derive(Clone, Debug)]
pub struct Cloudflare {
    /// The token that is known.
    pub token: String,
    /// Whether it is the account's own, and not a user's.
    pub of_account: bool,
    /// The Worker's secrets.
    pub secrets: BTreeMap<String, String>,
    /// How often it was deployed.
    pub deployments: u32,
    /// How many of these are listed, while the list is behind.
    pub listed: Option<u32>,
    /// Whether the list catches up by one deployment with each change.
    pub grows: bool,
    /// When, as far as that was by a change of secrets; others are older.
    pub deployed_at: BTreeMap<u32, Timestamp>,
    /// Whether two versions share the requests.
    pub rolling_out: bool,
    /// Whether the latest version is not deployed.
    pub undeployed: bool,
}

impl Default for Cloudflare {
    fn default() -> Self {
        Self {
            token: "cf-fake".to_owned(),
            of_account: false,
            secrets: BTreeMap::from([("OTHER".to_owned(), "untouched".to_owned())]),
            deployments: 1,
            listed: None,
            grows: false,
            deployed_at: BTreeMap::new(),
            rolling_out: false,
            undeployed: false,
        }
    }
}

impl Cloudflare {
    fn deployed(&self) -> Reply {
        let version =
            |number: u32, percentage: u32| json!({"version_id": id(0xbb, number), "percentage": percentage});
        let all: Vec<Value> = (1..=self.listed.unwrap_or(self.deployments))
            .rev()
            .map(|number| {
                let shared = self.rolling_out && number == self.deployments;
                let versions =
                    if shared { json!([version(number, 10), version(number - 1, 90)]) } else { json!([version(number, 100)]) };
                let at = self.deployed_at.get(&number).map_or_else(|| "2026-01-01T00:00:00Z".to_owned(), Timestamp::to_string);
                json!({"id": id(0xaa, number), "created_on": at, "strategy": "percentage", "source": "api", "versions": versions})
            })
            .collect();
        good(&json!({"deployments": all}))
    }

    fn deploy(&mut self, heard: &Heard) {
        self.deployments += 1;
        self.deployed_at.insert(self.deployments, heard.now);
        self.listed = self.listed.map(|listed| if self.grows { listed + 1 } else { listed });
    }

    fn refuses_change(&self) -> Option<Reply> {
        let message = "Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn't currently deployed.";
        (self.undeployed || self.rolling_out).then(|| failed(400, 10215, message))
    }

    fn bulk(&mut self, heard: &Heard) -> Reply {
        if let Some(refused) = self.refuses_change() {
            return refused;
        }
        let body = changes(heard);
        let Some(changes) = body.as_ref().and_then(|body| body.get("secrets")?.as_object()) else {
            return failed(400, 10021, "The body must be JSON with secrets.");
        };
        let mut secrets = self.secrets.clone();
        for (name, secret) in changes {
            if secret.is_null() {
                secrets.remove(name);
                continue;
            }
            match binding(secret) {
                Some((inner, text)) if inner == name => _ = secrets.insert(name.clone(), text.to_owned()),
                _ => return failed(400, 10021, "A secret has name, text and type secret_text."),
            }
        }
        self.secrets = secrets;
        self.deploy(heard);
        self.listed()
    }

    fn one(&mut self, heard: &Heard) -> Reply {
        if let Some(refused) = self.refuses_change() {
            return refused;
        }
        let body = heard.json();
        let Some((name, text)) = body.as_ref().and_then(binding) else {
            return failed(400, 10021, "A secret has name, text and type secret_text.");
        };
        self.secrets.insert(name.to_owned(), text.to_owned());
        self.deploy(heard);
        good(&json!({"name": name, "type": "secret_text"}))
    }

    fn listed(&self) -> Reply {
        let told = |name: &String| json!({"name": name, "type": "secret_text"});
        good(&self.secrets.keys().map(told).collect())
    }
}

/// A change of many secrets: Cloudflare's SDKs send it as plain JSON, and wrangler as a merge patch (RFC 7396).
fn changes(heard: &Heard) -> Option<Value> {
    let patch = heard.header("content-type") == "application/merge-patch+json";
    if patch { serde_json::from_slice(&heard.body).ok() } else { heard.json() }
}

fn binding(secret: &Value) -> Option<(&str, &str)> {
    let text = |name: &str| secret.get(name)?.as_str();
    (text("type") == Some("secret_text")).then_some((text("name")?, text("text")?))
}

/// A UUID that tells what it is and which.
fn id(kind: u8, number: u32) -> String {
    format!("{kind:02x}000000-0000-4000-8000-{number:012}")
}

fn good(result: &Value) -> Reply {
    Reply::json(200, &json!({"success": true, "errors": [], "messages": [], "result": result}))
}

fn failed(status: u16, code: u32, message: &str) -> Reply {
    let errors = json!([{"code": code, "message": message}]);
    Reply::json(status, &json!({"success": false, "errors": errors, "messages": [], "result": null}))
}

impl Fake for Cloudflare {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if heard.header("authorization") != format!("Bearer {}", self.token) {
            return failed(401, 1000, "Invalid API Token");
        }
        let segments = heard.segments();
        let mut parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if parts.starts_with(&["client", "v4"]) {
            parts.drain(..2);
        }
        let token = json!({"id": id(0xcc, 1), "status": "active"});
        let is_bot = |script: &str| script == "bot";
        match (heard.method.as_str(), parts.as_slice()) {
            ("GET", ["user", "tokens", "verify"]) if !self.of_account => good(&token),
            ("GET", ["accounts", ACCOUNT, "tokens", "verify"]) if self.of_account => good(&token),
            (_, [.., "tokens", "verify"]) => failed(401, 1000, "Invalid API Token"),
            (_, ["accounts", ACCOUNT, "workers", "scripts", script, ..]) if !is_bot(script) => {
                failed(404, 10007, "This Worker does not exist on your account.")
            }
            ("GET", ["accounts", ACCOUNT, "workers", "scripts", _, "secrets"]) => self.listed(),
            ("PUT", ["accounts", ACCOUNT, "workers", "scripts", _, "secrets"]) => self.one(heard),
            ("PATCH", ["accounts", ACCOUNT, "workers", "scripts", _, "secrets-bulk"]) => self.bulk(heard),
            ("GET", ["accounts", ACCOUNT, "workers", "scripts", _, "deployments"]) => self.deployed(),
            ("GET", ["accounts", other, ..]) if *other != ACCOUNT => self.forbidden(),
            _ => failed(404, 7003, "Could not route to the requested path."),
        }
    }

    fn forbidden(&self) -> Reply {
        failed(403, 10000, "Authentication error")
    }
}
