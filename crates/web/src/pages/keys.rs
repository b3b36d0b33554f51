//! Access keys: `/keys`, issuing one, one with all that is known of it, and changing it.

mod act;
mod chart;
mod edit;
mod facts;
mod issued;
mod list;
pub(super) mod meters;
mod new;
mod replace;
mod scope_form;
mod show;
mod try_order;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_store::Connection;

use crate::WebState;
use crate::api::keys::KeyView;
use crate::api::keys::outlook::Outlook;
use crate::problem::Problem;

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/keys", get(list::show))
        .route("/keys/new", get(new::show).post(new::submit))
        .route("/keys/new/outlook", post(new::outlook))
        .route("/keys/{name}", get(show::show))
        .route("/keys/{name}/edit", get(edit::show).post(edit::submit))
        .route("/keys/{name}/edit/outlook", post(edit::outlook))
        .route("/keys/{name}/try", post(try_order::submit))
        .route("/keys/{name}/freeze", post(act::freeze))
        .route("/keys/{name}/unfreeze", get(act::ask_unfreeze).post(act::unfreeze))
        .route("/keys/{name}/replace", get(replace::show).post(replace::submit))
        .route("/keys/{name}/revoke", get(act::ask_revoke).post(act::revoke))
}

/// The sentences that a key's pages say after something was done.
const DONE: [(&str, &str); 5] = [
    ("issued", "The access key is issued. Its secret is not shown again."),
    ("edited", "What the access key may do is changed, from its next request on."),
    ("frozen", "The access key is frozen. Requests that it stops are refused from now on."),
    ("unfrozen", "The access key works again."),
    ("revoked", "The access key is revoked. It opens nothing any more."),
];

/// Where a key's page is. A key that was once named like a page of ours is found by its Key ID, and so is one that is revoked: another
/// may have its name.
fn path(key: &KeyView) -> String {
    let by_id = key.name == "new" || key.revoked_at.is_some();
    format!("/keys/{}", if by_id { &key.key_id } else { &key.name })
}

/// What keeps a key from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InUse,
    Frozen,
    FrozenWithConnection,
    FrozenWithEverything,
    Expired,
    Revoked,
}

impl State {
    fn of(key: &KeyView, connection_frozen: bool, everything_frozen: bool, now: Timestamp) -> Self {
        if key.revoked_at.is_some() {
            return Self::Revoked;
        }
        let expired = key.scope.expires_at.is_some_and(|expiry| expiry <= now);
        match (expired, key.frozen, connection_frozen, everything_frozen) {
            (true, ..) => Self::Expired,
            (_, true, ..) => Self::Frozen,
            (_, _, true, _) => Self::FrozenWithConnection,
            (.., true) => Self::FrozenWithEverything,
            _ => Self::InUse,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::InUse => "In use",
            Self::Frozen => "Frozen",
            Self::FrozenWithConnection => "Frozen with its connection",
            Self::FrozenWithEverything => "Frozen with everything",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The class that gives its colour.
    const fn class(self) -> &'static str {
        match self {
            Self::InUse => "good",
            Self::Expired | Self::Revoked => "over",
            _ => "frozen",
        }
    }
}

/// The connection as a form names it.
#[derive(Debug)]
struct Account {
    name: String,
    environment: &'static str,
    /// `Simulated money` or `Real money`.
    money: &'static str,
    account_number: String,
}

impl Account {
    fn of(connection: &Connection) -> Self {
        Self {
            name: connection.name.clone(),
            environment: connection.environment.as_str(),
            money: match connection.environment {
                Environment::Paper => "Simulated money",
                Environment::Live => "Real money",
            },
            account_number: connection.account_number.clone(),
        }
    }

    fn is_live(&self) -> bool {
        self.environment == "live"
    }
}

/// What a scope comes to, as it stands beside the form; nothing while the form says nothing that makes sense.
#[derive(Debug)]
struct ReadBack {
    sentence: String,
    stake: String,
    warnings: Vec<crate::api::keys::outlook::Warning>,
    /// What stands in the way of saying more.
    missing: Option<String>,
}

impl ReadBack {
    fn of(outlook: &Outlook) -> Self {
        Self {
            sentence: outlook.sentence.clone(),
            stake: outlook.at_stake.words.clone(),
            warnings: outlook.warnings.clone(),
            missing: None,
        }
    }

    /// There is nothing to read back as long as something is wrong.
    fn missing(why: Option<&Problem>) -> Self {
        // The form says at its field what is expected there.
        let missing = why.map(|problem| match problem.at_field() {
            Some("name") | None => problem.sentence(),
            Some(field) => format!("{} <a href=\"#f-{field}\">See the field</a>", problem.sentence()),
        });
        let missing = missing.unwrap_or_default();
        Self { sentence: String::new(), stake: String::new(), warnings: Vec::new(), missing: Some(missing) }
    }
}

/// The connection of a key that is another team's, or was removed.
fn gone() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_key",
        "Unknown access key",
        "the access key is no longer there",
        "look at the list of access keys",
    )
}
