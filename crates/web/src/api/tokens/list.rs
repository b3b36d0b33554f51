//! `GET /api/v1/tokens`

use axum::Json;

use super::TokenView;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// The tokens of whoever asks; for an owner, those of the whole team.
pub(crate) async fn list(desk: Desk, query: Query) -> Result<Json<Vec<TokenView>>, Problem> {
    query.finish(&[])?;
    super::visible(&desk).await.map(Json)
}
