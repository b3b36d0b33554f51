//! AWS Secrets Manager, as far as rotation goes, by
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html>. Signatures are checked (`aws_signature.rs`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws_signature::{self, Known};
use crate::{Fake, Heard, Reply};

/// An account with one secret.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The access key that is known.
    pub known: Known,
    /// The secret's name.
    pub name: String,
    /// Its versions by id.
    pub versions: BTreeMap<String, Version>,
    /// What the access key may not do, as names of operations.
    pub denied: BTreeSet<&'static str>,
    /// Whether AWS rotates it by itself.
    pub rotated: bool,
}

/// One version of the secret.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// Its value.
    pub text: String,
    /// Its stages.
    pub stages: BTreeSet<String>,
}

impl Default for Aws {
    fn default() -> Self {
        let stages = BTreeSet::from(["AWSCURRENT".to_owned()]);
        let first = Version { text: r#"{"OTHER":"untouched","number":1.10}"#.to_owned(), stages };
        Self {
            known: Known::default(),
            name: "bots/alpaca".to_owned(),
            versions: BTreeMap::from([("11111111-1111-4111-8111-111111111111".to_owned(), first)]),
            denied: BTreeSet::new(),
            rotated: false,
        }
    }
}

impl Aws {
    /// The version that has the stage.
    #[must_use]
    pub fn staged(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage))
    }

    fn arn(&self) -> String {
        format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{}-AbCdEf", self.name)
    }

    fn describe(&self) -> Value {
        let stages: BTreeMap<&String, &BTreeSet<String>> = self
            .versions
            .iter()
            .filter(|(_, version)| !version.stages.is_empty())
            .map(|(id, version)| (id, &version.stages))
            .collect();
        json!({ "ARN": self.arn(), "Name": self.name, "RotationEnabled": self.rotated, "VersionIdsToStages": stages })
    }

    fn get(&self, body: &Value) -> Result<Value, Reply> {
        let stage = body["VersionStage"].as_str();
        let found = match (body["VersionId"].as_str(), stage) {
            (Some(id), _) => self.versions.get_key_value(id),
            (None, stage) => self.staged(stage.unwrap_or("AWSCURRENT")),
        };
        let (id, version) = found.ok_or_else(|| {
            failed("ResourceNotFoundException", "Secrets Manager can't find the specified secret value")
        })?;
        if stage.is_some_and(|stage| !version.stages.contains(stage)) {
            return Err(failed("InvalidRequestException", "the stage is not that version's"));
        }
        Ok(json!({
            "ARN": self.arn(), "Name": self.name, "VersionId": id, "SecretString": version.text,
            "VersionStages": version.stages,
        }))
    }

    fn put(&mut self, body: &Value) -> Result<Value, Reply> {
        let invalid = |what: &str| failed("InvalidParameterException", what);
        let id = body["ClientRequestToken"].as_str().ok_or_else(|| invalid("no token"))?.to_owned();
        if !(32..=64).contains(&id.len()) {
            return Err(invalid("a token has 32 to 64 characters"));
        }
        let text = body["SecretString"].as_str().ok_or_else(|| invalid("no value"))?;
        if self.versions.get(&id).is_some_and(|version| version.text != text) {
            return Err(failed("ResourceExistsException", "a version with this token has another value"));
        }
        if !self.versions.contains_key(&id) {
            let first = self.versions.is_empty();
            self.versions.insert(id.clone(), Version { text: text.to_owned(), stages: BTreeSet::new() });
            let given = body["VersionStages"].as_array().cloned();
            let mut stages: BTreeSet<String> = match given {
                Some(given) => given.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                None => BTreeSet::from(["AWSCURRENT".to_owned()]),
            };
            if first {
                stages.insert("AWSCURRENT".to_owned());
            }
            for stage in stages {
                self.attach(&stage, &id);
            }
        }
        Ok(json!({
            "ARN": self.arn(), "Name": self.name, "VersionId": id, "VersionStages": self.versions[&id].stages,
        }))
    }

    fn attach(&mut self, stage: &str, id: &str) {
        let before = self.staged(stage).map(|(id, _)| id.clone());
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        if let Some(version) = self.versions.get_mut(id) {
            version.stages.insert(stage.to_owned());
        }
        if let Some(before) = before.filter(|before| stage == "AWSCURRENT" && before != id) {
            self.attach("AWSPREVIOUS", &before);
        }
    }

    fn update_stage(&mut self, body: &Value) -> Result<Value, Reply> {
        let invalid = |what: &str| failed("InvalidParameterException", what);
        let stage = body["VersionStage"].as_str().ok_or_else(|| invalid("no stage"))?;
        let to = body["MoveToVersionId"].as_str().ok_or_else(|| invalid("no version"))?;
        if !self.versions.contains_key(to) {
            return Err(failed("ResourceNotFoundException", "no such version"));
        }
        let at = self.staged(stage).map(|(id, _)| id.as_str());
        let from = body["RemoveFromVersionId"].as_str();
        if at.is_some_and(|at| at != to && from != Some(at)) {
            return Err(invalid("you must name the version that has the stage now"));
        }
        self.attach(stage, to);
        Ok(json!({ "ARN": self.arn(), "Name": self.name }))
    }

    fn operate(&mut self, heard: &Heard) -> Result<Value, Reply> {
        let target = heard.header("x-amz-target").to_owned();
        let operation = target.strip_prefix("secretsmanager.").unwrap_or_default();
        if heard.method != http::Method::POST || heard.path != "/" {
            return Err(failed("UnknownOperationException", ""));
        }
        if heard.header("content-type") != "application/x-amz-json-1.1" {
            return Err(failed("UnknownOperationException", "the content type is another"));
        }
        aws_signature::check(heard, &self.known).map_err(|kind| failed(kind, "see the signature's rules"))?;
        if self.denied.contains(operation) {
            return Err(self.forbidden());
        }
        let body: Value =
            serde_json::from_slice(&heard.body).map_err(|_| failed("SerializationException", ""))?;
        let id = body["SecretId"].as_str().unwrap_or_default();
        if id != self.name && id != self.arn() {
            return Err(failed(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            ));
        }
        match operation {
            "DescribeSecret" => Ok(self.describe()),
            "GetSecretValue" => self.get(&body),
            "PutSecretValue" => self.put(&body),
            "UpdateSecretVersionStage" => self.update_stage(&body),
            _ => Err(failed("UnknownOperationException", "")),
        }
    }
}

impl Fake for Aws {
    fn answer(&mut self, heard: &Heard) -> Reply {
        let typed = |reply: Reply| Reply { headers: Vec::new(), ..reply };
        let reply = self.operate(heard).map_or_else(|refusal| refusal, |told| Reply::json(200, &told));
        typed(reply).with("content-type", "application/x-amz-json-1.1")
    }

    fn forbidden(&self) -> Reply {
        failed("AccessDeniedException", "User is not authorized to perform this")
    }

    fn limited(&self, seconds: u64) -> Reply {
        failed("ThrottlingException", "Rate exceeded").with("retry-after", &seconds.to_string())
    }

    fn reads(heard: &Heard) -> bool {
        let target = heard.header("x-amz-target");
        target.ends_with(".DescribeSecret") || target.ends_with(".GetSecretValue")
    }
}

fn failed(kind: &str, message: &str) -> Reply {
    let status = if kind == "InternalServiceError" { 500 } else { 400 };
    Reply::json(status, &json!({ "__type": kind, "Message": message }))
}
