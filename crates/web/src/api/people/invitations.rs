//! `GET` and `POST /api/v1/invitations`, `DELETE /api/v1/invitations/{id}`

use axum::Json;
use http::{HeaderValue, StatusCode, header};
use paddock_core::Role;
use paddock_core::id::LinkId;
use paddock_store::LinkFor;
use serde::Serialize;
use utoipa::ToSchema;

use super::InvitationView;
use super::change::need_role;
use crate::desk::Desk;
use crate::document::{bodies, params, problems, words};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::name::{self, PathName};
use crate::paging::{Page, Paging, Since};
use crate::people::invite::{self, Made};
use crate::problem::Problem;
use crate::query::Query;

/// The fields of an invitation.
pub(crate) const FIELDS: [&str; 3] = ["for", "role", "team"];

/// A new invitation with its link, which is told here and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invited {
    /// The invitation.
    invitation: InvitationView,
    /// Where whoever is invited goes. It is told here and never again.
    #[schema(read_only)]
    link: String,
}

impl Drop for Invited {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.link);
    }
}

/// Which invitation was withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Withdrawn {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    withdrawn: LinkId,
}

/// The invitations that nobody has used yet.
#[utoipa::path(
    get,
    path = "/api/v1/invitations",
    operation_id = "listInvitations",
    tag = "people",
    params(params::Listing),
    responses((status = 200, description = "A page of invitations", body = Page<InvitationView>)),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<InvitationView>>, Problem> {
    let paging = Paging::read(&mut query, "invitations")?;
    query.finish(&["limit", "cursor"])?;
    let views = open(&desk).await?;
    Ok(Json(paging.page_of_all(views, |view| Since::new(view.created_at, view.id))))
}

/// The invitations that nobody has used yet.
pub(crate) async fn open(desk: &Desk) -> Result<Vec<InvitationView>, Problem> {
    let links = desk.store.invitations(desk.user, desk.now()).await?;
    Ok(links.into_iter().filter_map(InvitationView::of).collect())
}

/// Invites somebody: into the team with a role, or to found a team of their own.
#[utoipa::path(
    post,
    path = "/api/v1/invitations",
    operation_id = "invite",
    tag = "people",
    request_body = bodies::NewInvitation,
    responses((status = 201, description = "The invitation and its link, which is told here only", body = Invited)),
    extensions(("x-problems" = json!(["first_team_only", problems::FIELDS, "name_looks_like_key", "unknown_invitation"]))),
)]
pub(crate) async fn create(
    desk: Desk,
    fields: Fields,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<Invited>), Problem> {
    let made = give(&desk, fields).await?;
    let link = made.address.expose().to_owned();
    let invitation = InvitationView::of(made.link).ok_or_else(unknown)?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(Invited { invitation, link })))
}

/// Reads who is invited to what, and makes the link.
pub(crate) async fn give(desk: &Desk, mut fields: Fields) -> Result<Made, Problem> {
    desk.need_fresh(Matter::Access)?;
    let label = fields.text("for")?.map(|text| text.trim().to_owned()).unwrap_or_default();
    let team = fields.text("team")?;
    let role = match (&team, fields.has("role")) {
        (Some(_), false) => Role::Owner,
        _ => need_role(&mut fields)?,
    };
    fields.finish(&FIELDS)?;
    if label.chars().count() > 80 || label.chars().any(char::is_control) {
        return Err(Problem::field("for", "at most 80 characters on one line"));
    }
    let purpose = match team {
        None => LinkFor::Join { team: desk.user, role },
        Some(name) => {
            // Whoever runs this Paddock says who else is on it.
            desk.need_first_team()?;
            name::check(&name).map_err(|problem| problem.with("field", "team"))?;
            if role != Role::Owner {
                return Err(Problem::field("role", "`owner` for whoever founds a team"));
            }
            LinkFor::Found { invited_by: desk.user, name }
        }
    };
    Ok(invite::make(desk, purpose, label, invite::INVITATION, desk.actor()).await?)
}

/// The open invitation of the team's with this identifier.
pub(crate) async fn named(desk: &Desk, id: &str) -> Result<InvitationView, Problem> {
    let id: LinkId = id.parse().map_err(|_| unknown())?;
    open(desk).await?.into_iter().find(|view| view.id == id).ok_or_else(unknown)
}

/// Withdraws an invitation.
#[utoipa::path(
    delete,
    path = "/api/v1/invitations/{id}",
    operation_id = "withdrawInvitation",
    tag = "people",
    params(params::Identifier),
    responses((status = 200, description = "Which is withdrawn", body = Withdrawn)),
    extensions(("x-problems" = json!(["unknown_invitation"]))),
)]
pub(crate) async fn withdraw(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<Withdrawn>, Problem> {
    fields.finish(&[])?;
    Ok(Json(Withdrawn { withdrawn: take_back(&desk, &id).await? }))
}

/// Withdraws an invitation of the team's.
pub(crate) async fn take_back(desk: &Desk, id: &str) -> Result<LinkId, Problem> {
    let id: LinkId = id.parse().map_err(|_| unknown())?;
    match desk.store.withdraw_invitation(desk.user, id, &desk.actor(), desk.now()).await {
        Ok(()) => Ok(id),
        Err(paddock_store::StoreError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_invitation",
        "Unknown invitation",
        "there is no invitation with this identifier, or it was used",
        "list the open ones with `paddock person list`",
    )
}
