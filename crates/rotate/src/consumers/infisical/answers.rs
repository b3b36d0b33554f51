//! What Infisical answers.

use paddock_core::SecretText;
use serde_json::Value;

use super::super::api::Api;
use crate::{Answer, Fault, FaultKind, PairNames};

/// A secret that is there.
pub(super) struct Found {
    /// Its version, from 1.
    pub(super) version: u64,
    /// Its value; `None` when this identity may not see it.
    pub(super) value: Option<SecretText>,
}

/// The server has no such API.
pub(super) struct Missing;

/// What came of a write.
pub(super) enum Written {
    /// It is there, in these versions as far as they were told.
    Done { key_id: Option<u64>, secret_key: Option<u64> },
    /// It waits for approvals: the requests' short names.
    Waits(Vec<String>),
}

/// A secret from the answer to a question for it.
pub(super) fn found(api: &Api, answer: &Answer) -> Result<Found, Fault> {
    let reply: Value = api.parse(answer)?;
    let secret = &reply["secret"];
    let version = secret["version"].as_u64().ok_or_else(|| api.unexpected())?;
    let hidden = secret["secretValueHidden"].as_bool().unwrap_or(false);
    let value = secret["secretValue"].as_str().map(|value| SecretText::new(value.to_owned()));
    if value.is_none() && !hidden {
        return Err(api.unexpected());
    }
    Ok(Found { version, value: value.filter(|_| !hidden) })
}

/// What a 404 means: no such secret, no such API, or no such place. Answers of the application carry a `reqId`; the one for an unknown route
/// comes from the framework and carries none.
pub(super) fn not_found(api: &Api, answer: &Answer) -> Result<Result<Option<Found>, Missing>, Fault> {
    let reply: Value = api.parse(answer).unwrap_or_default();
    if reply["reqId"].is_null() {
        return Ok(Err(Missing));
    }
    let text = reply["message"].as_str().unwrap_or_default();
    if text.starts_with("Secret with name") {
        return Ok(Ok(None));
    }
    let message = format!("{} knows no such project, environment or folder", api.host());
    Err(Fault::new(FaultKind::NotFound, message, "Check project id, environment and path."))
}

/// The answer to a batch.
pub(super) fn written_both(api: &Api, answer: &Answer, names: &PairNames) -> Result<Written, Fault> {
    let reply: Value = api.parse(answer).map_err(Fault::perhaps_applied)?;
    if let Some(waits) = waits(&reply) {
        return Ok(waits);
    }
    let secrets = reply["secrets"].as_array().ok_or_else(|| api.unexpected().perhaps_applied())?;
    let version = |name: &str| {
        let one = secrets.iter().find(|secret| secret["secretKey"] == name)?;
        one["version"].as_u64()
    };
    Ok(Written::Done { key_id: version(&names.key_id), secret_key: version(&names.secret_key) })
}

/// The answer to one secret; its version stands at both halves.
pub(super) fn written_one(api: &Api, answer: &Answer) -> Result<Written, Fault> {
    let reply: Value = api.parse(answer).map_err(Fault::perhaps_applied)?;
    if let Some(waits) = waits(&reply) {
        return Ok(waits);
    }
    let version = reply["secret"]["version"].as_u64();
    if version.is_none() {
        return Err(api.unexpected().perhaps_applied());
    }
    Ok(Written::Done { key_id: version, secret_key: version })
}

/// A success may say that nothing was written: a policy protects the folder.
fn waits(reply: &Value) -> Option<Written> {
    let approval = reply.get("approval").filter(|approval| approval.is_object())?;
    let name = approval["slug"].as_str().or_else(|| approval["id"].as_str()).unwrap_or("without a name");
    Some(Written::Waits(vec![name.chars().filter(|letter| !letter.is_control()).take(100).collect()]))
}
