//! Sealing under the user's data-encryption key.

use paddock_store::DekRow;
use paddock_vault::WrappedDek;

use crate::WebState;
use crate::problem::Problem;

/// The user's data-encryption key, which is made if there is none.
pub(crate) async fn current_dek(state: &WebState) -> Result<WrappedDek, Problem> {
    if let Some(row) = state.store.current_dek(state.user).await? {
        return Ok(WrappedDek::from_bytes(&row.wrapped)?);
    }
    let now = state.now();
    let dek = state.sealer.new_dek(state.user, now, &*state.entropy)?;
    let row = DekRow { id: dek.id(), user: state.user, wrapped: dek.to_bytes(), seals: 0, created_at: now };
    state.store.insert_dek(&row).await?;
    Ok(dek)
}
