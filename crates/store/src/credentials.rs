//! Sealed credentials and the fingerprints by which an earlier one is recognised.

use std::fmt;

use jiff::Timestamp;
use paddock_core::CredentialKind;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{ConnectionId, DekId};
use sha2::{Digest as _, Sha256};

use crate::codec::{instant, micros, number, parse};
use crate::connections::{self, NO_CONNECTION};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit, connection_faults, rotations};

/// The newest credential of a connection, sealed by the vault.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// The connection that it opens.
    pub connection: ConnectionId,
    /// Its version, from 1, counted up by one at every sealing.
    pub version: u32,
    /// The data-encryption key that it is sealed under.
    pub dek: DekId,
    /// What is sealed.
    pub secret: SealedParts,
    /// When it was sealed.
    pub created_at: Timestamp,
}

/// What of a credential is sealed: as many secrets as its kind has, each with the vault's keyed hash of it.
#[derive(Clone, PartialEq, Eq)]
pub enum SealedParts {
    /// An API key pair.
    KeyPair {
        /// The sealed Key ID.
        key_id: Vec<u8>,
        /// The sealed Secret Key.
        secret_key: Vec<u8>,
        /// The hash of the Key ID.
        key_id_fingerprint: Vec<u8>,
        /// The hash of the Secret Key.
        secret_fingerprint: Vec<u8>,
    },
    /// A token from Alpaca's OAuth flow.
    OauthToken {
        /// The sealed token.
        token: Vec<u8>,
        /// The hash of the token.
        fingerprint: Vec<u8>,
        /// What was granted with it, as Alpaca writes scopes: `account:write trading data`.
        scopes: String,
    },
}

impl SealedParts {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::KeyPair { .. } => CredentialKind::KeyPair,
            Self::OauthToken { .. } => CredentialKind::OauthToken,
        }
    }

    /// The hash of the part that alone lets somebody in: the Secret Key, or the token. Sealing the same one anew does not change it.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8] {
        match self {
            Self::KeyPair { secret_fingerprint, .. } => secret_fingerprint,
            Self::OauthToken { fingerprint, .. } => fingerprint,
        }
    }
}

impl SealedCredential {
    /// SHA-256 over the sealed parts, hex. The audit chain keeps it to witness which ciphertext is the newest. A pair and a token never
    /// have the same one.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let parts: &[&[u8]] = match &self.secret {
            SealedParts::KeyPair { key_id, secret_key, .. } => {
                hasher.update(b"paddock sealed credential v1\0");
                &[key_id, secret_key]
            }
            SealedParts::OauthToken { token, scopes, .. } => {
                hasher.update(b"paddock sealed oauth token v1\0");
                &[token, scopes.as_bytes()]
            }
        };
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hex::encode(hasher.finalize())
    }
}

impl fmt::Debug for SealedParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedParts({})", self.kind())
    }
}

impl fmt::Debug for SealedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, connection) = (self.secret.kind(), self.connection);
        write!(f, "SealedCredential({kind}, connection {connection}, version {})", self.version)
    }
}

/// A version of a credential, past or present, that shares a half or both with what was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FingerprintMatch {
    /// The connection; it may have been removed.
    pub connection: ConnectionId,
    /// The version.
    pub version: u32,
    /// Whether the Key ID is the same.
    pub key_id_matches: bool,
    /// Whether the Secret Key is the same.
    pub secret_matches: bool,
}

row! {
    struct Columns {
        connection_id: String,
        version: i64,
        dek_id: String,
        kind: String,
        key_id: Option<Vec<u8>>,
        secret_key: Option<Vec<u8>>,
        oauth_token: Option<Vec<u8>>,
        oauth_scopes: Option<String>,
        key_id_fingerprint: Vec<u8>,
        secret_fingerprint: Vec<u8>,
        created_at: i64,
    }
}

const MALFORMED: StoreError = StoreError::Malformed { what: "credential" };

impl Columns {
    fn credential(self) -> Result<SealedCredential, StoreError> {
        let secret = match parse(&self.kind, "credential")? {
            CredentialKind::KeyPair => SealedParts::KeyPair {
                key_id: self.key_id.ok_or(MALFORMED)?,
                secret_key: self.secret_key.ok_or(MALFORMED)?,
                key_id_fingerprint: self.key_id_fingerprint,
                secret_fingerprint: self.secret_fingerprint,
            },
            CredentialKind::OauthToken => SealedParts::OauthToken {
                token: self.oauth_token.ok_or(MALFORMED)?,
                fingerprint: self.secret_fingerprint,
                scopes: self.oauth_scopes.ok_or(MALFORMED)?,
            },
        };
        Ok(SealedCredential {
            connection: parse(&self.connection_id, "credential")?,
            version: number(self.version)?,
            dek: parse(&self.dek_id, "credential")?,
            secret,
            created_at: instant(self.created_at)?,
        })
    }
}

impl Store {
    /// The newest credential of a connection, unless the connection was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credential(&self, connection: ConnectionId) -> Result<Option<SealedCredential>, StoreError> {
        let mut tx = self.begin_read().await?;
        Ok(newest(&mut tx).await?.into_iter().find(|credential| credential.connection == connection))
    }

    /// Puts a credential in the place of the present one, whose sealed bytes are erased and whose fingerprints stay. `event` is
    /// [`AuditEvent::CredentialReplaced`] or [`AuditEvent::CredentialResealed`] and is recorded with it.
    ///
    /// # Errors
    /// [`StoreError::VersionConflict`] unless the version is the next one; [`StoreError::WrongWitness`] unless the event names
    /// exactly this credential; [`StoreError::NotFound`] when the connection was removed; [`StoreError::RotationIsOpen`] when a rotation is
    /// to replace it.
    pub async fn replace_credential(
        &self,
        connection: ConnectionId,
        credential: &SealedCredential,
        event: &AuditEvent,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if matches!(event, AuditEvent::CredentialReplaced { .. })
            && rotations::is_open(&mut tx, connection).await?
        {
            return Err(StoreError::RotationIsOpen);
        }
        replace(&mut tx, connection, credential, event, actor, at).await?;
        tx.commit().await
    }

    /// All key pairs, past and present, that have the same Key ID or the same Secret Key, those of removed connections included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_fingerprints(
        &self,
        key_id: &[u8],
        secret: &[u8],
    ) -> Result<Vec<FingerprintMatch>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String, i64, Vec<u8>, Vec<u8>):
            "SELECT connection_id, version, key_id_fingerprint, secret_fingerprint FROM credentials
             WHERE kind = 'key_pair' AND (key_id_fingerprint = $1 OR secret_fingerprint = $2)
             ORDER BY connection_id, version",
            key_id, secret)?;
        rows.into_iter()
            .map(|(connection, version, its_key_id, its_secret)| {
                Ok(FingerprintMatch {
                    connection: parse(&connection, "credential")?,
                    version: number(version)?,
                    key_id_matches: its_key_id == key_id,
                    secret_matches: its_secret == secret,
                })
            })
            .collect()
    }
}

/// Does what [`Store::replace_credential`] does, in a transaction with more.
pub(crate) async fn replace(
    tx: &mut Tx,
    connection: ConnectionId,
    credential: &SealedCredential,
    event: &AuditEvent,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    if !witnesses(event, connection, credential) {
        return Err(StoreError::WrongWitness);
    }
    let present = connections::not_removed(tx, connection).await?.ok_or(NO_CONNECTION)?;
    let expected = present.credential_version + 1;
    if credential.version != expected {
        return Err(StoreError::VersionConflict { expected, found: credential.version });
    }
    erase(tx, connection).await?;
    insert(tx, credential).await?;
    sql!(tx, execute "UPDATE connections SET credential_version = $1 WHERE id = $2",
        i64::from(credential.version), connection.to_string())?;
    if matches!(event, AuditEvent::CredentialReplaced { .. }) {
        connection_faults::forget(tx, connection).await?;
    }
    audit::append(tx, actor, event, at).await?;
    Ok(())
}

fn witnesses(event: &AuditEvent, of: ConnectionId, credential: &SealedCredential) -> bool {
    match event {
        AuditEvent::CredentialReplaced { connection, version, sealed_digest }
        | AuditEvent::CredentialResealed { connection, version, sealed_digest } => {
            *connection == of
                && credential.connection == of
                && *version == credential.version
                && *sealed_digest == credential.digest()
        }
        _ => false,
    }
}

/// The newest credential of every connection that was not removed, in the order of the connections.
pub(crate) async fn newest(tx: &mut Tx) -> Result<Vec<SealedCredential>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT connection_id, version, dek_id, kind, key_id, secret_key, oauth_token, oauth_scopes, key_id_fingerprint,
                secret_fingerprint, credentials.created_at AS created_at
         FROM credentials JOIN connections ON connections.id = connection_id AND credential_version = version
         WHERE removed_at IS NULL AND dek_id IS NOT NULL
           AND ((key_id IS NOT NULL AND secret_key IS NOT NULL) OR oauth_token IS NOT NULL)
         ORDER BY connections.created_at, connections.id")?;
    rows.into_iter().map(Columns::credential).collect()
}

pub(crate) async fn insert(tx: &mut Tx, credential: &SealedCredential) -> Result<(), StoreError> {
    let secret = &credential.secret;
    let (key_id, secret_key, token, scopes, of_key_id) = match secret {
        SealedParts::KeyPair { key_id, secret_key, key_id_fingerprint, .. } => {
            (Some(key_id.as_slice()), Some(secret_key.as_slice()), None, None, key_id_fingerprint.as_slice())
        }
        // It has no Key ID: the place for its hash is empty.
        SealedParts::OauthToken { token, scopes, .. } => {
            (None, None, Some(token.as_slice()), Some(scopes.as_str()), [].as_slice())
        }
    };
    sql!(tx, execute
        "INSERT INTO credentials (connection_id, version, dek_id, kind, key_id, secret_key, oauth_token, oauth_scopes,
                                  key_id_fingerprint, secret_fingerprint, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        credential.connection.to_string(), i64::from(credential.version), credential.dek.to_string(),
        secret.kind().as_str(), key_id, secret_key, token, scopes, of_key_id, secret.fingerprint(),
        micros(credential.created_at))?;
    Ok(())
}

/// Erases the sealed bytes of all versions. The fingerprints stay.
pub(crate) async fn erase(tx: &mut Tx, connection: ConnectionId) -> Result<(), StoreError> {
    sql!(tx, execute
        "UPDATE credentials SET dek_id = NULL, key_id = NULL, secret_key = NULL, oauth_token = NULL WHERE connection_id = $1",
        connection.to_string())?;
    Ok(())
}
