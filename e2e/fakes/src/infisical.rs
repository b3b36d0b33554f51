//! Infisical: universal auth, and secrets by its API of version 4 and of version 3, by its server's routers
//! (<https://github.com/Infisical/infisical/blob/main/backend/src/server/routes/v4/secret-router.ts>).

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::{Fake, Heard, Reply};

/// A server with one project that has one environment.
#[derive(Clone, Debug)]
pub struct Infisical {
    /// The machine identity: client id and client secret.
    pub identity: (String, String),
    /// The project's id.
    pub project: String,
    /// The environment's slug.
    pub environment: String,
    /// The secrets of each folder, with their versions.
    pub folders: BTreeMap<String, BTreeMap<String, (String, u64)>>,
    /// Whether the server is new enough for version 4.
    pub has_version_4: bool,
    /// Whether changes in the folder must be approved.
    pub protected: bool,
    /// Changes that wait.
    pub waiting: Vec<Vec<(String, String)>>,
    /// Whether the identity may see values.
    pub shows_values: bool,
    /// Whether the identity may write.
    pub may_write: bool,
}

/// The token of the identity's logins.
const TOKEN: &str = "eyJ.fake.token";

impl Default for Infisical {
    fn default() -> Self {
        let secrets = BTreeMap::from([("OTHER".to_owned(), ("untouched".to_owned(), 1))]);
        Self {
            identity: ("client-1".to_owned(), "client-secret-1".to_owned()),
            project: "project-1".to_owned(),
            environment: "prod".to_owned(),
            folders: BTreeMap::from([("/bots".to_owned(), secrets)]),
            has_version_4: true,
            protected: false,
            waiting: Vec::new(),
            shows_values: true,
            may_write: true,
        }
    }
}

/// Where a request looks or writes.
struct Place {
    folder: String,
}

impl Infisical {
    /// Somebody approves what waits.
    pub fn approve(&mut self) {
        for change in std::mem::take(&mut self.waiting) {
            for (name, value) in change {
                self.store("/bots", &name, &value);
            }
        }
    }

    fn store(&mut self, folder: &str, name: &str, value: &str) {
        // The server trims what it is given.
        let value = value.trim().to_owned();
        let secrets = self.folders.entry(folder.to_owned()).or_default();
        let version = secrets.get(name).map_or(1, |(_, version)| version + 1);
        secrets.insert(name.to_owned(), (value, version));
    }

    fn login(&self, heard: &Heard) -> Reply {
        let Some(body) = heard.json() else { return failed(422, "body is missing") };
        if body["clientId"] != self.identity.0.as_str() || body["clientSecret"] != self.identity.1.as_str() {
            return failed(401, "Invalid credentials");
        }
        let reply = json!({
            "accessToken": TOKEN, "expiresIn": 7200, "accessTokenMaxTTL": 7200, "tokenType": "Bearer",
        });
        Reply::json(200, &reply)
    }

    /// The folder, if project, environment and folder exist.
    fn place(
        &self,
        project: Option<String>,
        environment: Option<String>,
        path: Option<String>,
    ) -> Result<Place, Reply> {
        let (Some(project), Some(environment)) = (project, environment) else {
            return Err(failed(422, "Required"));
        };
        if project != self.project {
            return Err(failed(404, &format!("Project with ID '{project}' not found")));
        }
        let folder = path.unwrap_or_else(|| "/".to_owned());
        let folder = if folder.len() > 1 { folder.trim_end_matches('/').to_owned() } else { folder };
        if environment != self.environment || !self.folders.contains_key(&folder) {
            let message =
                format!("Folder with path '{folder}' in environment with slug '{environment}' not found");
            return Err(failed(404, &message));
        }
        Ok(Place { folder })
    }

    fn asked(&self, heard: &Heard, project: &str) -> Result<Place, Reply> {
        self.place(heard.asked(project), heard.asked("environment"), heard.asked("secretPath"))
    }

    fn named(&self, body: &Value, project: &str) -> Result<Place, Reply> {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        self.place(text(project), text("environment"), text("secretPath"))
    }

    fn read(&self, place: &Place, name: &str) -> Reply {
        match self.folders[&place.folder].get(name) {
            Some((value, version)) => {
                Reply::json(200, &json!({ "secret": self.told(name, value, *version) }))
            }
            None => failed(404, &format!("Secret with name '{name}' not found")),
        }
    }

    fn told(&self, name: &str, value: &str, version: u64) -> Value {
        let shown = if self.shows_values { value } else { "<hidden-by-infisical>" };
        json!({
            "id": format!("id-{name}"), "_id": format!("id-{name}"), "workspace": self.project,
            "environment": self.environment, "version": version, "type": "shared", "secretKey": name,
            "secretValue": shown, "secretValueHidden": !self.shows_values, "secretComment": "", "tags": [],
            "secretMetadata": [], "createdAt": "2026-11-27T20:00:00Z", "updatedAt": "2026-11-27T20:00:00Z",
        })
    }

    fn batch(&mut self, heard: &Heard) -> Result<Reply, Reply> {
        let body = heard.json().ok_or_else(|| failed(422, "body is missing"))?;
        let place = self.named(&body, "projectId")?;
        let secrets = body["secrets"].as_array().filter(|secrets| !secrets.is_empty());
        let secrets = secrets.ok_or_else(|| failed(422, "Array must contain at least 1 element(s)"))?;
        let mut change = Vec::new();
        for secret in secrets {
            let (Some(name), Some(value)) = (secret["secretKey"].as_str(), secret["secretValue"].as_str())
            else {
                return Err(failed(422, "Required"));
            };
            if body["mode"] != "upsert" && !self.folders[&place.folder].contains_key(name) {
                return Err(failed(404, &format!("Secret with name '{name}' not found")));
            }
            change.push((name.to_owned(), value.to_owned()));
        }
        Ok(self.apply(&place, change, |told| json!({ "secrets": told })))
    }

    fn one(&mut self, heard: &Heard, name: &str) -> Result<Reply, Reply> {
        let body = heard.json().ok_or_else(|| failed(422, "body is missing"))?;
        let place = self.named(&body, "workspaceId")?;
        let value = body["secretValue"].as_str().ok_or_else(|| failed(422, "Required"))?;
        if body["type"] != "shared" {
            return Err(failed(422, "Invalid enum value"));
        }
        let there = self.folders[&place.folder].contains_key(name);
        match (heard.method == Method::POST, there) {
            (true, true) => return Err(failed(400, "Secret already exist")),
            (false, false) => return Err(failed(404, &format!("Secret with name '{name}' not found"))),
            _ => {}
        }
        let change = vec![(name.to_owned(), value.to_owned())];
        Ok(self.apply(&place, change, |mut told| json!({ "secret": told.remove(0) })))
    }

    fn apply(
        &mut self,
        place: &Place,
        change: Vec<(String, String)>,
        told: impl FnOnce(Vec<Value>) -> Value,
    ) -> Reply {
        if !self.may_write {
            return self.forbidden();
        }
        if self.protected {
            self.waiting.push(change);
            let slug = format!("change-{}", self.waiting.len());
            let approval = json!({ "id": "a-1", "slug": slug, "status": "open", "hasMerged": false });
            return Reply::json(200, &json!({ "approval": approval }));
        }
        for (name, value) in &change {
            self.store(&place.folder, name, value);
        }
        let all = change.iter().map(|(name, _)| {
            let (value, version) = &self.folders[&place.folder][name];
            self.told(name, value, *version)
        });
        Reply::json(200, &told(all.collect()))
    }
}

impl Fake for Infisical {
    fn answer(&mut self, heard: &Heard) -> Reply {
        let segments = heard.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = heard.method.as_str();
        let known = match (method, parts.as_slice()) {
            ("POST", ["api", "v1", "auth", "universal-auth", "login"]) => return self.login(heard),
            ("PATCH", ["api", "v4", "secrets", "batch"]) | ("GET", ["api", "v4", "secrets", _]) => {
                self.has_version_4
            }
            ("GET" | "POST" | "PATCH", ["api", "v3", "secrets", "raw", _]) => true,
            _ => false,
        };
        if !known {
            // From the framework: without a request id.
            let message = format!("Route {method}:{} not found", heard.path);
            return Reply::json(404, &json!({ "message": message, "error": "Not Found", "statusCode": 404 }));
        }
        if heard.header("authorization") != format!("Bearer {TOKEN}") {
            return failed(401, "Token missing");
        }
        let reply = match (method, parts.as_slice()) {
            ("PATCH", ["api", "v4", ..]) => self.batch(heard),
            ("GET", ["api", "v4", _, name]) => {
                self.asked(heard, "projectId").map(|place| self.read(&place, name))
            }
            ("GET", [.., name]) => self.asked(heard, "workspaceId").map(|place| self.read(&place, name)),
            (_, [.., name]) => self.one(heard, name),
            (_, []) => Err(failed(404, "nothing")),
        };
        reply.unwrap_or_else(|refusal| refusal)
    }

    fn forbidden(&self) -> Reply {
        failed(403, "You are not allowed to edit on secrets")
    }

    fn reads(heard: &Heard) -> bool {
        heard.method == Method::GET || heard.path.starts_with("/api/v1/auth/")
    }
}

fn failed(status: u16, message: &str) -> Reply {
    let name = match status {
        404 => "NotFound",
        403 => "PermissionDenied",
        401 => "Unauthorized",
        422 => "ValidationFailure",
        _ => "BadRequest",
    };
    Reply::json(status, &json!({ "reqId": "req-1", "statusCode": status, "message": message, "error": name }))
}
