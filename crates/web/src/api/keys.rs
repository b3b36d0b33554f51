//! Access keys: what programs get instead of the real credential.

pub(crate) mod create;
pub(crate) mod edit;
pub(crate) mod explain;
pub(crate) mod freeze;
pub(crate) mod issue;
pub(crate) mod list;
pub(crate) mod outlook;
pub(crate) mod replace;
pub(crate) mod revoke;
pub(crate) mod scope_fields;
pub(crate) mod show;
pub(crate) mod usage;

use std::collections::HashMap;

use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::calendar::trading_date;
use paddock_core::id::AccessKeyId;
use paddock_core::{Environment, Scope};
use paddock_store::{AccessKey, Connection};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{views, words};
use crate::problem::{Problem, shown};

/// An access key as it is shown. Its secret is shown once, by the answer that creates it, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AccessKey)]
pub struct KeyView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: AccessKeyId,
    /// The name that its owner gave it.
    pub name: String,
    /// What programs send as their Key ID.
    pub key_id: String,
    /// The name of the connection that it opens.
    pub connection: String,
    /// That connection's environment.
    #[schema(value_type = words::EnvironmentWord)]
    pub environment: Environment,
    /// What it may do.
    #[schema(value_type = views::ScopeView)]
    pub scope: Scope,
    /// The same as a sentence.
    pub scope_sentence: String,
    /// Whether it is frozen.
    pub frozen: bool,
    /// When it was revoked for good.
    #[schema(required)]
    pub revoked_at: Option<Timestamp>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last used.
    #[schema(required)]
    pub last_used_at: Option<Timestamp>,
    /// What it has used of its caps today.
    pub usage: UsageView,
}

/// What an access key has used on one New York day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    /// The New York date.
    pub day: Date,
    /// Orders, replacements and closes.
    pub orders: u32,
    /// Dollars.
    #[schema(value_type = words::Exact)]
    pub notional: Decimal,
}

/// The key as it is shown, with its connection and today's usage.
pub(crate) async fn view(desk: &Desk, key: AccessKey, connection: &Connection) -> Result<KeyView, Problem> {
    let seen = last_seen(desk).remove(&key.id);
    view_of(desk, key, connection, seen).await
}

/// When access keys were seen of late, which the database learns a few seconds later.
fn last_seen(desk: &Desk) -> HashMap<AccessKeyId, Timestamp> {
    let mut seen = HashMap::new();
    for line in desk.control.recent_of(desk.user, usize::MAX) {
        if let Some(key) = line.key {
            // The newest comes first.
            seen.entry(key).or_insert(line.at);
        }
    }
    seen
}

async fn view_of(
    desk: &Desk,
    key: AccessKey,
    connection: &Connection,
    seen: Option<Timestamp>,
) -> Result<KeyView, Problem> {
    let day = trading_date(desk.now());
    let usage = desk.store.usage(key.id, day).await?;
    let last_used_at = key.last_used_at.max(seen);
    Ok(KeyView {
        id: key.id,
        name: key.name,
        key_id: key.key_id,
        connection: connection.name.clone(),
        environment: connection.environment,
        scope_sentence: key.scope.describe(),
        scope: key.scope,
        frozen: key.frozen,
        revoked_at: key.revoked_at,
        created_at: key.created_at,
        last_used_at,
        usage: UsageView { day, orders: usage.orders, notional: usage.notional.normalize() },
    })
}

/// The views of many keys. A key whose connection is not this user's is left out.
pub(crate) async fn views(desk: &Desk, keys: Vec<AccessKey>) -> Result<Vec<KeyView>, Problem> {
    let mut connections = desk.store.connections(desk.user).await?;
    let mut seen = last_seen(desk);
    let mut views = Vec::with_capacity(keys.len());
    for key in keys {
        let known = connections.iter().position(|connection| connection.id == key.connection);
        let position = match known {
            Some(position) => position,
            // The connection was removed; the revoked key still names it.
            None => match desk.store.connection(key.connection).await? {
                Some(connection) => {
                    connections.push(connection);
                    connections.len() - 1
                }
                None => continue,
            },
        };
        if let Some(connection) = connections.get(position).filter(|connection| connection.user == desk.user)
        {
            let at = seen.remove(&key.id);
            views.push(view_of(desk, key, connection, at).await?);
        }
    }
    Ok(views)
}

/// What kind of money an access key is for. Where that cannot be told any more, it was real.
pub(crate) async fn environment_of(desk: &Desk, key: &AccessKey) -> Result<Environment, Problem> {
    let connection = desk.store.connection(key.connection).await?;
    Ok(connection.map_or(Environment::Live, |connection| connection.environment))
}

/// The access key of that name, or with that Key ID; not a revoked one.
pub(crate) async fn named(desk: &Desk, name: &str) -> Result<AccessKey, Problem> {
    if let Some(key) = desk.store.key_named(desk.user, name).await? {
        return Ok(key);
    }
    let mut known: Vec<AccessKey> =
        desk.store.keys(desk.user).await?.into_iter().filter(|key| key.revoked_at.is_none()).collect();
    if let Some(position) = known.iter().position(|key| key.key_id == name) {
        return Ok(known.swap_remove(position));
    }
    let names: Vec<String> = known.into_iter().map(|key| key.name).collect();
    let next_step = if names.is_empty() {
        "issue one under Access keys, or with `paddock key create`".to_owned()
    } else {
        format!("use one of: {}", names.join(", "))
    };
    Err(Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_key",
        "Unknown access key",
        format!("there is no access key named `{}`, or it is revoked", shown(name)),
        next_step,
    )
    .with("keys", names))
}

/// The same, and where there is none, one that is revoked: by its Key ID, or the last one of that name.
pub(crate) async fn ever_named(desk: &Desk, name: &str) -> Result<AccessKey, Problem> {
    let unknown = match named(desk, name).await {
        Ok(key) => return Ok(key),
        Err(problem) => problem,
    };
    let mut keys = desk.store.keys(desk.user).await?;
    let by_id = keys.iter().position(|key| key.key_id == name);
    match by_id.or_else(|| keys.iter().rposition(|key| key.name == name)) {
        Some(position) => Ok(keys.swap_remove(position)),
        None => Err(unknown),
    }
}

/// The named key's view, after a change.
pub(crate) async fn shown_by_id(desk: &Desk, id: AccessKeyId) -> Result<KeyView, Problem> {
    let key = desk.store.key(id).await?.into_iter().collect();
    views(desk, key).await?.pop().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_key",
            "Unknown access key",
            "the access key is no longer there",
            "look at the list of access keys",
        )
    })
}
