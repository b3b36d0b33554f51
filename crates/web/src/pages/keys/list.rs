//! `GET /keys`

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use paddock_store::Connection;

use super::meters::{self, Meter};
use super::{Account, DONE, State};
use crate::api::keys::{KeyView, views};
use crate::desk::Desk;
use crate::pages::answer::{Done, page};
use crate::pages::shell::{Section, Shell};
use crate::pages::text::Moment;
use crate::problem::Problem;
use crate::query::Query;

#[derive(Debug, Template)]
#[template(path = "keys/list.html")]
struct List {
    shell: Shell,
    /// Every connection, for the filter and for what to do first.
    accounts: Vec<Account>,
    filter: Filter,
    /// How many keys there are that are not revoked.
    all: usize,
    keys: Vec<Row>,
    revoked: Vec<RevokedRow>,
}

/// What is shown of all keys.
#[derive(Debug, Default)]
struct Filter {
    words: String,
    connection: String,
    state: String,
}

impl Filter {
    fn read(query: &mut Query) -> Self {
        let mut text = |name| query.text(name).map(|text| text.trim().to_owned()).unwrap_or_default();
        Self { words: text("q"), connection: text("connection"), state: text("state") }
    }

    fn is_set(&self) -> bool {
        !(self.words.is_empty() && self.connection.is_empty() && self.state.is_empty())
    }

    fn lets(&self, row: &Row) -> bool {
        let words = self.words.to_lowercase();
        let found =
            [&row.name, &row.key_id, &row.sentence].iter().any(|text| text.to_lowercase().contains(&words));
        let state = match self.state.as_str() {
            "in_use" => row.state == State::InUse,
            "stopped" => row.state != State::InUse,
            _ => true,
        };
        found && state && (self.connection.is_empty() || self.connection == row.connection)
    }
}

#[derive(Debug)]
struct Row {
    path: String,
    name: String,
    key_id: String,
    connection: String,
    environment: &'static str,
    sentence: String,
    state: State,
    last_used: Option<Moment>,
    meters: Vec<Meter>,
}

#[derive(Debug)]
struct RevokedRow {
    path: String,
    name: String,
    key_id: String,
    connection: String,
    environment: &'static str,
    revoked: Moment,
    last_used: Option<Moment>,
}

/// The access keys.
pub(super) async fn show(desk: Desk, done: Done, mut query: Query) -> Result<Response, Problem> {
    let now = desk.now();
    let filter = Filter::read(&mut query);
    let shell = Shell::load(&desk, Section::Keys, "Access keys").await?.done(&done, &DONE);
    let connections = desk.store.connections(desk.user).await?;
    let everything_frozen = shell.everything_frozen.is_some();
    let found = views(&desk, desk.store.keys(desk.user).await?).await?;
    let (gone, usable): (Vec<KeyView>, Vec<KeyView>) =
        found.into_iter().partition(|key| key.revoked_at.is_some());
    let all = usable.len();
    let rows = usable.into_iter().map(|key| row(key, &connections, everything_frozen, now));
    let keys = rows.filter(|row| filter.lets(row)).collect();
    let mut revoked: Vec<RevokedRow> = gone.into_iter().filter_map(|key| revoked_row(key, now)).collect();
    revoked.reverse();
    page(&List { shell, accounts: connections.iter().map(Account::of).collect(), filter, all, keys, revoked })
}

fn row(key: KeyView, connections: &[Connection], everything_frozen: bool, now: Timestamp) -> Row {
    let frozen = connections.iter().any(|row| row.name == key.connection && row.frozen);
    Row {
        path: super::path(&key),
        state: State::of(&key, frozen, everything_frozen, now),
        meters: meters::of(&key.scope, key.usage.orders, key.usage.notional),
        last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
        name: key.name,
        key_id: key.key_id,
        connection: key.connection,
        environment: key.environment.as_str(),
        sentence: key.scope_sentence,
    }
}

fn revoked_row(key: KeyView, now: Timestamp) -> Option<RevokedRow> {
    Some(RevokedRow {
        path: super::path(&key),
        revoked: Moment::ago(key.revoked_at?, now),
        last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
        name: key.name,
        key_id: key.key_id,
        connection: key.connection,
        environment: key.environment.as_str(),
    })
}
