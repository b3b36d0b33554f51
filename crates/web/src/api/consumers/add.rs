//! `POST /api/v1/connections/{name}/consumers`

use axum::Json;
use http::StatusCode;
use paddock_core::id::ConsumerId;
use paddock_rotate::consumers::ConsumerSettings;
use paddock_store::ConsumerRow;

use super::ConsumerView;
use crate::api::connections;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::name::{self, PathName};
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 4] = ["name", "kind", "settings", "secret"];

/// Adds a consumer to a connection: from its next rotation on it gets each new pair. Nothing is sent there now.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/consumers",
    operation_id = "addConsumer",
    tag = "rotations",
    params(params::ConnectionName),
    request_body = bodies::NewConsumer,
    responses(
        (status = 201, description = "The consumer", body = ConsumerView),
    ),
    extensions(("x-problems" = json!([problems::FIELDS, problems::VAULT, "name_looks_like_key", "name_taken", "unknown_connection", "not_found"]))),
)]
pub(crate) async fn add(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<(StatusCode, Json<ConsumerView>), Problem> {
    Ok((StatusCode::CREATED, Json(perform(&desk, &name, fields).await?)))
}

/// Does it.
pub(crate) async fn perform(desk: &Desk, name: &str, mut fields: Fields) -> Result<ConsumerView, Problem> {
    let given = fields.need_text("name", "a name for the consumer, for example `bot-heroku`")?;
    let kinds: Vec<&str> = ConsumerSettings::KINDS.iter().map(|(kind, _)| *kind).collect();
    let kind = fields.need_text("kind", &format!("one of: {}", kinds.join(", ")))?;
    let settings = fields.object("settings")?.unwrap_or_default();
    let secret = fields.secret("secret")?;
    fields.finish(&FIELDS)?;
    desk.need_fresh(Matter::Work)?;
    name::check(&given)?;
    let settings = super::read_settings(&kind, settings)?;
    let secret = secret.and_then(|secret| super::trimmed(secret.expose()));
    super::check(desk, &settings, secret.as_ref())?;
    let connection = connections::named(desk, name).await?;
    let now = desk.now();
    let id = ConsumerId::generate(now, &*desk.entropy);
    let secret = match &secret {
        Some(secret) => Some(super::seal(desk, &connection, id, 1, secret).await?),
        None => None,
    };
    let row = ConsumerRow {
        id,
        user: desk.user,
        connection: connection.id,
        name: given,
        kind,
        settings: super::written(&settings)?,
        secret,
        created_at: now,
    };
    desk.store
        .add_consumer(&row, &desk.actor(), now)
        .await
        .map_err(|error| Problem::from(error).at("name"))?;
    super::shown_of(desk, &connection, row).await
}
