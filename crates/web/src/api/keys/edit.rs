//! `PATCH /api/v1/keys/{name}` and `POST /api/v1/keys/{name}/diff`

use axum::Json;
use paddock_core::Scope;
use paddock_core::scope::{self, Difference};
use paddock_store::AccessKey;
use serde::Serialize;
use utoipa::ToSchema;

use super::{KeyView, scope_fields};
use crate::desk::Desk;
use crate::document::{bodies, params, problems, views};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// An access key after a change, and what the change was.
#[derive(Serialize, ToSchema)]
pub(crate) struct Edited {
    key: KeyView,
    #[serde(flatten)]
    #[schema(value_type = views::Difference)]
    difference: Difference,
}

/// What a change would be.
#[derive(Serialize, ToSchema)]
pub(crate) struct Compared {
    old_sentence: String,
    new_sentence: String,
    #[schema(value_type = views::ScopeView)]
    new_scope: Scope,
    #[serde(flatten)]
    #[schema(value_type = views::Difference)]
    difference: Difference,
}

/// Changes what an access key may do: a field of the scope takes the place of what is there, `null` lifts a limit, and what is absent stays.
/// It holds from the next request on, and for open streams.
#[utoipa::path(
    patch,
    path = "/api/v1/keys/{name}",
    operation_id = "editKey",
    tag = "keys",
    params(params::KeyName),
    request_body = bodies::ScopeFields,
    responses(
        (status = 200, description = "The access key as it is now, and what changed", body = Edited),
    ),
    extensions(("x-problems" = json!(["fresh_factor_needed", "second_factor_needed", problems::SCOPE, problems::RELOAD, "signed_for_good", "changed_meanwhile", "unknown_key", "not_found"]))),
)]
pub(crate) async fn edit(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Edited>, Problem> {
    let key = super::named(&desk, &name).await?;
    let scope = scope_fields::read_change(fields, &key.scope, desk.now())?;
    change(&desk, &key, &scope).await.map(Json)
}

/// Puts `scope` in the place of the key's, unless somebody else changed that meanwhile. What allows more asks for a fresh proof of who
/// is there, and with real money for a second factor at all.
pub(crate) async fn change(desk: &Desk, key: &AccessKey, scope: &Scope) -> Result<Edited, Problem> {
    let difference = scope::diff(&key.scope, scope);
    if !difference.allows.is_empty() {
        desk.need_proof_for(super::environment_of(desk, key).await?).await?;
    }
    desk.store.set_scope(key.id, &key.scope, scope, &desk.actor(), desk.now()).await?;
    desk.reload().await?;
    Ok(Edited { key: super::shown_by_id(desk, key.id).await?, difference })
}

/// What the same request to [`edit`] would newly allow and newly forbid. Nothing is changed.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{name}/diff",
    operation_id = "compareKey",
    tag = "keys",
    params(params::KeyName),
    request_body = bodies::ScopeFields,
    responses(
        (status = 200, description = "What the change would be", body = Compared),
    ),
    extensions(("x-problems" = json!([problems::SCOPE, "signed_for_good", "unknown_key"]))),
)]
pub(crate) async fn diff(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Compared>, Problem> {
    let key = super::named(&desk, &name).await?;
    let new_scope = scope_fields::read_change(fields, &key.scope, desk.now())?;
    Ok(Json(Compared {
        old_sentence: key.scope.describe(),
        new_sentence: new_scope.describe(),
        difference: scope::diff(&key.scope, &new_scope),
        new_scope,
    }))
}
