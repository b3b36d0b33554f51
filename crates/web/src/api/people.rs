//! People: `GET /api/v1/people`, changes of them, invitations, and what everybody does about their own password and sessions.

pub(crate) mod change;
pub(crate) mod invitations;
pub(crate) mod list;
pub(crate) mod password;
pub(crate) mod reset;
pub(crate) mod sessions;

use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::id::{LinkId, PersonId};
use paddock_store::{Link, LinkFor, Person};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::words;
use crate::people::person_name;
use crate::problem::{Problem, shown};

/// A person as they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonView {
    /// Their identifier.
    #[schema(value_type = words::Id)]
    pub id: PersonId,
    /// The name by which they sign in.
    pub name: String,
    /// What they may do.
    #[schema(value_type = words::RoleWord)]
    pub role: Role,
    /// When they joined.
    pub created_at: Timestamp,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self { id: person.id, name: person.name, role: person.role, created_at: person.created_at }
    }
}

/// An invitation as it is shown. Its link is told once, by the answer that makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: LinkId,
    /// For whom, in the words of whoever invited.
    pub label: String,
    /// What they will be allowed.
    #[schema(value_type = words::RoleWord)]
    pub role: Role,
    /// The name of the team that they found; absent when they join this one.
    #[schema(required)]
    pub founds: Option<String>,
    /// When it was given.
    pub created_at: Timestamp,
    /// From when on it does not work.
    pub expires_at: Timestamp,
}

impl InvitationView {
    /// Nothing for a link of another kind.
    pub(crate) fn of(link: Link) -> Option<Self> {
        let (role, founds) = match link.purpose {
            LinkFor::Join { role, .. } => (role, None),
            LinkFor::Found { name, .. } => (Role::Owner, Some(name)),
            LinkFor::Setup | LinkFor::Reset(_) | LinkFor::Demo(_) => return None,
        };
        let Link { id, label, created_at, expires_at, .. } = link;
        Some(Self { id, label, role, founds, created_at, expires_at })
    }
}

/// The person of the team with that name.
pub(crate) async fn named(desk: &Desk, name: &str) -> Result<Person, Problem> {
    let normal = person_name::normalise(name);
    let people = desk.store.persons(desk.user).await?;
    let known: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
    people.into_iter().find(|person| person.name == normal).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_person",
            "Unknown person",
            format!("there is nobody named `{}` in this team", shown(name)),
            if known.is_empty() {
                "open the set-up link that `paddock serve` prints".to_owned()
            } else {
                format!("use one of: {}", known.join(", "))
            },
        )
        .with("people", known)
    })
}
