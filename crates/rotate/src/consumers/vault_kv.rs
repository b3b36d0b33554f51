//! HashiCorp Vault and OpenBao: a secret in a key-value engine of version 2. Both speak the same API.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderName, Method, StatusCode};
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::session::segments;
use super::api::{self, Api};
use super::document::Document;
use super::{Settings, UrlCheck, drift};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Looked, Means, Outbound, Outcome, PairNames, Proof, Put,
    SettingsFault, Stored, Writable,
};

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// Vault's own clients send it, and agents and proxies may insist on it.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A secret in a key-value engine, and how to log in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultKvSettings {
    /// The server's address, for example `https://vault.example.com:8200`.
    pub address: String,
    /// The namespace, where the server has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where the key-value engine of version 2 is mounted: `secret` when absent.
    #[serde(default = "usual_mount")]
    pub mount: String,
    /// The secret's path below the mount, without `data/`.
    pub path: String,
    /// With what to log in; a token when absent.
    #[serde(default)]
    pub login: VaultLogin,
    /// The names of the two fields.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that proves the pair in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

/// With what to log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum VaultLogin {
    /// The consumer's secret is a token.
    #[default]
    Token,
    /// The consumer's secret is the secret id of an AppRole.
    AppRole(AppRole),
}

/// An AppRole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRole {
    /// The role's id, which is no secret.
    pub role_id: String,
    /// Where AppRole is mounted: `approle` when absent.
    #[serde(default = "usual_approle")]
    pub mount: String,
}

fn usual_mount() -> String {
    "secret".to_owned()
}

fn usual_approle() -> String {
    "approle".to_owned()
}

impl Settings for VaultKvSettings {
    const SECRET: Option<&'static str> = Some("a token, or the secret id of the AppRole");

    fn check(&self) -> Result<(), SettingsFault> {
        api::check_address("address", &self.address)?;
        drift::check_path("mount", &self.mount)?;
        drift::check_path("path", &self.path)?;
        if let Some(namespace) = &self.namespace {
            drift::check_path("namespace", namespace)?;
        }
        if let VaultLogin::AppRole(role) = &self.login {
            drift::check_text("login.role_id", &role.role_id, 200)?;
            drift::check_path("login.mount", &role.mount)?;
        }
        if let Some(check) = &self.in_use {
            check.check()?;
        }
        self.names.check()
    }

    fn keep_place(&mut self) {
        self.login = VaultLogin::Token;
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let api = Api::new(&means.outbound, &self.address);
        Ok(Box::new(VaultKv { settings: self, secret, api, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct VaultKv {
    settings: VaultKvSettings,
    secret: SecretText,
    api: Api,
    outbound: Outbound,
}

/// What is at the path.
struct Present {
    /// The newest version, 0 when there was never one. A check-and-set names it.
    version: u64,
    /// Its fields; none when it was deleted.
    document: Document,
}

#[derive(Deserialize)]
struct ReadReply {
    data: Option<ReadData>,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct ReadData {
    data: Option<Document>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    version: Option<u64>,
}

#[derive(Serialize)]
struct Write<'a> {
    options: Options,
    data: &'a Document,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

impl VaultKv {
    /// What the path is called in messages and in the server's policies.
    fn place(&self) -> String {
        format!("{}/data/{}", self.settings.mount.trim_matches('/'), self.settings.path.trim_matches('/'))
    }

    fn target(&self) -> String {
        format!("/v1/{}/data/{}", segments(&self.settings.mount), segments(&self.settings.path))
    }

    /// The API with a token that may be used now.
    async fn log_in(&self) -> Result<Api, Fault> {
        let mut api = self.api.clone().with(REQUEST, "true");
        if let Some(namespace) = &self.settings.namespace {
            api = api.with_text(NAMESPACE, namespace)?;
        }
        let VaultLogin::AppRole(role) = &self.settings.login else {
            return api.with_secret(TOKEN, self.secret.expose().trim());
        };
        let body = json!({ "role_id": role.role_id, "secret_id": self.secret.expose().trim() });
        let answer = api.question(&format!("/v1/auth/{}/login", segments(&role.mount)), &body).await?;
        // Vault and OpenBao answer 400 to a role or a secret id that they do not know.
        if matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN) {
            let message = format!("{} refused the AppRole login", api.host());
            return Err(Fault::new(
                FaultKind::Login,
                message,
                "Check the role id, and replace the secret id.",
            ));
        }
        let reply: Value = api.read(answer)?;
        let token = reply["auth"]["client_token"].as_str().ok_or_else(|| api.unexpected())?;
        api.with_secret(TOKEN, token)
    }

    async fn read(&self, api: &Api) -> Result<Present, Fault> {
        let answer = api.get(&self.target()).await?;
        if answer.status == StatusCode::NOT_FOUND {
            let reply: ReadReply = api.parse(&answer)?;
            // With a version, the newest one was deleted. Without, there is no such secret, or no such engine, and then it says so.
            let version = reply.data.and_then(|data| data.metadata).and_then(|metadata| metadata.version);
            return match version {
                None if !reply.errors.is_empty() => Err(self.no_engine()),
                version => Ok(Present { version: version.unwrap_or(0), document: Document::default() }),
            };
        }
        api.judge(&answer)?;
        // In an engine of version 1 a field may have any form.
        let reply: ReadReply = api.parse(&answer).map_err(|_| self.no_engine())?;
        let data = reply.data.ok_or_else(|| self.no_engine())?;
        let version = data.metadata.and_then(|metadata| metadata.version).ok_or_else(|| self.no_engine())?;
        Ok(Present { version, document: data.data.unwrap_or_default() })
    }

    fn no_engine(&self) -> Fault {
        let message = format!("there is no key-value engine of version 2 at {}", self.settings.mount);
        let next_step = "Check the mount and its version: version 1 keeps no versions and cannot compare before it writes.";
        Fault::new(FaultKind::Settings, message, next_step)
    }

    async fn rights(&self, api: &Api, version: u64) -> Result<Writable, Fault> {
        let place = self.place();
        let answer = api.question("/v1/sys/capabilities-self", &json!({ "paths": [place] })).await?;
        if answer.status == StatusCode::FORBIDDEN {
            // The token is good, since it has read the path; its policies leave this question out.
            let seen = "the token may read the path and may not ask what else it may";
            return Ok(Writable::Likely(seen.to_owned()));
        }
        let reply: Value = api.read(answer)?;
        let granted = [&reply["data"][&place], &reply[&place]].into_iter().find_map(Value::as_array);
        let granted: Vec<&str> =
            granted.ok_or_else(|| api.unexpected())?.iter().filter_map(Value::as_str).collect();
        let needed = if version == 0 { "create" } else { "update" };
        if granted.contains(&needed) || granted.contains(&"root") {
            return Ok(Writable::Proven);
        }
        let message = format!("the token may not {needed} {place}");
        let next_step = format!(
            "Give it a policy with: path \"{place}\" {{ capabilities = [\"create\", \"read\", \"update\"] }}"
        );
        Err(Fault::new(FaultKind::Forbidden, message, next_step))
    }

    /// As whom the token is known, where it may ask.
    async fn who(&self, api: &Api) -> Result<String, Fault> {
        let answer = api.get("/v1/auth/token/lookup-self").await?;
        if answer.status == StatusCode::FORBIDDEN {
            return Ok("a token that may not look at itself".to_owned());
        }
        let reply: Value = api.read(answer)?;
        Ok(reply["data"]["display_name"].as_str().unwrap_or("a token").to_owned())
    }

    async fn write(&self, api: &Api, present: Present, delivery: &Delivery) -> Result<u64, Fault> {
        let document = present.document.with(&self.settings.names, delivery)?;
        let body = Write { options: Options { cas: present.version }, data: &document };
        let answer = api.change(Method::POST, &self.target(), &body).await?;
        if answer.status == StatusCode::BAD_REQUEST {
            let reply: Value = api.parse(&answer).unwrap_or_default();
            let compared = reply["errors"].to_string().contains("check-and-set");
            return Err(if compared { drift::changed_meanwhile(&self.place()) } else { api.unexpected() });
        }
        api.judge(&answer)?;
        // An engine of version 1 takes the same request, answers well, and keeps something else.
        let reply: Value = api.parse(&answer).unwrap_or_default();
        reply["data"]["version"].as_u64().ok_or_else(|| self.no_engine().perhaps_applied())
    }
}

impl Consumer for VaultKv {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            let writable = self.rights(&api, present.version).await?;
            let held = present.document.held(&self.settings.names);
            let login = format!("{} at {}", self.who(&api).await?, api.host());
            Ok(Looked { login, version: some_version(present.version), held, writable })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            let version = some_version(present.version);
            if present.document.holds(&self.settings.names, delivery) {
                return Ok(Put { version, outcome: Outcome::AlreadyThere });
            }
            if version.as_deref() != seen {
                return Err(drift::changed_meanwhile(&self.place()));
            }
            let version = self.write(&api, present, delivery).await?;
            Ok(Put { version: some_version(version), outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            if present.document.holds(&self.settings.names, delivery) {
                let in_use =
                    UrlCheck::ask_if_set(self.settings.in_use.as_ref(), &self.outbound, delivery).await?;
                return Ok(Proof { stored: Stored::ReadBack, in_use });
            }
            // A standby may be behind.
            let written = put.version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0);
            let behind = present.version < written;
            Err(if behind { drift::not_yet(&self.place()) } else { drift::overwritten(&self.place()) })
        }
        .boxed()
    }
}

fn some_version(version: u64) -> Option<String> {
    (version > 0).then(|| version.to_string())
}
