//! `GET /connections`

use askama::Template;
use axum::response::Response;

use super::Card;
use crate::api::connections::{Facts, view_of};
use crate::desk::Desk;
use crate::pages::answer::{Done, page};
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "connections/list.html")]
struct List {
    shell: Shell,
    cards: Vec<Card>,
}

/// Which accounts are connected, and how they are.
pub(super) async fn show(desk: Desk, done: Done) -> Result<Response, Problem> {
    const SENTENCES: [(&str, &str); 1] =
        [("removed", "The connection is removed: its credential is erased and its access keys are revoked.")];
    let cards = cards(&desk).await?;
    let shell = Shell::load(&desk, Section::Connections, "Connections").await?.done(&done, &SENTENCES);
    page(&List { shell, cards })
}

/// The team's connections as cards.
pub(in crate::pages) async fn cards(desk: &Desk) -> Result<Vec<Card>, Problem> {
    let facts = Facts::load(desk).await?;
    let keys = desk.store.keys(desk.user).await?;
    let rows = desk.store.connections(desk.user).await?.into_iter();
    let cards = rows.map(|row| {
        let keys = keys.iter().filter(|key| key.connection == row.id && key.revoked_at.is_none()).count();
        Card::new(view_of(row, &facts), keys, desk.now())
    });
    Ok(cards.collect())
}
