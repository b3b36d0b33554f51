//! `DELETE /api/v1/tokens/{name}`

use http::StatusCode;

use crate::desk::Desk;
use crate::name::PathName;
use crate::problem::Problem;

/// Revokes a token for good, by its name or identifier.
pub(crate) async fn revoke(desk: Desk, PathName(name): PathName) -> Result<StatusCode, Problem> {
    end(&desk, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes a token that whoever asks may see. It opens nothing from the next request on.
pub(crate) async fn end(desk: &Desk, name: &str) -> Result<(), Problem> {
    let token = super::named(desk, name).await?;
    desk.store.revoke_token(token.id, desk.user, &desk.actor(), desk.now()).await?;
    Ok(())
}
