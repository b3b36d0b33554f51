//! What a browser keeps between the two steps of signing in: that the password was right, for five minutes. It is no session and opens
//! nothing but the second step.

use jiff::{SignedDuration, Timestamp};
use paddock_core::SecretText;
use paddock_core::id::PersonId;
use paddock_store::Person;
use paddock_vault::Purpose;

use crate::WebState;
use crate::problem::Problem;

/// How long the second step may take.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// A ticket for the second step of a person whose password was right.
pub(crate) async fn ticket(state: &WebState, person: PersonId) -> Result<Option<SecretText>, Problem> {
    let ends = state.now().as_second().saturating_add(LIFETIME.as_secs());
    match state.store.person(person).await? {
        Some((_, password)) => write(state, person, ends, &password).map(Some),
        None => Ok(None),
    }
}

/// The person whom a ticket is for, as long as it is good.
pub(crate) async fn holder(state: &WebState, ticket: &SecretText) -> Result<Option<Person>, Problem> {
    let mut parts = ticket.expose().split('.');
    let (Some(person), Some(ends), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    let (Ok(id), Ok(ends)) = (person.parse::<PersonId>(), ends.parse::<i64>()) else { return Ok(None) };
    if !Timestamp::from_second(ends).is_ok_and(|ends| state.now() < ends) {
        return Ok(None);
    }
    let Some((person, password)) = state.store.person(id).await? else { return Ok(None) };
    // Another password since then makes it worthless.
    let right = write(state, id, ends, &password)?;
    Ok((right == *ticket).then_some(person))
}

fn write(state: &WebState, person: PersonId, ends: i64, password: &str) -> Result<SecretText, Problem> {
    let head = format!("{person}.{ends}");
    let mark = state.sealer.mark(Purpose::SignInStep, format!("{head}.{password}").as_bytes())?;
    Ok(SecretText::new(format!("{head}.{}", hex::encode(mark))))
}
