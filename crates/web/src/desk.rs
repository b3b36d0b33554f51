//! Who asks, and what that one works with.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use paddock_core::audit::Actor;
use paddock_core::id::UserId;

use crate::WebState;
use crate::problem::Problem;

/// Who asks, found before the request reaches its endpoint and kept in its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// Whose connections and access keys it is about.
    pub(crate) user: UserId,
    /// What the audit says of who asked.
    pub(crate) actor: Actor,
}

impl Asker {
    /// Whoever may open the admin socket: the permissions of the file system are the authentication.
    pub(crate) const fn at_the_socket(user: UserId) -> Self {
        Self { user, actor: Actor::Operator }
    }
}

/// What an endpoint or a page works with: what all share, seen by the one who asks. A request of nobody has none.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    state: Arc<WebState>,
    /// Whose connections and access keys it is about. Nothing of another user may be shown or changed.
    pub(crate) user: UserId,
    actor: Actor,
}

impl Desk {
    /// What the audit says of who asked.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }

    /// What all share, for what outlives the request.
    pub(crate) fn shared(&self) -> Arc<WebState> {
        Arc::clone(&self.state)
    }
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
        let Some(asker) = parts.extensions.get::<Asker>().cloned() else {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "not_signed_in",
                "Not signed in",
                "the request does not say who asks",
                "sign in, or send a personal API token as `Authorization: Bearer`",
            ));
        };
        let Asker { user, actor } = asker;
        Ok(Self { state: Arc::clone(state), user, actor })
    }
}
