//! A Kubernetes secret, and the restart of the workloads that read it.
//!
//! The secret's two keys are changed by one merge patch that names the resource version which was looked at; all other keys stay. Pods that
//! have the values in their environment see nothing of it until they are replaced, so the workloads that are named get the annotation with which
//! `kubectl rollout restart` works, and their rollouts are watched to the end.

mod cluster;
mod workload;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};

use self::cluster::{Cluster, Present};
pub use self::workload::Workload;
use super::api;
use super::{Settings, UrlCheck, drift};
use crate::{
    Consumer, Delivery, Fault, InUse, Looked, Means, Outbound, Outcome, PairNames, Proof, Put, SettingsFault,
    Stored,
};

/// A secret in a cluster, and who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSettings {
    /// The address of the API server.
    pub server: String,
    /// The certificate of the cluster's own authority, as PEM; the machine's authorities alone when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The secret's name. It must exist.
    pub secret: String,
    /// The names of the two keys in it.
    #[serde(default)]
    pub names: PairNames,
    /// Workloads to restart, such as `deployment/bot`. Without any, the pair is proven stored and not in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<Workload>,
    /// A URL that proves the pair in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

impl Settings for KubernetesSettings {
    const SECRET: Option<&'static str> = Some("a bearer token of a service account of the cluster");

    fn check(&self) -> Result<(), SettingsFault> {
        api::check_address("server", &self.server)?;
        check_name("namespace", &self.namespace)?;
        check_name("secret", &self.secret)?;
        for workload in &self.restart {
            check_name("restart", workload.name())?;
        }
        if let Some(check) = &self.in_use {
            check.check()?;
        }
        self.names.check()
    }

    fn keep_place(&mut self) {
        self.certificate_authority = None;
        self.restart.clear();
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let mut outbound = means.outbound.clone();
        if let Some(pem) = &self.certificate_authority {
            outbound = outbound.trusting(pem).map_err(|_| SettingsFault {
                field: "certificate_authority",
                problem: "it is no certificate in PEM: paste all of it, with its first and last line"
                    .to_owned(),
            })?;
        }
        let cluster = Cluster::new(&self, &secret, &outbound, means)?;
        Ok(Box::new(Kubernetes { settings: self, cluster, outbound: means.outbound.clone() }))
    }
}

/// A name of a Kubernetes object (RFC 1123 subdomain).
fn check_name(field: &'static str, name: &str) -> Result<(), SettingsFault> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    let good =
        name.len() <= 253 && bytes.iter().all(|byte| inner(*byte)) && end(bytes.first()) && end(bytes.last());
    if good {
        return Ok(());
    }
    let problem = "a name has small letters, digits, dashes and dots".to_owned();
    Err(SettingsFault { field, problem })
}

#[derive(Debug)]
struct Kubernetes {
    settings: KubernetesSettings,
    cluster: Cluster,
    outbound: Outbound,
}

impl Kubernetes {
    fn place(&self) -> String {
        format!("secret {} in namespace {}", self.settings.secret, self.settings.namespace)
    }

    /// Has every workload replace its pods, unless this delivery has done so already.
    async fn restart_all(&self, delivery: &Delivery) -> Result<(), Fault> {
        for workload in &self.settings.restart {
            self.cluster.restart(workload, delivery).await?;
        }
        Ok(())
    }

    /// What proves the pair in use, once every rollout is through.
    async fn in_use(&self, delivery: &Delivery) -> Result<Option<InUse>, Fault> {
        let mut seen = Vec::new();
        for workload in &self.settings.restart {
            seen.push(self.cluster.rolled_out(workload, delivery).await?);
        }
        if let Some(InUse(url)) =
            UrlCheck::ask_if_set(self.settings.in_use.as_ref(), &self.outbound, delivery).await?
        {
            seen.push(url);
        }
        Ok((!seen.is_empty()).then(|| InUse(seen.join("; "))))
    }
}

impl Consumer for Kubernetes {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let present = self.cluster.read().await?;
            let writable = self.cluster.rights(&self.settings.restart).await?;
            Ok(Looked {
                login: self.cluster.who().await?,
                held: present.held.clone(),
                version: Some(present.version),
                writable,
            })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let Present { version, held } = self.cluster.read().await?;
            let put = if held.is(delivery) {
                Put { version: Some(version), outcome: Outcome::AlreadyThere }
            } else {
                if seen != Some(version.as_str()) {
                    return Err(drift::changed_meanwhile(&self.place()));
                }
                let version = self.cluster.write(&version, delivery).await?;
                Put { version: Some(version), outcome: Outcome::Written }
            };
            self.restart_all(delivery).await.map_err(Fault::perhaps_applied)?;
            Ok(put)
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let present = self.cluster.read().await?;
            if !present.held.is(delivery) {
                // A server that answers from a copy may be behind.
                let behind = put.version.as_deref().is_some_and(|put| is_behind(&present.version, put));
                return Err(if behind {
                    drift::not_yet(&self.place())
                } else {
                    drift::overwritten(&self.place())
                });
            }
            Ok(Proof { stored: Stored::ReadBack, in_use: self.in_use(delivery).await? })
        }
        .boxed()
    }
}

/// Whether a resource version is older than another. They are numbers that only grow (KEP-5504); what is none is taken for somebody else's.
fn is_behind(version: &str, other: &str) -> bool {
    let both: (Result<u128, _>, Result<u128, _>) = (version.parse(), other.parse());
    matches!(both, (Ok(version), Ok(other)) if version < other)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("alpaca-keys", true)]
    #[case("a.b", true)]
    #[case("", false)]
    #[case("-a", false)]
    #[case("Alpaca", false)]
    #[case("a/b", false)]
    #[case("..", false)]
    fn names_are_judged(#[case] name: &str, #[case] good: bool) {
        assert_eq!(check_name("secret", name).is_ok(), good);
    }

    #[rstest]
    #[case("9", "10", true)]
    #[case("10", "10", false)]
    #[case("11", "10", false)]
    #[case("x", "10", false)]
    fn versions_grow(#[case] version: &str, #[case] other: &str, #[case] behind: bool) {
        assert_eq!(is_behind(version, other), behind);
    }

    #[test]
    fn workloads_are_read_as_kubectl_writes_them() {
        let text = r#"{"server":"https://k","namespace":"n","secret":"s","restart":["deployment/bot","statefulset/a","daemonset/b"]}"#;
        let settings: KubernetesSettings = serde_json::from_str(text).unwrap();
        settings.check().unwrap();
        assert_eq!(settings.restart[1].to_string(), "statefulset/a");
        assert!(serde_json::from_str::<KubernetesSettings>(&text.replace("daemonset/b", "job/b")).is_err());
    }
}
