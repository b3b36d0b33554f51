//! `GET /api/v1/status`

use axum::Json;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::audit::ChainHash;
use paddock_gateway::{BudgetView, Counters};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{views, words};
use crate::problem::Problem;

/// Paddock at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    version: &'static str,
    now: Timestamp,
    gateway: String,
    #[schema(required)]
    tls: Option<String>,
    #[schema(required)]
    proxy: Option<String>,
    everything_frozen: bool,
    connections: Connections,
    keys: Keys,
    #[schema(value_type = views::Counters)]
    counters: Counters,
    #[schema(value_type = Vec<views::Budget>)]
    budgets: Vec<BudgetView>,
    vault: Vault,
    audit: Audit,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusConnections)]
struct Connections {
    paper: usize,
    live: usize,
    frozen: usize,
    #[schema(required)]
    active: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusKeys)]
struct Keys {
    usable: usize,
    frozen: usize,
    expired: usize,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusVault)]
struct Vault {
    #[schema(required)]
    kek: Option<String>,
    provider: &'static str,
    locked: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatusAudit)]
struct Audit {
    /// How many records the chain has; told to the team that runs this Paddock, since it is of all teams.
    #[schema(required)]
    records: Option<u64>,
    /// The hash of the last one, likewise.
    #[schema(required, value_type = Option<words::Hash>)]
    head: Option<ChainHash>,
}

/// Paddock at a glance.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    operation_id = "getStatus",
    tag = "system",
    responses(
        (status = 200, description = "Paddock at a glance", body = Status),
    ),
)]
pub(crate) async fn show(desk: Desk) -> Result<Json<Status>, Problem> {
    let now = desk.now();
    let rows = desk.store.connections(desk.user).await?;
    let count = |environment: Environment| rows.iter().filter(|row| row.environment == environment).count();
    let connections = Connections {
        paper: count(Environment::Paper),
        live: count(Environment::Live),
        frozen: rows.iter().filter(|row| row.frozen).count(),
        active: rows.iter().find(|row| row.active).map(|row| row.name.clone()),
    };
    let mut keys = Keys { usable: 0, frozen: 0, expired: 0 };
    for key in desk.store.keys(desk.user).await?.iter().filter(|key| key.revoked_at.is_none()) {
        if key.scope.expires_at.is_some_and(|expiry| expiry <= now) {
            keys.expired += 1;
        } else if key.frozen {
            keys.frozen += 1;
        } else {
            keys.usable += 1;
        }
    }
    let vault = super::vault::show::view(&desk).await?;
    let head = if desk.runs_this() { Some(desk.store.audit_head().await?) } else { None };
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        now,
        gateway: desk.gateway_url.clone(),
        tls: desk.tls_url.clone(),
        proxy: desk.proxy_url.clone(),
        everything_frozen: super::freeze::everything_frozen(&desk).await?,
        connections,
        keys,
        counters: desk.control.counters_of(desk.user),
        budgets: desk.control.budgets().into_iter().filter(|budget| budget.user == desk.user).collect(),
        vault: Vault { kek: vault.kek, provider: vault.provider, locked: vault.locked },
        audit: Audit { records: head.map(|(records, _)| records), head: head.map(|(_, hash)| hash) },
    }))
}
