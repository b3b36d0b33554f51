//! What can go wrong in the vault.

use crate::{KekId, KeyFileError};

/// Why the vault did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The keys are not at hand. Nothing is wrong with what is stored, and the same request may succeed later; a gateway
    /// answers 503.
    #[error("the vault is locked: {0}")]
    Locked(KeyFileError),
    /// The data-encryption key is wrapped under a key that the key file does not hold.
    #[error("the key file does not hold the key {0}, under which this data-encryption key is wrapped")]
    UnknownKek(KekId),
    /// A data-encryption key or a sealed secret is not what was stored: changed, or moved from where it belongs.
    #[error("a stored {0} does not open: it was changed, or moved from where it belongs")]
    DoesNotOpen(&'static str),
    /// The data-encryption key is not of the user that the place names, or not the one that sealed the secret.
    #[error("the data-encryption key belongs to another user or sealed another secret")]
    WrongDek,
    /// The bytes do not have the shape of what they should be.
    #[error("a stored {0} is not in a format that this version reads")]
    Malformed(&'static str),
    /// The data-encryption key has sealed as often as is safe.
    #[error("the data-encryption key has sealed 2^32 times, the most that is safe")]
    SealLimit,
    /// The secret is longer than any credential.
    #[error("the secret is longer than {} bytes", crate::MAX_SECRET_BYTES)]
    SecretTooLong,
    /// There is not enough memory to hash a password.
    #[error("there is not enough memory to check a password")]
    NoMemory,
    /// The previous key-encryption key cannot be dropped: that many data-encryption keys still need it.
    #[error("{0} data-encryption keys are still wrapped under the previous key")]
    PreviousKekInUse(usize),
}

impl VaultError {
    /// What to do about it, as one clause.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Locked(reason) => reason.hint(),
            Self::UnknownKek(_) => "restore the key file that belongs to this database".to_owned(),
            Self::DoesNotOpen(_) | Self::Malformed(_) | Self::WrongDek => {
                "connect the account again, and find out who changed the database".to_owned()
            }
            Self::SealLimit => "rotate the user's data-encryption key".to_owned(),
            Self::SecretTooLong => "see that what was pasted is one key and nothing else".to_owned(),
            Self::NoMemory => "try again, and give this machine more memory".to_owned(),
            Self::PreviousKekInUse(_) => "run the rotation again: it goes on where it stopped".to_owned(),
        }
    }
}
