//! `DELETE /api/v1/connections/{name}/consumers/{consumer}`

use http::StatusCode;

use crate::api::connections;
use crate::desk::Desk;
use crate::document::params;
use crate::fields::Fields;
use crate::name::PathPair;
use crate::problem::Problem;

/// Forgets a consumer and what Paddock logs in there with. What is there stays as it is; the next pair is not taken there.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}/consumers/{consumer}",
    operation_id = "removeConsumer",
    tag = "rotations",
    params(params::ConsumerPath),
    responses(
        (status = 204, description = "It is forgotten"),
    ),
    extensions(("x-problems" = json!(["unknown_connection", "unknown_consumer", "not_found"]))),
)]
pub(crate) async fn remove(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    fields: Fields,
) -> Result<StatusCode, Problem> {
    fields.finish(&[])?;
    perform(&desk, &name, &consumer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Does it.
pub(crate) async fn perform(desk: &Desk, name: &str, consumer: &str) -> Result<(), Problem> {
    let connection = connections::named(desk, name).await?;
    let row = super::named(desk, &connection, consumer).await?;
    desk.store.remove_consumer(row.id, &desk.actor(), desk.now()).await?;
    Ok(())
}
