//! The vault: a key file, read or not, shared by the capabilities that were handed out.

use std::sync::{Arc, PoisonError, RwLock};

use paddock_core::Entropy;

use crate::key::{Key, NamedKey};
use crate::key_set::KeySet;
use crate::{KekId, KeyFile, KeyFileError, Opener, Rotator, Sealer, SecondFactor, Signer, VaultError};

/// The running process's hold on the keys. It hands out capabilities; what those may do is their own type's matter.
#[derive(Clone, Debug)]
pub struct Vault(Arc<Shared>);

/// Which key-encryption keys the key file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KekStatus {
    /// The key under which data-encryption keys are wrapped now.
    pub current: KekId,
    /// The key before it, while a rotation is under way.
    pub previous: Option<KekId>,
}

impl Vault {
    /// Reads the key file. If that fails the vault is locked: everything asked of it answers [`VaultError::Locked`] until
    /// [`unlock`](Self::unlock) succeeds, so that a process can start, say what is wrong, and go on later.
    #[must_use]
    pub fn open(file: KeyFile) -> Self {
        let keys = RwLock::new(file.load().map(Arc::new));
        Self(Arc::new(Shared { file, keys }))
    }

    /// Reads the key file again. If that fails, keys that were read before stay in use.
    ///
    /// # Errors
    ///
    /// Why the key file cannot be read.
    pub fn unlock(&self) -> Result<KekStatus, KeyFileError> {
        let mut held = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        match self.0.file.load() {
            Ok(keys) => {
                let status = keys.status();
                *held = Ok(Arc::new(keys));
                Ok(status)
            }
            Err(error) => {
                if held.is_err() {
                    *held = Err(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Which keys there are.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`].
    pub fn status(&self) -> Result<KekStatus, VaultError> {
        self.0.keys().map(|keys| keys.status())
    }

    /// The capability to seal.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer(Arc::clone(&self.0))
    }

    /// The capability to open.
    #[must_use]
    pub fn opener(&self) -> Opener {
        Opener(Arc::clone(&self.0))
    }

    /// The capability to sign.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer(Arc::clone(&self.0))
    }

    /// The capability to make and check second factors.
    #[must_use]
    pub fn second_factor(&self) -> SecondFactor {
        SecondFactor(Arc::clone(&self.0))
    }

    /// The capability to replace keys.
    #[must_use]
    pub fn rotator(&self) -> Rotator {
        Rotator(Arc::clone(&self.0))
    }
}

/// What the capabilities have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    file: KeyFile,
    /// The keys, or why they are not at hand. A reader takes its own reference and lets go of the lock at once.
    keys: RwLock<Result<Arc<KeySet>, KeyFileError>>,
}

impl Shared {
    pub(crate) fn keys(&self) -> Result<Arc<KeySet>, VaultError> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone().map_err(VaultError::Locked)
    }

    pub(crate) fn begin_rotation(&self, entropy: &dyn Entropy) -> Result<KekStatus, VaultError> {
        self.change(|keys| {
            if keys.previous.is_none() {
                let new = NamedKey::new(Key::generate(entropy));
                keys.previous = Some(std::mem::replace(&mut keys.current, new));
            }
            Ok(())
        })
    }

    pub(crate) fn retire_previous(
        &self,
        in_use: impl IntoIterator<Item = KekId>,
    ) -> Result<KekStatus, VaultError> {
        self.change(|keys| {
            let Some(previous) = keys.previous.take() else { return Ok(()) };
            match in_use.into_iter().filter(|kek| *kek == previous.id).count() {
                0 => Ok(()),
                count => Err(VaultError::PreviousKekInUse(count)),
            }
        })
    }

    /// Changes the key file's content, and then what is held in memory.
    fn change(
        &self,
        change: impl FnOnce(&mut KeySet) -> Result<(), VaultError>,
    ) -> Result<KekStatus, VaultError> {
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        // From the file and not from memory: it is what the next start will read.
        let mut keys = self.file.load().map_err(VaultError::Locked)?;
        change(&mut keys)?;
        // Also if nothing changed: a step is repeated because it may not have reached the disk.
        self.file.replace(&keys).map_err(VaultError::Locked)?;
        let status = keys.status();
        *held = Ok(Arc::new(keys));
        Ok(status)
    }
}

impl KeySet {
    fn status(&self) -> KekStatus {
        KekStatus { current: self.current.id, previous: self.previous.as_ref().map(|named| named.id) }
    }
}
