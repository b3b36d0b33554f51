//! `/connections/{name}`: how a connection is, and what can be done with it.

use askama::Template;
use axum::response::Response;
use paddock_store::Subject;

use super::{Card, repairs_of_address};
use crate::api::connections as api;
use crate::desk::Desk;
use crate::fields::{Fields, FormFields};
use crate::name::PathName;
use crate::pages::answer::{Done, done, page, page_with, see};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, encoded, passing_words};
use crate::problem::Problem;
use crate::query::Query;

/// What may have just been done.
const SENTENCES: [(&str, &str); 9] = [
    (
        "connected",
        "Connected: Alpaca confirmed the pair, and it is sealed in the vault. Next, give a program an access key.",
    ),
    (
        "connected-oauth",
        "Connected: Alpaca gave Paddock a token, and it is sealed in the vault. Next, give a program an access key.",
    ),
    (
        "replaced-oauth",
        "Connected again: the new token is sealed and in use from now on. Access keys are as they were.",
    ),
    ("renamed", "The connection has its new name. Access keys and history are as they were."),
    ("checked", "Alpaca answered: the credential works."),
    ("activated", "This is the active connection now."),
    ("frozen", "Frozen: nothing new passes."),
    ("unfrozen", "The connection goes on."),
    (
        "replaced",
        "The key pair is replaced. The new one is in use from now on; the old one can be deleted at Alpaca.",
    ),
];

#[derive(Debug, Template)]
#[template(path = "connections/show.html")]
struct Show {
    shell: Shell,
    card: Card,
    /// The name of the active connection, if it is another one.
    active_other: Option<String>,
    keys: Vec<Key>,
    freeze: Option<Frozen>,
    signed: Option<Signed>,
    /// What was taken off the pasted fields when it was connected.
    repairs: Vec<String>,
    /// What a check that was just made found wrong.
    fault: Option<Problem>,
    rename: FormView,
}

#[derive(Debug)]
struct Key {
    name: String,
    sentence: String,
    frozen: bool,
}

#[derive(Debug)]
struct Frozen {
    at: Moment,
    reason: Option<String>,
    passes: String,
}

#[derive(Debug)]
struct Signed {
    name: String,
    at: Moment,
    hash: String,
}

/// The page.
pub(super) async fn show(
    desk: Desk,
    PathName(name): PathName,
    done: Done,
    mut query: Query,
) -> Result<Response, Problem> {
    let mut shown = gather(&desk, &name).await?;
    shown.repairs = query.text("repaired").map(|address| repairs_of_address(&address)).unwrap_or_default();
    shown.shell = shown.shell.done(&done, &SENTENCES);
    page(&shown)
}

async fn gather(desk: &Desk, name: &str) -> Result<Show, Problem> {
    let now = desk.now();
    let row = api::named(desk, name).await?;
    let all = desk.store.connections(desk.user).await?.into_iter();
    let active_other = all.filter(|other| other.active && other.id != row.id).map(|other| other.name).next();
    let keys = desk.store.keys(desk.user).await?.into_iter();
    let keys: Vec<Key> = keys
        .filter(|key| key.connection == row.id && key.revoked_at.is_none())
        .map(|key| Key { name: key.name, sentence: key.scope.describe(), frozen: key.frozen })
        .collect();
    let freezes = desk.store.freezes().await?.into_iter();
    let freeze = freezes
        .filter(|freeze| freeze.subject == Subject::Connection(row.id))
        .map(|freeze| Frozen {
            at: Moment::ago(freeze.at, now),
            reason: freeze.reason,
            passes: passing_words(freeze.passing),
        })
        .next();
    let signed = desk.store.attestation(row.id).await?.map(|signed| Signed {
        name: signed.attestation.signed_name,
        at: Moment::day(signed.at),
        hash: signed.attestation.text_sha256,
    });
    Ok(Show {
        shell: Shell::load(desk, Section::Connections, row.name.clone()).await?.about(&row),
        rename: FormView::blank().with("name", row.name.clone()),
        card: Card::new(api::view(desk, row).await?, keys.len(), now),
        active_other,
        keys,
        freeze,
        signed,
        repairs: Vec::new(),
        fault: None,
    })
}

fn back(name: &str, code: &str) -> Response {
    done(&format!("/connections/{name}"), code)
}

/// Gives it another name.
pub(super) async fn rename(
    desk: Desk,
    PathName(name): PathName,
    fields: FormFields,
) -> Result<Response, Problem> {
    let typed = FormView::keep(&fields, &["name"]);
    match api::rename::perform(&desk, &name, fields.0).await {
        Ok(new) => Ok(back(&new, "renamed")),
        Err(problem) => {
            let status = problem.http_status();
            let mut shown = gather(&desk, &name).await?;
            shown.rename = typed.refused(problem);
            page_with(status, &shown)
        }
    }
}

/// Asks Alpaca whether the credential still works; what it says stands on the page.
pub(super) async fn check(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    let checked = api::check::check(desk.clone(), PathName(name.clone()), fields).await?;
    match checked.0.problem {
        None => Ok(back(&name, "checked")),
        Some(fault) => {
            let mut shown = gather(&desk, &name).await?;
            shown.fault = Some(fault);
            page(&shown)
        }
    }
}

/// Whoever loads the address of a form once more that was answered in place, as the script does that keeps pages up to date, gets the
/// connection's page.
pub(super) async fn again(PathName(name): PathName) -> Response {
    see(&format!("/connections/{}", encoded(&name)))
}

/// Makes it the active one.
pub(super) async fn activate(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    _ = api::activate::activate(desk, PathName(name.clone()), fields).await?;
    Ok(back(&name, "activated"))
}

/// Freezes it at once: cancels still pass. More to choose from is at `/freeze`.
pub(super) async fn freeze(
    desk: Desk,
    PathName(name): PathName,
    _fields: FormFields,
) -> Result<Response, Problem> {
    _ = api::freeze::freeze(desk, PathName(name.clone()), Fields::default()).await?;
    Ok(back(&name, "frozen"))
}

/// Lets it go on.
pub(super) async fn unfreeze(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    _ = api::freeze::unfreeze(desk, PathName(name.clone()), fields).await?;
    Ok(back(&name, "unfrozen"))
}
