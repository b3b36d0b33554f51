//! `POST /api/v1/connections`

use axum::Json;
use http::StatusCode;
use paddock_core::Environment;
use paddock_core::id::ConnectionId;
use paddock_core::paste::{Pasted, repair};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::connect::{Connected, Given, Replace, Wish, connect};
use super::{ConnectionView, RepairView, attestation};
use crate::desk::Desk;
use crate::document::{bodies, problems, words};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::name;
use crate::problem::Problem;

/// What was connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Added {
    pub(crate) connection: ConnectionView,
    /// Whether the credential of a connection that was there before was replaced.
    replaced: bool,
    /// What was taken off the pasted fields.
    pub(crate) repairs: Vec<RepairView>,
    account: AccountView,
}

/// What a person recognises the account by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountSummary)]
struct AccountView {
    #[schema(required, value_type = Option<words::Exact>)]
    cash: Option<Decimal>,
    #[schema(required, value_type = Option<words::Exact>)]
    equity: Option<Decimal>,
    #[schema(required)]
    currency: Option<String>,
}

/// The fields of the body.
pub(crate) const FIELDS: [&str; 8] = [
    "name",
    "environment",
    "key_id",
    "secret_key",
    "replace",
    attestation::FIELDS[0],
    attestation::FIELDS[1],
    attestation::FIELDS[2],
];

/// Connects an Alpaca account, or replaces the credential of one that is connected: 201 for a new connection, 200 for a
/// replaced credential. Nothing is stored before Alpaca has confirmed the pair.
#[utoipa::path(
    post,
    path = "/api/v1/connections",
    operation_id = "addConnection",
    tag = "connections",
    request_body = bodies::NewConnection,
    responses(
        (status = 201, description = "The account is connected", body = Added),
        (status = 200, description = "The credential of a connection was replaced", body = Added),
    ),
    extensions(("x-problems" = json!(["fresh_factor_needed", "second_factor_needed", problems::PAIR, problems::FIELDS, problems::RELOAD, problems::VAULT, "name_looks_like_key", "paddock_key", "already_connected", "connected_elsewhere", "name_taken", "same_pair", "attestation_missing", "attestation_incomplete", "attestation_changed"]))),
)]
pub(crate) async fn add(desk: Desk, fields: Fields) -> Result<(StatusCode, Json<Added>), Problem> {
    let added = perform(&desk, fields, None).await?;
    let status = if added.replaced { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(added)))
}

/// Does it. Where `only` is given, a pair that is to replace another replaces that of this connection or none.
pub(crate) async fn perform(
    desk: &Desk,
    mut fields: Fields,
    only: Option<ConnectionId>,
) -> Result<Added, Problem> {
    let name = fields.need_text("name", "a name for the connection, for example `my-paper`")?;
    let environment = fields.need_text("environment", "`paper` or `live`")?;
    let key_id = fields.need_secret("key_id", "the Key ID from Alpaca's dashboard")?;
    let secret_key = fields.need_secret("secret_key", "the Secret Key from Alpaca's dashboard")?;
    let replace = fields.flag("replace")?;
    let attestation = attestation::read(&mut fields)?;
    fields.finish(&FIELDS)?;
    name::check(&name)?;
    let environment: Environment = environment
        .parse()
        .map_err(|_| Problem::not_allowed("environment", &environment, &["paper", "live"]))?;
    // Before anything else, so that a pair is never sent anywhere by whoever may not connect it.
    match environment {
        Environment::Live => desk.need_second_factor().await?,
        Environment::Paper if replace => desk.need_fresh(Matter::Work)?,
        Environment::Paper => {}
    }
    if !replace {
        // Nobody is asked about a pair that may not be connected anyway.
        attestation::check(desk, environment, attestation.as_ref())?;
    }
    let (key_id, secret_key) = (repair(&key_id), repair(&secret_key));
    let repairs = repairs(&key_id, &secret_key);
    let given = Given::Pair { key_id: key_id.text, secret_key: secret_key.text };
    let replace = match (replace, only) {
        (false, _) => Replace::Never,
        (true, None) => Replace::OfTheAccount,
        (true, Some(connection)) => Replace::Only(connection),
    };
    let wish = Wish { name, environment, given, replace, attestation };
    let Connected { connection, account, replaced } = connect(desk, wish).await.map_err(|problem| {
        // The person should know what was taken off, also when the rest is wrong.
        match serde_json::to_value(&repairs) {
            Ok(repairs) if repairs.as_array().is_some_and(|list| !list.is_empty()) => {
                problem.with("repairs", repairs)
            }
            _ => problem,
        }
    })?;
    let account = AccountView { cash: account.cash, equity: account.equity, currency: account.currency };
    Ok(Added { connection: super::view(desk, connection).await?, replaced, repairs, account })
}

fn repairs(key_id: &Pasted, secret_key: &Pasted) -> Vec<RepairView> {
    [("key_id", key_id), ("secret_key", secret_key)]
        .into_iter()
        .filter(|(_, pasted)| !pasted.repairs.is_empty())
        .map(|(field, pasted)| RepairView {
            field: field.to_owned(),
            removed: pasted.repairs.iter().map(ToString::to_string).collect(),
        })
        .collect()
}
