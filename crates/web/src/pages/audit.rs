//! `/audit`: what is recorded, and whether the record of it is whole.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use paddock_store::RecordQuery;

use super::answer::{self, Done, done};
use super::form::FormView;
use super::records::RecordCells;
use super::shell::{Section, Shell};
use super::text::{Moment, encoded, grouped};
use crate::WebState;
use crate::api::audit::list::records;
use crate::api::audit::{export, when};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::problem::Problem;
use crate::query::Query;

/// How many records stand on a page.
const RECORDS: u32 = 60;

const DONE: [(&str, &str); 1] =
    [("checked", "The whole chain was read and checked just now. What was found stands below.")];

/// What happened, as it stands in the filter: every event by its name, those together that people look for together.
const EVENTS: &[(&str, &str)] = &[
    ("", "Any"),
    ("request_permitted", "Request permitted"),
    ("request_answered", "Request answered"),
    ("request_refused", "Request refused"),
    ("charge_returned", "Charge given back"),
    ("loss_reached", "Loss of a day reached"),
    ("unusual_use", "Unusual use"),
    ("approval_requested", "Held for approval"),
    ("approval_granted", "Approved"),
    ("approval_denied", "Denied"),
    ("approval_ended", "Held in vain"),
    ("frozen", "Frozen"),
    ("unfrozen", "Unfrozen"),
    ("wind_down_ended", "Orders and positions of a freeze seen to"),
    ("checked_in", "Checked in"),
    ("trading_changed", "Trading changed"),
    ("key_created", "Access key issued"),
    ("key_scope_changed", "Access key changed"),
    ("key_revoked", "Access key revoked"),
    ("connection_added", "Connected"),
    ("live_attested", "Signed for real money"),
    ("connection_activated", "Connection made the active one"),
    ("connection_renamed", "Connection renamed"),
    ("connection_removed", "Connection removed"),
    ("credential_replaced", "Credential replaced"),
    ("credential_resealed", "Credential sealed anew"),
    ("rotation_opened", "Rotation opened"),
    ("rotation_stepped", "Step of a rotation"),
    ("rotation_completed", "Rotation completed"),
    ("rotation_due", "Rotation due"),
    ("rotation_policy_changed", "Cadence of rotation changed"),
    ("consumer_added", "Consumer added"),
    ("consumer_changed", "Consumer changed"),
    ("consumer_removed", "Consumer removed"),
    ("signed_in", "Signed in"),
    ("sign_in_failed", "Sign-in failed"),
    ("signed_out", "Signed out"),
    ("password_changed", "Password changed"),
    ("reset_link_made", "Link for a new password made"),
    ("second_factor_on", "Second factor turned on"),
    ("second_factor_off", "Second factor turned off"),
    ("recovery_codes_made", "Recovery codes made"),
    ("recovery_code_used", "Recovery code used"),
    ("token_created", "API token made"),
    ("token_revoked", "API token revoked"),
    ("team_founded", "Team founded"),
    ("person_invited", "Person invited"),
    ("invitation_withdrawn", "Invitation withdrawn"),
    ("person_added", "Person joined"),
    ("role_changed", "Role changed"),
    ("person_removed", "Person removed"),
    ("initialised", "Paddock set up"),
    ("kek_rotated", "Vault's key rotated"),
    ("dek_rotated", "Data key rotated"),
    ("audit_key_made", "Audit key made"),
    ("audit_pruned", "Oldest records removed"),
    ("rollback_accepted", "Older database accepted"),
    ("backup_written", "Backup written"),
    ("backup_restored", "Backup restored"),
];

#[derive(Debug, Template)]
#[template(path = "audit/show.html")]
struct AuditPage {
    shell: Shell,
    /// Whether the visitor looks after the chain: it is of the whole, and one team runs this Paddock.
    runs_all: bool,
    records_in_all: String,
    head: String,
    /// `whole`, `broken` or `unknown`.
    state: &'static str,
    checked: Option<Moment>,
    checked_records: String,
    signed: String,
    removed: Option<String>,
    fault: Option<String>,
    keep: Option<String>,
    rows: Vec<RecordCells>,
    filter: FormView,
    filtered: bool,
    events: &'static [(&'static str, &'static str)],
    first: Option<String>,
    next: Option<String>,
}

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/audit", get(show))
        .route("/audit/verify", post(verify))
        .route("/audit/export", get(download))
}

async fn show(desk: Desk, said: Done, mut query: Query) -> Result<Response, Problem> {
    let now = desk.now();
    let text = |query: &mut Query, name| {
        query.text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let (event, actor) = (text(&mut query, "event"), text(&mut query, "actor"));
    let (from, to) = (text(&mut query, "from"), text(&mut query, "to"));
    let before = query.number("before")?;
    _ = query.text("done");
    query.finish(&["event", "actor", "from", "to", "before"])?;
    let mut wrong = None;
    let mut instant = |text: &Option<String>, name, read: fn(&str) -> Option<jiff::Timestamp>| {
        let at = text.as_deref().map(read);
        if at == Some(None) {
            wrong = Some(crate::query::bad(name, when::EXPECTED).at_its_parameter());
        }
        at.flatten()
    };
    let wanted = RecordQuery {
        user: desk.user,
        event: event.clone(),
        actor: actor.clone(),
        from: instant(&from, "from", when::parse_start),
        to: instant(&to, "to", when::parse_end),
        before,
        after: None,
        limit: RECORDS + 1,
    };
    let mut found = if wrong.is_none() { records(&desk, &wanted).await? } else { Vec::new() };
    let more = found.len() > RECORDS as usize;
    found.truncate(RECORDS as usize);
    let set: Vec<(&str, &str)> = [("event", &event), ("actor", &actor), ("from", &from), ("to", &to)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect();
    let address = |extra: Option<u64>| {
        let mut pairs: Vec<String> =
            set.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        pairs.extend(extra.map(|before| format!("before={before}")));
        if pairs.is_empty() { "/audit".to_owned() } else { format!("/audit?{}", pairs.join("&")) }
    };
    let mut filter = FormView::blank();
    for (name, value) in &set {
        filter = filter.with(name, *value);
    }
    let status = wrong.as_ref().map_or(StatusCode::OK, Problem::http_status);
    if let Some(problem) = wrong {
        filter = filter.refused(problem);
    }
    let names = desk.store.names(desk.user).await?;
    let runs_all = desk.runs_this();
    let (count, head) = desk.store.audit_head().await?;
    // Only who looks after it has it checked; for the others it is enough to know what the last check said.
    let verdict = super::chain::known(&desk.shared(), count).await;
    let checked = verdict.as_ref().map(|verdict| Moment::ago(verdict.at, now));
    let (state, checked_records, signed, removed, fault) = match verdict.map(|verdict| verdict.outcome) {
        // What there is of it in all is of all teams.
        Some(Ok(_)) if !runs_all => ("whole", String::new(), String::new(), None, None),
        Some(Err(_)) if !runs_all => {
            ("broken", String::new(), String::new(), None, Some(super::chain::ELSEWHERE.to_owned()))
        }
        Some(Ok(chain)) => (
            "whole",
            grouped(chain.count),
            grouped(chain.signed),
            (chain.removed > 0).then(|| grouped(chain.removed)),
            None,
        ),
        Some(Err(fault)) => ("broken", String::new(), String::new(), None, Some(fault)),
        None => ("unknown", String::new(), String::new(), None, None),
    };
    let page_with = AuditPage {
        shell: Shell::load(&desk, Section::Audit, "Audit").await?.done(&said, &DONE),
        runs_all,
        records_in_all: grouped(count),
        head: head.to_string(),
        state,
        checked,
        checked_records,
        signed,
        removed,
        fault,
        keep: desk.keep.clone(),
        next: found.last().filter(|_| more).map(|record| address(Some(record.seq))),
        first: before.map(|_| address(None)),
        rows: found.iter().map(|record| RecordCells::new(record, &names, now)).collect(),
        filtered: !set.is_empty(),
        filter,
        events: EVENTS,
    };
    answer::page_with(status, &page_with)
}

/// Reads and checks the whole chain.
async fn verify(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    form.0.finish(&[])?;
    // A broken chain is an answer, and stands on the page.
    _ = super::chain::verify(&desk).await?;
    Ok(done("/audit", "checked"))
}

/// The chain as a file that others can verify.
async fn download(desk: Desk, query: Query) -> Result<Response, Problem> {
    let mut response = export::export(desk, query).await?;
    let name = http::HeaderValue::from_static("attachment; filename=\"paddock-audit.jsonl\"");
    response.headers_mut().insert(http::header::CONTENT_DISPOSITION, name);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use paddock_core::audit::AuditEvent;

    use super::*;

    #[test]
    fn every_event_can_be_looked_for() {
        let mut known = AuditEvent::NAMES.to_vec();
        let mut offered: Vec<&str> =
            EVENTS.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
        known.sort_unstable();
        offered.sort_unstable();
        assert_eq!(offered, known);
    }
}
