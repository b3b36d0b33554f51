//! `POST /api/v1/connections`

use axum::Json;
use http::StatusCode;
use paddock_core::paste::{Pasted, repair};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::connect::{Connected, Wish, connect};
use super::{ConnectionView, RepairView};
use crate::desk::Desk;
use crate::document::{bodies, problems, words};
use crate::fields::Fields;
use crate::name;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 5] = ["name", "environment", "key_id", "secret_key", "replace"];

/// What was connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Added {
    connection: ConnectionView,
    /// Whether the credential of a connection that was there before was replaced.
    replaced: bool,
    /// What was taken off the pasted fields.
    repairs: Vec<RepairView>,
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
    extensions(("x-problems" = json!(["fresh_factor_needed", "second_factor_needed", problems::PAIR, problems::FIELDS, problems::RELOAD, problems::VAULT, "name_looks_like_key", "paddock_key", "already_connected", "connected_elsewhere", "name_taken", "same_pair"]))),
)]
pub(crate) async fn add(desk: Desk, mut fields: Fields) -> Result<(StatusCode, Json<Added>), Problem> {
    let name = fields.need_text("name", "a name for the connection, for example `my-paper`")?;
    let environment = fields.need_text("environment", "`paper` or `live`")?;
    let key_id = fields.need_secret("key_id", "the Key ID from Alpaca's dashboard")?;
    let secret_key = fields.need_secret("secret_key", "the Secret Key from Alpaca's dashboard")?;
    let replace = fields.flag("replace")?;
    fields.finish(&FIELDS)?;
    name::check(&name)?;
    let environment = environment
        .parse()
        .map_err(|_| Problem::not_allowed("environment", &environment, &["paper", "live"]))?;
    let (key_id, secret_key) = (repair(&key_id), repair(&secret_key));
    let repairs = repairs(&key_id, &secret_key);
    let wish = Wish { name, environment, key_id: key_id.text, secret_key: secret_key.text, replace };
    let Connected { connection, account, replaced } = connect(&desk, wish).await.map_err(|problem| {
        // The person should know what was taken off, also when the rest is wrong.
        match serde_json::to_value(&repairs) {
            Ok(repairs) if repairs.as_array().is_some_and(|list| !list.is_empty()) => {
                problem.with("repairs", repairs)
            }
            _ => problem,
        }
    })?;
    let account = AccountView { cash: account.cash, equity: account.equity, currency: account.currency };
    let status = if replaced { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Added { connection: connection.into(), replaced, repairs, account })))
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
