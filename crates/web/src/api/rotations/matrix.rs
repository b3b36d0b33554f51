//! `GET /api/v1/rotation-matrix`: everything that is replaced from time to time, how often, how old it is and when it is due.

use std::time::SystemTime;

use axum::Json;
use jiff::{SignedDuration, Timestamp};
use paddock_core::Environment;
use paddock_core::id::RotationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{ca, tokens};
use crate::desk::Desk;
use crate::document::{problems, words};
use crate::problem::Problem;
use crate::query::Query;

/// After so many days the vault's own keys should be replaced.
const OWN_DAYS: u32 = 365;

/// Everything that is replaced from time to time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationMatrix)]
pub struct Matrix {
    /// One row for each, the connections' pairs first and the soonest due of them first.
    pub rows: Vec<MatrixRow>,
}

/// One thing that is replaced from time to time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationMatrixRow)]
pub struct MatrixRow {
    /// What it is: `pair`, `vault_key`, `data_key`, `audit_key`, `authority`, `token` or `access_key`.
    pub what: String,
    /// Its name.
    pub name: String,
    /// Alpaca's world, for a pair.
    #[schema(required, value_type = Option<words::EnvironmentWord>)]
    pub environment: Option<Environment>,
    /// Every so many days, where there is such a number.
    #[schema(required)]
    pub days: Option<u32>,
    /// Since when it is as it is, where that is known.
    #[schema(required)]
    pub since: Option<Timestamp>,
    /// When it is due, or ends.
    #[schema(required)]
    pub due_at: Option<Timestamp>,
    /// Whether that is past.
    pub due: bool,
    /// How it is replaced.
    pub how: String,
    /// The rotation that is under way.
    #[schema(required, value_type = Option<words::Id>)]
    pub rotation: Option<RotationId>,
}

/// Everything that is replaced from time to time, how often, how old it is and when it is due. What is of the whole of this Paddock is shown
/// to the team that runs it.
#[utoipa::path(
    get,
    path = "/api/v1/rotation-matrix",
    operation_id = "showRotationMatrix",
    tag = "rotations",
    responses((status = 200, description = "Everything that rotates", body = Matrix)),
    extensions(("x-problems" = json!([problems::VAULT, "gateway"]))),
)]
pub(crate) async fn show(desk: Desk, query: Query) -> Result<Json<Matrix>, Problem> {
    query.finish(&[])?;
    Ok(Json(load(&desk).await?))
}

/// The matrix.
pub(crate) async fn load(desk: &Desk) -> Result<Matrix, Problem> {
    let now = desk.now();
    let mut rows = pairs(desk, now).await?;
    if desk.runs_this() {
        rows.extend(own(desk, now).await?);
    }
    for dek in desk.store.deks().await?.into_iter().filter(|dek| dek.user == desk.user) {
        let how = "`paddock vault rotate`, or on the page of settings";
        rows.push(aged("data_key", dek.id.to_string(), Some(dek.created_at), Some(OWN_DAYS), how, now));
    }
    for token in tokens::visible(desk).await? {
        let how = "make another one at /settings/tokens, give it to the script, revoke this one";
        rows.push(ending("token", token.name, token.created_at, Some(token.expires_at), how, now));
    }
    for key in desk.store.keys(desk.user).await?.into_iter().filter(|key| key.revoked_at.is_none()) {
        let how = "`paddock key replace`, or on its page: another one with the same limits, and both work until the day that you choose";
        rows.push(ending("access_key", key.name, key.created_at, key.scope.expires_at, how, now));
    }
    Ok(Matrix { rows })
}

async fn pairs(desk: &Desk, now: Timestamp) -> Result<Vec<MatrixRow>, Problem> {
    let open = desk.rotations.list(desk.user, super::list::MOST).await?;
    let under_way = |connection| {
        let is_its = |row: &&paddock_store::RotationRow| {
            row.rotation.connection == connection && !row.rotation.rehearsal && !row.rotation.is_over()
        };
        open.iter().find(is_its).map(|row| row.rotation.id)
    };
    let dues = desk.store.rotations_due(desk.user).await?;
    let row = |due: paddock_store::RotationDue| MatrixRow {
        what: "pair".to_owned(),
        environment: Some(due.environment),
        days: Some(due.days),
        since: Some(due.since),
        due_at: Some(due.due_at),
        due: due.due_at <= now,
        how: "by a rotation: a person makes the new pair at Alpaca".to_owned(),
        rotation: under_way(due.connection),
        name: due.name,
    };
    Ok(dues.into_iter().map(row).collect())
}

/// What is of the whole of this Paddock.
async fn own(desk: &Desk, now: Timestamp) -> Result<Vec<MatrixRow>, Problem> {
    let keys = desk.control.audit_keys().await?;
    let audit = keys.keys.last().map(|key| key.at);
    let vault = written(desk, "vault.key").await;
    let mut rows = vec![
        aged(
            "vault_key",
            "key-encryption key".to_owned(),
            vault,
            Some(OWN_DAYS),
            "`paddock vault rotate kek`, or on the page of settings",
            now,
        ),
        aged(
            "audit_key",
            "key that signs the audit".to_owned(),
            audit,
            Some(OWN_DAYS),
            "`paddock audit key rotate`, or on the page of settings",
            now,
        ),
    ];
    if let Some((_, facts)) = ca::load(desk).await? {
        let name = "certificate authority of the TLS and proxy entrances".to_owned();
        let how = "`paddock ca prepare`, give clients what `paddock ca export` writes, then `paddock ca renew` and restart";
        rows.push(ending("authority", name, facts.not_before, Some(facts.not_after), how, now));
    }
    Ok(rows)
}

/// When a file of the data directory was written.
async fn written(desk: &Desk, name: &str) -> Option<Timestamp> {
    let at: SystemTime = tokio::fs::metadata(desk.data_dir.join(name)).await.ok()?.modified().ok()?;
    Timestamp::try_from(at).ok()
}

fn aged(
    what: &str,
    name: String,
    since: Option<Timestamp>,
    days: Option<u32>,
    how: &str,
    now: Timestamp,
) -> MatrixRow {
    let after = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
    let due_at = since.zip(days).and_then(|(since, days)| since.checked_add(after(days)).ok());
    MatrixRow { days, ..row(what, name, since, due_at, how, now) }
}

fn ending(
    what: &str,
    name: String,
    since: Timestamp,
    ends: Option<Timestamp>,
    how: &str,
    now: Timestamp,
) -> MatrixRow {
    row(what, name, Some(since), ends, how, now)
}

fn row(
    what: &str,
    name: String,
    since: Option<Timestamp>,
    due_at: Option<Timestamp>,
    how: &str,
    now: Timestamp,
) -> MatrixRow {
    MatrixRow {
        what: what.to_owned(),
        name,
        environment: None,
        days: None,
        since,
        due_at,
        due: due_at.is_some_and(|at| at <= now),
        how: how.to_owned(),
        rotation: None,
    }
}
