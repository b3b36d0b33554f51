//! `PATCH` and `DELETE /api/v1/people/{name}`

use axum::Json;
use http::StatusCode;
use paddock_core::Role;
use paddock_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The words of the roles.
pub(crate) const ROLES: [&str; 3] = ["viewer", "operator", "owner"];

/// The fields of a change.
pub(crate) const FIELDS: [&str; 1] = ["role"];

/// Who was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedPerson {
    /// The name.
    removed: String,
}

/// Changes what a person may do. It holds from their next request on.
#[utoipa::path(
    patch,
    path = "/api/v1/people/{name}",
    operation_id = "changeRole",
    tag = "people",
    params(params::PersonName),
    request_body = bodies::RoleChange,
    responses((status = 200, description = "The person after the change", body = PersonView)),
    extensions(("x-problems" = json!([problems::FIELDS, "unknown_person", "last_owner", "not_found"]))),
)]
pub(crate) async fn change(
    desk: Desk,
    PathName(name): PathName,
    mut fields: Fields,
) -> Result<Json<PersonView>, Problem> {
    let role = need_role(&mut fields)?;
    fields.finish(&FIELDS)?;
    set_role(&desk, &name, role).await.map(Json)
}

/// Reads a role.
pub(crate) fn need_role(fields: &mut Fields) -> Result<Role, Problem> {
    let word = fields.need_text("role", "`viewer`, `operator` or `owner`")?;
    word.parse().map_err(|_| Problem::not_allowed("role", &word, &ROLES))
}

/// Changes what a person may do.
pub(crate) async fn set_role(desk: &Desk, name: &str, role: Role) -> Result<PersonView, Problem> {
    let person = super::named(desk, name).await?;
    desk.store.set_role(desk.user, person.id, role, &desk.actor(), desk.now()).await.map_err(last_owner)?;
    super::named(desk, name).await.map(PersonView::from)
}

/// Removes a person. Their sessions end; what they did stays recorded.
#[utoipa::path(
    delete,
    path = "/api/v1/people/{name}",
    operation_id = "removePerson",
    tag = "people",
    params(params::PersonName),
    responses((status = 200, description = "Who is gone", body = RemovedPerson)),
    extensions(("x-problems" = json!(["unknown_person", "last_owner", "not_found"]))),
)]
pub(crate) async fn remove(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<RemovedPerson>, Problem> {
    fields.finish(&[])?;
    Ok(Json(RemovedPerson { removed: take_out(&desk, &name).await? }))
}

/// Removes a person, and gives their name.
pub(crate) async fn take_out(desk: &Desk, name: &str) -> Result<String, Problem> {
    let person = super::named(desk, name).await?;
    desk.store.remove_person(desk.user, person.id, &desk.actor(), desk.now()).await.map_err(last_owner)?;
    Ok(person.name)
}

fn last_owner(error: StoreError) -> Problem {
    match error {
        StoreError::LastOwner => Problem::new(
            StatusCode::CONFLICT,
            "last_owner",
            "The only owner",
            "this is the team's only owner, and a team must have one",
            "make somebody else an owner first",
        ),
        other => other.into(),
    }
}
