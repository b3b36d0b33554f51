//! `POST /api/v1/leaks/check`

use std::collections::BTreeMap;

use axum::Json;
use paddock_core::id::ConnectionId;
use paddock_core::{Environment, SecretText};
use paddock_store::{Connection, FingerprintMatch};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{bodies, problems, words};
use crate::fields::Fields;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 2] = ["key_ids", "secret_keys"];

/// The most halves of one kind in one request.
const MOST: usize = 500;

/// What is known of the halves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownHalves)]
pub(crate) struct KnownView {
    items: Vec<KnownHalf>,
}

/// A half that is or was a connection's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KnownHalf {
    /// `key_id` or `secret_key`.
    half: &'static str,
    /// Its place in the list that was sent, from 0.
    index: usize,
    /// The connection's name.
    connection: String,
    /// Alpaca's world.
    #[schema(value_type = words::EnvironmentWord)]
    environment: Environment,
    /// Whether it is of the pair that the connection has now.
    current: bool,
}

/// Tells which of these halves are or were a connection's, so that a leak of one's own pair is told from others. They are compared by the
/// vault's fingerprints and kept nowhere.
#[utoipa::path(
    post,
    path = "/api/v1/leaks/check",
    operation_id = "checkLeaks",
    tag = "connections",
    request_body = bodies::LeaksToCheck,
    responses((status = 200, description = "Those that are known", body = KnownView)),
    extensions(("x-problems" = json!([problems::FIELDS, problems::VAULT]))),
)]
pub(crate) async fn check(desk: Desk, mut fields: Fields) -> Result<Json<KnownView>, Problem> {
    let key_ids = halves(&mut fields, "key_ids")?;
    let secret_keys = halves(&mut fields, "secret_keys")?;
    fields.finish(&FIELDS)?;
    let own: BTreeMap<ConnectionId, Connection> =
        desk.store.connections(desk.user).await?.into_iter().map(|one| (one.id, one)).collect();
    let mut items = Vec::new();
    for (index, half) in key_ids.iter().enumerate() {
        let known = desk.store.find_fingerprints(desk.sealer.fingerprint(half)?.as_bytes(), &[]).await?;
        items.extend(best(&own, &known).map(|known| known.half("key_id", index)));
    }
    for (index, half) in secret_keys.iter().enumerate() {
        let known = desk.store.find_fingerprints(&[], desk.sealer.fingerprint(half)?.as_bytes()).await?;
        items.extend(best(&own, &known).map(|known| known.half("secret_key", index)));
    }
    Ok(Json(KnownView { items }))
}

fn halves(fields: &mut Fields, name: &str) -> Result<Vec<SecretText>, Problem> {
    let texts = fields.list(name)?.unwrap_or_default();
    if texts.len() > MOST {
        return Err(Problem::field(name, format!("at most {MOST} entries")));
    }
    Ok(texts.into_iter().map(SecretText::new).collect())
}

struct Best<'a> {
    connection: &'a Connection,
    current: bool,
}

impl Best<'_> {
    fn half(self, half: &'static str, index: usize) -> KnownHalf {
        KnownHalf {
            half,
            index,
            connection: self.connection.name.clone(),
            environment: self.connection.environment,
            current: self.current,
        }
    }
}

/// The match that says most: one of this team's connections, and of its present pair if there is one.
fn best<'a>(own: &'a BTreeMap<ConnectionId, Connection>, known: &[FingerprintMatch]) -> Option<Best<'a>> {
    let matches = known.iter().filter_map(|one| {
        let connection = own.get(&one.connection)?;
        Some(Best { connection, current: connection.credential_version == one.version })
    });
    matches.max_by_key(|best| best.current)
}
