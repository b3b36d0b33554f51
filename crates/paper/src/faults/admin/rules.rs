//! `/admin/v1/faults`.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::strict_json::{JsonFault, Object};
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::dashboard::terms::find_account;
use crate::dashboard::{Failed, answer, fields};
use crate::faults::{Fault, FaultRule, ListedFault, Reply, When};
use crate::http::Served;

#[derive(Serialize)]
struct Listed {
    faults: Vec<ListedFault>,
}

/// `GET /faults`: all rules, oldest first, those included that are over.
pub(super) async fn list(State(served): State<Served>) -> Result<Response, Failed> {
    answer(StatusCode::OK, &Listed { faults: served.broker.listed_faults() })
}

/// `POST /faults` with a rule: 201 with it and its id.
pub(super) async fn add(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let account = match read(fields.text("account"))? {
        Some(name) => Some(find_account(&served, &name).await?),
        None => None,
    };
    let rule = FaultRule { account, ..rule(fields)? };
    let id = served.broker.add_fault(rule).map_err(|bad| AlpacaError::invalid_field(bad.to_string()))?;
    answer(StatusCode::CREATED, &find(&served, id)?)
}

/// `GET /faults/{id}`.
pub(super) async fn show(State(served): State<Served>, Path(id): Path<String>) -> Result<Response, Failed> {
    answer(StatusCode::OK, &find(&served, number(&id)?)?)
}

/// `DELETE /faults/{id}`: what it holds is let go.
pub(super) async fn remove(
    State(served): State<Served>,
    Path(id): Path<String>,
) -> Result<StatusCode, Failed> {
    match served.broker.remove_fault(number(&id)?) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_such_rule().into()),
    }
}

/// `DELETE /faults`: all rules.
pub(super) async fn clear(State(served): State<Served>) -> StatusCode {
    served.broker.clear_faults();
    StatusCode::NO_CONTENT
}

fn find(served: &Served, id: u64) -> Result<ListedFault, Failed> {
    let listed = served.broker.listed_faults().into_iter().find(|listed| listed.id == id);
    listed.ok_or_else(|| no_such_rule().into())
}

fn number(id: &str) -> Result<u64, Failed> {
    id.parse().map_err(|_| no_such_rule().into())
}

fn no_such_rule() -> AlpacaError {
    AlpacaError::new(404, 40_410_000, "no fault has that id")
}

/// Reads a rule but for its account. A field of another fault is an unknown one.
fn rule(mut fields: Object<'_>) -> Result<FaultRule, Failed> {
    let name = read(fields.text("fault"))?.unwrap_or_default();
    let fault = match name.as_str() {
        "latency" => Fault::Latency {
            milliseconds: count(&mut fields, "milliseconds")?.unwrap_or(0),
            jitter_milliseconds: count(&mut fields, "jitter_milliseconds")?.unwrap_or(0),
        },
        "error" => Fault::Error {
            status: small(&mut fields, "status")?.unwrap_or(0),
            when: when(&mut fields)?,
            rate_limit_headers: read(fields.boolean("rate_limit_headers"))?.unwrap_or(true),
            retry_after: count(&mut fields, "retry_after")?,
        },
        "drop" => Fault::Drop {
            when: when(&mut fields)?,
            reply: match read(fields.text("reply"))?.as_deref() {
                None | Some("nothing") => Reply::Nothing,
                Some("headers") => Reply::Headers,
                Some(_) => return Err(wrong("reply must be nothing or headers")),
            },
        },
        "hang" => Fault::Hang { when: when(&mut fields)? },
        "half_open" => Fault::HalfOpen,
        "disconnect" => Fault::Disconnect {
            code: small(&mut fields, "code")?,
            reconnects: read(fields.boolean("reconnects"))?.unwrap_or(false),
        },
        "slow_client" => Fault::SlowClient,
        "stale" => Fault::Stale {
            at: match read(fields.text("at"))? {
                None => None,
                Some(text) => {
                    let at = text.parse();
                    Some(at.map_err(|_| wrong("at must be an instant such as 2026-11-20T14:30:00Z"))?)
                }
            },
        },
        "key_death" => Fault::KeyDeath,
        _ => {
            return Err(wrong(
                "fault must be one of latency, error, drop, hang, half_open, disconnect, slow_client, stale, key_death",
            ));
        }
    };
    let rule = FaultRule {
        operations: read(fields.texts("operations"))?.unwrap_or_default(),
        streams: read(fields.texts("streams"))?.unwrap_or_default(),
        key_id: read(fields.text("key_id"))?,
        path: read(fields.text("path"))?,
        skip: count(&mut fields, "skip")?.unwrap_or(0),
        count: count(&mut fields, "count")?,
        probability: read(fields.decimal("probability"))?,
        for_seconds: count(&mut fields, "for_seconds")?,
        seed: count(&mut fields, "seed")?,
        ..FaultRule::new(fault)
    };
    read(fields.finish())?;
    Ok(rule)
}

fn when(fields: &mut Object<'_>) -> Result<When, Failed> {
    match read(fields.text("when"))?.as_deref() {
        None | Some("before") => Ok(When::Before),
        Some("after") => Ok(When::After),
        Some(_) => Err(wrong("when must be before or after")),
    }
}

/// A whole number from 0.
fn count(fields: &mut Object<'_>, name: &'static str) -> Result<Option<u64>, Failed> {
    let Some(number) = read(fields.decimal(name))? else { return Ok(None) };
    let whole = number.fract().is_zero().then(|| number.to_u64()).flatten();
    whole.map(Some).ok_or_else(|| wrong(&format!("{name} must be a whole number from 0")))
}

fn small(fields: &mut Object<'_>, name: &'static str) -> Result<Option<u16>, Failed> {
    let number = count(fields, name)?.map(u16::try_from).transpose();
    number.map_err(|_| wrong(&format!("{name} must be at most {}", u16::MAX)))
}

fn wrong(message: &str) -> Failed {
    Failed(AlpacaError::invalid_field(message.to_owned()))
}

fn read<T>(field: Result<T, JsonFault>) -> Result<T, Failed> {
    field.map_err(|fault| Failed(AlpacaError::from(&fault)))
}
