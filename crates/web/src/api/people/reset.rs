//! `POST /api/v1/people/{name}/reset`

use axum::Json;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use paddock_store::LinkFor;
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::{Desk, Way};
use crate::document::params;
use crate::fields::Fields;
use crate::name::PathName;
use crate::people::{invite, person_name};
use crate::problem::{Problem, shown};

/// A link that sets another password.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResetLink {
    /// The person's name.
    name: String,
    /// Where the person goes. It is told here and never again.
    #[schema(read_only)]
    link: String,
    /// From when on it does not work.
    expires_at: Timestamp,
}

impl Drop for ResetLink {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.link);
    }
}

/// Makes a link with which a person sets another password. Only at the admin socket: whoever has the link becomes that person, so nobody
/// makes one over the network, not even an owner.
#[utoipa::path(
    post,
    path = "/api/v1/people/{name}/reset",
    operation_id = "resetPassword",
    tag = "people",
    params(params::PersonName),
    responses((status = 200, description = "A link that sets another password, once", body = ResetLink)),
    extensions(("x-problems" = json!(["unknown_person", "at_the_machine_only", "not_found"]))),
)]
pub(crate) async fn reset(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<([(header::HeaderName, HeaderValue); 1], Json<ResetLink>), Problem> {
    fields.finish(&[])?;
    if !matches!(desk.way, Way::Socket) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "at_the_machine_only",
            "Only on the machine itself",
            "a link for another password is made on the machine that runs Paddock, and nowhere else",
            "run `paddock person reset NAME` there",
        ));
    }
    // Names are unique among all teams, and this machine looks after all of them.
    let found = desk.store.person_named(&person_name::normalise(&name)).await?;
    let Some((person, _)) = found else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_person",
            "Unknown person",
            format!("there is nobody named `{}`", shown(&name)),
            "list the people with `paddock person list`",
        ));
    };
    let purpose = LinkFor::Reset(person.id);
    let made = invite::make(&desk, purpose, person.name.clone(), invite::RESET, desk.actor()).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let link = made.address.expose().to_owned();
    let body = ResetLink { name: person.name, link, expires_at: made.link.expires_at };
    Ok((no_store, Json(body)))
}
