//! Signing in by name and password. Whoever tries learns nothing but yes or no, and no takes as long for a name that nobody has.

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use paddock_core::SecretText;
use paddock_store::Person;

use super::person_name;
use super::throttle::Attempt;
use crate::WebState;
use crate::problem::Problem;

/// The longest text that is taken for a name.
const LONGEST_NAME: usize = 200;

/// The person, if name and password are theirs.
pub(crate) async fn check(
    state: &Arc<WebState>,
    typed_name: &str,
    password: SecretText,
    network: IpAddr,
) -> Result<Person, Problem> {
    let now = state.now();
    let name: String = person_name::normalise(typed_name).chars().take(LONGEST_NAME).collect();
    let attempt =
        state.people.throttle.begin(&name, network, now).map_err(|wait| too_often(wait.as_secs() + 1))?;
    let found = state.store.person_named(&name).await?;
    let kept = found.as_ref().map(|(_, hash)| hash.as_str());
    let fits = state.people.passwords.is_of(password, kept).await?;
    match found {
        Some((person, _)) if fits => {
            state.people.throttle.succeeded(&attempt);
            Ok(person)
        }
        found => {
            note_failure(state, found.map(|(person, _)| person), &attempt, network);
            Err(no())
        }
    }
}

/// Records failed attempts at the third, the sixth, the twelfth and so on, for somebody who exists only. It is not waited for, since
/// that would take longer than for nobody.
pub(crate) fn note_failure(
    state: &Arc<WebState>,
    person: Option<Person>,
    attempt: &Attempt,
    network: IpAddr,
) {
    let Some(attempts) = worth_a_record(attempt.failed) else { return };
    let Some(person) = person else { return };
    let (state, network) = (Arc::clone(state), network.to_string());
    tokio::spawn(async move {
        let now = state.now();
        if let Err(error) = state.store.record_failed_sign_ins(&person, attempts, &network, now).await {
            tracing::warn!(%error, "failed attempts to sign in could not be recorded");
        }
    });
}

/// How many attempts the record of that one stands for.
const fn worth_a_record(failed: u32) -> Option<u32> {
    if failed == 3 {
        return Some(3);
    }
    if failed > 3 && failed.is_multiple_of(3) && (failed / 3).is_power_of_two() {
        Some(failed / 2)
    } else {
        None
    }
}

fn no() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "wrong_name_or_password",
        "Not signed in",
        "name and password do not belong together",
        "try again; who has lost the password gets a link from `paddock person reset NAME` on this machine",
    )
}

/// The answer to somebody who has to wait.
pub(crate) fn too_often(seconds: i64) -> Problem {
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        "Too many attempts",
        "there were too many attempts to sign in under this name or from this network",
        format!("wait {seconds} s, then try again"),
    )
    .with("retry_after", seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_fewer_records_stand_for_ever_more_attempts() {
        let records: Vec<(u32, u32)> =
            (1..60).filter_map(|failed| worth_a_record(failed).map(|attempts| (failed, attempts))).collect();
        assert_eq!(records, [(3, 3), (6, 3), (12, 6), (24, 12), (48, 24)]);
    }
}
