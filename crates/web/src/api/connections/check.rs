//! `POST /api/v1/connections/{name}/check`

use axum::Json;
use http::StatusCode;
use paddock_gateway::ConnectionCheck;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ConnectionView, connect_problem};
use crate::desk::Desk;
use crate::document::{params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// What a check found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checked {
    connection: ConnectionView,
    healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<Problem>,
}

/// Asks Alpaca whether the stored credential still works. A credential that does not is an answer, not an error. The gateway
/// asks, since only it may open the credential.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/check",
    operation_id = "checkConnection",
    tag = "connections",
    params(params::ConnectionName),
    responses(
        (status = 200, description = "What Alpaca says", body = Checked),
    ),
    extensions(("x-problems" = json!([problems::RELOAD, problems::VAULT, "unknown_connection"]))),
)]
pub(crate) async fn check(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<Checked>, Problem> {
    fields.finish(&[])?;
    let connection = super::named(&desk, &name).await?;
    let problem = match desk.control.check_connection(connection.id).await? {
        ConnectionCheck::Healthy(_) => None,
        ConnectionCheck::Faulty(fault) => Some(connect_problem::of_stored(&fault)),
        ConnectionCheck::NoSuchConnection => {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "gateway_not_reloaded",
                "Gateway not reloaded",
                "the gateway does not know this connection yet",
                "restart `paddock serve`",
            ));
        }
    };
    let connection = super::shown_by_name(&desk, &name).await?;
    Ok(Json(Checked { connection, healthy: problem.is_none(), problem }))
}
