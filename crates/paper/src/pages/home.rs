//! `GET /dashboard`: the accounts, their keys, and the programs that people have let in.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::money::format_usd;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::html::{Frame, page, trouble};
use super::memory::{DASHBOARD, Notice};
use crate::broker::figures::figures;
use crate::broker::{Account, Broker};
use crate::http::Served;

#[derive(Template)]
#[template(path = "broker_home.html")]
struct Home {
    frame: Frame,
    /// What every form holds.
    token: String,
    notice: Option<Notice>,
    clock: String,
    default_cash: String,
    worlds: [World; 2],
    clients: Vec<ClientRow>,
    grants: Vec<GrantRow>,
}

/// One environment.
struct World {
    environment: &'static str,
    /// What it is called in a sentence.
    name: &'static str,
    accounts: Vec<AccountCard>,
}

struct AccountCard {
    number: String,
    status: String,
    good: bool,
    key_id: Option<String>,
    cash: String,
    equity: String,
    opened: String,
    /// How many programs it is granted to.
    granted: usize,
}

struct ClientRow {
    client_id: String,
    name: String,
    redirect_uris: Vec<String>,
    since: String,
    granted: usize,
}

struct GrantRow {
    id: String,
    client: String,
    accounts: Vec<(&'static str, String)>,
    scopes: Vec<&'static str>,
    since: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    notice: Option<String>,
}

/// The page, with the notice that its address names.
pub(super) async fn show(State(served): State<Served>, Query(asked): Query<Asked>) -> Response {
    let broker = &served.broker;
    let memory = broker.page_memory();
    let seen = broker.view(|broker| {
        let worlds = [
            world(broker, Environment::Paper, "paper", "paper"),
            world(broker, Environment::Live, "live", "live-like"),
        ];
        (worlds, clients(broker), grants(broker))
    });
    let Ok((worlds, clients, grants)) = seen.await else {
        let text = "The journal cannot be written: look at the broker's output, and start it again.";
        return trouble(StatusCode::INTERNAL_SERVER_ERROR, "The broker has failed", text);
    };
    let notice = asked.notice.and_then(|id| memory.take(&id, broker.wall_now()));
    let home = Home {
        frame: Frame::new(),
        token: memory.form_token(DASHBOARD),
        notice,
        clock: new_york(broker.now(), "%a %-d %b %Y, %H:%M"),
        default_cash: broker.default_cash().normalize().to_string(),
        worlds,
        clients,
        grants,
    };
    page(StatusCode::OK, &home)
}

fn world(broker: &Broker, environment: Environment, id: &'static str, name: &'static str) -> World {
    let mut accounts: Vec<&Account> =
        broker.accounts().filter(|account| account.environment == environment).collect();
    accounts.sort_by_key(|account| (account.created_at, account.id));
    let accounts = accounts.into_iter().map(|account| card(broker, account)).collect();
    World { environment: id, name, accounts }
}

fn card(broker: &Broker, account: &Account) -> AccountCard {
    let standing = &account.standing;
    let mut status = standing.status.clone();
    for (is, what) in [
        (standing.account_blocked, "blocked"),
        (standing.trading_blocked, "trading blocked"),
        (standing.liquidation_only, "liquidation only"),
    ] {
        if is {
            status = format!("{status}, {what}");
        }
    }
    let granted = broker.oauth_grants().filter(|granted| granted.grant.accounts.contains(&account.id));
    AccountCard {
        number: account.number.clone(),
        good: standing.may_trade() && !standing.liquidation_only,
        status,
        key_id: account.key.as_ref().map(|key| key.key_id.clone()),
        cash: dollars(account.cash),
        equity: dollars(figures(account, broker.market(), broker.now(), None).equity),
        opened: new_york(account.created_at, "%-d %b %Y"),
        granted: granted.count(),
    }
}

fn clients(broker: &Broker) -> Vec<ClientRow> {
    let row = |registered: &crate::broker::grants::Registered| {
        let client = &registered.client;
        let theirs = broker.oauth_grants().filter(|granted| granted.grant.client_id == client.client_id);
        ClientRow {
            client_id: client.client_id.clone(),
            name: client.name.clone(),
            redirect_uris: client.redirect_uris.clone(),
            since: new_york(registered.since, "%-d %b %Y"),
            granted: theirs.count(),
        }
    };
    broker.oauth_clients().map(row).collect()
}

fn grants(broker: &Broker) -> Vec<GrantRow> {
    let row = |granted: &crate::broker::grants::Granted| {
        let grant = &granted.grant;
        let client = broker.oauth_client(&grant.client_id);
        let accounts = grant.accounts.iter().filter_map(|id| broker.account(*id)).map(|account| {
            let environment = match account.environment {
                Environment::Paper => "paper",
                Environment::Live => "live",
            };
            (environment, account.number.clone())
        });
        GrantRow {
            id: grant.id.to_string(),
            client: client.map_or_else(String::new, |client| client.name.clone()),
            accounts: accounts.collect(),
            scopes: super::in_words(grant.scopes),
            since: new_york(granted.since, "%-d %b %Y, %H:%M"),
        }
    };
    broker.oauth_grants().map(row).collect()
}

/// `$1,000.00` or `-$5.25`.
pub(crate) fn dollars(amount: Decimal) -> String {
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    format!("{sign}${}", format_usd(amount.abs().round_dp(2)))
}

fn new_york(at: Timestamp, format: &str) -> String {
    at.to_zoned(paddock_core::calendar::new_york()).strftime(format).to_string()
}
