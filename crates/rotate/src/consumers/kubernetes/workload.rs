//! What runs pods, and how far its rollout is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A workload that reads the secret, written as kubectl writes it: `deployment/bot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Workload {
    kind: Kind,
    name: String,
}

/// What `kubectl rollout restart` can restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    /// Every pod is of the newest form and ready, in words.
    Done(String),
    /// Not all are yet, in words.
    UnderWay(String),
    /// The cluster has given up.
    Failed,
}

impl Workload {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The resource in the API, for paths and rights.
    pub(super) const fn resource(&self) -> &'static str {
        match self.kind {
            Kind::Deployment => "deployments",
            Kind::StatefulSet => "statefulsets",
            Kind::DaemonSet => "daemonsets",
        }
    }

    /// How far its rollout is, from what the API tells of it. The rules are those of `kubectl rollout status`.
    pub(super) fn rollout(&self, object: &Value) -> Rollout {
        let status = &object["status"];
        let count = |field: &str| status[field].as_u64().unwrap_or(0);
        let generation = object["metadata"]["generation"].as_u64().unwrap_or(u64::MAX);
        if count("observedGeneration") < generation {
            return Rollout::UnderWay("the cluster has not begun".to_owned());
        }
        let (wanted, updated, ready) = match self.kind {
            Kind::Deployment => {
                if deadline_passed(status) {
                    return Rollout::Failed;
                }
                (
                    object["spec"]["replicas"].as_u64().unwrap_or(1),
                    count("updatedReplicas"),
                    count("availableReplicas"),
                )
            }
            Kind::StatefulSet => (
                object["spec"]["replicas"].as_u64().unwrap_or(1),
                count("updatedReplicas"),
                count("readyReplicas"),
            ),
            Kind::DaemonSet => {
                (count("desiredNumberScheduled"), count("updatedNumberScheduled"), count("numberAvailable"))
            }
        };
        // Old pods that still end hold the old pair.
        let all = if self.kind == Kind::DaemonSet { updated } else { count("replicas") };
        if updated < wanted || all > updated || ready < wanted {
            return Rollout::UnderWay(format!("{updated} of {wanted} pods are new, {ready} are ready"));
        }
        if self.kind == Kind::StatefulSet && status["currentRevision"] != status["updateRevision"] {
            return Rollout::UnderWay("the last pods are being replaced".to_owned());
        }
        Rollout::Done(format!("{self} rolled out, {updated} of {wanted} pods"))
    }
}

fn deadline_passed(status: &Value) -> bool {
    status["conditions"].as_array().into_iter().flatten().any(|condition| {
        condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded"
    })
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Deployment => "deployment",
            Kind::StatefulSet => "statefulset",
            Kind::DaemonSet => "daemonset",
        };
        write!(f, "{kind}/{}", self.name)
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || "write deployment/NAME, statefulset/NAME or daemonset/NAME".to_owned();
        let (kind, name) = text.split_once('/').ok_or_else(usage)?;
        let kind = match kind {
            "deployment" => Kind::Deployment,
            "statefulset" => Kind::StatefulSet,
            "daemonset" => Kind::DaemonSet,
            _ => return Err(usage()),
        };
        Ok(Self { kind, name: name.to_owned() })
    }
}

impl TryFrom<String> for Workload {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Workload> for String {
    fn from(workload: Workload) -> Self {
        workload.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn deployment(status: &Value) -> Value {
        json!({ "metadata": { "generation": 4 }, "spec": { "replicas": 2 }, "status": status })
    }

    #[rstest]
    #[case(json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 }), "under way")]
    #[case(json!({ "observedGeneration": 4, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2 }), "under way")]
    #[case(json!({ "observedGeneration": 4, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3 }), "under way")]
    #[case(json!({ "observedGeneration": 4, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1 }), "under way")]
    #[case(json!({ "observedGeneration": 4, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 }), "done")]
    #[case(
        json!({ "observedGeneration": 4, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2,
            "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded" }] }),
        "failed"
    )]
    #[case(json!({}), "under way")]
    fn a_rollout_is_done_when_every_pod_is_new_and_ready(#[case] status: Value, #[case] expected: &str) {
        let workload: Workload = "deployment/bot".parse().unwrap();
        let found = match workload.rollout(&deployment(&status)) {
            Rollout::Done(_) => "done",
            Rollout::UnderWay(_) => "under way",
            Rollout::Failed => "failed",
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_stateful_set_is_done_when_its_revision_is_the_new_one() {
        let workload: Workload = "statefulset/bot".parse().unwrap();
        let mut object = deployment(&json!({
            "observedGeneration": 4, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
            "currentRevision": "a", "updateRevision": "b",
        }));
        assert!(matches!(workload.rollout(&object), Rollout::UnderWay(_)));
        object["status"]["currentRevision"] = "b".into();
        assert!(matches!(workload.rollout(&object), Rollout::Done(_)));
    }

    #[test]
    fn a_daemon_set_counts_nodes() {
        let workload: Workload = "daemonset/bot".parse().unwrap();
        let object = json!({ "metadata": { "generation": 1 }, "status": {
            "observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3 } });
        assert_eq!(
            workload.rollout(&object),
            Rollout::Done("daemonset/bot rolled out, 3 of 3 pods".to_owned())
        );
    }
}
