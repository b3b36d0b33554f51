//! `GET /keys/{name}`

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use paddock_core::calendar::trading_date;
use paddock_core::unusual::Unusual;
use paddock_store::{AccessKey, Subject};

use super::chart::{self, Chart};
use super::facts::{self, Group};
use super::meters::{self, Meter};
use super::try_order::{self, Tried};
use super::{DONE, State};
use crate::api::keys::outlook::Outlook;
use crate::api::keys::scope_fields::allows_orders;
use crate::api::keys::usage::{self, KeyUseView};
use crate::api::keys::{ever_named, shown_by_id};
use crate::desk::Desk;
use crate::name::PathName;
use crate::pages::answer::{Done, page_with};
use crate::pages::form::FormView;
use crate::pages::rows::RequestCells;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, grouped};
use crate::problem::Problem;

/// How many requests are shown.
const REQUESTS: usize = 12;

#[derive(Debug, Template)]
#[template(path = "keys/show.html")]
struct Show {
    shell: Shell,
    path: String,
    name: String,
    key_id: String,
    connection: String,
    environment: &'static str,
    state: State,
    /// When it was revoked. What it did is then all that there is to see.
    revoked: Option<Moment>,
    /// Whether its connection was removed.
    connection_removed: bool,
    frozen: Option<FrozenBy>,
    sentence: String,
    stake: String,
    places_orders: bool,
    issued: Moment,
    last_used: Option<Moment>,
    address: Option<String>,
    user_agent: Option<String>,
    unusual: Vec<UnusualLine>,
    meters: Vec<Meter>,
    groups: Vec<Group>,
    chart: Option<Chart>,
    refusals: Vec<Refusal>,
    requests: Vec<RequestCells>,
    gateway: String,
    form: FormView,
    tried: Option<Tried>,
}

/// The freeze of this key.
#[derive(Debug)]
struct FrozenBy {
    since: Moment,
    reason: Option<String>,
    passes: String,
}

/// How often one reason was given.
#[derive(Debug)]
struct Refusal {
    reason: String,
    count: String,
    /// Of the most frequent one's count.
    percent: u64,
}

#[derive(Debug)]
struct UnusualLine {
    words: &'static str,
    day: String,
}

pub(super) async fn show(desk: Desk, PathName(name): PathName, done: Done) -> Result<Response, Problem> {
    let key = ever_named(&desk, &name).await?;
    let page = gather(&desk, key, try_order::blank(), None).await?;
    let shell = page.shell.done(&done, &DONE);
    page_with(StatusCode::OK, &Show { shell, ..page })
}

/// The page with an order that was tried.
pub(super) async fn page_of(
    desk: &Desk,
    key: AccessKey,
    status: StatusCode,
    form: FormView,
    tried: Option<Tried>,
) -> Result<Response, Problem> {
    page_with(status, &gather(desk, key, form, tried).await?)
}

async fn gather(desk: &Desk, key: AccessKey, form: FormView, tried: Option<Tried>) -> Result<Show, Problem> {
    let now = desk.now();
    let view = shown_by_id(desk, key.id).await?;
    let used = usage::view(desk, key.id, i64::from(chart::DAYS)).await?;
    let mut shell = Shell::load(desk, Section::Keys, view.name.clone()).await?;
    let connection = desk.store.connection(key.connection).await?;
    if let Some(connection) = &connection {
        shell = shell.about(connection);
    }
    let state = State::of(
        &view,
        connection.as_ref().is_some_and(|connection| connection.frozen),
        shell.everything_frozen.is_some(),
        now,
    );
    let mut freezes = desk.store.freezes().await?.into_iter();
    let frozen = freezes.rfind(|row| row.subject == Subject::Key(key.id)).map(|row| FrozenBy {
        since: Moment::ago(row.at, now),
        reason: row.reason,
        passes: crate::pages::text::passing_words(row.passing),
    });
    let requests =
        desk.control.recent_of(desk.user, usize::MAX).into_iter().filter(|line| line.key == Some(key.id));
    let places_orders = allows_orders(&view.scope);
    let stake = Outlook::of(view.scope.clone(), view.environment).at_stake.words;
    Ok(Show {
        shell,
        path: super::path(&view),
        state,
        revoked: view.revoked_at.map(|at| Moment::ago(at, now)),
        connection_removed: connection.is_none_or(|connection| connection.removed_at.is_some()),
        frozen,
        stake,
        places_orders,
        issued: Moment::ago(view.created_at, now),
        last_used: view.last_used_at.map(|at| Moment::ago(at, now)),
        unusual: unusual(&used),
        meters: meters::of(&view.scope, view.usage.orders, view.usage.notional),
        groups: facts::of(&view.scope, places_orders),
        chart: chart::of(&used.days, trading_date(now)),
        refusals: refusals(&used),
        requests: requests.take(REQUESTS).map(|line| RequestCells::new(line, now)).collect(),
        gateway: desk.gateway_url.clone(),
        address: used.address,
        user_agent: used.user_agent,
        name: view.name,
        key_id: view.key_id,
        connection: view.connection,
        environment: view.environment.as_str(),
        sentence: view.scope_sentence,
        form,
        tried,
    })
}

/// How often it was refused on these days, by reason, the most frequent first.
fn refusals(used: &KeyUseView) -> Vec<Refusal> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in used.days.iter().flat_map(|day| &day.refused) {
        *sums.entry(reason.as_str()).or_default() += count;
    }
    let mut sums: Vec<(&str, u64)> = sums.into_iter().filter(|(_, count)| *count > 0).collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = sums.first().map_or(1, |(_, count)| *count);
    sums.into_iter()
        .map(|(reason, count)| Refusal {
            reason: reason.to_owned(),
            count: grouped(count),
            percent: (count.saturating_mul(100) / most).max(1),
        })
        .collect()
}

fn unusual(used: &KeyUseView) -> Vec<UnusualLine> {
    let words = |what| match what {
        Unusual::NewNetwork => "It came from a network from which it had not been used before.",
        Unusual::NewHour => "It came in an hour of the week in which it had never been used.",
        Unusual::Burst => "It came with far more requests within a minute than ever before.",
        Unusual::NewRefusal => "It was refused for a reason for which it had not been refused before.",
    };
    used.unusual
        .iter()
        .map(|one| UnusualLine { words: words(one.what), day: one.day.strftime("%-d %B %Y").to_string() })
        .collect()
}
