//! What a scope comes to, said before anything is issued with it: `POST /api/v1/scope/describe`.

mod stake;
mod warnings;

use axum::Json;
use jiff::Timestamp;
use paddock_core::{Environment, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scope_fields;
use crate::api::connections;
use crate::complaints::Complaints;
use crate::desk::Desk;
use crate::document::{bodies, problems, views};
use crate::fields::Fields;
use crate::problem::Problem;

pub use stake::Stake;
pub use warnings::Warning;

/// What a scope comes to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Outlook {
    /// The scope itself, as it would be kept.
    #[schema(value_type = views::ScopeView)]
    pub scope: Scope,
    /// The scope as a sentence.
    pub sentence: String,
    /// What it can lose on one day.
    pub at_stake: Stake,
    /// What a careful person would look at once more.
    pub warnings: Vec<Warning>,
}

impl Outlook {
    pub(crate) fn of(scope: Scope, environment: Environment) -> Self {
        Self {
            sentence: scope.describe(),
            at_stake: Stake::of(&scope),
            warnings: warnings::of(&scope, environment),
            scope,
        }
    }
}

/// What the fields of a scope come to. With the name of a `connection` its environment counts; without one it is taken for live.
#[utoipa::path(
    post,
    path = "/api/v1/scope/describe",
    operation_id = "describeScope",
    tag = "keys",
    request_body = bodies::ScopeToDescribe,
    responses((status = 200, description = "What the scope comes to", body = Outlook)),
    extensions(("x-problems" = json!([problems::SCOPE, "unknown_connection"]))),
)]
pub(crate) async fn describe(desk: Desk, fields: Fields) -> Result<Json<Outlook>, Problem> {
    let now = desk.now();
    read(&desk, fields, now).await.map(Json).map_err(Problem::from)
}

async fn read(desk: &Desk, mut fields: Fields, now: Timestamp) -> Result<Outlook, Complaints> {
    let connection = fields.text("connection")?;
    let scope = scope_fields::read(&mut fields, now)?;
    let known: Vec<&str> = ["connection"].into_iter().chain(scope_fields::FIELDS).collect();
    fields.finish(&known)?;
    let environment = match connection {
        Some(name) => connections::named(desk, &name).await?.environment,
        None => Environment::Live,
    };
    Ok(Outlook::of(scope, environment))
}
