//! What a client of Kubernetes asks before it asks for anything: which groups and resources there are.

use serde_json::{Value, json};

use crate::{Heard, Reply};

/// The answer, if that is what is asked.
pub(super) fn answer(heard: &Heard) -> Option<Reply> {
    if heard.method != http::Method::GET {
        return None;
    }
    let told = match heard.path.as_str() {
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] }),
        "/apis" => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [{
            "name": "apps",
            "versions": [{ "groupVersion": "apps/v1", "version": "v1" }],
            "preferredVersion": { "groupVersion": "apps/v1", "version": "v1" },
        }] }),
        "/api/v1" => list("v1", "secrets", "secret", "Secret"),
        "/apis/apps/v1" => list("apps/v1", "deployments", "deployment", "Deployment"),
        "/version" => json!({ "major": "1", "minor": "32", "gitVersion": "v1.32.0" }),
        _ => return None,
    };
    Some(Reply::json(200, &told))
}

fn list(version: &str, name: &str, singular: &str, kind: &str) -> Value {
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [{
        "name": name, "singularName": singular, "namespaced": true, "kind": kind, "verbs": ["get", "list", "patch", "watch"],
    }] })
}
