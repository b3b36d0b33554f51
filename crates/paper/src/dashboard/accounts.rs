//! `/dashboard/v1/accounts`.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::strict_json::Object;
use paddock_alpaca::wire::decimal::text;
use paddock_core::Environment;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::terms::{self, find_account, no_such_account};
use super::{Failed, answer, fields, finish, read};
use crate::broker::account::Standing;
use crate::broker::{Account, Command};
use crate::http::Served;
use crate::keys::KeyFormat;
use crate::paper_broker::NewAccount;

/// Alpaca's account statuses.
const STATUSES: [&str; 14] = [
    "INACTIVE",
    "PAPER_ONLY",
    "ONBOARDING",
    "SUBMISSION_FAILED",
    "SUBMITTED",
    "ACCOUNT_UPDATED",
    "APPROVAL_PENDING",
    "ACTIVE",
    "REJECTED",
    "ACCOUNT_CLOSED",
    "APPROVED",
    "ACCOUNT_CLOSED_PENDING",
    "ACTION_REQUIRED",
    "LIMITED",
];

#[derive(Serialize)]
struct Accounts {
    accounts: Vec<Summary>,
}

/// An account without its secret, which nobody has but who was given it.
#[derive(Serialize)]
struct Summary {
    account_number: String,
    account_id: Uuid,
    environment: Environment,
    key_id: Option<String>,
    #[serde(flatten)]
    standing: Standing,
    #[serde(with = "text")]
    cash: Decimal,
}

impl Summary {
    fn of(account: &Account) -> Self {
        Self {
            account_number: account.number.clone(),
            account_id: account.id,
            environment: account.environment,
            key_id: account.key.as_ref().map(|key| key.key_id.clone()),
            standing: account.standing.clone(),
            cash: account.cash.normalize(),
        }
    }
}

/// An account with a new pair. The secret is shown here and nowhere else.
#[derive(Serialize)]
struct HandedOut<'a> {
    account_number: &'a str,
    account_id: Uuid,
    key_id: &'a str,
    secret_key: &'a str,
}

fn hand_out(status: StatusCode, account: &NewAccount) -> Result<Response, Failed> {
    let shown = HandedOut {
        account_number: &account.account_number,
        account_id: account.account_id,
        key_id: &account.key_id,
        secret_key: account.secret_key.expose(),
    };
    answer(status, &shown)
}

/// `GET /accounts`: all accounts of both environments.
pub(crate) async fn list(State(served): State<Served>) -> Result<Response, Failed> {
    let accounts = served.broker.view(|broker| broker.accounts().map(Summary::of).collect()).await?;
    answer(StatusCode::OK, &Accounts { accounts })
}

/// `POST /accounts` with `{"environment":"paper","cash":"100000","key_format":"new"}`, all optional: the environment is that of
/// the listener, the cash the broker's default and the form that of 2025. 201 with the pair.
pub(super) async fn create(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let environment = read(fields.text("environment"))?;
    let environment = match environment {
        Some(word) => terms::environment(&word)?,
        None => served.environment,
    };
    let (cash, format) = (cash(&mut fields, &served)?, key_format(&mut fields)?);
    finish(fields)?;
    hand_out(StatusCode::CREATED, &served.broker.open_account(environment, cash, format).await?)
}

/// `GET /accounts/{account}`: one account, by its number or its id.
pub(crate) async fn show(State(served): State<Served>, Path(name): Path<String>) -> Result<Response, Failed> {
    let id = find_account(&served, &name).await?;
    let summary = served.broker.view(|broker| broker.account(id).map(Summary::of)).await?;
    answer(StatusCode::OK, &summary.ok_or_else(no_such_account)?)
}

/// `PATCH /accounts/{account}` with any of `status`, `trading_blocked`, `account_blocked` and `liquidation_only`.
pub(crate) async fn set_standing(
    State(served): State<Served>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Failed> {
    let account = find_account(&served, &name).await?;
    let standing =
        served.broker.view(|broker| broker.account(account).map(|account| account.standing.clone()));
    let mut standing = standing.await?.ok_or_else(no_such_account)?;
    let mut fields = fields(&body)?;
    if let Some(status) = read(fields.text("status"))? {
        if !STATUSES.contains(&status.as_str()) {
            let message = format!("status must be one of {}", STATUSES.join(", "));
            return Err(AlpacaError::invalid_field(message).into());
        }
        standing.status = status;
    }
    standing.trading_blocked = read(fields.boolean("trading_blocked"))?.unwrap_or(standing.trading_blocked);
    standing.account_blocked = read(fields.boolean("account_blocked"))?.unwrap_or(standing.account_blocked);
    standing.liquidation_only =
        read(fields.boolean("liquidation_only"))?.unwrap_or(standing.liquidation_only);
    finish(fields)?;
    served.broker.execute(Command::SetStanding { account, standing }).await?;
    show(State(served), Path(name)).await
}

/// `POST /accounts/{account}/keys` with `{"key_format":"new"}`, optional: a new pair; the old one dies in the same act. 201.
pub(super) async fn regenerate(
    State(served): State<Served>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Failed> {
    let account = find_account(&served, &name).await?;
    let mut fields = fields(&body)?;
    let format = key_format(&mut fields)?;
    finish(fields)?;
    hand_out(StatusCode::CREATED, &served.broker.regenerate_key_as(account, format).await?)
}

/// `DELETE /accounts/{account}/keys`: the account has no pair until it is given one. 204.
pub(crate) async fn revoke(
    State(served): State<Served>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failed> {
    let account = find_account(&served, &name).await?;
    served.broker.revoke_key(account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /accounts/{account}/reset` with `{"cash":"100000","key_format":"new"}`, both optional: the account starts anew, with a new pair. 200.
pub(super) async fn reset(
    State(served): State<Served>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Failed> {
    let account = find_account(&served, &name).await?;
    let mut fields = fields(&body)?;
    let (cash, format) = (cash(&mut fields, &served)?, key_format(&mut fields)?);
    finish(fields)?;
    hand_out(StatusCode::OK, &served.broker.reset_account_as(account, cash, format).await?)
}

/// `DELETE /accounts/{account}`: the account, its pair and its tokens are gone, and its streams are closed. 204.
pub(super) async fn delete(
    State(served): State<Served>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failed> {
    let account = find_account(&served, &name).await?;
    served.broker.delete_account(account).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Dollars and cents.
fn cash(fields: &mut Object<'_>, served: &Served) -> Result<Decimal, Failed> {
    let cash = read(fields.decimal("cash"))?.unwrap_or_else(|| served.broker.default_cash());
    Ok(terms::check_cash(cash)?)
}

/// What the new pair looks like.
fn key_format(fields: &mut Object<'_>) -> Result<KeyFormat, Failed> {
    Ok(terms::key_format(read(fields.text("key_format"))?)?)
}
