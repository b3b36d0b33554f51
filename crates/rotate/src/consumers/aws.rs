//! AWS Secrets Manager: the pair in the JSON of one secret, in the four steps of Amazon's own rotation.
//!
//! A new version is put under the stage `AWSPENDING`, read back there, and then the stage `AWSCURRENT` is moved from the version that was looked
//! at to the new one. A program reads either the old version or the new one, whole.

mod answers;
mod sign;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use self::answers::{Described, Value};
use self::sign::AwsApi;
use super::api;
use super::document::Document;
use super::{Settings, UrlCheck, drift};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Looked, Means, Outbound, Outcome, PairNames, Proof, Put,
    SettingsFault, Stored, Writable,
};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// A secret at AWS, and the access key that writes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSettings {
    /// The region, for example `us-east-1`.
    pub region: String,
    /// The secret's name or ARN. It must exist.
    pub secret_id: String,
    /// The id of the AWS access key, which is no secret.
    pub access_key_id: String,
    /// Another address than Amazon's: a private endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The names of the two fields in the secret's JSON.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that proves the pair in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

impl AwsSettings {
    fn address(&self) -> String {
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        self.endpoint.clone().unwrap_or_else(|| format!("https://secretsmanager.{}.{suffix}", self.region))
    }
}

impl Settings for AwsSettings {
    const SECRET: Option<&'static str> =
        Some("the AWS secret access key; for temporary keys, the session token on a second line");

    fn check(&self) -> Result<(), SettingsFault> {
        let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.region.is_empty() || self.region.len() > 40 || !self.region.bytes().all(part) {
            let problem = "write a region such as us-east-1".to_owned();
            return Err(SettingsFault { field: "region", problem });
        }
        drift::check_text("secret_id", &self.secret_id, 2048)?;
        if !self.access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let problem = "it has letters and digits, such as AKIAIOSFODNN7EXAMPLE".to_owned();
            return Err(SettingsFault { field: "access_key_id", problem });
        }
        drift::check_text("access_key_id", &self.access_key_id, 128)?;
        if let Some(endpoint) = &self.endpoint {
            api::check_address("endpoint", endpoint)?;
            if endpoint.trim_end_matches('/').split("://").nth(1).is_some_and(|rest| rest.contains('/')) {
                let problem = "an endpoint has no path".to_owned();
                return Err(SettingsFault { field: "endpoint", problem });
            }
        }
        if let Some(check) = &self.in_use {
            check.check()?;
        }
        self.names.check()
    }

    fn keep_place(&mut self) {
        self.access_key_id.clear();
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let api = AwsApi::new(&self, &secret, means);
        Ok(Box::new(Aws { settings: self, api, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Aws {
    settings: AwsSettings,
    api: AwsApi,
    outbound: Outbound,
}

/// The version under `AWSCURRENT`.
struct Present {
    /// `None` when the secret has no value yet.
    version: Option<String>,
    document: Document,
}

impl Aws {
    fn place(&self) -> String {
        format!("secret {}", self.settings.secret_id)
    }

    async fn describe(&self) -> Result<Described, Fault> {
        let described: Described =
            self.api.ask("DescribeSecret", &json!({ "SecretId": self.settings.secret_id })).await?;
        if described.deleted_date.is_some() {
            let message = format!("{} is marked for deletion", self.place());
            return Err(Fault::new(FaultKind::NotFound, message, "Restore it at AWS, or name another one."));
        }
        if described.rotation_enabled == Some(true) {
            let message = format!("{} is rotated by AWS itself", self.place());
            let next_step = "Turn its automatic rotation off: a function at AWS cannot make Alpaca keys.";
            return Err(Fault::new(FaultKind::Settings, message, next_step));
        }
        Ok(described)
    }

    async fn value(&self, body: &serde_json::Value) -> Result<Option<Value>, Fault> {
        match self.api.ask("GetSecretValue", body).await {
            Ok(value) => Ok(Some(value)),
            // It exists, since it was described: it has no such version.
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn read(&self) -> Result<Present, Fault> {
        // With the stage named: some servers answer with an older version otherwise.
        let body = json!({ "SecretId": self.settings.secret_id, "VersionStage": CURRENT });
        let Some(value) = self.value(&body).await? else {
            return Ok(Present { version: None, document: Document::default() });
        };
        let document = Document::parse(value.text(&self.place())?.expose().as_bytes(), &self.place())?;
        Ok(Present { version: Some(value.version_id), document })
    }

    /// Puts the new version under `AWSPENDING`. Its id follows from the delivery and the version below it, so that what is asked twice is one
    /// version.
    async fn put_pending(
        &self,
        base: Option<&str>,
        document: &Document,
        token: Uuid,
    ) -> Result<Staged, Fault> {
        let id = Uuid::new_v5(&token, base.unwrap_or_default().as_bytes()).to_string();
        let body = json!({
            "SecretId": self.settings.secret_id,
            "ClientRequestToken": id,
            "SecretString": &**document.to_text()?,
            "VersionStages": [PENDING],
        });
        let reply: answers::PutReply = self.api.change("PutSecretValue", &body).await?;
        if reply.version_id != id {
            return Err(self.api.unexpected().perhaps_applied());
        }
        // The first version of a secret is current at once.
        Ok(Staged { id, current: reply.version_stages.iter().any(|stage| stage == CURRENT) })
    }

    async fn check_pending(&self, id: &str, delivery: &Delivery) -> Result<(), Fault> {
        let body = json!({ "SecretId": self.settings.secret_id, "VersionId": id });
        let Some(value) = self.value(&body).await? else { return Err(drift::not_yet(&self.place())) };
        let document = Document::parse(value.text(&self.place())?.expose().as_bytes(), &self.place())?;
        if document.holds(&self.settings.names, delivery) {
            return Ok(());
        }
        let message = format!("{} gave back another value than the one that was put", self.place());
        Err(Fault::new(
            FaultKind::Unexpected,
            message,
            "Nothing was made current. Look at the secret at AWS.",
        ))
    }

    async fn make_current(&self, id: &str, base: Option<&str>) -> Result<(), Fault> {
        let mut body =
            json!({ "SecretId": self.settings.secret_id, "VersionStage": CURRENT, "MoveToVersionId": id });
        if let Some(base) = base {
            // AWS refuses unless the stage is still there: nobody else's version is pushed aside.
            body["RemoveFromVersionId"] = base.into();
        }
        let _: serde_json::Value = self.api.change("UpdateSecretVersionStage", &body).await?;
        Ok(())
    }
}

struct Staged {
    id: String,
    current: bool,
}

impl Consumer for Aws {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let described = self.describe().await?;
            let present = self.read().await?;
            let login = format!("access key {}, {}", self.settings.access_key_id, described.arn);
            let seen = "the access key may describe and read the secret, and AWS tells nobody without IAM rights whether it may write";
            Ok(Looked {
                login,
                version: present.version,
                held: present.document.held(&self.settings.names),
                writable: Writable::Likely(seen.to_owned()),
            })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            self.describe().await?;
            let Present { version, document } = self.read().await?;
            if document.holds(&self.settings.names, delivery) {
                return Ok(Put { version, outcome: Outcome::AlreadyThere });
            }
            if version.as_deref() != seen {
                return Err(drift::changed_meanwhile(&self.place()));
            }
            let document = document.with(&self.settings.names, delivery)?;
            let staged = self.put_pending(version.as_deref(), &document, delivery.token).await?;
            // Up to here nobody reads it but who asks for what is pending; from here on that has been changed.
            self.check_pending(&staged.id, delivery).await.map_err(Fault::perhaps_applied)?;
            if !staged.current {
                let moved = self.make_current(&staged.id, version.as_deref()).await;
                moved.map_err(Fault::perhaps_applied)?;
            }
            Ok(Put { version: Some(staged.id), outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let present = self.read().await?;
            if present.document.holds(&self.settings.names, delivery) {
                let in_use =
                    UrlCheck::ask_if_set(self.settings.in_use.as_ref(), &self.outbound, delivery).await?;
                return Ok(Proof { stored: Stored::ReadBack, in_use });
            }
            // A read may be behind what is described: only the latter tells whether somebody moved the stage away.
            let described = self.describe().await?;
            let ours = put.version.as_deref().is_some_and(|version| described.has_stage(version, CURRENT));
            Err(if ours { drift::not_yet(&self.place()) } else { drift::overwritten(&self.place()) })
        }
        .boxed()
    }
}
