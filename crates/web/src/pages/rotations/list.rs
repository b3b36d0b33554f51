//! `/rotations`: what is due and what was done.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;

use super::{state_class, state_words};
use crate::api::rotations::matrix::{self, MatrixRow};
use crate::api::rotations::{RotationView, cadence as api, list as rotations};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{Done, done, page};
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, prose};
use crate::problem::Problem;

const SENTENCES: [(&str, &str); 1] = [("cadence", "It is due by the new number of days from now on.")];

#[derive(Debug, Template)]
#[template(path = "rotations/list.html")]
struct List {
    shell: Shell,
    pairs: Vec<Row>,
    others: Vec<Row>,
    rotations: Vec<Line>,
}

/// A row of the matrix.
#[derive(Debug)]
struct Row {
    what: String,
    name: String,
    environment: Option<&'static str>,
    days: Option<u32>,
    since: Option<Moment>,
    due_at: Option<Moment>,
    due: bool,
    how: String,
    rotation: Option<String>,
}

/// A rotation in the list.
#[derive(Debug)]
struct Line {
    id: String,
    connection: String,
    environment: &'static str,
    rehearsal: bool,
    state: &'static str,
    /// The class that gives the state its colour.
    kind: &'static str,
    cause: String,
    planned: Moment,
    by: String,
    asks: Option<String>,
}

/// The page.
pub(super) async fn show(desk: Desk, done: Done) -> Result<Response, Problem> {
    let now = desk.now();
    let matrix = matrix::load(&desk).await?;
    let (pairs, others): (Vec<_>, Vec<_>) = matrix.rows.into_iter().partition(|row| row.what == "pair");
    let rotations = rotations::all(&desk).await?.into_iter().take(50).map(|view| line(view, now)).collect();
    page(&List {
        shell: Shell::load(&desk, Section::Rotations, "Rotations").await?.done(&done, &SENTENCES),
        pairs: pairs.into_iter().map(|one| row(one, now)).collect(),
        others: others.into_iter().map(|one| row(one, now)).collect(),
        rotations,
    })
}

fn row(row: MatrixRow, now: Timestamp) -> Row {
    Row {
        what: match row.what.as_str() {
            "vault_key" | "data_key" => "vault key",
            "audit_key" => "audit key",
            "authority" => "certificate authority",
            "token" => "API token",
            "access_key" => "access key",
            _ => "key pair",
        }
        .to_owned(),
        environment: row.environment.map(|environment| environment.as_str()),
        days: row.days,
        since: row.since.map(|at| Moment::ago(at, now)),
        due_at: row.due_at.map(Moment::day),
        due: row.due,
        how: prose(&row.how),
        rotation: row.rotation.map(|id| id.to_string()),
        name: row.name,
    }
}

fn line(view: RotationView, now: Timestamp) -> Line {
    Line {
        id: view.id.to_string(),
        environment: view.environment.as_str(),
        rehearsal: view.rehearsal,
        state: state_words(view.state),
        kind: state_class(view.state),
        cause: view.cause.as_str().replace('_', " "),
        planned: Moment::ago(view.planned_at, now),
        by: view.planned_by,
        asks: view.asks.into_iter().next().map(|ask| ask.message),
        connection: view.connection,
    }
}

/// Says how often a pair is to be replaced.
pub(super) async fn cadence(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    api::perform(&desk, &name, fields).await?;
    Ok(done("/rotations", "cadence"))
}
