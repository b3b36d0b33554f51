//! The OpenAPI document of `/api/v1`, made from the code: `GET /api/v1/openapi.json`, kept as `docs/openapi.json`.
//!
//! Each endpoint carries `#[utoipa::path]`: its address, what it answers, and the codes of its own problems as `x-problems`. What holds for
//! every endpoint is added here, so that it is said once and holds without exception: the problems that any request may meet, who may
//! ask, and that no field or parameter is taken which is not in the document.
//!
//! **Whoever adds an endpoint** writes four things, and a test in this file or in `tests/it/document.rs` says which one is missing:
//! 1. `#[utoipa::path(method, path = "/api/v1/...", operation_id = "...", tag = "...", params(...), request_body = ..., responses(...),
//!    extensions(("x-problems" = json!([]))))]` above the handler, whose doc comment becomes the description;
//! 2. the handler's name in [`Operations`] below;
//! 3. `ToSchema` on what it answers with; on a field of another crate's type `#[schema(value_type = ...)]` with a word of
//!    [`words`]; for a body, a struct in [`bodies`] with the reader's fields;
//! 4. the new codes of its problems in [`problems::CODES`].
//!
//! Then `UPDATE_GOLDEN=1 cargo nextest run -p paddock-web document` writes `docs/openapi.json` anew.

pub(crate) mod bodies;
mod finish;
pub(crate) mod params;
pub(crate) mod problems;
pub(crate) mod views;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde::Deserialize;
use utoipa::OpenApi as _;

use crate::api;
use crate::problem::Problem;
use crate::query::Query;

/// All operations.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Paddock",
        version = "1",
        description = "Everything that Paddock's pages can do. The command line is a client of the same API over the admin socket.\n\n`x-role` is the \
                       least role that an operation takes, `x-first-team` says that only the team that runs this Paddock may, and `x-fresh-factor` \
                       that it asks for a proof of who you are that is at most five minutes old.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "connections", description = "Alpaca accounts that are connected."),
        (name = "keys", description = "Access keys: what programs get instead of Alpaca's own."),
        (name = "rotations", description = "New key pairs for connections, and the consumers that get them."),
        (name = "approvals", description = "Orders that wait for a person."),
        (name = "freezes", description = "Stopping access keys, connections or everything at once."),
        (name = "accounts", description = "What an account holds and has ordered, and what a person does about it."),
        (name = "activity", description = "Requests that changed something, or would have, or were refused; kept as long as the audit."),
        (name = "trading", description = "Who decides about new trades of the engine, which comes with a later version."),
        (name = "requests", description = "What goes through the gateway, and what happens."),
        (name = "audit", description = "The signed record of everything that changed something."),
        (name = "people", description = "Who may sign in, and where they are signed in."),
        (name = "system", description = "How this Paddock is, its vault and its backups."),
    ),
    paths(
        show,
        crate::pages::health::metrics,
        api::accounts::act::cancel,
        api::accounts::act::cancel_all,
        api::accounts::act::close,
        api::accounts::look::account,
        api::accounts::look::equity,
        api::accounts::look::order,
        api::accounts::look::orders,
        api::accounts::look::positions,
        api::activity::export::export,
        api::activity::list::list,
        api::activity::show::show,
        api::approvals::answer::approve,
        api::approvals::answer::deny,
        api::approvals::list::list,
        api::approvals::show::show,
        api::audit::export::export,
        api::audit::key::rotate,
        api::audit::key::show,
        api::audit::list::list,
        api::audit::prune::prune,
        api::audit::verify::verify,
        api::backup::create,
        api::check_in::check_in,
        api::connections::activate::activate,
        api::connections::add::add,
        api::connections::attestation::show,
        api::connections::attestation::signed,
        api::connections::check::check,
        api::connections::freeze::freeze,
        api::connections::freeze::unfreeze,
        api::connections::list::list,
        api::connections::remove::remove,
        api::connections::rename::rename,
        api::ca::show,
        api::consumers::add::add,
        api::consumers::change::change,
        api::consumers::check::check,
        api::consumers::kinds::kinds,
        api::consumers::list::list,
        api::consumers::list::show,
        api::consumers::remove::remove,
        api::freeze::everything::freeze,
        api::freeze::everything::unfreeze,
        api::freeze::list::list,
        api::health::show,
        api::keys::create::create,
        api::keys::edit::diff,
        api::keys::edit::edit,
        api::keys::explain::explain,
        api::keys::freeze::freeze,
        api::keys::freeze::unfreeze,
        api::keys::list::list,
        api::keys::outlook::describe,
        api::keys::replace::replace,
        api::keys::revoke::revoke,
        api::keys::show::show,
        api::keys::usage::usage,
        api::leaks::check,
        api::oauth::show,
        api::people::change::change,
        api::people::change::remove,
        api::people::invitations::create,
        api::people::invitations::list,
        api::people::invitations::withdraw,
        api::people::list::list,
        api::people::password::change,
        api::people::reset::reset,
        api::people::sessions::end,
        api::people::sessions::end_others,
        api::people::sessions::list,
        api::rotations::cadence::set,
        api::rotations::list::list,
        api::rotations::list::show,
        api::rotations::matrix::show,
        api::rotations::broker::start,
        api::rotations::paste::paste,
        api::rotations::plan::plan,
        api::rotations::rehearse::rehearse,
        api::rotations::report::markdown,
        api::rotations::report::report,
        api::rotations::say::abort,
        api::rotations::say::go_on,
        api::rotations::say::leave_out,
        api::rotations::say::resume,
        api::rotations::say::skip,
        api::rotations::say::start,
        api::rotations::say::take_over,
        api::second_factor::begin,
        api::second_factor::confirm,
        api::second_factor::new_codes,
        api::second_factor::show,
        api::second_factor::turn_off,
        api::second_factor::turn_off_for,
        api::tokens::create::create,
        api::tokens::list::list,
        api::tokens::revoke::revoke,
        crate::pages::confirm::confirm,
        api::requests::events::events,
        api::requests::list::list,
        api::status::show,
        api::trading::mode,
        api::trading::pause,
        api::trading::resume,
        api::trading::show,
        api::vault::rotate::rotate,
        api::vault::show::show,
    ),
)]
struct Operations;

/// What is served. A test holds it against the code and writes it anew; to make it at run time would take more memory than all the rest of an
/// idle server.
static KEPT: &[u8] = include_bytes!("../../../docs/openapi.json");

/// The names of the query parameters of each operation, by method and path.
static PARAMETERS: LazyLock<BTreeMap<(String, String), BTreeSet<String>>> = LazyLock::new(|| {
    let Outline { paths } = serde_json::from_slice(KEPT).unwrap_or_default();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        item.into_iter().map(move |(method, operation)| ((method.to_uppercase(), path.clone()), operation))
    });
    operations.map(|(operation, outline)| (operation, outline.query())).collect()
});

/// What is read of the document.
#[derive(Default, Deserialize)]
struct Outline {
    /// By path and method.
    paths: BTreeMap<String, BTreeMap<String, OperationOutline>>,
}

#[derive(Deserialize)]
struct OperationOutline {
    #[serde(default)]
    parameters: Vec<ParameterOutline>,
}

#[derive(Deserialize)]
struct ParameterOutline {
    name: String,
    r#in: String,
}

impl OperationOutline {
    fn query(self) -> BTreeSet<String> {
        self.parameters.into_iter().filter(|one| one.r#in == "query").map(|one| one.name).collect()
    }
}

/// The document as the code says it, for the test that keeps it. Indented, so that a change of the golden file reads as what it is.
#[must_use]
pub fn openapi_from_code() -> Vec<u8> {
    let value = finish::finish(serde_json::to_value(Operations::openapi()).unwrap_or_default());
    let mut text = serde_json::to_vec_pretty(&value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "getDocument",
    tag = "system",
    responses((status = 200, description = "The OpenAPI document", body = Object, content_type = "application/json")),
)]
pub(crate) async fn show(query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Bytes::from_static(KEPT)).into_response())
}

/// The query parameters of the operation at a route, if there is such an operation.
pub(crate) fn parameters(method: &str, route: &str) -> Option<&'static BTreeSet<String>> {
    PARAMETERS.get(&(method.to_owned(), route.to_owned()))
}

#[cfg(test)]
mod tests;
