//! Cloudflare Workers: secrets of one Worker.
//!
//! Both halves change in one request, which makes one version of the Worker and deploys it
//! (<https://developers.cloudflare.com/api/resources/workers/subresources/scripts/subresources/secrets/>). Values never come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::Method;
use jiff::Timestamp;
use paddock_core::{Clock, SecretText};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::api::{self, Api, segment};
use super::in_use::UrlCheck;
use super::{Settings, drift, since};
use crate::{
    Answer, Consumer, Delivery, Fault, FaultKind, Held, Looked, Means, Outbound, Outcome, PairNames, Proof,
    Put, SettingsFault, Stored, Writable,
};

/// The latest version of the Worker is not the one that is deployed.
const NOT_DEPLOYED: u32 = 10215;

/// A Worker on Cloudflare. The secret is an API token with "Workers Scripts: Edit" on the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudflareSettings {
    /// The account's id: 32 hexadecimal digits.
    pub account_id: String,
    /// The Worker's name.
    pub script: String,
    /// The names of the secrets.
    #[serde(default)]
    pub names: PairNames,
    /// A URL of the Worker that tells whether it works with the new pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
    /// The API's address.
    #[serde(default = "default_api")]
    pub api: String,
}

fn default_api() -> String {
    "https://api.cloudflare.com/client/v4".to_owned()
}

impl Settings for CloudflareSettings {
    const SECRET: Option<&'static str> = Some("an API token of Cloudflare");

    fn check(&self) -> Result<(), SettingsFault> {
        if self.account_id.len() != 32 || !self.account_id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let problem = "an account's id has 32 hexadecimal digits".to_owned();
            return Err(SettingsFault { field: "account_id", problem });
        }
        api::check_part("script", &self.script)?;
        self.names.check()?;
        api::check_address("api", &self.api)?;
        self.in_use.as_ref().map_or(Ok(()), UrlCheck::check)
    }

    fn keep_place(&mut self) {
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let api = Api::new(&means.outbound, &self.api).with_bearer(&secret)?;
        let (outbound, clock) = (means.outbound.clone(), Arc::clone(&means.clock));
        Ok(Box::new(Worker { settings: self, api, outbound, clock }))
    }
}

#[derive(Debug)]
struct Worker {
    settings: CloudflareSettings,
    api: Api,
    outbound: Outbound,
    clock: Arc<dyn Clock>,
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<T> {
    success: bool,
    result: Option<T>,
}

#[derive(Deserialize)]
struct Failed {
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: u32,
}

#[derive(Deserialize)]
struct Token {
    id: String,
    status: String,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
}

#[derive(Deserialize)]
struct Deployments {
    /// Newest first.
    deployments: Vec<Deployment>,
}

#[derive(Deserialize)]
struct Deployment {
    id: String,
    #[serde(default)]
    created_on: Option<Timestamp>,
    versions: Vec<serde::de::IgnoredAny>,
}

/// The last deployments.
struct Deployed {
    /// The one that serves.
    now: Deployment,
    /// Those before it, newest first.
    earlier: Vec<Deployment>,
    /// Later ones are from this instant on.
    since: Timestamp,
}

impl Deployed {
    fn newest_first(&self) -> impl Iterator<Item = &Deployment> {
        std::iter::once(&self.now).chain(&self.earlier)
    }

    fn has(&self, id: &str) -> bool {
        self.newest_first().any(|one| one.id == id)
    }
}

#[derive(Serialize)]
struct Bulk<'a> {
    secrets: BTreeMap<&'a str, NewSecret<'a>>,
}

#[derive(Serialize)]
struct NewSecret<'a> {
    name: &'a str,
    text: &'a str,
    r#type: &'static str,
}

impl Worker {
    fn path(&self, what: &str) -> String {
        let (account, script) = (&self.settings.account_id, segment(&self.settings.script));
        format!("/accounts/{account}/workers/scripts/{script}/{what}")
    }

    /// What is in a successful answer: Cloudflare says so twice, in the status and in the body.
    fn read<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, Fault> {
        if !answer.status.is_success() {
            return Err(self.refused(&answer));
        }
        let envelope: Envelope<T> = self.api.read(answer)?;
        envelope.result.filter(|_| envelope.success).ok_or_else(|| self.api.unexpected())
    }

    fn refused(&self, answer: &Answer) -> Fault {
        let failed = serde_json::from_slice::<Failed>(&answer.body).ok();
        let codes: Vec<u32> =
            failed.into_iter().flat_map(|failed| failed.errors).map(|error| error.code).collect();
        if codes.contains(&NOT_DEPLOYED) {
            let message = format!("the latest version of {} is not deployed", self.settings.script);
            let next_step = "Deploy it with `wrangler versions deploy`, or go back to the deployed one with `wrangler deploy`.";
            return Fault::new(FaultKind::Forbidden, message, next_step);
        }
        let fault = answer.fault(self.api.host()).unwrap_or_else(|| self.api.unexpected());
        let told: Vec<String> = codes.iter().map(u32::to_string).collect();
        if told.is_empty() {
            return fault;
        }
        Fault { message: format!("{}, Cloudflare's code {}", fault.message, told.join(", ")), ..fault }
    }

    /// Who the token is: one of a user or one of the account.
    async fn login(&self) -> Result<String, Fault> {
        let mut answer = self.api.get("/user/tokens/verify").await?;
        if matches!(answer.status.as_u16(), 400 | 401 | 403) {
            answer = self.api.get(&format!("/accounts/{}/tokens/verify", self.settings.account_id)).await?;
        }
        let token: Token = self.read(answer)?;
        if token.status != "active" {
            let message = format!("the token is {}", token.status);
            return Err(Fault::new(FaultKind::Login, message, "Make a new token and replace the secret."));
        }
        Ok(format!("token {} at {}", token.id, self.api.host()))
    }

    async fn has(&self) -> Result<(bool, bool), Fault> {
        let listed: Vec<Listed> = self.read(self.api.get(&self.path("secrets")).await?)?;
        let has = |name: &str| listed.iter().any(|secret| secret.name == name);
        Ok((has(&self.settings.names.key_id), has(&self.settings.names.secret_key)))
    }

    /// The last deployments, newest first: that one serves now.
    async fn deployments(&self) -> Result<Deployed, Fault> {
        let answer = self.api.get(&self.path("deployments")).await?;
        let since = since::since(&answer, self.clock.now());
        let all: Deployments = self.read(answer)?;
        let mut all = all.deployments.into_iter();
        let now = all.next().ok_or_else(|| {
            let message = format!("{} was never deployed", self.settings.script);
            Fault::new(FaultKind::NotFound, message, "Deploy it once, for example with `wrangler deploy`.")
        })?;
        Ok(Deployed { now, earlier: all.collect(), since })
    }

    /// Lets a success through, whatever its result.
    fn succeeded(&self, answer: Answer) -> Result<(), Fault> {
        if !answer.status.is_success() {
            return Err(self.refused(&answer));
        }
        let envelope: Result<Envelope<serde::de::IgnoredAny>, Fault> = self.api.read(answer);
        let good = envelope.is_ok_and(|envelope| envelope.success);
        if good { Ok(()) } else { Err(self.api.unexpected().perhaps_applied()) }
    }
}

impl Consumer for Worker {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let login = self.login().await?;
            let (key_id, secret_key) = self.has().await?;
            let deployed = self.deployments().await?;
            if deployed.now.versions.len() > 1 {
                let message =
                    format!("{} is being rolled out to a part of its requests", self.settings.script);
                let next_step = "Finish the rollout: a secret can be set only when one version serves all.";
                return Err(Fault::new(FaultKind::Forbidden, message, next_step));
            }
            // No version is told: a deployment of new code is one as well, and says nothing of secrets.
            let mark = |there: bool| there.then(|| "exists".to_owned());
            let held = Held::Names { key_id: mark(key_id), secret_key: mark(secret_key) };
            let seen =
                "secrets can be listed; whether they can be set, Cloudflare tells only when it is done";
            Ok(Looked { login, version: None, held, writable: Writable::Likely(seen.to_owned()) })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, _: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let before = self.deployments().await?;
            let names = &self.settings.names;
            let secret = |name, text| (name, NewSecret { name, text, r#type: "secret_text" });
            let secrets = BTreeMap::from([
                secret(names.key_id.as_str(), delivery.key_id.expose()),
                secret(names.secret_key.as_str(), delivery.secret_key.expose()),
            ]);
            let answer =
                self.api.change(Method::PATCH, &self.path("secrets-bulk"), &Bulk { secrets }).await?;
            self.succeeded(answer)?;
            let after = self.deployments().await.map_err(Fault::perhaps_applied)?;
            // One that was not listed before may be older all the same, if that list was behind.
            let is_later = |one: &&Deployment| one.created_on.is_none_or(|at| at >= before.since);
            let ours = after.newest_first().filter(is_later).find(|one| !before.has(&one.id));
            let version = ours.map_or_else(|| since::unseen(before.since), |ours| ours.id.clone());
            Ok(Put { version: Some(version), outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let not_yet = |message: String| Fault::new(FaultKind::NotYet, message, "It is asked again.");
            if self.has().await? != (true, true) {
                return Err(not_yet("a secret of the pair is not listed yet".to_owned()));
            }
            let deployed = self.deployments().await?;
            let version = put.version.as_deref().ok_or_else(|| drift::not_told(&self.settings.script))?;
            // Somebody may have deployed after us, and secrets go with that; but a list without ours is behind.
            let ours = match since::of_unseen(version) {
                Some(since) => {
                    let later = |one: &&Deployment| one.created_on.is_some_and(|at| at >= since);
                    deployed.newest_first().filter(later).last().map(|ours| ours.id.as_str())
                }
                None => deployed.has(version).then_some(version),
            };
            let Some(ours) = ours else {
                return Err(not_yet("the deployment with the pair is not listed yet".to_owned()));
            };
            let now = &deployed.now;
            if now.versions.len() > 1 {
                return Err(not_yet("an older version still gets a part of the requests".to_owned()));
            }
            let check = self.settings.in_use.as_ref();
            let in_use = UrlCheck::ask_if_set(check, &self.outbound, delivery).await?;
            let later = if now.id == ours { "" } else { ", later than ours" };
            Ok(Proof { stored: Stored::Moved(format!("{}{later}", now.id)), in_use })
        }
        .boxed()
    }
}
