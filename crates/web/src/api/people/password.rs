//! `POST /api/v1/password`

use std::sync::Arc;

use axum::Json;
use http::StatusCode;
use paddock_core::SecretText;
use serde::Serialize;
use utoipa::ToSchema;

use super::sessions::who;
use crate::desk::Desk;
use crate::document::{bodies, problems};
use crate::fields::Fields;
use crate::people::network::Visited;
use crate::people::{password, sign_in};
use crate::problem::Problem;

/// The fields of another password.
pub(crate) const FIELDS: [&str; 3] = ["current", "new", "revoke_tokens"];

/// That it is changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PasswordChanged {
    /// That.
    changed: bool,
    /// How many API tokens were revoked with it.
    revoked_tokens: usize,
}

/// Gives whoever asks another password. All their other sessions end, and unless it is said otherwise all their API tokens: also one that asks.
#[utoipa::path(
    post,
    path = "/api/v1/password",
    operation_id = "changePassword",
    tag = "people",
    request_body = bodies::NewPassword,
    responses((status = 200, description = "It is changed, and the other sessions have ended, and the API tokens unless it was said otherwise", body = PasswordChanged)),
    extensions(("x-problems" = json!([problems::FIELDS, "nobody_in_particular", "weak_password", "wrong_password", "too_many_attempts", "too_many_sign_ins", "not_found", problems::VAULT]))),
)]
pub(crate) async fn change(
    desk: Desk,
    from: Visited,
    mut fields: Fields,
) -> Result<Json<PasswordChanged>, Problem> {
    let current = fields.need_secret("current", "the password that you have now")?;
    let new = fields.need_secret("new", "a password of at least 12 characters")?;
    let revoke_tokens = !fields.has("revoke_tokens") || fields.flag("revoke_tokens")?;
    fields.finish(&FIELDS)?;
    let revoked_tokens = set(&desk, &from, current, new, revoke_tokens).await?;
    Ok(Json(PasswordChanged { changed: true, revoked_tokens }))
}

/// Gives whoever asks another password, if the one that they say is theirs. How many API tokens were revoked with it.
pub(crate) async fn set(
    desk: &Desk,
    from: &Visited,
    current: SecretText,
    new: SecretText,
    revoke_tokens: bool,
) -> Result<usize, Problem> {
    let person = who(desk)?;
    password::check_choice("new", &new, &person.name)?;
    match sign_in::check(&desk.shared(), &person.name, current, from.0).await {
        Ok(_) => {}
        Err(problem) if problem.code == "wrong_name_or_password" => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "wrong_password",
                "Wrong password",
                "this is not the password that you have now",
                "type the password by which you signed in",
            )
            .with("field", "current"));
        }
        Err(problem) => return Err(problem),
    }
    let kept = desk.people.passwords.hash(new, Arc::clone(&desk.entropy)).await?;
    let keep = desk.session().map(|session| session.id);
    Ok(desk.store.set_password(person.id, &kept, keep, revoke_tokens, &desk.actor(), desk.now()).await?)
}
