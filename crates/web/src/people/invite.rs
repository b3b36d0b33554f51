//! Making links that work once.

use jiff::{SignedDuration, Timestamp};
use paddock_core::SecretText;
use paddock_core::audit::Actor;
use paddock_core::id::{LinkId, PersonId};
use paddock_store::{Link, LinkFor, StoreError};

use super::token;
use crate::WebState;
use crate::problem::Problem;

/// How long an invitation works, and the link into a demo.
pub(crate) const INVITATION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a link for another password works.
pub(crate) const RESET: SignedDuration = SignedDuration::from_hours(1);

/// How long the set-up link works: until the next start, but no longer than this.
const UNTIL_NEXT_START: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A link that was made. Its address holds the secret and is told once.
pub(crate) struct Made {
    pub(crate) link: Link,
    pub(crate) address: SecretText,
}

/// Makes a link.
pub(crate) async fn make(
    state: &WebState,
    purpose: LinkFor,
    label: String,
    lifetime: SignedDuration,
    actor: Actor,
) -> Result<Made, StoreError> {
    let now: Timestamp = state.now();
    let token = token::make(&*state.entropy);
    let hash = token::hash(token.expose()).ok_or(StoreError::Malformed { what: "link" })?;
    let folder = match &purpose {
        LinkFor::Setup => "setup",
        LinkFor::Join { .. } | LinkFor::Found { .. } => "invitations",
        LinkFor::Reset(_) => "reset",
        LinkFor::Demo(_) => "demo",
    };
    let address = SecretText::new(format!("{}/{folder}/{}", state.people.address, token.expose()));
    let link = Link {
        id: LinkId::generate(now, &*state.entropy),
        purpose,
        label,
        actor,
        created_at: now,
        expires_at: now.checked_add(lifetime).unwrap_or(now),
    };
    state.store.insert_link(&link, &hash).await?;
    Ok(Made { link, address })
}

/// A new set-up link, if nobody can sign in yet; the one before does not work any more. It makes whoever opens it the owner, so it is for
/// the terminal of whoever started this, and no log.
///
/// # Errors
/// [`Problem`] when the database fails.
pub async fn set_up_link(state: &WebState) -> Result<Option<SecretText>, Problem> {
    let made = make(state, LinkFor::Setup, String::new(), UNTIL_NEXT_START, Actor::System).await;
    match made {
        Ok(made) => Ok(Some(made.address)),
        Err(StoreError::LinkGone) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A link that signs in a demo's owner, who is made if there is nobody. For a demo only: whoever has the link is in.
///
/// # Errors
/// [`Problem`] when the database fails.
pub async fn demo_link(state: &WebState, name: &str) -> Result<SecretText, Problem> {
    let person = match state.store.person_named(name).await? {
        Some((person, _)) => person.id,
        None => demo_owner(state, name).await?,
    };
    let made = make(state, LinkFor::Demo(person), String::new(), INVITATION, Actor::System).await?;
    Ok(made.address)
}

async fn demo_owner(state: &WebState, name: &str) -> Result<PersonId, Problem> {
    let set_up = make(state, LinkFor::Setup, String::new(), UNTIL_NEXT_START, Actor::System).await?;
    let token = set_up.address.expose().rsplit('/').next().unwrap_or_default();
    let hash = token::hash(token).ok_or(StoreError::Malformed { what: "link" })?;
    let password = token::make(&*state.entropy);
    let now = state.now();
    let newcomer = paddock_store::Newcomer {
        id: PersonId::generate(now, &*state.entropy),
        name: name.to_owned(),
        password: state.people.passwords.hash(password, std::sync::Arc::clone(&state.entropy)).await?,
        team: state.user,
    };
    Ok(state.store.join(&hash, &newcomer, now).await?.id)
}
