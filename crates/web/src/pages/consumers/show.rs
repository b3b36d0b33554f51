//! `/connections/{name}/consumers/{consumer}`: how a consumer is set up, a look at it, and its change.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use super::form::{self, Field};
use crate::api::connections::named;
use crate::api::consumers as api;
use crate::api::consumers::ConsumerView;
use crate::api::consumers::check::ConsumerCheckView;
use crate::api::consumers::kinds;
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathPair;
use crate::pages::answer::{Done, done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::Moment;
use crate::problem::Problem;

const SENTENCES: [(&str, &str); 2] = [
    ("added", "Added. It gets each new pair from the next rotation on. Check it now, before it matters."),
    ("changed", "The consumer is changed."),
];

#[derive(Debug, Template)]
#[template(path = "consumers/show.html")]
struct Show {
    shell: Shell,
    name: String,
    view: ConsumerView,
    added: Moment,
    settings: Vec<(&'static str, String)>,
    found: Option<ConsumerCheckView>,
}

#[derive(Debug, Template)]
#[template(path = "consumers/edit.html")]
struct Edit {
    shell: Shell,
    name: String,
    view: ConsumerView,
    fields: Vec<Field>,
    form: FormView,
}

#[derive(Debug, Template)]
#[template(path = "consumers/remove.html")]
struct Remove {
    shell: Shell,
    name: String,
    view: ConsumerView,
}

/// The page.
pub(super) async fn show(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    done: Done,
) -> Result<Response, Problem> {
    let mut shown = gather(&desk, &name, &consumer).await?;
    shown.shell = shown.shell.done(&done, &SENTENCES);
    page(&shown)
}

/// Looks at it; what was found stands on the page.
pub(super) async fn check(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    fields.finish(&[])?;
    let found = api::check::perform(&desk, &name, &consumer).await?;
    let shown = Show { found: Some(found), ..gather(&desk, &name, &consumer).await? };
    page(&shown)
}

async fn gather(desk: &Desk, name: &str, consumer: &str) -> Result<Show, Problem> {
    let row = named(desk, name).await?;
    let view = api::shown_of(desk, &row, api::named(desk, &row, consumer).await?).await?;
    let known = kinds::named(&view.kind).map(|kind| kind.settings).unwrap_or_default();
    let settings = known.iter().filter_map(|setting| {
        let value = view.settings.pointer(&format!("/{}", setting.path.replace('.', "/")))?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            other => other.to_string(),
        };
        Some((setting.label, text))
    });
    Ok(Show {
        shell: Shell::load(desk, Section::Rotations, format!("Consumer {}", view.name)).await?.about(&row),
        name: row.name,
        added: Moment::day(view.created_at),
        settings: settings.collect(),
        view,
        found: None,
    })
}

/// The form.
pub(super) async fn edit(desk: Desk, PathPair(name, consumer): PathPair) -> Result<Response, Problem> {
    page_with(StatusCode::OK, &edit_page(&desk, &name, &consumer, None).await?)
}

/// Changes it.
pub(super) async fn change(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    sent: FormFields,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let before = api::named(&desk, &row, &consumer).await?;
    let kind = kinds::named(&before.kind);
    let names = kind.as_ref().map(form::names).unwrap_or_default();
    let kept: Vec<&str> = names.iter().map(String::as_str).chain(["name"]).collect();
    let kept = FormView::keep(&sent, &kept);
    let changed = match kind.as_ref().map_or(Ok(None), |kind| form::read(kind, sent).map(Some)) {
        Ok(Some(fields)) => api::change::perform(&desk, &name, &consumer, fields).await,
        Ok(None) => Err(Problem::not_allowed("kind", &before.kind, &[])),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(changed) => Ok(done(&format!("/connections/{}/consumers/{}", row.name, changed.name), "changed")),
        Err(problem) => {
            let status = problem.http_status();
            page_with(status, &edit_page(&desk, &name, &consumer, Some(kept.refused(problem))).await?)
        }
    }
}

async fn edit_page(desk: &Desk, name: &str, consumer: &str, form: Option<FormView>) -> Result<Edit, Problem> {
    let row = named(desk, name).await?;
    let view = api::shown_of(desk, &row, api::named(desk, &row, consumer).await?).await?;
    let kind = kinds::named(&view.kind);
    let form = match (form, &kind) {
        (Some(form), _) => form,
        (None, Some(kind)) => {
            form::filled(FormView::blank().with("name", view.name.clone()), kind, &view.settings)
        }
        (None, None) => FormView::blank().with("name", view.name.clone()),
    };
    Ok(Edit {
        shell: Shell::load(desk, Section::Rotations, format!("Change {}", view.name)).await?.about(&row),
        name: row.name,
        fields: kind.as_ref().map(form::fields).unwrap_or_default(),
        view,
        form,
    })
}

/// Asks whether it shall be forgotten.
pub(super) async fn ask_remove(desk: Desk, PathPair(name, consumer): PathPair) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let view = api::shown_of(&desk, &row, api::named(&desk, &row, &consumer).await?).await?;
    let shell = Shell::load(&desk, Section::Rotations, format!("Remove {}", view.name)).await?.about(&row);
    page(&Remove { shell, name: row.name, view })
}

/// Forgets it.
pub(super) async fn remove(
    desk: Desk,
    PathPair(name, consumer): PathPair,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    fields.finish(&[])?;
    let row = named(&desk, &name).await?;
    api::remove::perform(&desk, &name, &consumer).await?;
    Ok(done(&format!("/connections/{}/consumers", row.name), "removed"))
}
