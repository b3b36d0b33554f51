//! `GET /api/v1/keys`

use axum::Json;

use super::KeyView;
use crate::desk::Desk;
use crate::document::params;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// The access keys that are not revoked, oldest first; with `?revoked=true` the revoked ones too.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "listKeys",
    tag = "keys",
    params(("revoked" = Option<bool>, Query, description = "The revoked ones too"), params::Listing),
    responses(
        (status = 200, description = "A page of access keys", body = Page<KeyView>),
    ),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<KeyView>>, Problem> {
    let revoked = query.flag("revoked")?;
    let paging = Paging::read(&mut query, "keys")?;
    query.finish(&["revoked", "limit", "cursor"])?;
    let mut keys = desk.store.keys(desk.user).await?;
    keys.retain(|key| revoked || key.revoked_at.is_none());
    let page = paging.page_of_all(keys, |key| Since::new(key.created_at, key.id));
    Ok(Json(Page { items: super::views(&desk, page.items).await?, next_cursor: page.next_cursor }))
}
