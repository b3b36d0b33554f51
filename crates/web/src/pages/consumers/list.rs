//! `/connections/{name}/consumers`

use askama::Template;
use axum::response::Response;

use crate::api::connections::named;
use crate::api::consumers::view;
use crate::desk::Desk;
use crate::name::PathName;
use crate::pages::answer::{Done, page};
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

const SENTENCES: [(&str, &str); 1] =
    [("removed", "Removed. The pair that is there stays; the next one is not taken there.")];

#[derive(Debug, Template)]
#[template(path = "consumers/list.html")]
struct List {
    shell: Shell,
    name: String,
    consumers: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    title: String,
    has_secret: bool,
}

/// The page.
pub(super) async fn show(desk: Desk, PathName(name): PathName, done: Done) -> Result<Response, Problem> {
    let row = named(&desk, &name).await?;
    let consumers = desk.store.consumers_of(row.id).await?.into_iter().map(|one| view(&row, one, None));
    page(&List {
        consumers: consumers
            .map(|one| Row { name: one.name, title: one.title, has_secret: one.secret.is_some() })
            .collect(),
        shell: Shell::load(&desk, Section::Rotations, "Consumers").await?.about(&row).done(&done, &SENTENCES),
        name: row.name,
    })
}
