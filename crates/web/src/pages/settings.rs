//! `/settings`: how this Paddock is set up, and what keeps its secrets.

mod authority;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderValue, header};
use paddock_store::TradingChange;

use super::answer::done;
use crate::WebState;
use crate::api::{backup, trading};
use crate::desk::Desk;
use crate::fields::{Fields, FormFields};
use crate::problem::Problem;

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/settings", get(show::show))
        .route("/settings/trading/mode", post(set_mode))
        .route("/settings/trading/pause", post(pause))
        .route("/settings/trading/resume", post(resume))
        .route("/settings/vault/rotate", post(rotate_vault))
        .route("/settings/audit-key/rotate", post(rotate_audit_key))
        .route("/settings/backup", post(download_backup))
        .route("/settings/ca.pem", get(authority::download))
}

/// Changes who decides about new trades.
async fn set_mode(desk: Desk, mut form: FormFields) -> Result<Response, Problem> {
    let kept = super::form::FormView::keep(&form, &["mode", "reason"]);
    match trading::mode_from(&mut form.0) {
        Ok(change) => {
            form.0.finish(&["mode", "reason"])?;
            trading::change(&desk, change).await?;
            Ok(done("/settings", "mode"))
        }
        Err(problem) => show::refused(&desk, kept.refused(problem)).await,
    }
}

/// Opens no new trades from now on.
async fn pause(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    form.0.finish(&[])?;
    trading::change(&desk, TradingChange { paused: Some(true), ..TradingChange::default() }).await?;
    Ok(done("/settings", "paused"))
}

/// Opens new trades again.
async fn resume(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    form.0.finish(&[])?;
    trading::change(&desk, TradingChange { paused: Some(false), ..TradingChange::default() }).await?;
    Ok(done("/settings", "resumed"))
}

/// Replaces the key-encryption key or the data-encryption key.
async fn rotate_vault(desk: Desk, mut form: FormFields) -> Result<Response, Problem> {
    let what = form.0.need_text("what", "`kek` or `dek`")?;
    form.0.finish(&["what"])?;
    match what.as_str() {
        "kek" => _ = desk.control.rotate_kek(&desk.actor()).await?,
        "dek" => _ = desk.control.rotate_dek(desk.user, &desk.actor()).await?,
        other => return Err(Problem::not_allowed("what", other, &["kek", "dek"])),
    }
    Ok(done("/settings", if what == "kek" { "kek" } else { "dek" }))
}

/// Has a new key sign the audit chain.
async fn rotate_audit_key(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    form.0.finish(&[])?;
    desk.control.rotate_audit_key().await?;
    Ok(done("/settings", "audit-key"))
}

/// The whole database as a file. Secrets in it are sealed.
async fn download_backup(desk: Desk, form: FormFields) -> Result<Response, Problem> {
    form.0.finish(&[])?;
    let name = format!("attachment; filename=\"paddock-{}.backup\"", desk.now().strftime("%Y%m%dT%H%M%SZ"));
    let mut response = backup::create(desk, Fields::default()).await?;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
