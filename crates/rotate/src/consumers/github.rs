//! GitHub Actions: secrets of a repository, of one of its environments, or of an organisation.
//!
//! Values go there in libsodium's sealed boxes and never come back (<https://docs.github.com/en/rest/actions/secrets>). There are no two secrets in one
//! request: the pair is one secret that holds JSON, or two that are written one after the other.

mod answers;
mod place;
mod sealed;
mod workflow;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderName, Method, header};
use jiff::Timestamp;
use paddock_core::{Clock, Entropy, SecretText};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use self::place::{Place, Visibility};
pub(crate) use self::workflow::Started;
pub use self::workflow::Workflow;

use self::answers::{PublicKey, Repository, Secret, User};
use self::place::Sharing;
use self::workflow::Runs;
use super::api::{self, Api, segment};
use super::in_use::UrlCheck;
use super::{Settings, drift, since};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Held, InUse, Looked, Means, Outbound, Outcome, PairNames, Proof,
    Put, SettingsFault, Stored, Writable,
};

/// The mark of a secret that does not exist.
const ABSENT: &str = "absent";

/// Secrets of GitHub Actions. The secret is a token: a fine-grained one with "Secrets: read and write" (for environments "Environments: read and write"),
/// and "Actions: read and write" when a workflow is the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubSettings {
    /// Whose secrets.
    pub place: Place,
    /// One secret of this name that holds both halves as a JSON object, instead of two secrets. It changes in one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_secret: Option<String>,
    /// The names of the two secrets, or of the two halves in the JSON.
    #[serde(default)]
    pub names: PairNames,
    /// A workflow that proves that the pair works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// A URL that tells whether a program works with the new pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
    /// The API's address; that of a GitHub Enterprise Server is `https://HOST/api/v3`.
    #[serde(default = "default_api")]
    pub api: String,
}

fn default_api() -> String {
    "https://api.github.com".to_owned()
}

impl GithubSettings {
    fn secrets(&self) -> Vec<&str> {
        match &self.json_secret {
            Some(name) => vec![name],
            None => vec![&self.names.key_id, &self.names.secret_key],
        }
    }
}

impl Settings for GithubSettings {
    const SECRET: Option<&'static str> = Some("a token of GitHub");

    fn check(&self) -> Result<(), SettingsFault> {
        self.place.check()?;
        self.names.check()?;
        for name in self.secrets() {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let first = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
            if !plain || !first || name.len() > 200 || name.to_ascii_uppercase().starts_with("GITHUB_") {
                let problem = "a secret's name has letters, digits and underscores and does not start with a digit or GITHUB_";
                return Err(SettingsFault { field: "json_secret", problem: problem.to_owned() });
            }
        }
        if let Some(workflow) = &self.workflow {
            workflow.check()?;
        }
        api::check_address("api", &self.api)?;
        self.in_use.as_ref().map_or(Ok(()), UrlCheck::check)
    }

    fn keep_place(&mut self) {
        if let Place::Organization { visibility, .. } = &mut self.place {
            *visibility = Visibility::default();
        }
        self.workflow = None;
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let api = Api::new(&means.outbound, &self.api)
            .with(header::ACCEPT, "application/vnd.github+json")
            .with(HeaderName::from_static("x-github-api-version"), "2022-11-28")
            .with_bearer(&secret)?;
        let clock = Arc::clone(&means.clock);
        let runs = self.workflow.clone().map(|workflow| {
            Runs::new(workflow, &self.place, Arc::clone(&clock), means.memory.started.clone())
        });
        Ok(Box::new(Github {
            settings: self,
            api,
            runs,
            outbound: means.outbound.clone(),
            clock,
            entropy: Arc::clone(&means.entropy),
        }))
    }
}

#[derive(Debug)]
struct Github {
    settings: GithubSettings,
    api: Api,
    runs: Option<Runs>,
    outbound: Outbound,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// What is put into one secret.
#[derive(Serialize)]
struct NewSecret<'a> {
    encrypted_value: String,
    key_id: &'a str,
    #[serde(flatten)]
    sharing: Option<&'a Sharing>,
}

impl Github {
    /// The key for what is written from now on, and from when on that is listed.
    async fn public_key(&self) -> Result<(PublicKey, Timestamp), Fault> {
        let answer = self.api.get(&format!("{}/public-key", self.settings.place.path())).await?;
        let since = since::since(&answer, self.clock.now());
        Ok((answers::read(&self.api, &*self.clock, answer)?, since))
    }

    async fn secret(&self, name: &str) -> Result<Option<Secret>, Fault> {
        let answer = self.api.get(&format!("{}/{}", self.settings.place.path(), segment(name))).await?;
        // The public key could be read, so that it is the secret that is missing.
        if answer.status == 404 { Ok(None) } else { answers::read(&self.api, &*self.clock, answer).map(Some) }
    }

    /// When each secret was changed last, in the order of the names.
    async fn marks(&self) -> Result<Vec<Option<String>>, Fault> {
        let mut marks = Vec::new();
        for name in self.settings.secrets() {
            marks.push(self.secret(name).await?.map(|secret| secret.updated_at));
        }
        Ok(marks)
    }

    async fn login(&self) -> Result<String, Fault> {
        let answer = self.api.get("/user").await?;
        let user: User = match answers::read(&self.api, &*self.clock, answer) {
            // The token of an app's installation has no user.
            Err(fault) if fault.kind == FaultKind::Forbidden => {
                return Ok(format!("a token at {}", self.api.host()));
            }
            other => other?,
        };
        Ok(format!("{} at {}", user.login, self.api.host()))
    }

    async fn check_repository(&self) -> Result<Writable, Fault> {
        let Some(path) = self.settings.place.repository_path() else {
            return Ok(Writable::Likely("the organisation's public key can be read".to_owned()));
        };
        let repository: Repository = answers::read(&self.api, &*self.clock, self.api.get(&path).await?)?;
        if repository.archived {
            let message = "the repository is archived: its secrets cannot be changed";
            return Err(Fault::new(FaultKind::Forbidden, message, "Unarchive it, or remove this consumer."));
        }
        if repository.permissions.is_some_and(|may| !may.push && !may.maintain && !may.admin) {
            let message = "the token's user may only read the repository";
            return Err(Fault::new(FaultKind::Forbidden, message, "Let the user write to the repository."));
        }
        Ok(Writable::Likely(
            "its user may write to the repository, and the public key can be read".to_owned(),
        ))
    }

    /// With whom an organisation's secret is shared: as it is now, or as the settings say for a new one.
    async fn sharing(&self, name: &str) -> Result<Option<Sharing>, Fault> {
        let Place::Organization { visibility, .. } = &self.settings.place else { return Ok(None) };
        let Some(secret) = self.secret(name).await? else {
            return Ok(Some(Sharing { visibility: *visibility, selected_repository_ids: None }));
        };
        let visibility = secret.visibility.ok_or_else(|| self.api.unexpected())?;
        let ids = if visibility == Visibility::Selected { Some(self.selected(name).await?) } else { None };
        Ok(Some(Sharing { visibility, selected_repository_ids: ids }))
    }

    async fn selected(&self, name: &str) -> Result<Vec<u64>, Fault> {
        let mut ids = Vec::new();
        for page in 1.. {
            let path = format!(
                "{}/{}/repositories?per_page=100&page={page}",
                self.settings.place.path(),
                segment(name)
            );
            let answer = self.api.get(&path).await?;
            let some: answers::Selected = answers::read(&self.api, &*self.clock, answer)?;
            let last = some.repositories.is_empty();
            ids.extend(some.repositories.into_iter().map(|repository| repository.id));
            if last || ids.len() >= some.total_count {
                break;
            }
        }
        Ok(ids)
    }

    async fn write(&self, name: &str, value: &str, key: &PublicKey) -> Result<(), Fault> {
        let sharing = self.sharing(name).await?;
        let encrypted_value =
            sealed::seal(&*self.entropy, &key.key, value).ok_or_else(|| self.api.unexpected())?;
        let body = NewSecret { encrypted_value, key_id: &key.key_id, sharing: sharing.as_ref() };
        let path = format!("{}/{}", self.settings.place.path(), segment(name));
        let answer = self.api.change(Method::PUT, &path, &body).await?;
        if answer.status == 422 {
            // Most of all the public key, which may have been replaced since it was read.
            let message = format!("{} did not take {name}", self.api.host());
            return Err(Fault::new(FaultKind::Conflict, message, "It is tried again with a new public key."));
        }
        answers::succeeded(&self.api, &*self.clock, answer).map(drop)
    }

    fn values<'a>(&'a self, delivery: &'a Delivery) -> Result<Vec<(&'a str, Zeroizing<String>)>, Fault> {
        let names = &self.settings.names;
        let (key_id, secret_key) = (delivery.key_id.expose(), delivery.secret_key.expose());
        let Some(one) = &self.settings.json_secret else {
            let text = |text: &str| Zeroizing::new(text.to_owned());
            return Ok(vec![(&names.key_id, text(key_id)), (&names.secret_key, text(secret_key))]);
        };
        let pair = BTreeMap::from([(names.key_id.as_str(), key_id), (names.secret_key.as_str(), secret_key)]);
        let json = api::json(&pair)?;
        let text = std::str::from_utf8(&json).map_err(|_| self.api.unexpected())?;
        Ok(vec![(one, Zeroizing::new(text.to_owned()))])
    }
}

/// Whether a secret was written at an instant or later.
fn is_from(mark: &Option<String>, since: Timestamp) -> bool {
    let at = mark.as_ref().and_then(|mark| mark.parse::<Timestamp>().ok());
    at.is_some_and(|at| at >= since)
}

/// `NAME@time NAME@time`, or `NAME@absent`.
fn version(names: &[&str], marks: &[Option<String>]) -> String {
    let mark =
        |(name, mark): (&&str, &Option<String>)| format!("{name}@{}", mark.as_deref().unwrap_or(ABSENT));
    names.iter().zip(marks).map(mark).collect::<Vec<_>>().join(" ")
}

impl Consumer for Github {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let login = self.login().await?;
            let writable = self.check_repository().await?;
            self.public_key().await?;
            if let Some(runs) = &self.runs {
                runs.check(&self.api, &*self.clock).await?;
            }
            let marks = self.marks().await?;
            let version = version(&self.settings.secrets(), &marks);
            let mut marks = marks.into_iter();
            let key_id = marks.next().flatten();
            // One secret is both halves.
            let secret_key = marks.next().unwrap_or_else(|| key_id.clone());
            Ok(Looked { login, version: Some(version), held: Held::Names { key_id, secret_key }, writable })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let names = self.settings.secrets();
            let (key, since) = self.public_key().await?;
            let marks_before = self.marks().await?;
            let before = version(&names, &marks_before);
            // GitHub cannot compare, so it is done just before; what happens in between is not seen.
            if seen.is_some_and(|seen| seen != before) {
                let message = "a secret was changed by somebody else since it was looked at";
                return Err(Fault::new(FaultKind::Conflict, message, "It is looked at again."));
            }
            if let Some(runs) = &self.runs {
                runs.put(delivery);
            }
            let mut written = false;
            for (name, value) in self.values(delivery)? {
                let lost = |fault: Fault| if written { fault.perhaps_applied() } else { fault };
                self.write(name, &value, &key).await.map_err(lost)?;
                written = true;
            }
            let marks = self.marks().await.map_err(Fault::perhaps_applied)?;
            // Times have seconds: two writes in one second, or a read that is behind, do not show. A time that only moved since a read that was
            // behind is not ours.
            let moved =
                marks.iter().zip(&marks_before).all(|(now, before)| now != before && is_from(now, since));
            let version = if moved { version(&names, &marks) } else { since::unseen(since) };
            Ok(Put { version: Some(version), outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let marks = self.marks().await?;
            let now = version(&self.settings.secrets(), &marks);
            if marks.contains(&None) {
                let message = "a secret of the pair is not listed yet";
                return Err(Fault::new(FaultKind::NotYet, message, "It is asked again."));
            }
            let put = put.version.as_deref().ok_or_else(|| drift::not_told("the secrets"))?;
            let since = since::of_unseen(put);
            // RFC 3339 in UTC: later times are greater texts. A read may be behind.
            let behind = match since {
                Some(since) => !marks.iter().all(|mark| is_from(mark, since)),
                None => now.as_str() < put,
            };
            if behind {
                let message = "the secrets are listed with an older time than that of the write";
                return Err(Fault::new(FaultKind::NotYet, message, "It is asked again."));
            }
            if since.is_none() && now.as_str() > put {
                let message = "a secret was changed by somebody else after the pair was put there";
                return Err(Fault::new(FaultKind::Overwritten, message, drift::PUT_AGAIN));
            }
            let mut words = Vec::new();
            if let Some(runs) = &self.runs {
                words.push(runs.prove(&self.api, delivery).await?);
            }
            let check = self.settings.in_use.as_ref();
            if let Some(InUse(told)) = UrlCheck::ask_if_set(check, &self.outbound, delivery).await? {
                words.push(told);
            }
            let in_use = (!words.is_empty()).then(|| InUse(words.join("; ")));
            Ok(Proof { stored: Stored::Moved(now), in_use })
        }
        .boxed()
    }
}
