//! `POST /api/v1/keys`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderValue, StatusCode, header};
use paddock_core::SecretText;
use paddock_core::audit::Actor;
use paddock_core::id::AccessKeyId;
use paddock_store::{AccessKey, SealedSigningKey};
use paddock_vault::{Binding, Field};
use serde::Serialize;

use super::{KeyView, issue, scope_fields};
use crate::api::connections;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::sealing::current_dek;
use crate::{WebState, name};

/// A new access key with its secret, which is told here and never again.
#[derive(Serialize)]
pub(crate) struct Created {
    key: KeyView,
    key_id: String,
    secret_key: String,
}

impl Drop for Created {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret_key);
    }
}

/// Issues an access key.
pub(crate) async fn create(
    State(state): State<Arc<WebState>>,
    mut fields: Fields,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<Created>), Problem> {
    let name = fields.need_text("name", "a name for the access key, for example `aapl-bot`")?;
    name::check(&name)?;
    let connection = fields.need_text("connection", "the name of a connection")?;
    let now = state.now();
    let scope = scope_fields::read(&mut fields, now)?;
    let known: Vec<&str> = ["name", "connection"].into_iter().chain(scope_fields::FIELDS).collect();
    fields.finish(&known)?;
    let connection = connections::named(&state, &connection).await?;
    let issued = issue::issue(&*state.entropy);
    let key = AccessKey {
        id: AccessKeyId::generate(now, &*state.entropy),
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
        let signing = seal_signing_key(&state, &key, &issued.secret_key).await?;
        state.store.insert_signed_key(&key, &signing, &Actor::Operator, now).await?;
    } else {
        state.store.insert_key(&key, &Actor::Operator, now).await?;
    }
    state.reload().await?;
    let view = super::view(&state, key, &connection).await?;
    let created =
        Created { key: view, key_id: issued.key_id, secret_key: issued.secret_key.expose().to_owned() };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(created)))
}

/// Seals what requests are signed with, which is the Secret Key itself: a signature can only be checked by who has the same key. For such
/// an access key the secret opens nothing by itself.
async fn seal_signing_key(
    state: &WebState,
    key: &AccessKey,
    secret: &SecretText,
) -> Result<SealedSigningKey, Problem> {
    let dek = current_dek(state).await?;
    let seals = state.store.count_seals(dek.id(), 1).await?;
    let version = 1;
    let field = Field::SigningKey(key.id);
    let place = Binding { user: state.user, connection: key.connection, field, version };
    let sealed = state.sealer.seal(&dek, seals, &place, secret, &*state.entropy)?.to_bytes();
    Ok(SealedSigningKey { key: key.id, version, dek: dek.id(), sealed, created_at: key.created_at })
}
