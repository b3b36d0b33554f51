//! The capability to replace keys.

use std::sync::Arc;

use paddock_core::Entropy;

use crate::opener::open_under;
use crate::sealer::seal_under;
use crate::vault::{KekStatus, Shared};
use crate::{Binding, KekId, Sealed, VaultError, WrappedDek};

/// Replaces key-encryption keys and data-encryption keys. Secrets are opened and sealed again inside; none comes out.
///
/// A key-encryption key is rotated in three steps, each of which may be repeated after a crash:
/// [`begin`](Self::begin), then [`rewrap`](Self::rewrap) and store every data-encryption key that the database lists from
/// then on, then [`retire_previous`](Self::retire_previous). Between the first step and the last both keys open.
#[derive(Clone, Debug)]
pub struct Rotator(pub(crate) Arc<Shared>);

impl Rotator {
    /// Makes a new key-encryption key current and keeps the present one as the previous. If a rotation is under way, goes on
    /// with it and makes no further key.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`], also if the key file cannot be written; the present key then stays current.
    pub fn begin(&self, entropy: &dyn Entropy) -> Result<KekStatus, VaultError> {
        self.0.begin_rotation(entropy)
    }

    /// The same data-encryption key under the current key-encryption key; unchanged if it is that already.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`], [`VaultError::UnknownKek`], [`VaultError::DoesNotOpen`].
    pub fn rewrap(&self, dek: &WrappedDek, entropy: &dyn Entropy) -> Result<WrappedDek, VaultError> {
        dek.rewrap(&*self.0.keys()?, entropy)
    }

    /// Drops the previous key-encryption key for good. `in_use` lists [`WrappedDek::kek`] of every data-encryption key in the
    /// database, read after the last was rewrapped. Does nothing if there is no previous key.
    ///
    /// # Errors
    ///
    /// [`VaultError::PreviousKekInUse`] if one still needs it; [`VaultError::Locked`], also if the key file cannot be written.
    pub fn retire_previous(&self, in_use: impl IntoIterator<Item = KekId>) -> Result<KekStatus, VaultError> {
        self.0.retire_previous(in_use)
    }

    /// Seals the next version of the same secret under another data-encryption key of the same user, in the same field of the
    /// same connection. `seals_so_far` counts the new key's seals, as for [`Sealer::seal`](crate::Sealer::seal). So a
    /// data-encryption key is rotated: make a new one, reseal everything under it, then delete the old.
    ///
    /// # Errors
    ///
    /// Those of [`Opener::open`](crate::Opener::open) for the old key and of [`Sealer::seal`](crate::Sealer::seal) for the new.
    pub fn reseal(
        &self,
        old: &WrappedDek,
        new: &WrappedDek,
        seals_so_far: u64,
        binding: &Binding,
        sealed: &Sealed,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        let keys = self.0.keys()?;
        let secret = open_under(&old.unwrap_key(&keys)?, old, binding, sealed)?;
        let next = Binding { version: binding.version.saturating_add(1), ..*binding };
        seal_under(&new.unwrap_key(&keys)?, new, seals_so_far, &next, &secret, entropy)
    }
}
