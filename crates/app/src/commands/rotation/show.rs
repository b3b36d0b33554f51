//! Rotations as text.

use paddock_web::{Matrix, MatrixRow, RotationConsumerView, RotationView, StepView};
use serde::Deserialize as _;
use serde_json::Value;

use crate::api::ApiClient;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;
use crate::table;

/// Where a rotation is and what it waits for.
pub(super) fn describe(view: &RotationView, paint: Paint) -> String {
    let kind = if view.rehearsal { "rehearsal" } else { "rotation" };
    let mut pairs = vec![
        (kind, view.id.to_string()),
        ("connection", format!("{} ({} account {})", view.connection, view.environment, view.account_number)),
        ("state", paint.bold(view.state.as_str())),
        ("cause", view.cause.to_string()),
        ("new orders", orders(view).to_owned()),
    ];
    pairs.extend(view.plan.ticket.clone().map(|ticket| ("ticket", ticket)));
    if let Some(window) = &view.plan.window {
        let window = format!("{} to {}", table::instant(window.from), table::instant(window.until));
        pairs.push(("window", window));
    }
    let mut text = table::pairs(pairs);
    if !view.consumers.is_empty() {
        text += "\n";
        let heading = ["CONSUMER", "KIND", "STAGE", "NOTE"];
        text += &table::columns(&heading, view.consumers.iter().map(consumer));
    }
    for due in &view.dues {
        let about = due.consumer.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let when =
            due.not_before.map(|at| format!(", not before {}", table::instant(at))).unwrap_or_default();
        text += &format!("\nunder way: {}{about}{when}", due.what);
    }
    if !view.dues.is_empty() {
        text += "\n";
    }
    text + &asks(view, paint)
}

fn orders(view: &RotationView) -> &'static str {
    match (view.holds_orders, view.rehearsal) {
        (_, true) => "pass: a rehearsal holds nothing back",
        (true, false) => "are held back; cancels and reads pass",
        (false, false) => "pass",
    }
}

/// What a person is asked to do.
pub(super) fn asks(view: &RotationView, paint: Paint) -> String {
    let mut text = String::new();
    for ask in &view.asks {
        let about = ask.consumer.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        text += &format!("\n{}  {about}{}\n       next: {}\n", paint.bold("you"), ask.message, ask.next_step);
    }
    for (number, click) in view.where_to_click.iter().enumerate() {
        text += &format!("  {}. {click}\n", number + 1);
    }
    if !view.where_to_click.is_empty() {
        text += &format!("then: paddock rotation paste {}\n", view.id);
    }
    text
}

/// One step in a line.
pub(super) fn step(step: &StepView) -> String {
    let about = step.consumer.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let detail = step.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{}  {:<20}  {about}{}{detail}\n", table::instant(step.at), step.state.as_str(), step.what)
}

fn consumer(view: &RotationConsumerView) -> Vec<String> {
    let left_out = view.left_out.as_ref().map(|why| format!("left out: {why}"));
    let note =
        view.trouble.clone().or(left_out).or_else(|| view.proof.clone()).or_else(|| view.delivered.clone());
    let note = note.or_else(|| view.login.clone()).unwrap_or_default();
    vec![view.name.clone(), view.kind.clone(), view.stage.clone(), note]
}

/// All rotations.
pub(super) async fn list(client: &ApiClient, context: &Context) -> Outcome {
    let listed = client.list("/api/v1/rotations").await?;
    let views: Vec<RotationView> =
        Vec::deserialize(&listed).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&listed, |_| {
        if views.is_empty() {
            return "no rotations yet: `paddock rotation matrix` shows what is due".to_owned();
        }
        let heading = ["ROTATION", "CONNECTION", "ENVIRONMENT", "STATE", "CAUSE", "PLANNED", "WAITS FOR YOU"];
        table::columns(&heading, views.into_iter().map(row))
    })
}

fn row(view: RotationView) -> Vec<String> {
    let state = if view.rehearsal { format!("{} (rehearsal)", view.state) } else { view.state.to_string() };
    let waits = view.asks.first().map(|ask| ask.message.clone()).unwrap_or_default();
    vec![
        view.id.to_string(),
        view.connection,
        view.environment.to_string(),
        state,
        view.cause.to_string(),
        table::instant(view.planned_at),
        waits,
    ]
}

/// Everything that is replaced from time to time.
pub(super) fn matrix(answer: &Value, context: &Context) -> Outcome {
    let matrix = Matrix::deserialize(answer).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(answer, |_| {
        let heading = ["WHAT", "NAME", "EVERY", "SINCE", "DUE", "HOW"];
        table::columns(&heading, matrix.rows.into_iter().map(matrix_row))
    })
}

fn matrix_row(row: MatrixRow) -> Vec<String> {
    let instant = |at: Option<jiff::Timestamp>| at.map_or_else(|| "unknown".to_owned(), table::instant);
    let what = row
        .environment
        .map_or_else(|| row.what.replace('_', " "), |environment| format!("{environment} pair"));
    let due = match (row.due_at, row.due) {
        (None, _) => "never".to_owned(),
        (Some(at), false) => table::instant(at),
        (Some(at), true) => format!("{} DUE", table::instant(at)),
    };
    let every = row.days.map(|days| format!("{days} days")).unwrap_or_default();
    vec![what, row.name, every, instant(row.since), due, row.how]
}
