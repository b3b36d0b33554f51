//! `/rotations/{id}`: a rotation as it goes on.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::rotation::RotationState;

use super::{state_class, state_words};
use crate::api::consumers::kinds;
use crate::api::rotations as api;
use crate::api::rotations::{RotationConsumerView, RotationView};
use crate::desk::Desk;
use crate::name::PathName;
use crate::pages::answer::{Done, page_with, see};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::Moment;
use crate::problem::Problem;
use crate::query::Query;

const SENTENCES: [(&str, &str); 10] = [
    (
        "rehearsed",
        "The rehearsal is under way. Nothing is written to a consumer, and what you would do is done for you.",
    ),
    ("planned", "Planned. Nothing is done before it is started."),
    ("start", "Started: the account and every consumer are looked at first. Nothing is changed yet."),
    ("pasted", "The pair is kept, sealed, and being checked at Alpaca."),
    ("resume", "It goes on."),
    ("go-on-with-open-orders", "It goes on with open orders."),
    ("skip-test-order", "It goes on without the test order."),
    ("abort", "Called off. The pair is as it was."),
    ("leave-out", "Left out: the new pair is not taken there."),
    ("take-over", "What is there may be overwritten in this rotation."),
];

/// The stages that a person sees, and the states in which each is under way.
const STAGES: [(&str, &[RotationState]); 7] = [
    ("Look at the account and every consumer", &[RotationState::Preflight]),
    ("Hold back new orders", &[RotationState::Quiesced]),
    ("A person makes the new pair at Alpaca and pastes it", &[RotationState::AwaitingMint]),
    ("Check the new pair: it must open the same account", &[RotationState::Candidate]),
    (
        "Put it into the vault, and have the gateway use it",
        &[RotationState::Verified, RotationState::Committed],
    ),
    (
        "Take it to the consumers, and have each prove it",
        &[RotationState::FanningOut, RotationState::VerifyingConsumers],
    ),
    ("Prove the old pair dead, and let new orders pass", &[RotationState::OldProvenDead]),
];

#[derive(Debug, Template)]
#[template(path = "rotations/show.html")]
pub(super) struct Show {
    shell: Shell,
    view: RotationView,
    environment: &'static str,
    state: &'static str,
    state_class: &'static str,
    /// From when until when it may be started.
    window: Option<(Moment, Moment)>,
    stages: Vec<Stage>,
    dues: Vec<Due>,
    steps: Vec<Step>,
    consumers: Vec<Consumer>,
    /// Where the paper broker's dashboard is, where that stands in for Alpaca.
    paper_broker: Option<String>,
    may: bool,
    pasting: bool,
    form: FormView,
}

#[derive(Debug)]
struct Stage {
    what: &'static str,
    /// `done`, `now` or `later`.
    how: &'static str,
}

/// What is under way.
#[derive(Debug)]
struct Due {
    what: String,
    consumer: Option<String>,
    /// When it is tried again, if it is not being tried now.
    again: Option<Moment>,
}

#[derive(Debug)]
struct Step {
    at: Moment,
    by: String,
    what: String,
    consumer: Option<String>,
    detail: Option<String>,
}

#[derive(Debug)]
struct Consumer {
    row: RotationConsumerView,
    /// What kind of place it is, in words.
    title: &'static str,
    /// What is asked of a person.
    next: Option<String>,
    words: &'static str,
    /// The class that gives the state its colour.
    kind: &'static str,
    asks: bool,
    open: bool,
    /// When it is tried again by itself.
    again: Option<Moment>,
}

/// The page.
pub(super) async fn show(desk: Desk, PathName(id): PathName, done: Done) -> Result<Response, Problem> {
    let mut shown = gather(&desk, &id, FormView::blank()).await?;
    shown.shell = shown.shell.done(&done, &SENTENCES);
    page_with(StatusCode::OK, &shown)
}

/// Whoever loads the address of a form once more that was answered in place, as the script does that keeps pages up to date, gets the
/// rotation's page.
pub(super) async fn again(desk: Desk, PathName(id): PathName) -> Result<Response, Problem> {
    Ok(see(&format!("/rotations/{}", api::found(&desk, &id).await?.row.rotation.id)))
}

pub(super) async fn gather(desk: &Desk, id: &str, form: FormView) -> Result<Show, Problem> {
    let now = desk.now();
    let found = api::found(desk, id).await?;
    let rotation = &found.row.rotation;
    let view = api::shown_in_full(desk, rotation.id).await?;
    let title = if view.rehearsal { "Rehearsal" } else { "Rotation" };
    let mut shell = Shell::load(desk, Section::Rotations, format!("{title} of {}", view.connection)).await?;
    if let Some(row) =
        desk.store.connection(rotation.connection).await?.filter(|row| row.removed_at.is_none())
    {
        shell = shell.about(&row);
    }
    let may = match view.environment {
        Environment::Paper => shell.operates,
        Environment::Live => shell.owns,
    };
    let steps = view.steps.iter().rev().map(|step| Step {
        at: Moment::clock(step.at, now),
        by: step.by.clone(),
        what: step.what.clone(),
        consumer: step.consumer.clone(),
        // Why it was planned is a word of the API's there.
        detail: step.detail.as_ref().map(|detail| match step.step.as_str() {
            "opened" => detail.replace('_', " "),
            _ => detail.clone(),
        }),
    });
    let dues = view.dues.iter().map(|due| Due {
        what: due.what.clone(),
        consumer: due.consumer.clone(),
        again: due.not_before.map(|at| Moment::left(at, now)),
    });
    let window = view.plan.window.as_ref();
    Ok(Show {
        window: window.map(|window| (Moment::full(window.from), Moment::full(window.until))),
        dues: dues.collect(),
        environment: view.environment.as_str(),
        state: state_words(view.state),
        state_class: state_class(view.state),
        stages: stages(&view),
        steps: steps.collect(),
        consumers: view.consumers.iter().map(|row| consumer(row, &view, now)).collect(),
        paper_broker: desk.own_broker(view.environment),
        may: may && !view.over,
        // A rehearsal is given its pairs by who plays it: none that is made at Alpaca belongs there.
        pasting: !view.rehearsal
            && matches!(view.state, RotationState::AwaitingMint | RotationState::Candidate),
        shell,
        view,
        form,
    })
}

fn stages(view: &RotationView) -> Vec<Stage> {
    let state = view.degraded_from.filter(|_| view.state == RotationState::Degraded).unwrap_or(view.state);
    let here = STAGES.iter().position(|(_, states)| states.contains(&state));
    let all_done = view.state == RotationState::Closed;
    let how = |number: usize| match here {
        _ if all_done => "done",
        Some(here) if number < here => "done",
        Some(here) if number == here => "now",
        _ => "later",
    };
    STAGES.iter().enumerate().map(|(number, (what, _))| Stage { what, how: how(number) }).collect()
}

fn consumer(row: &RotationConsumerView, view: &RotationView, now: Timestamp) -> Consumer {
    let (words, kind) = match (row.stage.as_str(), row.trouble.is_some()) {
        ("left_out", _) => ("left out", "warn"),
        ("proven", _) => ("proven", "good"),
        _ if row.overwritten_at.is_some() => ("written by somebody else", "warn"),
        (_, true) => ("in trouble", "warn"),
        ("delivered", _) => ("has the new pair", ""),
        ("ready", _) => ("can take the new pair", ""),
        _ => ("not looked at yet", ""),
    };
    Consumer {
        words,
        kind,
        asks: row.trouble.is_some() && row.retry_at.is_none(),
        open: !view.over && !matches!(row.stage.as_str(), "proven" | "left_out"),
        again: row.retry_at.map(|at| Moment::left(at, now)),
        title: kinds::named(&row.kind).map_or("", |kind| kind.title),
        next: view
            .asks
            .iter()
            .find(|ask| ask.consumer.as_ref() == Some(&row.name))
            .map(|ask| ask.next_step.clone()),
        row: row.clone(),
    }
}

/// The report as a file.
pub(super) async fn report(desk: Desk, PathName(id): PathName, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    api::report::file(&desk, &id).await
}
