//! `POST /api/v1/keys`

use axum::Json;
use http::{HeaderValue, StatusCode, header};
use paddock_core::id::AccessKeyId;
use paddock_core::{Environment, Scope, SecretText};
use paddock_store::{AccessKey, Connection, SealedSigningKey};
use paddock_vault::{Binding, Field};
use serde::Serialize;
use utoipa::ToSchema;

use super::{KeyView, issue, scope_fields};
use crate::api::connections;
use crate::complaints::Complaints;
use crate::desk::Desk;
use crate::document::{bodies, problems};
use crate::fields::Fields;
use crate::name;
use crate::problem::Problem;
use crate::sealing::current_dek;

/// A new access key with its secret, which is told here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Created {
    pub(crate) key: KeyView,
    key_id: String,
    #[schema(read_only, format = Password)]
    secret_key: String,
}

impl Created {
    /// The secret, for the one answer that tells it.
    pub(crate) fn secret_key(&self) -> &str {
        &self.secret_key
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret_key);
    }
}

/// An access key that is to be issued.
#[derive(Debug)]
pub(crate) struct NewKey {
    name: String,
    pub(crate) connection: Connection,
    pub(crate) scope: Scope,
}

impl NewKey {
    /// One with a scope that is known.
    pub(crate) fn alike(name: String, connection: Connection, scope: Scope) -> Result<Self, Problem> {
        free(&name)?;
        Ok(Self { name, connection, scope })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Reads what the key shall be. Nothing is changed.
    pub(crate) async fn read(desk: &Desk, mut fields: Fields) -> Result<Self, Complaints> {
        let mut complaints = Complaints::default();
        let name = fields.need_text("name", "a name for the access key, for example `aapl-bot`");
        let name = complaints.hear(name.and_then(|name| free(&name).map(|()| name)));
        let connection = complaints.hear(fields.need_text("connection", "the name of a connection"));
        let scope = scope_fields::read(&mut fields, desk.now()).unwrap_or_else(|others| {
            complaints.add_all(others);
            Scope::default()
        });
        let known: Vec<&str> = ["name", "connection"].into_iter().chain(scope_fields::FIELDS).collect();
        complaints.hear(fields.finish(&known));
        complaints.unless_any(())?;
        let connection = connections::named(desk, &connection).await?;
        Ok(Self { name, connection, scope })
    }

    /// Issues it. One for real money asks for a fresh proof of who is there.
    pub(crate) async fn issue(self, desk: &Desk) -> Result<Created, Problem> {
        let Self { name, connection, scope } = self;
        if connection.environment == Environment::Live {
            desk.need_second_factor().await?;
        }
        let now = desk.now();
        let issued = issue::issue(&*desk.entropy);
        let key = AccessKey {
            id: AccessKeyId::generate(now, &*desk.entropy),
            connection: connection.id,
            name,
            key_id: issued.key_id.clone(),
            secret_hash: issued.secret_hash,
            scope,
            frozen: false,
            revoked_at: None,
            created_at: now,
            last_used_at: None,
        };
        if key.scope.signed.is_some() {
            let signing = seal_signing_key(desk, &key, &issued.secret_key).await?;
            desk.store.insert_signed_key(&key, &signing, &desk.actor(), now).await?;
        } else {
            desk.store.insert_key(&key, &desk.actor(), now).await?;
        }
        desk.reload().await?;
        let view = super::view(desk, key, &connection).await?;
        let secret_key = issued.secret_key.expose().to_owned();
        Ok(Created { key: view, key_id: issued.key_id, secret_key })
    }
}

/// Issues an access key.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    operation_id = "createKey",
    tag = "keys",
    request_body = bodies::NewKey,
    responses(
        (status = 201, description = "The access key with its secret, which is told here and never again", body = Created),
    ),
    extensions(("x-problems" = json!(["fresh_factor_needed", "second_factor_needed", problems::SCOPE, problems::RELOAD, problems::VAULT, "name_looks_like_key", "unknown_connection", "name_taken", "not_found"]))),
)]
pub(crate) async fn create(
    desk: Desk,
    fields: Fields,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<Created>), Problem> {
    let created = NewKey::read(&desk, fields).await?.issue(&desk).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(created)))
}

/// A name that a key may have. One word stands for the page on which keys are made.
fn free(name: &str) -> Result<(), Problem> {
    name::check(name)?;
    if name == "new" {
        Err(Problem::field("name", "another name: `new` is where keys are made"))
    } else {
        Ok(())
    }
}

/// Seals what requests are signed with, which is the Secret Key itself: a signature can only be checked by who has the same key. For such
/// an access key the secret opens nothing by itself.
async fn seal_signing_key(
    desk: &Desk,
    key: &AccessKey,
    secret: &SecretText,
) -> Result<SealedSigningKey, Problem> {
    let dek = current_dek(desk).await?;
    let seals = desk.store.count_seals(dek.id(), 1).await?;
    let version = 1;
    let field = Field::SigningKey(key.id);
    let place = Binding { user: desk.user, connection: key.connection, field, version };
    let sealed = desk.sealer.seal(&dek, seals, &place, secret, &*desk.entropy)?.to_bytes();
    Ok(SealedSigningKey { key: key.id, version, dek: dek.id(), sealed, created_at: key.created_at })
}
