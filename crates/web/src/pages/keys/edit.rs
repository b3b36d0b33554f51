//! `/keys/{name}/edit`: what the key shall do, what that newly allows and forbids, and then the change.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Scope;
use paddock_core::scope::{Change, diff};
use paddock_store::{AccessKey, Connection};
use sha2::{Digest, Sha256};

use super::new::Beside;
use super::{Account, ReadBack, scope_form};
use crate::api::keys::outlook::Outlook;
use crate::api::keys::{edit, named, scope_fields, shown_by_id};
use crate::complaints::Complaints;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

/// The form.
#[derive(Debug, Template)]
#[template(path = "keys/edit.html")]
struct Edit {
    shell: Shell,
    account: Account,
    path: String,
    name: String,
    form: FormView,
    read_back: ReadBack,
    /// What was there when the form was shown.
    seen: String,
    editing: bool,
    signed: bool,
}

/// What the change comes to, before it is made.
#[derive(Debug, Template)]
#[template(path = "keys/review.html")]
struct Review {
    shell: Shell,
    path: String,
    name: String,
    old_sentence: String,
    read_back: ReadBack,
    allows: Vec<Change>,
    forbids: Vec<Change>,
    /// Whether anything changes at all.
    changes: bool,
    typed: Vec<(String, String)>,
    seen: String,
    /// What stands in the way of saving it.
    problem: Option<Problem>,
}

/// The form, as the key is.
pub(super) async fn show(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let (key, connection) = find(&desk, &name).await?;
    let read_back = ReadBack::of(&Outlook::of(key.scope.clone(), connection.environment));
    let form = scope_form::filled(&key.scope);
    form_page(&desk, StatusCode::OK, &key, &connection, form, read_back).await
}

async fn find(desk: &Desk, name: &str) -> Result<(AccessKey, Connection), Problem> {
    let key = named(desk, name).await?;
    let connections = desk.store.connections(desk.user).await?;
    let connection = connections.into_iter().find(|connection| connection.id == key.connection);
    Ok((key, connection.ok_or_else(super::gone)?))
}

async fn form_page(
    desk: &Desk,
    status: StatusCode,
    key: &AccessKey,
    connection: &Connection,
    form: FormView,
    read_back: ReadBack,
) -> Result<Response, Problem> {
    let view = shown_by_id(desk, key.id).await?;
    page_with(
        status,
        &Edit {
            shell: Shell::load(desk, Section::Keys, format!("Edit {}", key.name)).await?.about(connection),
            account: Account::of(connection),
            path: super::path(&view),
            name: view.name,
            form,
            read_back,
            seen: mark(&key.scope),
            editing: true,
            signed: key.scope.signed.is_some(),
        },
    )
}

/// The form as it was sent: what the change comes to, then the change.
pub(super) async fn submit(
    desk: Desk,
    PathName(name): PathName,
    form: FormFields,
) -> Result<Response, Problem> {
    let (key, connection) = find(&desk, &name).await?;
    let (step, seen) = (form.one("step"), form.one("seen"));
    let view = scope_form::kept(&form, &[]);
    let typed = scope_form::typed(&form, &[]);
    let read_back = look(&desk, &typed, &key, &connection);
    if step == "change" {
        return form_page(&desk, StatusCode::OK, &key, &connection, view, read_back).await;
    }
    let scope = match read(&typed, &key.scope, desk.now()) {
        Ok(scope) => scope,
        Err(complaints) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return form_page(&desk, status, &key, &connection, view.refused_for(complaints), read_back)
                .await;
        }
    };
    let difference = diff(&key.scope, &scope);
    // Whatever was decided was decided by what was shown.
    let mut problem = (seen != mark(&key.scope)).then(changed_meanwhile);
    if step == "save" && problem.is_none() {
        match edit::change(&desk, &key, &scope).await {
            Ok(_) => return Ok(done(&super::path(&shown_by_id(&desk, key.id).await?), "edited")),
            Err(refused) => problem = Some(refused),
        }
    }
    let view = shown_by_id(&desk, key.id).await?;
    let status = problem.as_ref().map_or(StatusCode::OK, Problem::http_status);
    page_with(
        status,
        &Review {
            shell: Shell::load(&desk, Section::Keys, format!("Review {}", key.name))
                .await?
                .about(&connection),
            path: super::path(&view),
            name: view.name,
            old_sentence: key.scope.describe(),
            read_back,
            allows: difference.allows,
            forbids: difference.forbids,
            changes: scope != key.scope,
            typed,
            seen: mark(&key.scope),
            problem,
        },
    )
}

/// What stands beside the form, as it is being filled in.
pub(super) async fn outlook(
    desk: Desk,
    PathName(name): PathName,
    form: FormFields,
) -> Result<Response, Problem> {
    let (key, connection) = find(&desk, &name).await?;
    page(&Beside { read_back: look(&desk, &scope_form::typed(&form, &[]), &key, &connection) })
}

fn look(desk: &Desk, typed: &[(String, String)], key: &AccessKey, connection: &Connection) -> ReadBack {
    match read(typed, &key.scope, desk.now()) {
        Ok(scope) => ReadBack::of(&Outlook::of(scope, connection.environment)),
        Err(complaints) => ReadBack::missing(complaints.iter().next()),
    }
}

/// The scope that was typed. An end that was left as it stood is the same to the last digit, also when it is over; and whether requests
/// are signed is no question of this form.
fn read(typed: &[(String, String)], old: &Scope, now: Timestamp) -> Result<Scope, Complaints> {
    let one =
        |name: &str| typed.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let kept = old
        .expires_at
        .filter(|end| one("ends") == "at" && one("expires_at").trim() == scope_form::end_text(*end));
    let others: Vec<(String, String)> = typed
        .iter()
        .filter(|(name, _)| {
            name != "signed" && (kept.is_none() || !matches!(name.as_str(), "ends" | "expires_at"))
        })
        .cloned()
        .collect();
    let mut scope = scope_form::scope(&others, now)?;
    if kept.is_some() {
        scope.expires_at = kept;
    }
    scope.signed = old.signed;
    scope_fields::keep_signed(old, &scope)?;
    Ok(scope)
}

/// What a scope is told from others by.
fn mark(scope: &Scope) -> String {
    let text = serde_json::to_vec(scope).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

fn changed_meanwhile() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "changed_meanwhile",
        "Changed meanwhile",
        "what the access key may do was changed after this form was opened, so nothing was saved",
        "look at what the change comes to now, then save it",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn scope(json: serde_json::Value) -> Scope {
        scope_fields::read(&mut serde_json::from_value(json).unwrap(), now()).unwrap()
    }

    /// Whoever opens the form and saves it without a change changes nothing.
    #[test]
    fn a_form_that_is_left_alone_is_the_same_scope() {
        let scopes = [
            json!({"preset": "trader"}),
            json!({"preset": "data-only", "expires_in": "1d"}),
            json!({"preset": "read-only", "signed": "required", "networks": ["10.0.0.0/8", "::1"]}),
            json!({"allow": ["data", "order", "getAccount"], "approval_over": "always", "hours": "regular"}),
            json!({
                "preset": "trader", "symbols": ["AAPL", "BTC/USD"], "data_symbols": ["SPY"], "sides": ["buy"],
                "asset_classes": ["us_equity", "crypto"], "order_types": ["stop_limit"], "order_classes": ["simple", "oto"],
                "times_in_force": ["day"], "expires_at": "2026-12-01T10:20:30.123456Z", "no_extended_hours": true,
                "positions": "reduce_only", "only_own_orders": true, "max_order_quantity": "0.50", "max_price_deviation": "2.5",
                "max_quote_age": 30, "hours": "22:00-02:30", "max_order_notional": "1000.50", "max_daily_notional": "5000",
                "max_daily_orders": 9, "max_open_exposure": "20000", "max_daily_loss": "250", "max_requests_per_minute": 60,
                "approval_over": "500.5", "approval_wait": 0, "approval_expiry": 60, "approval_price_band": "0.5",
            }),
        ];
        for fields in scopes {
            let old = scope(fields);
            // Long after its end.
            let later = "2030-01-01T00:00:00Z".parse().unwrap();
            let sent = scope_form::sent(&scope_form::filled(&old));
            assert_eq!(read(&sent, &old, later).unwrap(), old);
        }
    }

    #[test]
    fn an_end_that_is_typed_is_read_as_utc() {
        let old = scope(json!({"preset": "read-only"}));
        let form = scope_form::filled(&old).with("ends", "at").with("expires_at", "2026-12-21T15:00");
        let new = read(&scope_form::sent(&form), &old, now()).unwrap();
        assert_eq!(new.expires_at.unwrap().to_string(), "2026-12-21T15:00:00Z");
    }
}
