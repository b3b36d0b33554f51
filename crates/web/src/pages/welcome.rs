//! `/welcome`: from nothing to a bot that trades on paper, in three steps.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use paddock_core::Environment;

use super::answer::page;
use super::shell::{Section, Shell};
use crate::WebState;
use crate::desk::Desk;
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "welcome/welcome.html")]
struct Welcome {
    shell: Shell,
    gateway_url: String,
    /// The broker on this machine, where that stands in for Alpaca.
    paper_broker: Option<String>,
    /// The connection that a key would be issued for.
    connection: Option<Connected>,
    /// An access key that was issued.
    key: Option<String>,
    /// Whether a program has used one.
    used: bool,
}

#[derive(Debug)]
struct Connected {
    name: String,
    environment: &'static str,
}

impl Welcome {
    /// How many of the three steps are done.
    fn steps_done(&self) -> usize {
        [self.connection.is_some(), self.key.is_some(), self.used].into_iter().filter(|done| *done).count()
    }
}

/// The pages of this area.
pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new().route("/welcome", get(show)).route("/paper-broker", get(show_broker))
}

/// The first steps.
pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    let rows = desk.store.connections(desk.user).await?;
    // Whoever begins does so on paper, also when a live account is there.
    let chosen = rows.iter().find(|row| row.environment == Environment::Paper).or_else(|| rows.first());
    let keys = desk.store.keys(desk.user).await?.into_iter();
    let keys: Vec<_> = keys
        .filter(|key| key.revoked_at.is_none() && rows.iter().any(|row| row.id == key.connection))
        .collect();
    let recent = desk.control.recent_of(desk.user, usize::MAX);
    let used = keys
        .iter()
        .any(|key| key.last_used_at.is_some() || recent.iter().any(|line| line.key == Some(key.id)));
    page(&Welcome {
        shell: Shell::load(&desk, Section::Overview, "Welcome").await?,
        gateway_url: desk.gateway_url.clone(),
        paper_broker: desk.own_broker(Environment::Paper),
        connection: chosen
            .map(|row| Connected { name: row.name.clone(), environment: row.environment.as_str() }),
        key: keys.first().map(|key| key.name.clone()),
        used,
    })
}

#[derive(Debug, Template)]
#[template(path = "welcome/paper_broker.html")]
struct PaperBroker {
    shell: Shell,
    /// Each environment that a broker on this machine stands in for: its name and address.
    brokers: Vec<(&'static str, String)>,
    connections: Vec<Connected>,
}

/// Where the broker on this machine is, and which connections are accounts of it.
async fn show_broker(desk: Desk) -> Result<Response, Problem> {
    let environments = [Environment::Paper, Environment::Live];
    let brokers = environments
        .into_iter()
        .filter_map(|environment| Some((environment.as_str(), desk.own_broker(environment)?)))
        .collect();
    let rows = desk.store.connections(desk.user).await?.into_iter();
    let connections = rows
        .filter(|row| desk.own_broker(row.environment).is_some())
        .map(|row| Connected { name: row.name, environment: row.environment.as_str() })
        .collect();
    page(&PaperBroker {
        shell: Shell::load(&desk, Section::Elsewhere, "Paper broker").await?,
        brokers,
        connections,
    })
}
