//! GitHub's REST API, as far as secrets of Actions and their proof go, by <https://docs.github.com/en/rest/actions/secrets> and
//! <https://docs.github.com/en/rest/actions/workflows>. Paths of an Enterprise Server (`/api/v3`) work as well.

mod workflow;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::SecretKey;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

pub use self::workflow::Runs;
use crate::{Fake, Heard, Reply};

/// The versions of the API that GitHub knows.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// GitHub with one organisation, `o`, and its repository `o/r` with the environment `production`.
#[derive(Clone, Debug)]
pub struct Github {
    /// The token that is known.
    pub token: String,
    /// Secrets, by place and name.
    pub secrets: BTreeMap<(Place, String), Stored>,
    /// Whether the token's user may write to the repository.
    pub may_write: bool,
    /// Whether the repository is archived.
    pub archived: bool,
    /// The workflow's runs.
    pub runs: Runs,
    /// How often the public key was replaced.
    pub generation: u8,
    /// When secrets were changed, as reads tell it that are behind; nothing where they are not.
    pub listed_at: Option<Timestamp>,
    /// Whether reads that are behind do not know the secrets at all, before the next change.
    pub unlisted: bool,
    /// How many changes there were: each takes a second.
    changes: i64,
}

/// Whose secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The repository's.
    Repository,
    /// The environment's.
    Environment,
    /// The organisation's.
    Organization,
}

/// A secret as it is kept.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What was in the box.
    pub value: String,
    /// When it was written last.
    pub updated_at: Timestamp,
    /// With whom an organisation's is shared.
    pub visibility: Option<String>,
    /// The repositories that were chosen.
    pub selected: Vec<u64>,
}

impl Default for Github {
    fn default() -> Self {
        Self {
            token: "github_pat_fake".to_owned(),
            secrets: BTreeMap::new(),
            may_write: true,
            archived: false,
            runs: Runs::default(),
            generation: 0,
            listed_at: None,
            unlisted: false,
            changes: 0,
        }
    }
}

impl Github {
    /// The value of a secret.
    #[must_use]
    pub fn value(&self, place: Place, name: &str) -> Option<&str> {
        self.secrets.get(&(place, name.to_owned())).map(|stored| stored.value.as_str())
    }

    fn key(&self) -> (SecretKey, String) {
        (
            SecretKey::from([self.generation.wrapping_add(7); 32]),
            format!("56825016724254974{}", self.generation),
        )
    }

    fn place(&self, place: Place, heard: &Heard, rest: &[&str]) -> Reply {
        let get = heard.method == http::Method::GET;
        match rest {
            ["public-key"] if get => {
                let (key, id) = self.key();
                Reply::json(200, &json!({"key_id": id, "key": STANDARD.encode(key.public_key().as_bytes())}))
            }
            [] if get => {
                let all: Vec<Value> = self
                    .secrets
                    .iter()
                    .filter(|((at, _), _)| *at == place)
                    .map(|((_, name), stored)| told(name, stored))
                    .collect();
                Reply::json(200, &json!({"total_count": all.len(), "secrets": all}))
            }
            [name] if get => match self.secrets.get(&(place, name.to_ascii_uppercase())) {
                Some(stored) if !self.unlisted => {
                    let updated_at = self.listed_at.unwrap_or(stored.updated_at);
                    Reply::json(200, &told(name, &Stored { updated_at, ..stored.clone() }))
                }
                _ => failed(404, "Not Found"),
            },
            [name, "repositories"] if get => match self.secrets.get(&(place, name.to_ascii_uppercase())) {
                Some(stored) => {
                    let first = heard.asked("page").is_none_or(|page| page == "1");
                    let ids = if first { stored.selected.as_slice() } else { &[] };
                    let all: Vec<Value> = ids.iter().map(|id| json!({"id": id, "name": "r"})).collect();
                    Reply::json(200, &json!({"total_count": stored.selected.len(), "repositories": all}))
                }
                None => failed(404, "Not Found"),
            },
            _ => failed(404, "Not Found"),
        }
    }

    fn put(&mut self, place: Place, heard: &Heard, name: &str) -> Reply {
        if !self.may_write || self.archived {
            return self.forbidden();
        }
        let name = name.to_ascii_uppercase();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || name.starts_with("GITHUB_") || name.starts_with(|first: char| first.is_ascii_digit()) {
            return failed(422, "Secret names can only contain alphanumeric characters or underscores.");
        }
        let Some(body) = heard.json() else { return failed(400, "Problems parsing JSON") };
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let (key, id) = self.key();
        if text("key_id") != Some(&id) {
            return failed(422, "The key_id is not that of the current public key.");
        }
        let sealed = text("encrypted_value").and_then(|value| STANDARD.decode(value).ok());
        let opened = sealed.and_then(|sealed| key.unseal(&sealed).ok());
        let Some(value) = opened.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return failed(422, "The value is not encrypted with the public key.");
        };
        let visibility = text("visibility").map(str::to_owned);
        if place == Place::Organization && visibility.is_none() {
            return failed(422, "Visibility is missing.");
        }
        let selected = body.get("selected_repository_ids").and_then(Value::as_array);
        let selected = selected.map(|ids| ids.iter().filter_map(Value::as_u64).collect()).unwrap_or_default();
        self.changes += 1;
        self.unlisted = false;
        let updated_at = heard.now.checked_add(Span::new().seconds(self.changes)).unwrap_or(heard.now);
        let stored = Stored { value, updated_at, visibility, selected };
        let known = self.secrets.insert((place, name), stored).is_some();
        if known { Reply::empty(204) } else { Reply::json(201, &json!({})) }
    }

    fn route(&mut self, heard: &Heard, parts: &[&str]) -> Reply {
        let (place, rest) = match parts {
            ["repos", "o", "r", "actions", "secrets", rest @ ..] => (Place::Repository, rest),
            ["repos", "o", "r", "environments", "production", "secrets", rest @ ..]
            | ["repositories", "1", "environments", "production", "secrets", rest @ ..] => {
                (Place::Environment, rest)
            }
            ["orgs", "o", "actions", "secrets", rest @ ..] => (Place::Organization, rest),
            ["repos", "o", "r", "actions", "workflows", "paddock.yml" | "1", rest @ ..] => {
                let has = !self.secrets.is_empty();
                return self.runs.answer(heard, rest, has);
            }
            ["repos", "o", "r"] => {
                let may = json!({"admin": false, "maintain": false, "push": self.may_write, "pull": true});
                let told =
                    json!({"id": 1, "full_name": "o/r", "archived": self.archived, "permissions": may});
                return Reply::json(200, &told);
            }
            ["user"] => return Reply::json(200, &json!({"login": "octo"})),
            _ => return failed(404, "Not Found"),
        };
        match (heard.method.as_str(), rest) {
            ("PUT", [name]) => self.put(place, heard, name),
            _ => self.place(place, heard, rest),
        }
    }
}

fn told(name: &str, stored: &Stored) -> Value {
    let mut told = json!({"name": name, "created_at": "2026-01-01T00:00:00Z", "updated_at": stored.updated_at.to_string()});
    if let Some(visibility) = &stored.visibility {
        told["visibility"] = json!(visibility);
    }
    told
}

impl Fake for Github {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if heard.header("user-agent").is_empty() {
            return Reply::text(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            );
        }
        let version = heard.header("x-github-api-version");
        if !version.is_empty() && !VERSIONS.contains(&version) {
            return failed(400, "That version is not supported.");
        }
        let login = heard.header("authorization");
        if login != format!("Bearer {}", self.token) && login != format!("token {}", self.token) {
            return failed(401, "Bad credentials");
        }
        let segments = heard.segments();
        let mut parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if parts.starts_with(&["api", "v3"]) {
            parts.drain(..2);
        }
        self.route(heard, &parts)
    }

    fn forbidden(&self) -> Reply {
        failed(403, "Resource not accessible by personal access token")
    }

    /// The secondary limit, which is a 403.
    fn limited(&self, seconds: u64) -> Reply {
        failed(403, "You have exceeded a secondary rate limit.").with("retry-after", &seconds.to_string())
    }
}

pub(crate) fn failed(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message, "documentation_url": "https://docs.github.com/rest"}))
}
