//! `GET` and `DELETE /api/v1/sessions`, `DELETE /api/v1/sessions/{id}`: the browsers in which whoever asks is signed in.

use axum::Json;
use http::StatusCode;
use jiff::Timestamp;
use paddock_core::id::SessionId;
use paddock_store::{Person, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{params, words};
use crate::fields::Fields;
use crate::name::PathName;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// A session as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was last used, to about a minute.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// From where it was last used.
    pub network: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// How many sessions have ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    /// That.
    ended: u32,
}

/// The person who asks, where it is about themselves.
pub(crate) fn who(desk: &Desk) -> Result<&Person, Problem> {
    desk.person.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "nobody_in_particular",
            "Nobody in particular",
            "the admin socket acts for the team and not for one person, and this is about one",
            "sign in on the pages",
        )
    })
}

/// The sessions of whoever asks, the newest first.
pub(crate) async fn views(desk: &Desk) -> Result<Vec<SessionView>, Problem> {
    let own = desk.session().map(|session| session.id);
    let sessions = desk.store.sessions(who(desk)?.id, desk.now()).await?;
    Ok(sessions
        .into_iter()
        .map(|session| SessionView {
            id: session.id,
            current: Some(session.id) == own,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            network: session.network,
            user_agent: session.user_agent,
        })
        .collect())
}

/// The sessions of whoever asks.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "listSessions",
    tag = "people",
    params(params::Listing),
    responses((status = 200, description = "A page of sessions", body = Page<SessionView>)),
    extensions(("x-problems" = json!(["nobody_in_particular"]))),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<SessionView>>, Problem> {
    let paging = Paging::read(&mut query, "sessions")?;
    query.finish(&["limit", "cursor"])?;
    let mut views = views(&desk).await?;
    views.reverse();
    Ok(Json(paging.page_of_all(views, |view| Since::new(view.created_at, view.id))))
}

/// Ends one session of whoever asks.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    operation_id = "endSession",
    tag = "people",
    params(params::Identifier),
    responses((status = 200, description = "It has ended", body = Ended)),
    extensions(("x-problems" = json!(["nobody_in_particular", "unknown_session"]))),
)]
pub(crate) async fn end(desk: Desk, PathName(id): PathName, fields: Fields) -> Result<Json<Ended>, Problem> {
    fields.finish(&[])?;
    end_one(&desk, &id).await?;
    Ok(Json(Ended { ended: 1 }))
}

/// Ends one session of whoever asks.
pub(crate) async fn end_one(desk: &Desk, id: &str) -> Result<(), Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_session",
            "Unknown session",
            "you have no session with this identifier, or it has ended",
            "reload the list",
        )
    };
    let id: SessionId = id.parse().map_err(|_| unknown())?;
    match desk.store.end_session(who(desk)?.id, id, &desk.actor(), desk.now()).await {
        Ok(()) => Ok(()),
        Err(StoreError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

/// Ends all other sessions of whoever asks.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions",
    operation_id = "endOtherSessions",
    tag = "people",
    responses((status = 200, description = "How many have ended", body = Ended)),
    extensions(("x-problems" = json!(["nobody_in_particular"]))),
)]
pub(crate) async fn end_others(desk: Desk, fields: Fields) -> Result<Json<Ended>, Problem> {
    fields.finish(&[])?;
    Ok(Json(Ended { ended: end_all_others(&desk).await? }))
}

/// Ends all other sessions of whoever asks. Gives how many.
pub(crate) async fn end_all_others(desk: &Desk) -> Result<u32, Problem> {
    let keep = desk.session().map(|session| session.id);
    Ok(desk.store.end_sessions(who(desk)?.id, keep, &desk.actor(), desk.now()).await?)
}
