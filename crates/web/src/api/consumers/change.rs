//! `PATCH /api/v1/connections/{name}/consumers/{consumer}`

use axum::Json;

use super::ConsumerView;
use crate::api::connections;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::name::{self, PathPair};
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 3] = ["name", "settings", "secret"];

/// Gives a consumer another name, other settings or another secret. What is absent stays; settings are exchanged as a whole.
#[utoipa::path(
    patch,
    path = "/api/v1/connections/{name}/consumers/{consumer}",
    operation_id = "changeConsumer",
    tag = "rotations",
    params(params::ConsumerPath),
    request_body = bodies::ConsumerChange,
    responses(
        (status = 200, description = "The consumer as it is now", body = ConsumerView),
    ),
    extensions(("x-problems" = json!([problems::FIELDS, problems::VAULT, "name_looks_like_key", "name_taken", "unknown_connection", "unknown_consumer", "changed_meanwhile", "not_found"]))),
)]
pub(crate) async fn change(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    fields: Fields,
) -> Result<Json<ConsumerView>, Problem> {
    Ok(Json(perform(&desk, &name, &consumer, fields).await?))
}

/// Does it.
pub(crate) async fn perform(
    desk: &Desk,
    name: &str,
    consumer: &str,
    mut fields: Fields,
) -> Result<ConsumerView, Problem> {
    let given = fields.text("name")?;
    let settings = fields.object("settings")?;
    let secret = fields.secret("secret")?;
    fields.finish(&FIELDS)?;
    desk.need_fresh(Matter::Work)?;
    let connection = connections::named(desk, name).await?;
    let mut row = super::named(desk, &connection, consumer).await?;
    if let Some(given) = given {
        name::check(&given)?;
        row.name = given;
    }
    let secret = secret.and_then(|secret| super::trimmed(secret.expose()));
    if let Some(settings) = settings {
        let settings = super::read_settings(&row.kind, settings)?;
        if !settings.needs_secret() && secret.is_none() {
            super::check(desk, &settings, None)?;
        }
        row.settings = super::written(&settings)?;
    }
    if let Some(secret) = &secret {
        super::check(desk, &super::settings_of(&row)?, Some(secret))?;
        let version = row.secret.as_ref().map_or(1, |before| before.version.saturating_add(1));
        row.secret = Some(super::seal(desk, &connection, row.id, version, secret).await?);
    }
    desk.store
        .change_consumer(&row, &desk.actor(), desk.now())
        .await
        .map_err(|error| Problem::from(error).at("name"))?;
    super::shown_of(desk, &connection, row).await
}
