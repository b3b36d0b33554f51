//! Infisical: two secrets of a project's environment, through a machine identity's universal auth.
//!
//! Its API of version 4 writes both at once. Where a server is older and has none, version 3 takes one after the other.

mod answers;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::answers::{Found, Missing, Written};
use super::api::session::query;
use super::api::{self, Api, segment};
use super::{Settings, UrlCheck, drift};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Held, Looked, Means, Outbound, Outcome, PairNames, Proof, Put,
    SettingsFault, Stored, Writable,
};

/// A project's environment at Infisical, and the machine identity that writes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfisicalSettings {
    /// The server's address; Infisical's own cloud when absent.
    #[serde(default = "cloud")]
    pub address: String,
    /// The project's id.
    pub project_id: String,
    /// The environment's slug, for example `prod`.
    pub environment: String,
    /// The folder: `/` when absent.
    #[serde(default = "root")]
    pub path: String,
    /// The machine identity's client id, which is no secret.
    pub client_id: String,
    /// The names of the two secrets.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that proves the pair in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

fn cloud() -> String {
    "https://app.infisical.com".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

impl Settings for InfisicalSettings {
    const SECRET: Option<&'static str> = Some("the client secret of the machine identity's universal auth");

    fn check(&self) -> Result<(), SettingsFault> {
        api::check_address("address", &self.address)?;
        drift::check_text("project_id", &self.project_id, 100)?;
        drift::check_text("environment", &self.environment, 100)?;
        drift::check_text("client_id", &self.client_id, 100)?;
        drift::check_path("path", &self.path)?;
        if !self.path.starts_with('/') {
            return Err(SettingsFault { field: "path", problem: "it starts with a slash".to_owned() });
        }
        if let Some(check) = &self.in_use {
            check.check()?;
        }
        self.names.check()
    }

    fn keep_place(&mut self) {
        self.client_id.clear();
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let api = Api::new(&means.outbound, &self.address);
        Ok(Box::new(Infisical { settings: self, secret, api, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Infisical {
    settings: InfisicalSettings,
    secret: SecretText,
    api: Api,
    outbound: Outbound,
}

/// Which of its APIs the server has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Four,
    Three,
}

/// Both halves as they are there now.
struct Present {
    api: Version,
    key_id: Option<Found>,
    secret_key: Option<Found>,
}

impl Infisical {
    async fn log_in(&self) -> Result<Api, Fault> {
        let body =
            json!({ "clientId": self.settings.client_id, "clientSecret": self.secret.expose().trim() });
        let answer = self.api.question("/api/v1/auth/universal-auth/login", &body).await?;
        let reply: Value = self.api.read(answer)?;
        let token = reply["accessToken"].as_str().ok_or_else(|| self.api.unexpected())?;
        self.api.clone().with_login(&SecretText::new(token.to_owned()))
    }

    fn place(&self) -> String {
        let Self { settings, .. } = self;
        format!("{}{} at {}", settings.environment, settings.path, self.api.host())
    }

    fn named(&self, version: Version, name: &str) -> String {
        let settings = &self.settings;
        let name = segment(name);
        let (path, project) = match version {
            Version::Four => (format!("/api/v4/secrets/{name}"), "projectId"),
            Version::Three => (format!("/api/v3/secrets/raw/{name}"), "workspaceId"),
        };
        // As it is stored: no references followed, nothing taken from other folders.
        let rest = query(&[
            (project, &settings.project_id),
            ("environment", &settings.environment),
            ("secretPath", &settings.path),
            ("viewSecretValue", "true"),
            ("expandSecretReferences", "false"),
            ("include_imports", "false"),
        ]);
        format!("{path}{rest}")
    }

    async fn read(&self, api: &Api) -> Result<Present, Fault> {
        let names = &self.settings.names;
        let mut version = Version::Four;
        let key_id = match self.read_one(api, version, &names.key_id).await? {
            Ok(found) => found,
            Err(Missing) => {
                version = Version::Three;
                self.read_one(api, version, &names.key_id).await?.map_err(|Missing| api.unexpected())?
            }
        };
        let secret_key =
            self.read_one(api, version, &names.secret_key).await?.map_err(|Missing| api.unexpected())?;
        Ok(Present { api: version, key_id, secret_key })
    }

    /// One secret, or that the server has no such API.
    async fn read_one(
        &self,
        api: &Api,
        version: Version,
        name: &str,
    ) -> Result<Result<Option<Found>, Missing>, Fault> {
        let answer = api.get(&self.named(version, name)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return answers::not_found(api, &answer);
        }
        api.judge(&answer)?;
        answers::found(api, &answer).map(|found| Ok(Some(found)))
    }

    async fn write(&self, api: &Api, present: &Present, delivery: &Delivery) -> Result<Written, Fault> {
        match present.api {
            Version::Four => self.write_both(api, delivery).await,
            Version::Three => self.write_one_by_one(api, present, delivery).await,
        }
    }

    async fn write_both(&self, api: &Api, delivery: &Delivery) -> Result<Written, Fault> {
        let Self { settings, .. } = self;
        let body = json!({
            "projectId": settings.project_id,
            "environment": settings.environment,
            "secretPath": settings.path,
            "mode": "upsert",
            "secrets": [
                { "secretKey": settings.names.key_id, "secretValue": delivery.key_id.expose() },
                { "secretKey": settings.names.secret_key, "secretValue": delivery.secret_key.expose() },
            ],
        });
        let answer = api.change(Method::PATCH, "/api/v4/secrets/batch", &body).await?;
        api.judge(&answer)?;
        answers::written_both(api, &answer, &settings.names)
    }

    /// The Secret Key first: a program that reads in between has halves of two pairs and is refused, and the Key ID says that all is
    /// there.
    async fn write_one_by_one(
        &self,
        api: &Api,
        present: &Present,
        delivery: &Delivery,
    ) -> Result<Written, Fault> {
        let names = &self.settings.names;
        let first =
            self.write_one(api, &names.secret_key, &delivery.secret_key, present.secret_key.as_ref()).await?;
        // From here on something was changed, whatever becomes of the second.
        let second = self.write_one(api, &names.key_id, &delivery.key_id, present.key_id.as_ref()).await;
        let second = second.map_err(Fault::perhaps_applied)?;
        Ok(match (first, second) {
            // One request each, and both must be approved.
            (Written::Waits(first), Written::Waits(second)) => Written::Waits([first, second].concat()),
            (Written::Waits(requests), _) | (_, Written::Waits(requests)) => Written::Waits(requests),
            (Written::Done { secret_key, .. }, Written::Done { key_id, .. }) => {
                Written::Done { key_id, secret_key }
            }
        })
    }

    async fn write_one(
        &self,
        api: &Api,
        name: &str,
        value: &SecretText,
        there: Option<&Found>,
    ) -> Result<Written, Fault> {
        let Self { settings, .. } = self;
        // A delivery that was cut off between the two has written this one already.
        if let Some(found) = there.filter(|found| found.value.as_ref() == Some(value)) {
            return Ok(Written::Done { key_id: Some(found.version), secret_key: Some(found.version) });
        }
        let body = json!({
            "workspaceId": settings.project_id,
            "environment": settings.environment,
            "secretPath": settings.path,
            "secretValue": value.expose(),
            "type": "shared",
        });
        let method = if there.is_some() { Method::PATCH } else { Method::POST };
        let answer = api.change(method, &format!("/api/v3/secrets/raw/{}", segment(name)), &body).await?;
        api.judge(&answer)?;
        answers::written_one(api, &answer)
    }
}

impl Present {
    /// The versions of both, Key ID first; a dash stands for what is not there.
    fn version(&self) -> Option<String> {
        let version = |half: &Option<Found>| half.as_ref().map(|found| found.version);
        match (version(&self.key_id), version(&self.secret_key)) {
            (None, None) => None,
            (key_id, secret_key) => Some(versions(key_id, secret_key)),
        }
    }

    fn held(&self) -> Held {
        let (key_id, secret_key) = (&self.key_id, &self.secret_key);
        let hidden = [key_id, secret_key].into_iter().flatten().any(|found| found.value.is_none());
        if hidden {
            let mark = |half: &Option<Found>| half.as_ref().map(|found| format!("version {}", found.version));
            return Held::Names { key_id: mark(key_id), secret_key: mark(secret_key) };
        }
        let value = |half: &Option<Found>| half.as_ref().and_then(|found| found.value.clone());
        Held::Values { key_id: value(key_id), secret_key: value(secret_key) }
    }
}

fn versions(key_id: Option<u64>, secret_key: Option<u64>) -> String {
    let text = |version: Option<u64>| version.map_or_else(|| "-".to_owned(), |version| version.to_string());
    format!("{}/{}", text(key_id), text(secret_key))
}

/// Whether one of the halves is at a later version in the second text than in the first.
fn later(first: &str, second: &str) -> bool {
    let both = |text: &str| -> Vec<u64> { text.split('/').map(|part| part.parse().unwrap_or(0)).collect() };
    both(first).iter().zip(both(second)).any(|(first, second)| second > *first)
}

impl Consumer for Infisical {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            let held = present.held();
            if matches!(held, Held::Names { .. }) {
                let message = "the machine identity may not read the values, so that nothing could be proven";
                let next_step = "Give its role the right to read values in this environment and folder.";
                return Err(Fault::new(FaultKind::Forbidden, message, next_step));
            }
            let api_version = if present.api == Version::Four { "4" } else { "3" };
            let login = format!(
                "machine identity {} at {}, API version {api_version}",
                self.settings.client_id,
                api.host()
            );
            let seen = "the identity reads there, and Infisical tells no identity whether it may write";
            let writable = Writable::Likely(seen.to_owned());
            Ok(Looked { login, version: present.version(), held, writable })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            let version = present.version();
            if present.held().is(delivery) {
                return Ok(Put { version, outcome: Outcome::AlreadyThere });
            }
            if version.as_deref() != seen {
                return Err(drift::changed_meanwhile(&self.place()));
            }
            Ok(match self.write(&api, &present, delivery).await? {
                Written::Done { key_id, secret_key } => {
                    Put { version: Some(versions(key_id, secret_key)), outcome: Outcome::Written }
                }
                Written::Waits(requests) => {
                    let requests = match requests.as_slice() {
                        [one] => format!("change request {one}"),
                        several => format!("change requests {}", several.join(" and ")),
                    };
                    let what = format!(
                        "{requests} at {} must be approved and merged there, under Change Requests",
                        self.api.host()
                    );
                    Put { version, outcome: Outcome::Pending(what) }
                }
            })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            if present.held().is(delivery) {
                let in_use =
                    UrlCheck::ask_if_set(self.settings.in_use.as_ref(), &self.outbound, delivery).await?;
                return Ok(Proof { stored: Stored::ReadBack, in_use });
            }
            if let Outcome::Pending(what) = &put.outcome {
                return Err(Fault::new(FaultKind::NotYet, what.clone(), "Approve it there."));
            }
            let (put, now) = (put.version.clone().unwrap_or_default(), present.version().unwrap_or_default());
            let behind = later(&now, &put);
            Err(if behind { drift::not_yet(&self.place()) } else { drift::overwritten(&self.place()) })
        }
        .boxed()
    }
}
