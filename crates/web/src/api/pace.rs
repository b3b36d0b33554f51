//! How many requests a person may make: a script that runs wild must not take this Paddock from everybody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use paddock_core::id::PersonId;

use crate::WebState;
use crate::desk::Asker;
use crate::problem::Problem;

/// Requests a minute of one person, unless the configuration says otherwise.
pub const USUAL_PER_MINUTE: u32 = 1200;

/// How much of a minute may be used up at once: a script that begins asks many things.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(15);

/// The pace of all persons. Forgotten at a restart.
#[derive(Debug)]
pub struct Pace {
    /// From one request to the next, if they come evenly.
    between: SignedDuration,
    /// When the next request of each person would come, if they came evenly.
    next: Mutex<HashMap<PersonId, Timestamp>>,
}

impl Pace {
    /// So many requests a minute for each person.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        let between = SignedDuration::from_mins(1) / i32::try_from(per_minute.max(1)).unwrap_or(i32::MAX);
        Self { between, next: Mutex::default() }
    }

    /// Takes a request's place, or tells how many seconds to wait for one.
    fn take(&self, person: PersonId, now: Timestamp) -> Result<(), i64> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let place = next.get(&person).copied().unwrap_or(now).max(now);
        let wait = place.duration_since(now) - AT_ONCE;
        if wait.is_positive() {
            return Err(wait.as_secs() + 1);
        }
        next.insert(person, place.checked_add(self.between).unwrap_or(place));
        Ok(())
    }
}

/// Refuses what comes too fast. Whoever is at the admin socket owns this machine and is not kept.
pub(super) async fn keep(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    let asker = request.extensions().get::<Asker>();
    let Some(person) = asker.and_then(|asker| asker.person.as_ref()) else {
        return next.run(request).await;
    };
    match state.pace.take(person.id, state.now()) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            let mut response = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many requests",
                format!("this person has made too many requests in the last minute; the next is served in {seconds} s"),
                "wait as long as `Retry-After` says; lists come in pages, and changes as events",
            )
            .with("retry_after", seconds)
            .into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u32) -> PersonId {
        format!("01930000-0000-7000-8000-{number:012}").parse().unwrap()
    }

    #[test]
    fn a_person_is_slowed_down_and_no_other() {
        let (pace, now) = (Pace::new(60), "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap());
        let later = |seconds| now + SignedDuration::from_secs(seconds);
        for _ in 0..16 {
            assert_eq!(pace.take(person(1), now), Ok(()));
        }
        assert_eq!(pace.take(person(1), now), Err(2));
        assert_eq!(pace.take(person(2), now), Ok(()));
        assert_eq!(pace.take(person(1), later(1)), Ok(()));
        assert!(pace.take(person(1), later(1)).is_err());
        for _ in 0..16 {
            assert_eq!(pace.take(person(1), later(3600)), Ok(()));
        }
        assert!(pace.take(person(1), later(3600)).is_err(), "an hour of silence saves nothing up");
    }
}
