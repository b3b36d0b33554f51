//! Sealing under the user's data-encryption key.

use paddock_store::DekRow;
use paddock_vault::WrappedDek;

use crate::desk::Desk;
use crate::problem::Problem;

/// The user's data-encryption key, which is made if there is none.
pub(crate) async fn current_dek(desk: &Desk) -> Result<WrappedDek, Problem> {
    if let Some(row) = desk.store.current_dek(desk.user).await? {
        return Ok(WrappedDek::from_bytes(&row.wrapped)?);
    }
    let now = desk.now();
    let dek = desk.sealer.new_dek(desk.user, now, &*desk.entropy)?;
    let row = DekRow { id: dek.id(), user: desk.user, wrapped: dek.to_bytes(), seals: 0, created_at: now };
    desk.store.insert_dek(&row).await?;
    Ok(dek)
}
