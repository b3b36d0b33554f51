//! Second factors: setting one up, and proving one. Pages, API and sign-in share this.

use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;
use paddock_core::SecretText;
use paddock_core::audit::Actor;
use paddock_core::id::PersonId;
use paddock_store::{CodeHash, FactorRow, Person, StoreError};
use paddock_vault::{FactorPlace, Sealed, VaultError, WrappedDek};

use crate::WebState;
use crate::desk::Desk;
use crate::people::sign_in::{note_failure, too_often};
use crate::problem::Problem;
use crate::recovery;
use crate::sealing::current_dek;

/// A second factor that was made and waits to be confirmed: what its owner puts into their app, once.
pub(crate) struct Offer {
    /// The secret, as apps take it.
    pub(crate) secret: SecretText,
    /// The same with all around it, for a picture.
    pub(crate) uri: SecretText,
}

/// By what a person proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A code of their app.
    Code,
    /// A recovery code, of which so many are left.
    RecoveryCode {
        /// How many.
        left: u32,
    },
}

/// Whether a person has a second factor that is on.
pub(crate) async fn is_on(state: &WebState, person: PersonId) -> Result<bool, Problem> {
    Ok(state.store.second_factor(person).await?.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Makes a second factor, in the place of one that was never confirmed.
pub(crate) async fn begin(desk: &Desk, person: &Person) -> Result<Offer, Problem> {
    if is_on(desk, person.id).await? {
        return Err(already_on());
    }
    let now = desk.now();
    let dek = current_dek(desk).await?;
    let seals = desk.store.count_seals(dek.id(), 1).await?;
    let place = FactorPlace { user: person.team, person: person.id, version: 1 };
    let made = desk.second_factor.make(&dek, seals, &place, &*desk.entropy)?;
    let row = FactorRow {
        person: person.id,
        user: person.team,
        version: 1,
        dek: dek.id(),
        sealed: made.sealed.to_bytes(),
        created_at: now,
        confirmed_at: None,
        last_step: None,
    };
    desk.store.begin_factor(&row).await.map_err(|error| match error {
        StoreError::FactorIsOn => already_on(),
        other => other.into(),
    })?;
    let uri = uri(&person.name, &made.shown);
    Ok(Offer { secret: made.shown, uri })
}

/// Turns the second factor on that was begun, by a code of the app that has it. Yields the recovery codes, which are told once.
pub(crate) async fn confirm(
    desk: &Desk,
    person: &Person,
    typed: &SecretText,
) -> Result<Vec<SecretText>, Problem> {
    let factor = desk.store.second_factor(person.id).await?;
    let factor = match factor {
        Some(factor) if factor.confirmed_at.is_none() => factor,
        Some(_) => return Err(already_on()),
        None => return Err(not_begun()),
    };
    let Some(step) = check(desk, &factor, typed).await? else { return Err(wrong_code()) };
    let codes = recovery::make(&*desk.entropy);
    let hashes = hashes(person.id, &codes);
    match desk.store.confirm_factor(&factor, step, &hashes, &desk.actor(), desk.now()).await {
        Ok(()) => Ok(codes),
        Err(StoreError::NotFound { .. }) => Err(not_begun()),
        Err(error) => Err(error.into()),
    }
}

/// Puts new recovery codes in the place of the old. They are told once.
pub(crate) async fn new_codes(desk: &Desk, person: &Person) -> Result<Vec<SecretText>, Problem> {
    let codes = recovery::make(&*desk.entropy);
    let hashes = hashes(person.id, &codes);
    let (actor, now) = (desk.actor(), desk.now());
    match desk.store.replace_recovery_codes(person.id, person.team, &hashes, &actor, now).await {
        Ok(()) => Ok(codes),
        Err(StoreError::NotFound { .. }) => Err(not_on()),
        Err(error) => Err(error.into()),
    }
}

/// Turns a second factor off.
pub(crate) async fn turn_off(desk: &Desk, person: &Person) -> Result<(), Problem> {
    match desk.store.remove_factor(person.id, person.team, &desk.actor(), desk.now()).await {
        Ok(()) => Ok(()),
        Err(StoreError::NotFound { .. }) => Err(not_on()),
        Err(error) => Err(error.into()),
    }
}

/// Takes what was typed as proof of a person's second factor: a code of their app that was not used before, or a recovery code, which it
/// uses up. Wrong ones are slowed down, apart from wrong passwords, which whoever knows the password could forget by a right one.
pub(crate) async fn prove(
    state: &Arc<WebState>,
    person: &Person,
    typed: &SecretText,
    network: IpAddr,
) -> Result<Proof, Problem> {
    let now = state.now();
    let attempt = state
        .people
        .throttle
        .begin_code(person.id, network, now)
        .map_err(|wait| too_often(wait.as_secs() + 1))?;
    match try_proof(state, person, typed).await? {
        Some(proof) => {
            state.people.throttle.succeeded(&attempt);
            Ok(proof)
        }
        None => {
            note_failure(state, Some(person.clone()), &attempt, network);
            Err(wrong_code())
        }
    }
}

async fn try_proof(state: &WebState, person: &Person, typed: &SecretText) -> Result<Option<Proof>, Problem> {
    let factor = state.store.second_factor(person.id).await?;
    let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_some()) else { return Ok(None) };
    if let Some(code) = recovery::hash(person.id, typed) {
        let actor = Actor::Person { id: person.id, name: person.name.clone() };
        let left = state.store.use_recovery_code(person.id, person.team, &code, &actor, state.now()).await?;
        return Ok(left.map(|left| Proof::RecoveryCode { left }));
    }
    let Some(step) = check(state, &factor, typed).await? else { return Ok(None) };
    // Of two who come with the same code at once one is first.
    Ok(state.store.use_factor_step(person.id, step).await?.then_some(Proof::Code))
}

/// The step of which it is the code.
async fn check(state: &WebState, factor: &FactorRow, typed: &SecretText) -> Result<Option<u64>, Problem> {
    let deks = state.store.deks().await?;
    let dek = deks.iter().find(|dek| dek.id == factor.dek).ok_or(VaultError::WrongDek)?;
    let dek = WrappedDek::from_bytes(&dek.wrapped)?;
    let place = FactorPlace { user: factor.user, person: factor.person, version: factor.version };
    let sealed = Sealed::from_bytes(&factor.sealed)?;
    Ok(state.second_factor.check(&dek, &place, &sealed, typed, state.now(), factor.last_step)?)
}

fn hashes(person: PersonId, codes: &[SecretText]) -> Vec<CodeHash> {
    codes.iter().filter_map(|code| recovery::hash(person, code)).collect()
}

/// What authenticator apps read from a picture (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>). Names hold nothing
/// that would have to be escaped but what is escaped here.
fn uri(name: &str, secret: &SecretText) -> SecretText {
    let mut uri = String::with_capacity(256);
    uri.push_str("otpauth://totp/Paddock:");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str("?secret=");
    uri.push_str(secret.expose());
    uri.push_str("&issuer=Paddock");
    SecretText::new(uri)
}

/// What was typed is no code, or was used before.
pub(crate) fn wrong_code() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "wrong_code",
        "Wrong code",
        "this is not the code that the app shows now, or it was used before",
        "wait for the next code and type that; if none works, set the phone's clock to the network's time",
    )
    .with("field", "code")
}

fn already_on() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "second_factor_is_on",
        "Second factor is on",
        "a second factor is on already",
        "turn it off first, then set up another one",
    )
}

fn not_on() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "second_factor_is_off",
        "Second factor is off",
        "no second factor is on",
        "turn one on first",
    )
}

fn not_begun() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "second_factor_not_begun",
        "Not begun",
        "there is no new second factor to confirm, or another one was begun since",
        "begin again, and put the new secret into the app",
    )
}
