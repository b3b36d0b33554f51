//! Freezing, unfreezing and revoking one access key.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use paddock_store::Subject;

use crate::api::freeze::{self, Asked};
use crate::api::keys::{named, revoke as api, shown_by_id};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::pages::answer::{done, page, page_with};
use crate::pages::form::FormView;
use crate::pages::shell::{Section, Shell};
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "keys/revoke.html")]
struct Revoke {
    shell: Shell,
    path: String,
    name: String,
    sentence: String,
    form: FormView,
}

#[derive(Debug, Template)]
#[template(path = "keys/unfreeze.html")]
struct Unfreeze {
    shell: Shell,
    path: String,
    name: String,
    sentence: String,
    reason: Option<String>,
}

/// `POST /keys/{name}/freeze`
pub(super) async fn freeze(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    let asked = Asked::read(fields)?;
    let key = named(&desk, &name).await?;
    freeze::freeze(&desk, Subject::Key(key.id), asked).await?;
    Ok(done(&super::path(&shown_by_id(&desk, key.id).await?), "frozen"))
}

/// `GET /keys/{name}/unfreeze`: what will work again.
pub(super) async fn ask_unfreeze(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let key = named(&desk, &name).await?;
    freeze::proof::need(&desk, Subject::Key(key.id)).await?;
    let view = shown_by_id(&desk, key.id).await?;
    let freezes = desk.store.freezes().await?.into_iter();
    let reason = freezes.filter(|row| row.subject == Subject::Key(key.id)).find_map(|row| row.reason);
    let connections = desk.store.connections(desk.user).await?;
    let mut shell = Shell::load(&desk, Section::Keys, format!("Unfreeze {}", key.name)).await?;
    if let Some(connection) = connections.iter().find(|connection| connection.id == key.connection) {
        shell = shell.about(connection);
    }
    page(&Unfreeze {
        shell,
        path: super::path(&view),
        name: view.name,
        sentence: view.scope_sentence,
        reason,
    })
}

/// `POST /keys/{name}/unfreeze`
pub(super) async fn unfreeze(
    desk: Desk,
    PathName(name): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    fields.finish(&[])?;
    let key = named(&desk, &name).await?;
    freeze::unfreeze(&desk, Subject::Key(key.id)).await?;
    Ok(done(&super::path(&shown_by_id(&desk, key.id).await?), "unfrozen"))
}

/// `GET /keys/{name}/revoke`: what ends for good.
pub(super) async fn ask_revoke(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    revoke_page(&desk, &name, StatusCode::OK, FormView::blank()).await
}

async fn revoke_page(
    desk: &Desk,
    name: &str,
    status: StatusCode,
    form: FormView,
) -> Result<Response, Problem> {
    let key = named(desk, name).await?;
    let view = shown_by_id(desk, key.id).await?;
    let connections = desk.store.connections(desk.user).await?;
    let connection = connections.iter().find(|connection| connection.id == key.connection);
    let mut shell = Shell::load(desk, Section::Keys, format!("Revoke {}", key.name)).await?;
    if let Some(connection) = connection {
        shell = shell.about(connection);
    }
    page_with(
        status,
        &Revoke { shell, path: super::path(&view), name: view.name, sentence: view.scope_sentence, form },
    )
}

/// `POST /keys/{name}/revoke`, with the key's name typed.
pub(super) async fn revoke(
    desk: Desk,
    PathName(name): PathName,
    form: FormFields,
) -> Result<Response, Problem> {
    let key = named(&desk, &name).await?;
    let typed = form.one("name");
    if typed != key.name {
        let problem = Problem::field("name", format!("the key's name, `{}`, letter by letter", key.name));
        let view = FormView::keep(&form, &["name"]).refused(problem);
        return revoke_page(&desk, &name, StatusCode::UNPROCESSABLE_ENTITY, view).await;
    }
    api::end(&desk, key.id).await?;
    Ok(done("/keys", "revoked"))
}
