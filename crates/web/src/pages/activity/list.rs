//! `GET /activity`

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;

use super::operations::CHANGES;
use super::{Row, latest, operation_words};
use crate::api::activity::{FILTERS, Filter, RequestView, known_reasons, page as page_of, read_paging};
use crate::api::connections::ever_named;
use crate::desk::Desk;
use crate::pages::answer;
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, encoded, grouped, latency};
use crate::problem::Problem;
use crate::query::{Query, bad};

#[derive(Debug, Template)]
#[template(path = "activity/list.html")]
struct ActivityPage {
    shell: Shell,
    /// Whether it is about what is in memory.
    latest: bool,
    rows: Vec<Row>,
    filter: FormView,
    filtered: bool,
    chips: Vec<Chip>,
    keys: Vec<(String, String)>,
    connections: Vec<(String, String)>,
    decisions: Vec<(&'static str, &'static str)>,
    reasons: Vec<(&'static str, String)>,
    operations: Vec<(&'static str, String)>,
    /// The address of the other view, with the same filters.
    other_view: String,
    /// The address of the first page and of the next.
    first: Option<String>,
    next: Option<String>,
    csv: String,
    json_lines: String,
    started: Moment,
    unindexed: Option<String>,
}

/// A filter that is set, and the address without it.
#[derive(Debug)]
struct Chip {
    label: &'static str,
    value: String,
    without: String,
}

/// The list.
pub(super) async fn show(desk: Desk, mut query: Query) -> Result<Response, Problem> {
    let latest = match query.text("show").as_deref() {
        None | Some("" | "changes") => false,
        Some("latest") => true,
        Some(_) => return Err(bad("show", "`changes` or `latest`")),
    };
    let mut filter = Filter::take(&mut query)?;
    if latest {
        // What is in memory is looked through whole, whatever its days: its form has no such fields.
        (filter.from, filter.to) = (None, None);
    }
    let paging = read_paging(&mut query)?;
    let mut known = FILTERS.to_vec();
    known.extend(["show", "limit", "cursor"]);
    query.finish(&known)?;
    let now = desk.now();
    let (mut next, mut unindexed, mut on_first, mut wrong) = (None, 0, true, None);
    let rows = if latest {
        let mut meant = filter.clone();
        if let Some(name) = &filter.connection
            && let Ok(row) = ever_named(&desk, name).await
        {
            // What is in memory knows connections by their names.
            meant.connection = Some(row.name);
        }
        latest::rows(&desk, &meant, now)
    } else {
        on_first = paging.after.is_none();
        match page_of(&desk, &filter, &paging).await {
            Ok(found) => {
                (next, unindexed) = (found.next_cursor, found.unindexed);
                found.items.into_iter().map(|view| row(view, now)).collect()
            }
            // The filters stand in the form, where they can be changed.
            Err(problem) if problem.http_status().is_client_error() => {
                wrong = Some(problem.at_its_parameter());
                Vec::new()
            }
            Err(problem) => return Err(problem),
        }
    };
    let pairs = filter.pairs();
    let filtered_address = |path: &str, extra: &[(&str, &str)]| {
        address(path, pairs.iter().copied().chain(extra.iter().copied()))
    };
    let own: &[(&str, &str)] = if latest { &[("show", "latest")] } else { &[] };
    let other_view = if latest {
        filtered_address("/activity", &[])
    } else {
        let timeless = pairs.iter().copied().filter(|(name, _)| !matches!(*name, "from" | "to"));
        address("/activity", timeless.chain([("show", "latest")]))
    };
    let mut form = FormView::blank();
    for (name, value) in &pairs {
        form = form.with(name, *value);
    }
    let status = wrong.as_ref().map_or(StatusCode::OK, Problem::http_status);
    if let Some(problem) = wrong {
        form = form.refused(problem);
    }
    let connections = options(connection_names(&desk).await?);
    let page_with = ActivityPage {
        shell: Shell::load(&desk, Section::Activity, "Activity").await?,
        rows,
        filtered: !pairs.is_empty(),
        chips: chips(&pairs, own, &connections),
        keys: options(key_names(&desk).await?),
        connections,
        decisions: if latest {
            vec![
                ("", "Any"),
                ("permitted", "Permitted"),
                ("refused", "Refused"),
                ("unauthenticated", "No valid key"),
                ("failed", "Failed"),
            ]
        } else {
            vec![
                ("", "Any"),
                ("permitted", "Permitted"),
                ("held", "Held for approval"),
                ("refused", "Refused"),
            ]
        },
        reasons: std::iter::once(("", "Any".to_owned()))
            .chain(known_reasons().map(|reason| (reason, reason.replace('_', " "))))
            .collect(),
        operations: std::iter::once(("", "Any".to_owned()))
            .chain(CHANGES.iter().map(|(id, words)| (*id, capital(words))))
            .collect(),
        other_view,
        first: (!on_first).then(|| filtered_address("/activity", own)),
        next: next.map(|cursor| filtered_address("/activity", &[("cursor", &cursor)])),
        csv: filtered_address("/activity/export", &[("format", "csv")]),
        json_lines: filtered_address("/activity/export", &[("format", "jsonl")]),
        started: Moment::ago(desk.control.started_at(), now),
        unindexed: (unindexed > 0).then(|| grouped(unindexed)),
        latest,
        filter: form,
    };
    answer::page_with(status, &page_with)
}

/// The names of the team's access keys, the revoked ones included: what they did is still there.
async fn key_names(desk: &Desk) -> Result<Vec<(String, String)>, Problem> {
    let mut names: Vec<String> = desk.store.keys(desk.user).await?.into_iter().map(|key| key.name).collect();
    names.sort();
    names.dedup();
    Ok(names.into_iter().map(|name| (name.clone(), name)).collect())
}

/// The connections, and below them those that were removed, which are meant by their identifiers.
async fn connection_names(desk: &Desk) -> Result<Vec<(String, String)>, Problem> {
    let present = desk.store.connections(desk.user).await?.into_iter();
    let removed = desk.store.removed_connections(desk.user).await?.into_iter().filter_map(|row| {
        let day = Moment::day(row.removed_at?).shown;
        Some((row.id.to_string(), format!("{} (removed {day})", row.name)))
    });
    Ok(present.map(|row| (row.name.clone(), row.name)).chain(removed).collect())
}

fn options(named: Vec<(String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), "Any".to_owned())).chain(named).collect()
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// An address with these parameters.
pub(super) fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

fn chips(
    pairs: &[(&'static str, &str)],
    own: &[(&str, &str)],
    connections: &[(String, String)],
) -> Vec<Chip> {
    let label = |name| match name {
        "key" => "Access key",
        "person" => "Person",
        "connection" => "Connection",
        "decision" => "Decision",
        "reason" => "Reason",
        "operation" => "Operation",
        "symbol" => "Symbol",
        "order" => "Identifier",
        "from" => "From",
        _ => "Until",
    };
    let named = |all: &[(String, String)], value: &str| {
        all.iter()
            .find(|(meant, _)| meant == value)
            .map_or_else(|| value.to_owned(), |(_, words)| words.clone())
    };
    let without = |gone: &str| {
        let left = pairs.iter().copied().filter(|(name, _)| *name != gone);
        address("/activity", left.chain(own.iter().copied()))
    };
    pairs
        .iter()
        .map(|(name, value)| Chip {
            label: label(name),
            value: match *name {
                "connection" => named(connections, value),
                "reason" | "decision" => value.replace('_', " "),
                _ => (*value).to_owned(),
            },
            without: without(name),
        })
        .collect()
}

/// A request that is kept.
pub(super) fn row(view: RequestView, now: Timestamp) -> Row {
    let (class, verdict, told) = match (view.decision, view.state) {
        ("held", _) => ("held", "held", None),
        ("refused", _) => ("refused", "refused", None),
        (_, Some("sent")) => ("unauthenticated", "on its way", Some("alpaca has not answered yet")),
        (_, Some("failed")) if view.status.is_none() => {
            ("failed", "not sent", Some("it was permitted, and did not reach alpaca"))
        }
        (_, Some("failed")) => ("failed", "alpaca refused", Some("it was permitted, and alpaca refused it")),
        (_, Some("unknown")) => {
            ("failed", "no answer", Some("it is not known whether alpaca acted; it is not sent again"))
        }
        _ => ("permitted", "permitted", None),
    };
    Row {
        id: view.request,
        at: Moment::clock(view.at, now),
        key_link: (view.sender == "access_key").then(|| format!("/keys/{}", view.who)),
        who: Some(match view.sender {
            "system" => "Paddock".to_owned(),
            "operator" => "the command line".to_owned(),
            _ => view.who,
        }),
        connection: view.connection,
        environment: view.environment.map(|environment| environment.as_str()),
        network: view.network,
        act: view.summary.unwrap_or_else(|| operation_words(&view.operation).to_owned()),
        target: view.target,
        class,
        verdict,
        reason: view.reason,
        message: view.message.or_else(|| told.map(str::to_owned)),
        status: view.status.map(|status| status.to_string()).unwrap_or_default(),
        latency: view.micros.map(latency).unwrap_or_default(),
        kept: true,
    }
}
