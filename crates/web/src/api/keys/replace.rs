//! `POST /api/v1/keys/{name}/replace`

use axum::Json;
use http::{HeaderValue, StatusCode, header};
use paddock_store::Connection;

use super::create::{Created, NewKey};
use super::{edit, revoke};
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::lifetime;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 2] = ["name", "overlap"];

/// Issues another access key with the same limits, and has the one that it replaces end after the overlap: until then both work, so that programs
/// can be given the new one without a request that fails. A key that was to end lives as long anew. Daily caps count for each of the two.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{name}/replace",
    operation_id = "replaceKey",
    tag = "keys",
    params(params::KeyName),
    request_body = bodies::KeyReplacement,
    responses(
        (status = 201, description = "The new access key with its secret, which is told here and never again", body = Created),
    ),
    extensions(("x-problems" = json!(["fresh_factor_needed", "second_factor_needed", problems::FIELDS, problems::RELOAD, problems::VAULT, "name_looks_like_key", "name_taken", "changed_meanwhile", "unknown_key", "not_found"]))),
)]
pub(crate) async fn replace(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<Created>), Problem> {
    let (created, _) = perform(&desk, &name, fields).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(created)))
}

/// Does it. The new key comes first: if the old one could not be given its end, the new one is taken back.
pub(crate) async fn perform(
    desk: &Desk,
    name: &str,
    mut fields: Fields,
) -> Result<(Created, Connection), Problem> {
    let new_name = fields.need_text("name", "a name for the new access key")?;
    let overlap = fields.need_text("overlap", lifetime::EXPECTED)?;
    fields.finish(&FIELDS)?;
    let now = desk.now();
    let ends = lifetime::parse(&overlap).and_then(|overlap| lifetime::end(now, overlap));
    let ends = ends.ok_or_else(|| Problem::field("overlap", lifetime::EXPECTED))?;
    let old = super::named(desk, name).await?;
    let gone = || Problem::from(paddock_store::StoreError::NotFound { what: "connection" });
    let connection = desk.store.connection(old.connection).await?.ok_or_else(gone)?;
    let mut scope = old.scope.clone();
    scope.expires_at =
        old.scope.expires_at.and_then(|at| lifetime::end(now, at.duration_since(old.created_at)));
    let created = NewKey::alike(new_name, connection.clone(), scope)?.issue(desk).await?;
    let mut ending = old.scope.clone();
    ending.expires_at = Some(ending.expires_at.map_or(ends, |at| at.min(ends)));
    if let Err(problem) = edit::change(desk, &old, &ending).await {
        revoke::end(desk, created.key.id).await?;
        return Err(problem);
    }
    Ok((created, connection))
}
