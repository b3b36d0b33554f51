//! `GET /connections`

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use paddock_store::{AccessKey, Connection};

use super::Card;
use crate::api::connections::{Facts, view_of};
use crate::desk::Desk;
use crate::pages::answer::{Done, page};
use crate::pages::shell::{Section, Shell};
use crate::pages::text::Moment;
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "connections/list.html")]
struct List {
    shell: Shell,
    cards: Vec<Card>,
    removed: Vec<Removed>,
}

/// A connection that was removed: what is left is its history.
#[derive(Debug)]
struct Removed {
    id: String,
    name: String,
    environment: &'static str,
    account_number: String,
    connected: Moment,
    removed: Moment,
    /// Whether something was signed for it.
    signed: bool,
}

/// Which accounts are connected, and how they are.
pub(super) async fn show(desk: Desk, done: Done) -> Result<Response, Problem> {
    const SENTENCES: [(&str, &str); 1] =
        [("removed", "The connection is removed: its credential is erased and its access keys are revoked.")];
    let (facts, keys) = (Facts::load(&desk).await?, desk.store.keys(desk.user).await?);
    let cards = cards(desk.store.connections(desk.user).await?, &facts, &keys, desk.now());
    let shell = Shell::load(&desk, Section::Connections, "Connections").await?.done(&done, &SENTENCES);
    page(&List { shell, cards, removed: removed(&desk).await? })
}

async fn removed(desk: &Desk) -> Result<Vec<Removed>, Problem> {
    let mut all = Vec::new();
    for row in desk.store.removed_connections(desk.user).await? {
        let Some(at) = row.removed_at else { continue };
        all.push(Removed {
            id: row.id.to_string(),
            environment: row.environment.as_str(),
            connected: Moment::day(row.created_at),
            removed: Moment::day(at),
            signed: desk.store.attestation(row.id).await?.is_some(),
            name: row.name,
            account_number: row.account_number,
        });
    }
    Ok(all)
}

/// Connections as cards. `keys` are the access keys that open them, of which the revoked ones do not count.
pub(in crate::pages) fn cards(
    rows: Vec<Connection>,
    facts: &Facts,
    keys: &[AccessKey],
    now: Timestamp,
) -> Vec<Card> {
    let card = |row: Connection| {
        let keys = keys.iter().filter(|key| key.connection == row.id && key.revoked_at.is_none()).count();
        Card::new(view_of(row, facts), keys, now)
    };
    rows.into_iter().map(card).collect()
}
