//! Passwords: choosing and checking them, away from the threads that serve.

use http::StatusCode;
use paddock_core::{Entropy, SecretText};
use paddock_vault::{MAX_PASSWORD_BYTES, PasswordCost, PasswordHash, VaultError};
use std::sync::Arc;
use tokio::sync::{Semaphore, TryAcquireError};

use crate::problem::Problem;

/// How many are hashed at once: each takes 64 MiB and a processor.
const AT_ONCE: usize = 2;

/// How many may wait for that. Whoever comes then is told to come again.
const WAITING: usize = 32;

/// The fewest characters of a password.
const FEWEST: usize = 12;

/// Hashes and checks passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    cost: PasswordCost,
    /// What a password is checked against when nobody has the name, so that this takes as long.
    nobodys: PasswordHash,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(cost: PasswordCost, entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let nobodys = PasswordHash::of_nobody(cost, entropy)?;
        let (turns, places) =
            (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(AT_ONCE + WAITING)));
        Ok(Self { cost, nobodys, turns, places })
    }

    /// The hash of a new password, as it is kept.
    pub(crate) async fn hash(
        &self,
        password: SecretText,
        entropy: Arc<dyn Entropy>,
    ) -> Result<String, Problem> {
        let cost = self.cost;
        self.away(move || PasswordHash::make(&password, cost, &*entropy).map(|hash| hash.to_text())).await
    }

    /// Whether the password is the one whose hash is kept. Without a hash, nobody has the name: the answer is no, and takes as long.
    pub(crate) async fn is_of(&self, password: SecretText, kept: Option<&str>) -> Result<bool, Problem> {
        let known = kept.and_then(|text| PasswordHash::from_text(text).ok());
        let is_known = known.is_some();
        let hash = known.unwrap_or_else(|| self.nobodys.clone());
        let fits = self.away(move || hash.is_of(&password)).await?;
        Ok(fits && is_known)
    }

    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => return Err(busy()),
        };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| busy())?;
        // The turn goes with the work: somebody who hangs up does not give it back early.
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        Ok(done.await.map_err(|_| busy())??)
    }
}

fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_sign_ins",
        "Too many at once",
        "too many people sign in at this moment",
        "try again in a few seconds",
    )
}

/// Checks a password that somebody chooses: long, and not what anybody would try first.
pub(crate) fn check_choice(field: &str, password: &SecretText, name: &str) -> Result<(), Problem> {
    let text = password.expose();
    let length = text.chars().count();
    if length < FEWEST {
        return Err(weak(
            field,
            "it is too short",
            "use at least 12 characters; four words that do not belong together are good",
        ));
    }
    if text.len() > MAX_PASSWORD_BYTES {
        return Err(weak(field, "it is too long", "use at most 1024 bytes"));
    }
    let small = text.to_lowercase();
    let letters: std::collections::BTreeSet<char> = small.chars().collect();
    if letters.len() < 5 {
        return Err(weak(field, "it repeats a few characters", "use more different characters"));
    }
    let stem = name.split('@').next().unwrap_or(name);
    let without =
        small.replace(stem, "").replace("paddock", "").replace("alpaca", "").replace("password", "");
    if without.chars().count() < FEWEST / 2 {
        return Err(weak(
            field,
            "it is little more than a name that anybody would try",
            "add words that nobody would expect",
        ));
    }
    let runs = ["0123456789012345", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm"];
    if runs.iter().any(|run| run.contains(&small)) {
        return Err(weak(field, "it is a row of keys or digits", "use words that do not belong together"));
    }
    Ok(())
}

fn weak(field: &str, why: &str, next_step: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "weak_password",
        "Another password is needed",
        format!("this password is easy to guess: {why}"),
        next_step,
    )
    .with("field", field)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("correct horse battery", true)]
    #[case("pferd-batterie-heftklammer", true)]
    #[case("twelve chars", true)]
    #[case("short", false)]
    #[case("aaaaaaaaaaaaaaaa", false)]
    #[case("abababababababab", false)]
    #[case("123456789012", false)]
    #[case("qwertyuiopas", false)]
    #[case("ada-paddock-1", false)]
    #[case("AdaPassword12", false)]
    fn what_anybody_would_try_is_refused(#[case] password: &str, #[case] fine: bool) {
        let password = SecretText::new(password.to_owned());
        assert_eq!(check_choice("password", &password, "ada@example.com").is_ok(), fine);
    }

    #[test]
    fn no_complaint_quotes_the_password() {
        let password = SecretText::new("hunter2".to_owned());
        let problem = check_choice("password", &password, "ada").unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}
