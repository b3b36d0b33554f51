//! Whose value it is that a consumer holds. What Paddock did not write is not overwritten unless a person says so.

use paddock_core::SecretText;
use paddock_core::rotation::Failure;
use paddock_store::{DeliveryOutcome, Ownership};
use serde_json::Value;

use crate::consumer::{Held, Looked, UNSEEN};
use crate::consumers::ConsumerSettings;
use crate::pairs::{Pair, Prints};
use crate::{RotateError, RotationsOptions};

/// The pairs that may be there with our knowledge.
pub(crate) struct Expected {
    /// The connection's, and the one that it replaces.
    pub(crate) pairs: Vec<Prints>,
    /// What the ledger says.
    pub(crate) ownership: Ownership,
}

/// The attempts that went to where these settings lead, and none that went elsewhere before somebody changed them.
pub(crate) fn of_this_place(mut ownership: Ownership, settings: &Value) -> Ownership {
    let read = |settings: &Value| serde_json::from_value::<ConsumerSettings>(settings.clone()).ok();
    let here = read(settings);
    ownership.attempts.retain(|attempt| {
        let Ok(then) = serde_json::from_str::<Value>(&attempt.settings) else { return false };
        match (&here, read(&then)) {
            (Some(here), Some(then)) => here.is_same_place(&then),
            // Settings of another version of Paddock: only what is the same to the letter is the same place.
            _ => *settings == then,
        }
    });
    ownership
}

/// What stands against writing there; nothing when it is ours, or nobody can tell.
pub(crate) fn judge(
    options: &RotationsOptions,
    looked: &Looked,
    expected: &Expected,
) -> Result<Option<Failure>, RotateError> {
    judge_held(options, &looked.held, looked.version.as_deref(), expected)
}

fn judge_held(
    options: &RotationsOptions,
    held: &Held,
    version: Option<&str>,
    expected: &Expected,
) -> Result<Option<Failure>, RotateError> {
    match held {
        Held::Unseen => Ok(None),
        // One that is not ours stands against all of them: they are written together.
        Held::Several(places) => {
            for (place, held) in places {
                if let Some(failure) = judge_held(options, held, version, expected)? {
                    return Ok(Some(Failure { message: format!("{place}: {}", failure.message), ..failure }));
                }
            }
            Ok(None)
        }
        Held::Values { key_id, secret_key } => {
            let begun = has_begun(&expected.ownership);
            let (Some(key_id), Some(secret_key)) = (key_id, secret_key) else {
                return Ok((!begun).then(|| missing(key_id.is_none(), secret_key.is_none())));
            };
            let ours = is_ours(options, expected, key_id, secret_key)?;
            Ok((!ours).then(drift))
        }
        Held::Names { key_id, secret_key } => {
            if key_id.is_none() || secret_key.is_none() {
                let begun = has_begun(&expected.ownership);
                return Ok((!begun).then(|| missing(key_id.is_none(), secret_key.is_none())));
            }
            Ok(unreadable(version, &expected.ownership))
        }
    }
}

fn is_ours(
    options: &RotationsOptions,
    expected: &Expected,
    key_id: &SecretText,
    secret_key: &SecretText,
) -> Result<bool, RotateError> {
    let there = options.prints(&Pair { key_id: key_id.clone(), secret_key: secret_key.clone() })?;
    let known = |pair: &Prints| (pair.key_id == there.key_id, pair.secret_key == there.secret_key);
    let known: Vec<(bool, bool)> = expected.pairs.iter().map(known).collect();
    let key_id =
        known.iter().any(|known| known.0) || expected.ownership.wrote_key_id(there.key_id.as_bytes());
    let secret_key =
        known.iter().any(|known| known.1) || expected.ownership.wrote_secret(there.secret_key.as_bytes());
    Ok(key_id && secret_key)
}

/// Whether an attempt may be half done, so that what is there may be half of what we wrote.
fn has_begun(ownership: &Ownership) -> bool {
    ownership.attempts.last().is_some_and(|last| {
        matches!(last.outcome, DeliveryOutcome::Begun | DeliveryOutcome::Unknown | DeliveryOutcome::Pending)
    })
}

/// Values that cannot be read are ours when nobody has written since we did.
fn unreadable(version: Option<&str>, ownership: &Ownership) -> Option<Failure> {
    let Some(last) = ownership.attempts.last() else {
        let message = "the names exist there, and whether the values are of this connection cannot be seen";
        return Some(Failure::new(
            "not_ours",
            message,
            "take it over if they may be overwritten, or leave it out",
        ));
    };
    let ours = last.version.as_deref().filter(|ours| !ours.starts_with(UNSEEN));
    let moved = ours.is_some() && version.is_some() && ours != version;
    (moved && !has_begun(ownership)).then(drift)
}

fn drift() -> Failure {
    let message = "the values there are neither this connection's pair nor anything that Paddock wrote";
    let next_step = "find out who wrote them; then take it over to overwrite them, or leave it out";
    Failure::new("drift", message, next_step)
}

fn missing(key_id: bool, secret_key: bool) -> Failure {
    let what = match (key_id, secret_key) {
        (true, true) => "neither of the names exists there",
        (true, false) => "the Key ID's name does not exist there",
        (false, _) => "the Secret Key's name does not exist there",
    };
    let next_step = "check the names that the programs read; take it over to create them, or leave it out";
    Failure::new("names_missing", what, next_step)
}
