//! The requests to the cluster's API server.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use jiff::tz::TimeZone;
use paddock_core::{Clock, SecretText};
use serde_json::{Value, json};

use super::super::api::session::media;
use super::super::api::{self, Api};
use super::workload::{Rollout, Workload};
use super::{KubernetesSettings, drift};
use crate::{Delivery, Fault, FaultKind, Held, Means, Outbound, PairNames, SettingsFault, Writable};

const MERGE: &str = "application/merge-patch+json";
/// As whom the API server keeps what we change.
const MANAGER: &str = "?fieldManager=paddock";
/// What `kubectl rollout restart` sets.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
/// For which delivery Paddock has restarted the workload, so that it does so once.
const DELIVERED: &str = "paddock/delivery";

/// The API server, as one service account, and the secret there.
#[derive(Debug)]
pub(super) struct Cluster {
    api: Api,
    namespace: String,
    secret: String,
    names: PairNames,
    clock: Arc<dyn Clock>,
}

/// The secret as it is there.
pub(super) struct Present {
    /// Its resource version.
    pub(super) version: String,
    pub(super) held: Held,
}

impl Cluster {
    pub(super) fn new(
        settings: &KubernetesSettings,
        token: &SecretText,
        outbound: &Outbound,
        means: &Means,
    ) -> Result<Self, SettingsFault> {
        Ok(Self {
            api: Api::new(outbound, &settings.server).with_bearer(token)?,
            namespace: settings.namespace.clone(),
            secret: settings.secret.clone(),
            names: settings.names.clone(),
            clock: Arc::clone(&means.clock),
        })
    }

    fn secret_path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets/{}", self.namespace, self.secret)
    }

    fn workload_path(&self, workload: &Workload) -> String {
        format!("/apis/apps/v1/namespaces/{}/{}/{}", self.namespace, workload.resource(), workload.name())
    }

    pub(super) async fn read(&self) -> Result<Present, Fault> {
        let object: Value = self.api.read(self.api.get(&self.secret_path()).await?)?;
        if object["immutable"] == true {
            let message = format!("secret {} is immutable", self.secret);
            let next_step = "Make one that can be changed, or leave this consumer out.";
            return Err(Fault::new(FaultKind::Settings, message, next_step));
        }
        self.present(&object)
    }

    fn present(&self, object: &Value) -> Result<Present, Fault> {
        let version = object["metadata"]["resourceVersion"].as_str().ok_or_else(|| self.api.unexpected())?;
        let value = |name: &str| {
            let bytes = STANDARD.decode(object["data"][name].as_str()?).ok()?;
            String::from_utf8(bytes).ok().map(SecretText::new)
        };
        let held =
            Held::Values { key_id: value(&self.names.key_id), secret_key: value(&self.names.secret_key) };
        Ok(Present { version: version.to_owned(), held })
    }

    /// Changes the two keys if the secret is at this version still, and tells the new one.
    pub(super) async fn write(&self, seen: &str, delivery: &Delivery) -> Result<String, Fault> {
        let body = json!({
            "metadata": { "resourceVersion": seen },
            "stringData": {
                &self.names.key_id: delivery.key_id.expose(),
                &self.names.secret_key: delivery.secret_key.expose(),
            },
        });
        let path = format!("{}{MANAGER}", self.secret_path());
        let answer = self.api.change_as(Method::PATCH, &path, media(MERGE), api::json(&body)?).await?;
        if answer.status == StatusCode::CONFLICT {
            return Err(drift::changed_meanwhile(&format!("secret {}", self.secret)));
        }
        self.api.judge(&answer)?;
        let object: Value = self.api.parse(&answer).map_err(Fault::perhaps_applied)?;
        self.present(&object).map(|present| present.version).map_err(Fault::perhaps_applied)
    }

    /// Has the workload replace its pods, unless it was done for this delivery.
    pub(super) async fn restart(&self, workload: &Workload, delivery: &Delivery) -> Result<(), Fault> {
        let object: Value = self.api.read(self.api.get(&self.workload_path(workload)).await?)?;
        if delivered(&object) == Some(delivery.token.to_string().as_str()) {
            return Ok(());
        }
        let at = self.clock.now().to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let annotations = json!({ RESTARTED: at, DELIVERED: delivery.token.to_string() });
        let body = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
        let path = format!("{}{MANAGER}", self.workload_path(workload));
        let answer = self.api.change_as(Method::PATCH, &path, media(MERGE), api::json(&body)?).await?;
        self.api.judge(&answer)
    }

    /// That every pod of the workload is new since this delivery, in words.
    pub(super) async fn rolled_out(&self, workload: &Workload, delivery: &Delivery) -> Result<String, Fault> {
        let token = delivery.token.to_string();
        let mut object: Value = self.api.read(self.api.get(&self.workload_path(workload)).await?)?;
        if delivered(&object) != Some(&token) {
            // A read may be behind, once.
            object = self.api.read(self.api.get(&self.workload_path(workload)).await?)?;
        }
        if delivered(&object) != Some(&token) {
            let message = format!("somebody undid the restart of {workload} for this pair");
            return Err(Fault::new(FaultKind::Overwritten, message, drift::PUT_AGAIN));
        }
        match workload.rollout(&object) {
            Rollout::Done(words) => Ok(words),
            Rollout::UnderWay(words) => {
                let message = format!("the rollout of {workload} is under way: {words}");
                Err(Fault::new(FaultKind::NotYet, message, "It is asked again."))
            }
            Rollout::Failed => {
                let message = format!("the rollout of {workload} has failed");
                let next_step = format!("Run kubectl describe {workload} -n {} and mend it.", self.namespace);
                Err(Fault::new(FaultKind::Unexpected, message, next_step))
            }
        }
    }

    /// Asks the API server for each right that will be needed.
    pub(super) async fn rights(&self, restart: &[Workload]) -> Result<Writable, Fault> {
        let mut needed =
            vec![("get", "", "secrets", self.secret.as_str()), ("patch", "", "secrets", &self.secret)];
        for workload in restart {
            for verb in ["get", "patch"] {
                needed.push((verb, "apps", workload.resource(), workload.name()));
            }
        }
        for (verb, group, resource, name) in needed {
            if !self.allowed(verb, group, resource, name).await? {
                let message = format!(
                    "the service account may not {verb} {resource}/{name} in namespace {}",
                    self.namespace
                );
                let next_step =
                    "Give it a role with the verbs get and patch for the secret and for the workloads.";
                return Err(Fault::new(FaultKind::Forbidden, message, next_step));
            }
        }
        Ok(Writable::Proven)
    }

    async fn allowed(&self, verb: &str, group: &str, resource: &str, name: &str) -> Result<bool, Fault> {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "group": group,
                "name": name,
                "namespace": self.namespace,
                "resource": resource,
                "verb": verb,
            } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let review: Value = self.api.read(self.api.question(path, &body).await?)?;
        review["status"]["allowed"].as_bool().ok_or_else(|| self.api.unexpected())
    }

    /// As whom the API server knows us; clusters before 1.28 do not tell.
    pub(super) async fn who(&self) -> Result<String, Fault> {
        let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.api.question(path, &body).await?;
        let host = self.api.host();
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) {
            return Ok(format!("a token at {host}"));
        }
        let review: Value = self.api.read(answer)?;
        let name = review["status"]["userInfo"]["username"].as_str().unwrap_or("a token");
        Ok(format!("{name} at {host}"))
    }
}

/// For which delivery Paddock has restarted it last.
fn delivered(object: &Value) -> Option<&str> {
    object["spec"]["template"]["metadata"]["annotations"][DELIVERED].as_str()
}
