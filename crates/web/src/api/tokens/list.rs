//! `GET /api/v1/tokens`

use axum::Json;

use super::TokenView;
use crate::desk::Desk;
use crate::document::params;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// The API tokens of whoever asks; for an owner, those of the whole team.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "listTokens",
    tag = "people",
    params(params::Listing),
    responses((status = 200, description = "A page of API tokens", body = Page<TokenView>)),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<TokenView>>, Problem> {
    let paging = Paging::read(&mut query, "tokens")?;
    query.finish(&["limit", "cursor"])?;
    let views = super::visible(&desk).await?;
    Ok(Json(paging.page_of_all(views, |view| Since::new(view.created_at, view.id))))
}
