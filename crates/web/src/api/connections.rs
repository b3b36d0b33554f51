//! Connections: Alpaca accounts that the user has connected.

pub(crate) mod activate;
pub(crate) mod add;
pub(crate) mod attestation;
pub(crate) mod check;
pub(crate) mod connect;
pub(crate) mod connect_problem;
pub(crate) mod freeze;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod rename;

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use paddock_core::id::ConnectionId;
use paddock_core::{CredentialKind, Environment};
use paddock_store::{Connection, ConnectionFault, CredentialFacts, RotationDue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::words;
use crate::problem::{Problem, shown};

/// A connection as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: ConnectionId,
    /// The name that its owner gave it.
    pub name: String,
    /// Alpaca's world.
    #[schema(value_type = words::EnvironmentWord)]
    pub environment: Environment,
    /// Alpaca's account number.
    pub account_number: String,
    /// The account's status as Alpaca last gave it, for example `ACTIVE`.
    pub status: String,
    /// Whether new trades of the engine go here.
    pub active: bool,
    /// Whether it is frozen.
    pub frozen: bool,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When it was removed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// When the account was last seen with the credential.
    pub checked_at: Timestamp,
    /// What the latest look at it found wrong, if it did; such a look is later than `checked_at`, or saw an account that may not trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
    /// The credential's version, from 1.
    pub credential_version: u32,
    /// What the credential is.
    #[schema(value_type = words::CredentialKindWord)]
    pub credential: CredentialKind,
    /// Since when it has the key pair that it has; a token of OAuth is none.
    #[serde(default)]
    pub pair_since: Option<Timestamp>,
    /// By when that pair should be replaced. A token lives until it is revoked at Alpaca.
    #[serde(default)]
    pub next_due_at: Option<Timestamp>,
    /// Every how many days it should be.
    #[serde(default)]
    pub due_every_days: Option<u32>,
    /// Since when it has the OAuth token that it has.
    #[serde(default)]
    pub token_since: Option<Timestamp>,
    /// What was granted with that token, as Alpaca names it.
    #[serde(default)]
    pub token_scopes: Option<Vec<String>>,
}

/// What a look at a connection found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConnectionFault)]
pub struct FaultView {
    /// Its stable name.
    pub code: String,
    /// The heading.
    pub title: String,
    /// What is wrong.
    pub detail: String,
    /// What to do now.
    pub next_step: String,
    /// When it was found.
    pub at: Timestamp,
}

impl From<ConnectionFault> for FaultView {
    fn from(fault: ConnectionFault) -> Self {
        let ConnectionFault { code, title, detail, next_step, at } = fault;
        Self { code, title, detail, next_step, at }
    }
}

/// As what the look itself answered with.
impl From<FaultView> for Problem {
    fn from(fault: FaultView) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(),
            code: fault.code.into(),
            title: fault.title.into(),
            detail: fault.detail.into(),
            next_step: fault.next_step.into(),
            extra: serde_json::Map::new(),
        }
    }
}

/// What is known of a team's connections beside their rows.
pub(crate) struct Facts {
    faults: BTreeMap<ConnectionId, ConnectionFault>,
    credentials: BTreeMap<ConnectionId, CredentialFacts>,
    /// When the pairs are due, the soonest first.
    pub(crate) dues: Vec<RotationDue>,
}

impl Facts {
    /// Of the team of whoever asks.
    pub(crate) async fn load(desk: &Desk) -> Result<Self, Problem> {
        let credentials = desk.store.credential_facts(desk.user).await?;
        let dues = desk.store.rotations_due(desk.user).await?;
        let faults = desk.store.connection_faults(desk.user).await?;
        Ok(Self { faults, credentials, dues })
    }
}

/// The connection as it is shown.
pub(crate) async fn view(desk: &Desk, row: Connection) -> Result<ConnectionView, Problem> {
    Ok(view_of(row, &Facts::load(desk).await?))
}

/// The connection as it is shown, where the facts are known.
pub(crate) fn view_of(row: Connection, facts: &Facts) -> ConnectionView {
    ConnectionView::new(row, facts)
}

/// The named connection as it is shown, after a change.
pub(crate) async fn shown_by_name(desk: &Desk, name: &str) -> Result<ConnectionView, Problem> {
    view(desk, named(desk, name).await?).await
}

impl ConnectionView {
    fn new(row: Connection, facts: &Facts) -> Self {
        let due = facts.dues.iter().find(|due| due.connection == row.id);
        let fault = facts.faults.get(&row.id).cloned().map(FaultView::from);
        let facts = facts.credentials.get(&row.id);
        let credential = facts.map_or(CredentialKind::KeyPair, |facts| facts.kind);
        // What was removed has no credential any more.
        let facts = facts.filter(|_| row.removed_at.is_none());
        let since = |kind| facts.filter(|facts| facts.kind == kind).map(|facts| facts.since);
        let pair_since = since(CredentialKind::KeyPair);
        let scopes = facts.and_then(|facts| facts.scopes.as_deref());
        Self {
            id: row.id,
            name: row.name,
            environment: row.environment,
            account_number: row.account_number,
            status: row.status,
            active: row.active,
            frozen: row.frozen,
            created_at: row.created_at,
            removed_at: row.removed_at,
            checked_at: row.checked_at,
            fault,
            credential_version: row.credential_version,
            credential,
            pair_since,
            next_due_at: due.map(|due| due.due_at),
            due_every_days: due.map(|due| due.days),
            token_since: since(CredentialKind::OauthToken),
            token_scopes: scopes.map(|scopes| scopes.split_whitespace().map(str::to_owned).collect()),
        }
    }
}

/// What was taken off a pasted field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Repair)]
pub struct RepairView {
    /// `key_id` or `secret_key`.
    pub field: String,
    /// What was removed, in words, for example `spaces`.
    pub removed: Vec<String>,
}

/// The connection of that name, or one that was removed, by its identifier; by its name too where that can mean one only.
pub(crate) async fn ever_named(desk: &Desk, name: &str) -> Result<Connection, Problem> {
    let unknown = match named(desk, name).await {
        Ok(connection) => return Ok(connection),
        Err(problem) => problem,
    };
    let mut removed = desk.store.removed_connections(desk.user).await?;
    removed.retain(|row| row.name == name || row.id.to_string() == name);
    match (removed.pop(), removed.as_slice()) {
        (Some(only), []) => Ok(only),
        (Some(first), others) => {
            let ids: Vec<String> = others.iter().chain([&first]).map(|row| row.id.to_string()).collect();
            Err(Problem::new(
                StatusCode::CONFLICT,
                "ambiguous_connection",
                "More than one connection",
                format!("several connections named `{}` were removed", shown(name)),
                format!("use the identifier of one of them: {}", ids.join(", ")),
            )
            .with("connections", ids))
        }
        (None, _) => Err(unknown),
    }
}

/// The connection of that name.
pub(crate) async fn named(desk: &Desk, name: &str) -> Result<Connection, Problem> {
    if let Some(connection) = desk.store.connection_named(desk.user, name).await? {
        return Ok(connection);
    }
    let known: Vec<String> =
        desk.store.connections(desk.user).await?.into_iter().map(|connection| connection.name).collect();
    let next_step = if known.is_empty() {
        "connect an account under Connections, or with `paddock connection add`".to_owned()
    } else {
        format!("use one of: {}", known.join(", "))
    };
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_connection",
        "Unknown connection",
        format!("there is no connection named `{}`", shown(name)),
        next_step,
    )
    .with("connections", known))
}
