//! `POST /api/v1/rehearsal-broker`

use std::fmt;

use axum::Json;
use futures_util::future::BoxFuture;
use http::StatusCode;
use paddock_alpaca::AlpacaClient;
use paddock_core::{Environment, SecretText};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::fields::Fields;
use crate::problem::Problem;

/// An account of the paper broker, with its present pair. It has no `Debug`.
pub struct PaperAccount {
    /// Its number.
    pub number: String,
    /// The Key ID.
    pub key_id: SecretText,
    /// The Secret Key.
    pub secret_key: SecretText,
}

/// Starts a paper broker inside this process, where the configuration names none, and does at any on this machine what a person does in its
/// dashboard. What goes wrong is told in a sentence.
pub trait RehearsalHost: fmt::Debug + Send + Sync {
    /// Starts it and gives what asks it. Called once.
    fn start(&self) -> BoxFuture<'_, Result<AlpacaClient, String>>;

    /// Opens an account at the broker at that address.
    fn open<'a>(
        &'a self,
        address: &'a str,
        environment: Environment,
    ) -> BoxFuture<'a, Result<PaperAccount, String>>;

    /// Makes an account's pair anew, which ends the one before.
    fn regenerate<'a>(
        &'a self,
        address: &'a str,
        number: &'a str,
    ) -> BoxFuture<'a, Result<PaperAccount, String>>;

    /// Deletes an account.
    fn delete<'a>(&'a self, address: &'a str, number: &'a str) -> BoxFuture<'a, Result<(), String>>;
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
    Ok(Json(BrokerView { address: running(&desk).await? }))
}

/// The address of the paper broker, which runs.
pub(crate) async fn running(desk: &Desk) -> Result<String, Problem> {
    let client = desk.rehearsal.or_start(desk.rehearsal_host.start()).await.map_err(|why| no_broker(&why))?;
    Ok(client.endpoints().trading(Environment::Paper).as_str().trim_end_matches('/').to_owned())
}

/// It cannot be rehearsed.
pub(crate) fn no_broker(why: &str) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "no_rehearsal",
        "No paper broker to rehearse with",
        format!("the paper broker takes no part: {why}"),
        "start one with `paddock paper serve`, and name it under [rotation] rehearsal_url in the configuration",
    )
}
