//! `/connections/{name}/consumers/new`: first what kind of place it is, then its settings.

use askama::Template;
use axum::response::Response;
use paddock_store::Connection;

use super::form::{self, Field};
use crate::api::connections::named;
use crate::api::consumers::add as api;
use crate::api::consumers::kinds::{self, Kind};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;
use crate::query::Query;

#[derive(Debug, Template)]
#[template(path = "consumers/choose.html")]
struct Choose {
    shell: Shell,
    name: String,
    kinds: Vec<Kind>,
}

#[derive(Debug, Template)]
#[template(path = "consumers/new.html")]
struct New {
    shell: Shell,
    name: String,
    kind: Kind,
    /// What Paddock logs in there with, in words.
    secret: String,
    fields: Vec<Field>,
    form: FormView,
}

/// The choice of kinds, or the form of one.
pub(super) async fn show(
    desk: Desk,
    PathName(name): PathName,
    mut query: Query,
) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    match query.text("kind").and_then(|kind| kinds::named(&kind)) {
        Some(kind) => page(&form_page(&desk, &row, kind, FormView::blank()).await?),
        None => page(&Choose {
            shell: Shell::load(&desk, Section::Rotations, "Add a consumer").await?.about(&row),
            name: row.name,
            kinds: kinds::all(),
        }),
    }
}

/// Adds it.
pub(super) async fn add(desk: Desk, PathName(name): PathName, sent: FormFields) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let kind = sent.one("kind");
    let Some(kind) = kinds::named(&kind) else {
        return Err(Problem::not_allowed(
            "kind",
            &kind,
            &kinds::all().iter().map(|one| one.kind).collect::<Vec<_>>(),
        ));
    };
    let names = form::names(&kind);
    let kept: Vec<&str> = names.iter().map(String::as_str).chain(["name"]).collect();
    let kept = FormView::keep(&sent, &kept);
    let fields = form::read(&kind, sent);
    let added = match fields {
        Ok(fields) => api::perform(&desk, &name, fields).await,
        Err(problem) => Err(problem),
    };
    match added {
        Ok(added) => Ok(done(&format!("/connections/{}/consumers/{}", row.name, added.name), "added")),
        Err(problem) => {
            let status = problem.http_status();
            page_with(status, &form_page(&desk, &row, kind, kept.refused(problem)).await?)
        }
    }
}

async fn form_page(desk: &Desk, row: &Connection, kind: Kind, form: FormView) -> Result<New, Problem> {
    Ok(New {
        shell: Shell::load(desk, Section::Rotations, "Add a consumer").await?.about(row),
        name: row.name.clone(),
        fields: form::fields(&kind),
        secret: kind.secret.unwrap_or_default().to_owned(),
        kind,
        form,
    })
}
