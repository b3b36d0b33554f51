//! `POST /api/v1/connections/{name}/consumers/{consumer}/check`

use axum::Json;
use paddock_core::rotation::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::connections;
use crate::desk::Desk;
use crate::document::{params, problems};
use crate::fields::Fields;
use crate::name::PathPair;
use crate::problem::Problem;

/// What a look at a consumer found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConsumerCheck)]
pub struct ConsumerCheckView {
    /// Whether it could take a new pair now.
    pub ready: bool,
    /// As whom Paddock is logged in there, and with what software.
    #[schema(required)]
    pub login: Option<String>,
    /// The version of what is there.
    #[schema(required)]
    pub version: Option<String>,
    /// What can be seen of the values.
    #[schema(required)]
    pub held: Option<String>,
    /// How sure it is that a write is allowed.
    #[schema(required)]
    pub writable: Option<String>,
    /// What stands in the way.
    #[schema(required)]
    pub problem: Option<ConsumerProblem>,
}

/// What stands in a consumer's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsumerProblem {
    /// Its stable code.
    pub code: String,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub next_step: String,
}

/// Looks at a consumer: logs in, finds out whether writing is allowed, and compares what is there with the connection's pair. Nothing is
/// changed there. That it cannot take a pair is an answer, not an error.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/consumers/{consumer}/check",
    operation_id = "checkConsumer",
    tag = "rotations",
    params(params::ConsumerPath),
    responses(
        (status = 200, description = "What was found", body = ConsumerCheckView),
    ),
    extensions(("x-problems" = json!([problems::VAULT, "unknown_connection", "unknown_consumer", "not_found"]))),
)]
pub(crate) async fn check(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    fields: Fields,
) -> Result<Json<ConsumerCheckView>, Problem> {
    fields.finish(&[])?;
    Ok(Json(perform(&desk, &name, &consumer).await?))
}

/// Does it.
pub(crate) async fn perform(desk: &Desk, name: &str, consumer: &str) -> Result<ConsumerCheckView, Problem> {
    let connection = connections::named(desk, name).await?;
    let row = super::named(desk, &connection, consumer).await?;
    let problem = |failure: Failure| ConsumerProblem {
        code: failure.code,
        message: failure.message,
        next_step: failure.next_step,
    };
    Ok(match desk.rotations.look_at_consumer(row.id).await? {
        Ok(look) => ConsumerCheckView {
            ready: look.against.is_none(),
            login: Some(look.login),
            version: look.version,
            held: Some(look.held),
            writable: Some(look.writable),
            problem: look.against.map(problem),
        },
        Err(failure) => ConsumerCheckView {
            ready: false,
            login: None,
            version: None,
            held: None,
            writable: None,
            problem: Some(problem(failure)),
        },
    })
}
