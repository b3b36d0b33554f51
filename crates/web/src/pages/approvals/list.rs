//! `GET /approvals`

use askama::Template;
use axum::response::Response;

use super::{Card, DONE};
use crate::api::approvals::view;
use crate::desk::Desk;
use crate::pages::answer::{Done, page};
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

/// How many of each kind are shown.
const MOST: u32 = 100;
const DECIDED: usize = 30;

#[derive(Debug, Template)]
#[template(path = "approvals/list.html")]
struct List {
    shell: Shell,
    waiting: Vec<Card>,
    decided: Vec<Card>,
    /// Whether any access key asks people at all.
    asks: bool,
}

/// What waits, the one that ends first before the others, and below what was decided.
pub(super) async fn show(desk: Desk, done: Done) -> Result<Response, Problem> {
    let now = desk.now();
    let shell = Shell::load(&desk, Section::Approvals, "Approvals").await?.done(&done, &DONE);
    let mut waiting = Vec::new();
    let mut held = desk.store.approvals(desk.user, Some(now), None, MOST).await?;
    held.sort_by_key(|approval| approval.held.expires_at);
    for approval in held {
        waiting.push(Card::of(view(&desk, approval).await?, now));
    }
    let mut decided = Vec::new();
    for approval in desk.store.approvals(desk.user, None, None, MOST).await? {
        let card = Card::of(view(&desk, approval).await?, now);
        if !card.waits && decided.len() < DECIDED {
            decided.push(card);
        }
    }
    let keys = desk.store.keys(desk.user).await?;
    let asks = keys.iter().any(|key| key.revoked_at.is_none() && key.scope.approval_over.is_some());
    page(&List { shell, waiting, decided, asks })
}
