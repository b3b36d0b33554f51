//! `/freeze`: the brake. What is stopped, stopping more, and letting it go on.
//!
//! A freeze holds at once. Closing positions for real money takes a second page (`flatten.rs`), which comes when it holds already.

mod flatten;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use paddock_core::audit::{Actor, WindDown};
use paddock_core::decide::Frozen;
use paddock_store::{Phase, StepState};

use super::answer::{Done, done, page, page_with};
use super::form::FormView;
use super::shell::{Section, Shell};
use super::text::{Moment, passing_words};
use crate::WebState;
use crate::api::freeze::list::{FreezeView, Freezes};
use crate::api::freeze::wind_down::WindDownView;
use crate::api::{connections, freeze, keys};
use crate::desk::Desk;
use crate::fields::{Fields, FormFields};
use crate::name::PathName;
use crate::problem::Problem;
use crate::query::Query;

/// What may have just been done.
const SENTENCES: [(&str, &str); 4] = [
    ("frozen", "Frozen. Nothing that it stops is sent any more."),
    (
        "in-flight",
        "Frozen. Requests that were sent just before have not been answered by the broker yet: Activity shows what became of them.",
    ),
    (
        "wound-down",
        "Frozen, and what was asked for about open orders and positions was begun: see below what became of each.",
    ),
    ("unfrozen", "It goes on, within the limits of each access key."),
];

/// The fields that are shown again.
const KEPT: [&str; 4] = ["subject", "allow", "then", "reason"];

/// The pages of this area.
pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new().route("/freeze", get(show).post(freeze_it)).route("/unfreeze", post(unfreeze_it))
}

#[derive(Debug, Template)]
#[template(path = "freeze/freeze.html")]
struct Page {
    shell: Shell,
    /// Whether a freeze of everything is theirs to lift: only the first team runs all of this Paddock.
    runs_this: bool,
    rows: Vec<Row>,
    in_memory: bool,
    wind_downs: Vec<WoundDown>,
    subjects: Vec<(String, String)>,
    form: FormView,
}

/// A freeze that holds.
#[derive(Debug)]
struct Row {
    /// As it stands in a form.
    subject: String,
    kind: &'static str,
    name: Option<String>,
    passes: String,
    reason: Option<String>,
    by: String,
    at: Moment,
}

/// What a freeze did about what was open at one connection.
#[derive(Debug)]
struct WoundDown {
    connection: String,
    kind: &'static str,
    state: &'static str,
    note: Option<String>,
    at: Moment,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    what: String,
    state: &'static str,
    detail: Option<String>,
}

impl Row {
    fn new(view: FreezeView, now: Timestamp) -> Self {
        let (kind, word) = match view.what {
            Frozen::Everything => ("Everything", "everything"),
            Frozen::Connection => ("Connection", "connection"),
            Frozen::Key => ("Access key", "key"),
        };
        let subject = match &view.name {
            Some(name) if view.what != Frozen::Everything => format!("{word}:{name}"),
            _ => word.to_owned(),
        };
        let by = match view.by {
            Actor::Operator => "the command line".to_owned(),
            Actor::Person { name, .. } | Actor::AccessKey { name, .. } => name,
            Actor::System => "Paddock".to_owned(),
        };
        Self {
            subject,
            kind,
            name: view.name,
            passes: passing_words(view.passes),
            reason: view.reason,
            by,
            at: Moment::ago(view.at, now),
        }
    }
}

impl WoundDown {
    fn new(view: WindDownView, now: Timestamp) -> Self {
        let orders = view.orders.into_iter().map(|order| Step {
            what: format!("Cancel order {}", order.id),
            state: state_word(order.state),
            detail: order.detail,
        });
        let positions = view.positions.into_iter().map(|position| Step {
            what: format!("Close {}", position.symbol),
            state: state_word(position.state),
            detail: position.detail,
        });
        Self {
            connection: view.connection.unwrap_or_else(|| "a removed connection".to_owned()),
            kind: match view.kind {
                WindDown::CancelAll => "Cancel open orders",
                WindDown::Flatten => "Cancel open orders, close positions",
            },
            state: match view.phase {
                Phase::Cancel => "canceling orders",
                Phase::Close => "closing positions",
                Phase::Ended => "ended",
            },
            note: view.note,
            at: Moment::ago(view.started_at, now),
            steps: orders.chain(positions).collect(),
        }
    }
}

const fn state_word(state: StepState) -> &'static str {
    match state {
        StepState::Done => "done",
        StepState::Failed => "refused by the broker",
        StepState::Sent => "sent",
        StepState::Unknown => "no answer",
    }
}

/// The page. `?what=` and `?name=` choose what its form would freeze.
async fn show(desk: Desk, done: Done, mut query: Query) -> Result<Response, Problem> {
    let subject = match (query.text("what").as_deref(), query.text("name")) {
        (Some("connection"), Some(name)) => format!("connection:{name}"),
        (Some("key"), Some(name)) => format!("key:{name}"),
        _ => "everything".to_owned(),
    };
    let form = FormView::blank().with("subject", subject).with("allow", "cancels").with("then", "nothing");
    let mut shown = gather(&desk, form).await?;
    shown.shell = shown.shell.done(&done, &SENTENCES);
    page(&shown)
}

async fn gather(desk: &Desk, form: FormView) -> Result<Page, Problem> {
    let now = desk.now();
    let Freezes { frozen_in_memory, items, wind_downs, .. } =
        freeze::list::list(desk.clone(), Query::of([("limit", "500")])).await?.0;
    let mut subjects =
        vec![("everything".to_owned(), "Everything: all access keys of all connections".to_owned())];
    let rows = desk.store.connections(desk.user).await?;
    for row in &rows {
        subjects.push((
            format!("connection:{}", row.name),
            format!("Connection {} ({})", row.name, row.environment),
        ));
    }
    for key in desk.store.keys(desk.user).await?.into_iter().filter(|key| key.revoked_at.is_none()) {
        if let Some(row) = rows.iter().find(|row| row.id == key.connection) {
            subjects.push((
                format!("key:{}", key.name),
                format!("Access key {} ({})", key.name, row.environment),
            ));
        }
    }
    Ok(Page {
        shell: Shell::load(desk, Section::Elsewhere, "Freeze").await?,
        runs_this: desk.runs_this(),
        rows: items.into_iter().map(|view| Row::new(view, now)).collect(),
        in_memory: frozen_in_memory,
        wind_downs: wind_downs.into_iter().map(|view| WoundDown::new(view, now)).collect(),
        subjects,
        form,
    })
}

/// Freezes. An empty form freezes everything, and lets cancels pass.
async fn freeze_it(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    let kept = FormView::keep(&fields, &KEPT);
    match answer(&desk, fields).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            let status = problem.http_status();
            page_with(status, &gather(&desk, kept.refused(problem)).await?)
        }
    }
}

/// Freezes, and asks once more before positions are closed for real money.
async fn answer(desk: &Desk, mut form: FormFields) -> Result<Response, Problem> {
    let unconfirmed = match form.one("then").as_str() {
        "flatten" => {
            let typed = form.0.text("typed")?;
            flatten::unconfirmed(desk, &subject(&form), typed.as_deref()).await
        }
        _ => Ok(None),
    };
    if matches!(unconfirmed, Ok(None)) {
        return Ok(done("/freeze", perform(desk, form.0).await?.code()));
    }
    // Whatever else there is to say, it is frozen first.
    let carried = flatten::carried(&form);
    form.set("then", None);
    let came_to = perform(desk, form.0).await?;
    match unconfirmed? {
        Some((flatten, again)) => flatten.ask(desk, carried, came_to.code(), again).await,
        None => Ok(done("/freeze", came_to.code())),
    }
}

/// What a form would freeze.
fn subject(form: &FormFields) -> String {
    Some(form.one("subject")).filter(|text| !text.is_empty()).unwrap_or_else(|| "everything".to_owned())
}

async fn perform(desk: &Desk, mut fields: Fields) -> Result<freeze::Done, Problem> {
    let subject = fields.text("subject")?.unwrap_or_else(|| "everything".to_owned());
    let then = fields.text("then")?;
    let chosen = fields.flag("chosen")?;
    let mut fields = match then.as_deref() {
        None | Some("nothing") => fields,
        Some("cancel_all") => fields.set("cancel_all", true),
        Some("flatten") => fields.set("flatten", true),
        Some(other) => {
            return Err(Problem::not_allowed("then", other, &["nothing", "cancel_all", "flatten"]));
        }
    };
    // A form with ticks that has none set means that nothing passes; one without ticks means the usual.
    if chosen && !fields.has("allow") {
        fields = fields.set("allow", "nothing");
    }
    let desk = desk.clone();
    match subject.split_once(':') {
        None if subject == "everything" => Ok(freeze::everything::freeze(desk, fields).await?.done),
        Some(("connection", name)) => {
            Ok(connections::freeze::freeze(desk, PathName(name.to_owned()), fields).await?.done)
        }
        Some(("key", name)) => Ok(keys::freeze::freeze(desk, PathName(name.to_owned()), fields).await?.done),
        _ => Err(unknown_subject()),
    }
}

/// Lets something go on.
async fn unfreeze_it(desk: Desk, FormFields(mut fields): FormFields) -> Result<Response, Problem> {
    let subject = fields.need_text("subject", "what is to go on")?;
    match subject.split_once(':') {
        None if subject == "everything" => _ = freeze::everything::unfreeze(desk, fields).await?,
        Some(("connection", name)) => {
            _ = connections::freeze::unfreeze(desk, PathName(name.to_owned()), fields).await?;
        }
        Some(("key", name)) => _ = keys::freeze::unfreeze(desk, PathName(name.to_owned()), fields).await?,
        _ => return Err(unknown_subject()),
    }
    Ok(done("/freeze", "unfrozen"))
}

fn unknown_subject() -> Problem {
    Problem::field("subject", "everything, a connection or an access key from the list")
}
