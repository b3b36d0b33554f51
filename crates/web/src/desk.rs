//! Who asks, and what that one works with.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::audit::Actor;
use paddock_core::id::{TokenId, UserId};
use paddock_store::{Person, Session};

use crate::WebState;
use crate::people::network;
use crate::problem::Problem;

/// Who asks, found before the request reaches its endpoint and kept in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// Whose connections and access keys it is about: the team.
    pub(crate) user: UserId,
    /// What they may do.
    pub(crate) role: Role,
    /// Who it is, where it is one person and not whoever may open the admin socket.
    pub(crate) person: Option<Person>,
    /// How they came to be known.
    pub(crate) way: Way,
}

/// How somebody came to be known.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// By the permissions of the file system: they may open the admin socket.
    Socket,
    /// By the cookie of a session.
    Session(Session),
    /// By a personal API token.
    Token {
        /// Which one.
        id: TokenId,
        /// From when on it opens nothing.
        expires_at: Timestamp,
        /// Whether it may do what otherwise needs a fresh second factor.
        may_without_factor: bool,
    },
}

impl Asker {
    /// Whoever may open the admin socket: they act for the first team as its owner.
    pub(crate) const fn at_the_socket(user: UserId) -> Self {
        Self { user, role: Role::Owner, person: None, way: Way::Socket }
    }

    /// Whoever is signed in in a session.
    pub(crate) fn signed_in(session: Session, person: Person) -> Self {
        Self { user: person.team, role: person.role, person: Some(person), way: Way::Session(session) }
    }
}

/// What an endpoint or a page works with: what all share, seen by the one who asks. A request of nobody has none.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    state: Arc<WebState>,
    /// Whose connections and access keys it is about: the team. Nothing of another one may be shown or changed.
    pub(crate) user: UserId,
    /// What whoever asks may do.
    pub(crate) role: Role,
    /// Who asks, where it is one person and not whoever may open the admin socket.
    pub(crate) person: Option<Person>,
    /// How they came to be known.
    pub(crate) way: Way,
    /// Where they are, if they came over a network and not to the admin socket.
    pub(crate) network: Option<IpAddr>,
}

impl Desk {
    /// What the audit says of who asked.
    pub(crate) fn actor(&self) -> Actor {
        match &self.person {
            Some(person) => Actor::Person { id: person.id, name: person.name.clone() },
            None => Actor::Operator,
        }
    }

    /// What all share, for what outlives the request.
    pub(crate) fn shared(&self) -> Arc<WebState> {
        Arc::clone(&self.state)
    }

    /// Whether the team is the first one, which runs this Paddock.
    pub(crate) fn runs_this(&self) -> bool {
        self.user == self.state.user
    }

    /// Whether whoever asks may do what takes that role.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.role >= role
    }

    /// The person who asks, where it is about themselves.
    pub(crate) fn somebody(&self) -> Result<&Person, Problem> {
        self.person.as_ref().ok_or_else(|| {
            Problem::new(
                StatusCode::CONFLICT,
                "nobody_in_particular",
                "Nobody in particular",
                "the admin socket acts for the team and not for one person, and this is about one",
                "sign in on the pages",
            )
        })
    }

    /// The session of the browser that asks, if it is one.
    pub(crate) const fn session(&self) -> Option<&Session> {
        match &self.way {
            Way::Session(session) => Some(session),
            Way::Socket | Way::Token { .. } => None,
        }
    }

    /// Goes on only if the team is the first one: what is of the whole of this Paddock is its own.
    pub(crate) fn need_first_team(&self) -> Result<(), Problem> {
        if self.runs_this() { Ok(()) } else { Err(not_your_team()) }
    }
}

/// What is of the whole of this Paddock is for the first team.
pub(crate) fn not_your_team() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "first_team_only",
        "Not for this team",
        "this is about the whole of this Paddock, which the first team runs",
        "ask an owner of the first team",
    )
}

/// Nobody is known to ask.
pub(crate) fn not_signed_in() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "not_signed_in",
        "Not signed in",
        "the request does not say who asks",
        "sign in, or send a personal API token as `Authorization: Bearer`",
    )
}

impl Deref for Desk {
    type Target = WebState;

    fn deref(&self) -> &WebState {
        &self.state
    }
}

impl FromRequestParts<Arc<WebState>> for Desk {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<WebState>) -> Result<Self, Problem> {
        let asker = parts.extensions.get::<Asker>().cloned().ok_or_else(not_signed_in)?;
        let Asker { user, role, person, way } = asker;
        let network = (!matches!(way, Way::Socket)).then(|| network::of_parts(parts, state));
        Ok(Self { state: Arc::clone(state), user, role, person, way, network })
    }
}
