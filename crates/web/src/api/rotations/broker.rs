//! `POST /api/v1/rehearsal-broker`

use std::fmt;

use axum::Json;
use futures_util::future::BoxFuture;
use http::StatusCode;
use paddock_alpaca::AlpacaClient;
use paddock_core::Environment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::fields::Fields;
use crate::problem::Problem;

/// Starts a paper broker inside this process, where the configuration names none.
pub trait RehearsalHost: fmt::Debug + Send + Sync {
    /// Starts it and gives what asks it. Called once.
    fn start(&self) -> BoxFuture<'_, Result<AlpacaClient, String>>;
}

/// The paper broker with which rotations are rehearsed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RehearsalBroker)]
pub(crate) struct BrokerView {
    /// Its address on this machine; its dashboard opens accounts and makes their pairs anew at `/dashboard/v1` there.
    address: String,
}

/// The paper broker with which rotations are rehearsed. Where the configuration names none, one is started inside this process; it listens on this
/// machine only and goes with the process.
#[utoipa::path(
    post,
    path = "/api/v1/rehearsal-broker",
    operation_id = "startRehearsalBroker",
    tag = "rotations",
    responses((status = 200, description = "The paper broker, running", body = BrokerView)),
    extensions(("x-problems" = json!(["no_rehearsal"]))),
)]
pub(crate) async fn start(desk: Desk, fields: Fields) -> Result<Json<BrokerView>, Problem> {
    fields.finish(&[])?;
    let client = desk.rehearsal.or_start(desk.rehearsal_host.start()).await.map_err(|why| {
        Problem::new(
            StatusCode::CONFLICT,
            "no_rehearsal",
            "No paper broker to rehearse with",
            format!("the paper broker could not be started: {why}"),
            "start one with `paddock paper serve`, and name it under [rotation] rehearsal_url in the configuration",
        )
    })?;
    let address = client.endpoints().trading(Environment::Paper).as_str().trim_end_matches('/').to_owned();
    Ok(Json(BrokerView { address }))
}
