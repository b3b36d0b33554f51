//! HashiCorp Vault and OpenBao: tokens, AppRole, and a key-value engine of version 2 or 1, by <https://developer.hashicorp.com/vault/api-docs>.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::{Fake, Heard, Reply};

/// A server with one engine at `secret/`.
#[derive(Clone, Debug)]
pub struct Vault {
    /// The tokens that are known, with what each may do at every path of the engine.
    pub tokens: BTreeMap<String, Vec<&'static str>>,
    /// An AppRole: role id, secret id, and the token that its login gives.
    pub role: (String, String, String),
    /// The namespace in which all of this is; `None` is the root.
    pub namespace: Option<String>,
    /// The engine's version, 2 or 1.
    pub engine: u8,
    /// Whether tokens may ask what they may do.
    pub tells_rights: bool,
    /// The versions of each secret, the first being 1; `None` was deleted.
    pub secrets: BTreeMap<String, Vec<Option<Value>>>,
}

impl Default for Vault {
    fn default() -> Self {
        let all = vec!["create", "read", "update"];
        let tokens = [("hvs.fake".to_owned(), all.clone()), ("hvs.role".to_owned(), all)];
        let bot = vec![Some(json!({ "OTHER": "untouched", "number": 1 }))];
        Self {
            tokens: tokens.into(),
            role: ("role-1".to_owned(), "secret-id-1".to_owned(), "hvs.role".to_owned()),
            namespace: None,
            engine: 2,
            tells_rights: true,
            secrets: BTreeMap::from([("apps/bot".to_owned(), bot)]),
        }
    }
}

impl Vault {
    /// The newest version of a secret.
    #[must_use]
    pub fn newest(&self, path: &str) -> Option<&Value> {
        self.secrets.get(path)?.last()?.as_ref()
    }

    fn login(&self, heard: &Heard) -> Reply {
        let (role, secret, token) = &self.role;
        let Some(body) = body(heard) else { return failed(400, "failed to parse JSON input") };
        if body["role_id"] != role.as_str() || body["secret_id"] != secret.as_str() {
            return failed(400, "invalid role or secret ID");
        }
        let auth =
            json!({ "client_token": token, "policies": ["bots"], "lease_duration": 1200, "renewable": true });
        Reply::json(200, &json!({ "request_id": "r", "data": null, "auth": auth }))
    }

    fn rights(&self, heard: &Heard, granted: &[&str]) -> Reply {
        if !self.tells_rights {
            return self.forbidden();
        }
        let Some(paths) = body(heard).and_then(|body| body["paths"].as_array().cloned()) else {
            return failed(400, "paths must be supplied");
        };
        let mut data = serde_json::Map::new();
        for path in paths.iter().filter_map(Value::as_str) {
            let rights = if path.starts_with("secret/") { json!(granted) } else { json!(["deny"]) };
            data.insert(path.to_owned(), rights);
        }
        let mut reply = data.clone();
        reply.insert("data".to_owned(), data.into());
        Reply::json(200, &reply.into())
    }

    fn read(&self, path: &str) -> Reply {
        let Some(versions) = self.secrets.get(path).filter(|versions| !versions.is_empty()) else {
            return Reply::json(404, &json!({ "errors": [] }));
        };
        let newest = versions.last().and_then(Option::as_ref);
        let deleted = if newest.is_some() { "" } else { "2026-11-27T19:00:00Z" };
        let metadata = json!({
            "created_time": "2026-11-27T18:00:00Z", "custom_metadata": null, "deletion_time": deleted, "destroyed": false,
            "version": versions.len(),
        });
        let status = if newest.is_some() { 200 } else { 404 };
        Reply::json(status, &json!({ "request_id": "r", "data": { "data": newest, "metadata": metadata } }))
    }

    fn write(&mut self, path: &str, heard: &Heard, granted: &[&str]) -> Reply {
        let Some(body) = body(heard) else { return failed(400, "failed to parse JSON input") };
        let Some(data) = body["data"].as_object() else { return failed(400, "no data provided") };
        let versions = self.secrets.entry(path.to_owned()).or_default();
        let needed = if versions.is_empty() { "create" } else { "update" };
        if !granted.contains(&needed) {
            return self.forbidden();
        }
        if body["options"]["cas"].as_u64().is_some_and(|cas| cas != versions.len() as u64) {
            return failed(400, "check-and-set parameter did not match the current version");
        }
        versions.push(Some(Value::Object(data.clone())));
        let data = json!({
            "created_time": "2026-11-27T20:00:00Z", "custom_metadata": null, "deletion_time": "", "destroyed": false,
            "version": versions.len(),
        });
        Reply::json(200, &json!({ "request_id": "r", "data": data }))
    }

    /// Version 1 takes any path and any object, and answers without a version.
    fn simple(&mut self, path: &str, heard: &Heard) -> Reply {
        if heard.method == Method::GET {
            return match self.newest(path) {
                Some(data) => Reply::json(200, &json!({ "request_id": "r", "data": data })),
                None => Reply::json(404, &json!({ "errors": [] })),
            };
        }
        let Some(data) = body(heard) else { return failed(400, "failed to parse JSON input") };
        self.secrets.insert(path.to_owned(), vec![Some(data)]);
        Reply::empty(204)
    }
}

impl Fake for Vault {
    fn answer(&mut self, heard: &Heard) -> Reply {
        let namespace = heard.header("x-vault-namespace");
        if self.namespace.as_deref().unwrap_or_default() != namespace {
            return failed(404, "no handler for route");
        }
        let segments = heard.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = heard.method.as_str();
        if (method, parts.as_slice()) == ("POST", &["v1", "auth", "approle", "login"]) {
            return self.login(heard);
        }
        let Some(granted) = self.tokens.get(heard.header("x-vault-token")).cloned() else {
            return failed(403, "permission denied");
        };
        match (method, parts.as_slice()) {
            ("GET", ["v1", "auth", "token", "lookup-self"]) => {
                let data = json!({ "display_name": "approle-bots", "policies": ["bots"], "ttl": 1000 });
                Reply::json(200, &json!({ "request_id": "r", "data": data }))
            }
            ("POST", ["v1", "sys", "capabilities-self"]) => self.rights(heard, &granted),
            ("GET" | "POST", ["v1", "secret", rest @ ..]) if self.engine == 1 => {
                self.simple(&rest.join("/"), heard)
            }
            ("GET", ["v1", "secret", "data", rest @ ..]) if granted.contains(&"read") => {
                self.read(&rest.join("/"))
            }
            ("POST", ["v1", "secret", "data", rest @ ..]) => self.write(&rest.join("/"), heard, &granted),
            ("GET", ["v1", "secret", ..]) => self.forbidden(),
            _ => failed(404, &format!("no handler for route \"{}\"", heard.path)),
        }
    }

    fn forbidden(&self) -> Reply {
        failed(403, "1 error occurred:\n\t* permission denied\n\n")
    }

    fn reads(heard: &Heard) -> bool {
        heard.method == Method::GET || !heard.path.starts_with("/v1/secret/")
    }
}

fn body(heard: &Heard) -> Option<Value> {
    serde_json::from_slice::<Value>(&heard.body).ok().filter(Value::is_object)
}

fn failed(status: u16, error: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [error] }))
}
