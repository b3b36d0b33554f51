//! Envelope encryption for the credentials that users entrust to Paddock.
//!
//! A user's data-encryption key (DEK) seals that user's credentials with AES-256-GCM. A key-encryption key (KEK)
//! wraps the DEKs and lives in a [`KeyFile`], apart from the database. The database keeps [`WrappedDek`]s and
//! [`Sealed`] secrets as opaque bytes; without the key file both are noise.
//!
//! A [`Vault`] hands out five capabilities:
//!
//! * [`Sealer`] makes DEKs, seals secrets and takes their fingerprints. It cannot open anything.
//! * [`Opener`] turns a sealed secret back into text. Only what talks to the broker gets one.
//! * [`Rotator`] replaces KEKs and DEKs. It opens and seals again inside, and yields no text.
//! * [`Signer`] makes the key that signs checkpoints of the audit chain, and signs with it. It yields public keys and signatures.
//! * [`SecondFactor`] makes the secrets behind people's six-digit codes, shows each once, and checks codes.
//!
//! Passwords of people are hashed here too ([`PasswordHash`]), and requests to others' APIs signed ([`hmac_sha256`], [`Rs256Key`]), which has nothing to do with
//! the rest.
//!
//! Every ciphertext is bound to where it belongs ([`Binding`]: user, connection, field, version): moved anywhere else, it
//! does not open. This is the only crate that uses `aws-lc-rs`, and the only one that turns ciphertext into text.

mod binding;
mod cipher;
mod dek;
mod entropy;
mod error;
mod fingerprint;
mod key;
mod key_file;
mod key_set;
mod opener;
mod password;
mod rotator;
mod rs256;
mod sealed;
mod sealer;
mod second_factor;
mod signer;
mod totp;
mod vault;

pub use binding::{Binding, Field};
pub use cipher::hmac_sha256;
pub use dek::{SEALS_PER_DEK, WrappedDek};
pub use entropy::OsEntropy;
pub use error::VaultError;
pub use fingerprint::Fingerprint;
pub use key::{KekId, KekIdError};
pub use key_file::{KeyFile, KeyFileError};
pub use opener::Opener;
pub use paddock_core::SecretText;
pub use password::{MAX_PASSWORD_BYTES, PasswordCost, PasswordHash};
pub use rotator::Rotator;
pub use rs256::{NotAnRsaKey, Rs256Key};
pub use sealed::Sealed;
pub use sealer::{MAX_SECRET_BYTES, Purpose, Sealer};
pub use second_factor::{FactorPlace, NewFactor, SecondFactor};
pub use signer::{SealedSigner, Signer, verify_signature};
pub use vault::{KekStatus, Vault};
