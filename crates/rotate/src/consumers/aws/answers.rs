//! What Secrets Manager answers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use paddock_core::SecretText;
use serde::Deserialize;

use super::super::skew;
use crate::{Answer, Fault, FaultKind};

/// What is known of a secret without its value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    #[serde(rename = "ARN")]
    pub(super) arn: String,
    pub(super) deleted_date: Option<serde_json::Value>,
    pub(super) rotation_enabled: Option<bool>,
    #[serde(default)]
    version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

impl Described {
    /// Whether the version has the stage.
    pub(super) fn has_stage(&self, version: &str, stage: &str) -> bool {
        self.version_ids_to_stages.get(version).is_some_and(|stages| stages.iter().any(|one| one == stage))
    }
}

/// A version's value.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Value {
    pub(super) version_id: String,
    secret_string: Option<String>,
}

impl Value {
    /// The value, which must be text.
    pub(super) fn text(&self, place: &str) -> Result<SecretText, Fault> {
        let text = self.secret_string.clone().map(SecretText::new);
        text.ok_or_else(|| {
            let message = format!("{place} holds bytes and no text");
            Fault::new(FaultKind::Settings, message, "Use a secret of its own for the pair.")
        })
    }
}

/// The answer to a new version.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutReply {
    pub(super) version_id: String,
    #[serde(default)]
    pub(super) version_stages: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
}

/// The fault that an answer stands for. Nearly all refusals have status 400, and `__type` tells them apart.
pub(super) fn fault(answer: &Answer, host: &str, now: Timestamp) -> Option<Fault> {
    if answer.status.is_success() {
        return None;
    }
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    // Sometimes with the name of a namespace before it.
    let kind = refusal.kind.rsplit('#').next().unwrap_or_default();
    let fault =
        |kind, message: &str, next_step: &str| Some(Fault::new(kind, format!("{host} {message}"), next_step));
    match kind {
        "ResourceNotFoundException" => fault(
            FaultKind::NotFound,
            "knows no such secret",
            "Make the secret at AWS first, or check its name and region.",
        ),
        "AccessDeniedException" => fault(
            FaultKind::Forbidden,
            "does not allow this",
            "Allow the access key DescribeSecret, GetSecretValue, PutSecretValue and UpdateSecretVersionStage of this secret.",
        ),
        "DecryptionFailure" | "EncryptionFailure" => fault(
            FaultKind::Forbidden,
            "may not use the secret's KMS key",
            "Allow the access key kms:Decrypt and kms:GenerateDataKey of that key.",
        ),
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "RequestExpired" => {
            Some(skew::explain(answer, now).unwrap_or_else(|| {
                let message = format!("{host} refused the signature");
                Fault::new(
                    FaultKind::Login,
                    message,
                    "Replace the consumer's secret: it must be the one of this access key id.",
                )
            }))
        }
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => fault(
            FaultKind::Login,
            "knows no such access key",
            "Check the access key id, and replace the consumer's secret.",
        ),
        "ExpiredTokenException" | "ExpiredToken" => fault(
            FaultKind::Login,
            "says that the session token has expired",
            "Replace the consumer's secret.",
        ),
        "ThrottlingException" | "Throttling" | "LimitExceededException" | "RequestLimitExceeded" => fault(
            FaultKind::Limited(answer.retry_after().or(Some(Duration::from_secs(1)))),
            "asks for fewer requests",
            "It is tried again later.",
        ),
        "ResourceExistsException" | "InvalidParameterException" | "InvalidRequestException" => fault(
            FaultKind::Conflict,
            "refused the change because the secret's versions are not as they were",
            "It is looked at again.",
        ),
        _ => answer.fault(host),
    }
}
