//! Heroku's Platform API, as far as config vars go, by <https://devcenter.heroku.com/articles/platform-api-reference>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Fake, Heard, Reply};

/// An account with apps.
#[derive(Clone, Debug)]
pub struct Heroku {
    /// The token that is known.
    pub token: String,
    /// What the token may do, as Heroku names scopes.
    pub scope: String,
    /// The apps.
    pub apps: BTreeMap<String, App>,
    /// After how many looks at the releases a new one has succeeded.
    pub phase: u32,
}

/// One app.
#[derive(Clone, Debug, Default)]
pub struct App {
    /// Its config vars.
    pub vars: BTreeMap<String, String>,
    /// Its releases' states, the first being v1's.
    pub releases: Vec<State>,
}

/// The state of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its release phase runs, for so many more looks.
    Pending(u32),
    /// It runs or has run.
    Succeeded,
    /// Its release phase failed.
    Failed,
}

impl Heroku {
    /// An account with these apps, each at v1.
    #[must_use]
    pub fn with(apps: &[&str]) -> Self {
        let vars = BTreeMap::from([("OTHER".to_owned(), "untouched".to_owned())]);
        let app = App { vars, releases: vec![State::Succeeded] };
        Self {
            token: "HRKU-fake".to_owned(),
            scope: "global".to_owned(),
            apps: apps.iter().map(|name| ((*name).to_owned(), app.clone())).collect(),
            phase: 1,
        }
    }

    fn refused(&self, heard: &Heard) -> Option<Reply> {
        let accept = heard.header("accept");
        if !accept.starts_with("application/vnd.heroku+json") || !accept.contains("version=3") {
            return Some(failed(406, "not_acceptable", "Accept must name version 3."));
        }
        if heard.header("user-agent").is_empty() {
            return Some(failed(400, "bad_request", "User-Agent is missing."));
        }
        if heard.header("authorization") != format!("Bearer {}", self.token) {
            return Some(failed(401, "unauthorized", "Invalid credentials provided."));
        }
        None
    }

    fn may(&self, scopes: &[&str]) -> bool {
        self.scope.split(' ').any(|one| one == "global" || scopes.contains(&one))
    }

    fn vars(&mut self, heard: &Heard, name: &str) -> Reply {
        let (may_read, may_write) =
            (self.may(&["read-protected", "write-protected"]), self.may(&["write-protected"]));
        let scope = self.scope.clone();
        let phase = self.phase;
        let forbidden = self.forbidden();
        let Some(app) = self.apps.get_mut(name) else {
            return failed(404, "not_found", "Couldn't find that app.");
        };
        match heard.method.as_str() {
            "GET" if may_read => Reply::json(200, &json!(app.vars)).with("oauth-scope", &scope),
            "PATCH" if may_write => match heard.json() {
                Some(Value::Object(changes)) => app.change(&changes, phase),
                _ => failed(415, "unsupported_media_type", "The body must be JSON."),
            },
            "GET" | "PATCH" => forbidden,
            _ => failed(405, "method_not_allowed", "No."),
        }
    }

    fn releases(&mut self, heard: &Heard, name: &str) -> Reply {
        let Some(app) = self.apps.get_mut(name) else {
            return failed(404, "not_found", "Couldn't find that app.");
        };
        for state in &mut app.releases {
            *state = match *state {
                State::Pending(0) => State::Succeeded,
                State::Pending(looks) => State::Pending(looks - 1),
                settled => settled,
            };
        }
        let range = heard.header("range");
        let most = range.split("max=").nth(1).and_then(|max| max.parse().ok()).unwrap_or(200);
        let mut all = app.told();
        if range.contains("order=desc") {
            all.reverse();
        }
        let partial = all.len() > most;
        all.truncate(most);
        Reply::json(if partial { 206 } else { 200 }, &Value::Array(all))
    }

    fn dynos(&self, name: &str) -> Reply {
        let Some(app) = self.apps.get(name) else {
            return failed(404, "not_found", "Couldn't find that app.");
        };
        let dyno = |kind: &str, version: usize| json!({"name": format!("{kind}.1"), "type": kind, "state": "up", "release": {"version": version}});
        Reply::json(200, &json!([dyno("web", app.current()), dyno("run", 1)]))
    }
}

impl App {
    fn current(&self) -> usize {
        self.releases.iter().rposition(|state| *state == State::Succeeded).map_or(0, |place| place + 1)
    }

    fn change(&mut self, changes: &serde_json::Map<String, Value>, phase: u32) -> Reply {
        let mut vars = self.vars.clone();
        for (name, value) in changes {
            match value {
                Value::Null => _ = vars.remove(name),
                Value::String(text) => _ = vars.insert(name.clone(), text.clone()),
                _ => return failed(422, "invalid_params", "Config vars are text."),
            }
        }
        // What changes nothing makes no release.
        if vars != self.vars {
            self.releases.push(State::Pending(phase));
            self.vars = vars;
        }
        Reply::json(200, &json!(self.vars))
    }

    fn told(&self) -> Vec<Value> {
        let current = self.current();
        let word = |state: &State| match state {
            State::Pending(_) => "pending",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
        };
        let told = |(place, state)| json!({"version": place + 1, "status": word(state), "current": place + 1 == current});
        self.releases.iter().enumerate().map(told).collect()
    }
}

impl Fake for Heroku {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if let Some(refused) = self.refused(heard) {
            return refused;
        }
        let segments = heard.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (heard.method.as_str(), parts.as_slice()) {
            ("GET", ["account"]) if self.may(&["identity"]) => {
                Reply::json(200, &json!({"email": "ops@example.com"}))
            }
            ("GET", ["account"]) => self.forbidden(),
            (_, ["apps", app, "config-vars"]) => self.vars(heard, app),
            ("GET", ["apps", app, "releases"]) if self.may(&["read", "write"]) => self.releases(heard, app),
            ("GET", ["apps", app, "dynos"]) if self.may(&["read", "write"]) => self.dynos(app),
            ("GET", ["apps", _, _]) => self.forbidden(),
            _ => failed(404, "not_found", "The requested API endpoint was not found."),
        }
    }

    fn forbidden(&self) -> Reply {
        failed(403, "forbidden", "You do not have access to the app.")
    }

    fn limited(&self, seconds: u64) -> Reply {
        failed(429, "rate_limit", "Your account reached the API rate limit.")
            .with("retry-after", &seconds.to_string())
    }
}

fn failed(status: u16, id: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"id": id, "message": message}))
}
