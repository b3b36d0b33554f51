//! What a freeze would close for real money: shown when everything is stopped already, and closed when a name has been typed.

use askama::Template;
use axum::response::Response;
use futures_util::future::join_all;
use http::StatusCode;
use paddock_core::Environment;
use paddock_store::Connection;

use super::SENTENCES;
use crate::api::accounts::{PositionView, orders_of, positions_of};
use crate::api::connections::named;
use crate::api::freeze::proof::others;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::pages::accounts::money;
use crate::pages::answer::page_with;
use crate::pages::form::FormView;
use crate::pages::real_money;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

/// What goes over to the second page, and back with the name.
const CARRIED: [&str; 4] = ["subject", "chosen", "allow", "reason"];

/// What a freeze is to close.
pub(super) struct Flatten {
    /// The accounts whose positions would be closed.
    connections: Vec<Connection>,
    /// Whether accounts of other teams are among what would be closed.
    others: bool,
    /// What has to be typed: the connection's name, or `everything`.
    name: String,
}

#[derive(Debug, Template)]
#[template(path = "freeze/flatten.html")]
struct FlattenPage {
    shell: Shell,
    accounts: Vec<Account>,
    others: bool,
    name: String,
    /// The fields of the first form, which come along.
    carried: Vec<(&'static str, String)>,
    form: FormView,
}

/// What is open at one account.
#[derive(Debug)]
struct Account {
    name: String,
    environment: &'static str,
    positions: Result<Vec<Held>, Problem>,
    /// How many orders are open; nothing where that cannot be read.
    orders: Option<usize>,
}

#[derive(Debug)]
struct Held {
    what: String,
    worth: String,
}

impl Flatten {
    /// What a freeze of `subject` would close, if real money is among it.
    async fn of(desk: &Desk, subject: &str) -> Result<Option<Self>, Problem> {
        let is_live = |row: &Connection| row.environment == Environment::Live;
        let (connections, others, name) = match subject.split_once(':') {
            Some(("connection", name)) => (vec![named(desk, name).await?], Vec::new(), name.to_owned()),
            None if subject == "everything" => {
                let own = desk.store.connections(desk.user).await?;
                (own, others(desk).await?, subject.to_owned())
            }
            _ => return Ok(None),
        };
        let real = connections.iter().chain(&others).any(is_live);
        Ok(real.then_some(Self { connections, others: !others.is_empty(), name }))
    }

    /// The page that asks for it. What it is about is frozen already, with that outcome.
    pub(super) async fn ask(
        self,
        desk: &Desk,
        carried: Vec<(&'static str, String)>,
        frozen: &str,
        form: FormView,
    ) -> Result<Response, Problem> {
        let accounts = join_all(self.connections.iter().map(|row| open_at(desk, row))).await;
        let mut shell = Shell::load(desk, Section::Elsewhere, "Close positions").await?;
        if let [connection] = &*self.connections
            && !self.others
        {
            shell = shell.about(connection);
        }
        shell.done = SENTENCES.iter().find(|(code, _)| *code == frozen).map(|(_, sentence)| *sentence);
        let status = if form.problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let page = FlattenPage { shell, accounts, others: self.others, name: self.name, carried, form };
        page_with(status, &page)
    }
}

/// What closes positions for real money and waits for the name to be typed, with the form for it.
pub(super) async fn unconfirmed(
    desk: &Desk,
    subject: &str,
    typed: Option<&str>,
) -> Result<Option<(Flatten, FormView)>, Problem> {
    let Some(flatten) = Flatten::of(desk, subject).await? else { return Ok(None) };
    Ok(match typed.map(|typed| real_money::is_typed(&flatten.name, typed)) {
        Some(Ok(())) => None,
        Some(Err(problem)) => Some((flatten, FormView::blank().refused(problem))),
        None => Some((flatten, FormView::blank())),
    })
}

async fn open_at(desk: &Desk, connection: &Connection) -> Account {
    let (positions, orders) = tokio::join!(positions_of(desk, connection), orders_of(desk, connection, None));
    Account {
        name: connection.name.clone(),
        environment: connection.environment.as_str(),
        positions: positions.map(|rows| rows.iter().map(Held::new).collect()),
        orders: orders.ok().map(|orders| orders.len()),
    }
}

impl Held {
    fn new(row: &PositionView) -> Self {
        let what = format!("{} {}, {}", row.qty.abs(), row.symbol, row.side);
        Self { what, worth: money(row.market_value) }
    }
}

/// The fields of the first form that come along.
pub(super) fn carried(form: &FormFields) -> Vec<(&'static str, String)> {
    let values = |name: &'static str| form.typed(name).into_iter().map(move |value| (name, value));
    CARRIED.into_iter().flat_map(values).collect()
}
