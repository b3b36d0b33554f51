//! `GET /settings`

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::authority;
use crate::api::trading::TradingView;
use crate::api::vault::show::view as vault_view;
use crate::desk::Desk;
use crate::pages::answer::{Done, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, grouped};
use crate::problem::Problem;
use crate::query::Query;

/// What was just done, by its code.
const DONE: [(&str, &str); 6] = [
    ("mode", "The trading mode was changed."),
    ("paused", "Trading is paused: no new trade is opened."),
    ("resumed", "Trading goes on, as the mode says."),
    (
        "kek",
        "There is a new key-encryption key. Copies of the old key file still open older backups, and nothing else.",
    ),
    ("dek", "There is a new data-encryption key, and every credential is sealed anew under it."),
    ("audit-key", "A new key signs the audit from now on. Note down its public half."),
];

#[derive(Debug, Template)]
#[template(path = "settings/show.html")]
struct SettingsPage {
    shell: Shell,
    runs_all: bool,
    form: FormView,
    trading: TradingView,
    changed: Option<Moment>,
    vault_locked: bool,
    kek: Option<String>,
    deks: usize,
    seals: String,
    audit_key: Option<AuditKeyCard>,
    keep: Option<String>,
    gateway: String,
    tls: Option<String>,
    proxy: Option<String>,
    metrics: Option<String>,
    fingerprint: Option<String>,
}

#[derive(Debug)]
struct AuditKeyCard {
    public_key: String,
    before: usize,
    signed: String,
}

/// The page.
pub(super) async fn show(desk: Desk, said: Done, mut query: Query) -> Result<Response, Problem> {
    _ = query.text("done");
    query.finish(&[])?;
    answer(&desk, StatusCode::OK, &said, FormView::blank()).await
}

/// The page with what was wrong with what was sent.
pub(super) async fn refused(desk: &Desk, form: FormView) -> Result<Response, Problem> {
    let status = form.problem.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
    answer(desk, status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), &Done::default(), form).await
}

async fn answer(desk: &Desk, status: StatusCode, said: &Done, form: FormView) -> Result<Response, Problem> {
    let now = desk.now();
    let runs_all = desk.runs_this();
    let trading: TradingView = desk.store.trading(desk.user).await?.into();
    let vault = vault_view(desk).await?;
    // A vault that is locked can tell nothing of the keys that sign.
    let audit_key = match desk.control.audit_keys().await {
        Ok(keys) if runs_all => Some(AuditKeyCard {
            public_key: keys.public_key.to_string(),
            before: keys.keys.len().saturating_sub(1),
            signed: keys.checkpoint.map_or_else(|| "none".to_owned(), |signed| grouped(signed.seq)),
        }),
        _ => None,
    };
    let certificate = authority::certificate(desk).await;
    let form = if form.problem.is_some() { form } else { form.with("mode", trading.mode.as_str()) };
    let page = SettingsPage {
        shell: Shell::load(desk, Section::Settings, "Settings").await?.done(said, &DONE),
        runs_all,
        form,
        changed: trading.changed_at.map(|at| Moment::ago(at, now)),
        trading,
        vault_locked: vault.locked,
        kek: vault.kek.clone(),
        deks: vault.deks.len(),
        seals: grouped(vault.deks.iter().map(|dek| dek.seals).sum()),
        audit_key,
        keep: desk.keep.clone(),
        gateway: desk.gateway_url.clone(),
        tls: desk.tls_url.clone(),
        proxy: desk.proxy_url.clone(),
        metrics: desk.metrics_url.clone(),
        fingerprint: certificate.as_deref().and_then(authority::fingerprint),
    };
    page_with(status, &page)
}
