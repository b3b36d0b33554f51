//! A Kubernetes API server with one namespace, as far as secrets and rollouts go, by
//! <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.32/>.

mod discovery;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value, json};

use crate::{Fake, Heard, Reply};

/// A cluster: in the namespace `bots` the secret `alpaca` and the deployment `bot`.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    /// The token that is known.
    pub token: String,
    /// What it may not do, as `verb resource`.
    pub denied: BTreeSet<&'static str>,
    /// The secret.
    pub secret: Value,
    /// The deployment.
    pub deployment: Value,
    /// How often the deployment was restarted.
    pub restarts: u32,
    /// Whether its rollouts fail.
    pub fails: bool,
    /// Whether a rollout is through at once, and not after some looks at it.
    pub at_once: bool,
    /// Counts every change.
    pub version: u64,
}

impl Default for Kubernetes {
    fn default() -> Self {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": { "name": "alpaca", "namespace": "bots", "uid": "u-1", "resourceVersion": "100" },
            "data": { "OTHER": STANDARD.encode("untouched") },
        });
        let pod = json!({
            "metadata": { "labels": { "app": "bot" } },
            "spec": { "containers": [{ "name": "bot", "image": "bot:1" }] },
        });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "bot", "namespace": "bots", "uid": "u-2", "resourceVersion": "101", "generation": 1,
            },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "bot" } }, "template": pod },
            "status": { "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2 },
        });
        Self {
            token: "sa.fake.token".to_owned(),
            denied: BTreeSet::new(),
            secret,
            deployment,
            restarts: 0,
            fails: false,
            at_once: false,
            version: 101,
        }
    }
}

impl Kubernetes {
    /// A value of the secret, as pods see it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        String::from_utf8(STANDARD.decode(self.secret["data"][name].as_str()?).ok()?).ok()
    }

    /// Takes a rollout one step further, as time would.
    fn advance(&mut self) {
        let generation = self.deployment["metadata"]["generation"].clone();
        let fails = self.fails;
        let status = &mut self.deployment["status"];
        if status["observedGeneration"] != generation {
            let begun =
                json!({ "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2, "readyReplicas": 2 });
            *status = begun;
            status["observedGeneration"] = generation;
            if fails {
                status["conditions"] = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }]);
            }
        } else if !fails {
            let observed = status["observedGeneration"].clone();
            *status =
                json!({ "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2 });
            status["observedGeneration"] = observed;
        }
    }

    fn may(&self, verb: &str, resource: &str) -> bool {
        !self.denied.contains(format!("{verb} {resource}").as_str())
    }

    fn review(&self, heard: &Heard) -> Reply {
        let Some(mut review) = heard.json() else { return failed(400, "BadRequest", "no JSON") };
        let asked = &review["spec"]["resourceAttributes"];
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let known = text("namespace") == "bots"
            && matches!(
                (text("group"), text("resource"), text("name")),
                ("", "secrets", "alpaca") | ("apps", "deployments", "bot")
            );
        let allowed = known && self.may(text("verb"), text("resource"));
        review["status"] = json!({ "allowed": allowed });
        Reply::json(201, &review)
    }

    fn patch(&mut self, heard: &Heard, resource: &str) -> Result<Reply, Reply> {
        let media = heard.header("content-type");
        if !matches!(media, "application/merge-patch+json" | "application/strategic-merge-patch+json") {
            return Err(failed(415, "UnsupportedMediaType", "use a merge patch"));
        }
        let patch: Value =
            serde_json::from_slice(&heard.body).map_err(|_| failed(400, "BadRequest", "no JSON"))?;
        let object = if resource == "secrets" { &self.secret } else { &self.deployment };
        let named = &patch["metadata"]["resourceVersion"];
        if !named.is_null() && *named != object["metadata"]["resourceVersion"] {
            return Err(failed(
                409,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version and try again",
            ));
        }
        let mut changed = object.clone();
        merge(&mut changed, &patch);
        if resource == "secrets" {
            fold_text(&mut changed)?;
        }
        self.keep(resource, changed);
        Ok(Reply::json(200, if resource == "secrets" { &self.secret } else { &self.deployment }))
    }

    /// Keeps a changed object under a new resource version; one that is as it was keeps its own.
    fn keep(&mut self, resource: &str, mut changed: Value) {
        let object = if resource == "secrets" { &mut self.secret } else { &mut self.deployment };
        if *object == changed {
            return;
        }
        self.version += 1;
        changed["metadata"]["resourceVersion"] = self.version.to_string().into();
        if resource == "deployments" && object["spec"] != changed["spec"] {
            let generation = object["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            changed["metadata"]["generation"] = generation.into();
            self.restarts += 1;
        }
        *object = changed;
        if self.at_once {
            self.advance();
            self.advance();
        }
    }

    /// The deployment as a list, or as a watch in which nothing happens: so `kubectl rollout status` looks.
    fn listed(&self, heard: &Heard) -> Reply {
        if heard.asked("watch").as_deref() == Some("true") {
            return Reply::empty(200).with("content-type", "application/json");
        }
        let metadata = json!({ "resourceVersion": self.version.to_string() });
        let list = json!({ "apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": metadata, "items": [self.deployment] });
        Reply::json(200, &list)
    }

    fn object(&mut self, heard: &Heard, resource: &str) -> Result<Reply, Reply> {
        let verb = if heard.method == Method::GET { "get" } else { "patch" };
        if !self.may(verb, resource) {
            return Err(self.forbidden());
        }
        if verb == "patch" {
            return self.patch(heard, resource);
        }
        if resource == "secrets" {
            return Ok(Reply::json(200, &self.secret));
        }
        let reply = Reply::json(200, &self.deployment);
        self.advance();
        Ok(reply)
    }
}

/// A JSON merge patch (RFC 7386). Strategic ones are the same where there are no lists.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in patch {
        if value.is_null() {
            if let Some(object) = target.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut target[name.as_str()], value);
        }
    }
}

/// `stringData` is written into `data` and never told.
fn fold_text(secret: &mut Value) -> Result<(), Reply> {
    let Some(Value::Object(texts)) = secret.as_object_mut().and_then(|secret| secret.remove("stringData"))
    else {
        return Ok(());
    };
    for (name, text) in texts {
        let text = text.as_str().ok_or_else(|| failed(400, "BadRequest", "stringData holds text"))?;
        secret["data"][name.as_str()] = STANDARD.encode(text).into();
    }
    Ok(())
}

impl Fake for Kubernetes {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if heard.header("authorization") != format!("Bearer {}", self.token) {
            return failed(401, "Unauthorized", "Unauthorized");
        }
        if let Some(reply) = discovery::answer(heard) {
            return reply;
        }
        let segments = heard.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let reply = match (heard.method.as_str(), parts.as_slice()) {
            ("POST", ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]) => {
                Ok(self.review(heard))
            }
            ("POST", ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"]) => {
                let info = json!({ "username": "system:serviceaccount:bots:paddock" });
                Ok(Reply::json(201, &json!({ "kind": "SelfSubjectReview", "status": { "userInfo": info } })))
            }
            ("GET" | "PATCH", ["api", "v1", "namespaces", "bots", "secrets", "alpaca"]) => {
                self.object(heard, "secrets")
            }
            ("GET" | "PATCH", ["apis", "apps", "v1", "namespaces", "bots", "deployments", "bot"]) => {
                self.object(heard, "deployments")
            }
            ("GET", ["apis", "apps", "v1", "namespaces", "bots", "deployments"]) => Ok(self.listed(heard)),
            _ => Err(failed(404, "NotFound", "the server could not find the requested resource")),
        };
        reply.unwrap_or_else(|refusal| refusal)
    }

    fn forbidden(&self) -> Reply {
        failed(
            403,
            "Forbidden",
            "User \"system:serviceaccount:bots:paddock\" cannot do this in the namespace \"bots\"",
        )
    }

    fn limited(&self, seconds: u64) -> Reply {
        failed(429, "TooManyRequests", "please try again later").with("retry-after", &seconds.to_string())
    }

    fn reads(heard: &Heard) -> bool {
        heard.method == Method::GET || heard.path.starts_with("/apis/auth")
    }
}

fn failed(status: u16, reason: &str, message: &str) -> Reply {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": status,
    });
    Reply::json(status, &body)
}
