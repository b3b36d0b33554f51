//! What the gateway knows of connections and access keys, in memory.
//!
//! The directory is a snapshot of the database. It is exchanged as a whole, so that every request sees one consistent state,
//! and read anew by every request, so that a freeze or a revoke takes effect with the next one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::Scope;
use paddock_core::decide::{Freeze, Passing};
use paddock_core::id::{AccessKeyId, ConnectionId, DekId};
use paddock_store::{
    AccessKey, Connection, SealedCredential, SealedParts, SealedSigningKey, Snapshot, Subject,
};
use paddock_vault::{Binding, Field, Opener, Sealed, VaultError, WrappedDek};

use paddock_alpaca::Credential;

use crate::halt::Emergency;
use crate::id_map::IdMap;

/// An access key together with the connection that it opens.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) key: AccessKey,
    pub(crate) connection: Arc<ConnectionEntry>,
    /// What its requests are signed with, if they are.
    signing: Option<SigningKey>,
}

impl KeyEntry {
    /// Whether `signature` is what the program that has this access key makes of `text`.
    pub(crate) fn is_signature(
        &self,
        opener: &Opener,
        text: &[u8],
        signature: &[u8; 32],
    ) -> Result<bool, VaultError> {
        let Some(signing) = &self.signing else { return Err(VaultError::Malformed("signing key")) };
        let place = Binding {
            user: self.connection.connection.user,
            connection: self.connection.connection.id,
            field: Field::SigningKey(self.key.id),
            version: signing.version,
        };
        opener.is_signature(&signing.dek, &place, &signing.sealed, text, signature)
    }
}

/// A sealed signing key with what opens it.
#[derive(Debug)]
struct SigningKey {
    sealed: Sealed,
    version: u32,
    dek: WrappedDek,
}

impl SigningKey {
    /// `None` when it cannot be used, which stops this one access key and no other.
    fn new(row: &SealedSigningKey, deks: &HashMap<DekId, WrappedDek>) -> Option<Self> {
        let sealed = Sealed::from_bytes(&row.sealed).ok()?;
        Some(Self { sealed, version: row.version, dek: deks.get(&row.dek)?.clone() })
    }
}

/// A connection with its sealed credential.
#[derive(Debug)]
pub(crate) struct ConnectionEntry {
    pub(crate) connection: Connection,
    secret: Secret,
    version: u32,
    stored_at: Timestamp,
    fingerprint: Vec<u8>,
    dek: WrappedDek,
}

/// What opens it, sealed.
#[derive(Debug)]
enum Secret {
    KeyPair { key_id: Sealed, secret_key: Sealed },
    OauthToken(Sealed),
}

impl ConnectionEntry {
    fn new(
        connection: Connection,
        credential: &SealedCredential,
        dek: WrappedDek,
    ) -> Result<Self, DirectoryError> {
        let sealed = |bytes: &[u8]| {
            Sealed::from_bytes(bytes)
                .map_err(|_| DirectoryError::UnreadableCredential { connection: connection.name.clone() })
        };
        let secret = match &credential.secret {
            SealedParts::KeyPair { key_id, secret_key, .. } => {
                Secret::KeyPair { key_id: sealed(key_id)?, secret_key: sealed(secret_key)? }
            }
            SealedParts::OauthToken { token, .. } => Secret::OauthToken(sealed(token)?),
        };
        let fingerprint = credential.secret.fingerprint().to_vec();
        let (version, stored_at) = (credential.version, credential.created_at);
        Ok(Self { connection, secret, version, stored_at, fingerprint, dek })
    }

    /// When the credential was stored.
    pub(crate) const fn stored_at(&self) -> Timestamp {
        self.stored_at
    }

    /// What tells one credential from another: the keyed hash of its secret. Sealing the same one anew does not change it.
    pub(crate) fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }

    /// Opens the credential for one use.
    pub(crate) fn open(&self, opener: &Opener) -> Result<Credential, VaultError> {
        let place = |field| Binding {
            user: self.connection.user,
            connection: self.connection.id,
            field,
            version: self.version,
        };
        match &self.secret {
            Secret::KeyPair { key_id, secret_key } => {
                let halves = [(&place(Field::KeyId), key_id), (&place(Field::SecretKey), secret_key)];
                let [key_id, secret_key] = opener.open_all(&self.dek, halves)?;
                Ok(Credential::KeyPair { key_id, secret_key })
            }
            Secret::OauthToken(token) => {
                opener.open(&self.dek, &place(Field::OauthToken), token).map(Credential::OauthToken)
            }
        }
    }
}

/// One consistent state of connections, keys and freezes.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    by_key_id: HashMap<String, Arc<KeyEntry>>,
    by_secret_hash: HashMap<[u8; 32], Arc<KeyEntry>>,
    connections: IdMap<ConnectionId, Arc<ConnectionEntry>>,
    freezes: HashMap<Subject, Freeze>,
    /// The connections whose new orders a rotation holds back.
    held_by_rotation: HashSet<ConnectionId>,
    emergency: Arc<Emergency>,
}

/// The snapshot cannot be used as it stands.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A credential names a data-encryption key that is not in the database.
    #[error(
        "the credential of connection `{connection}` names a data-encryption key that is missing: restore a backup"
    )]
    MissingDek {
        /// The connection's name.
        connection: String,
    },
    /// A sealed credential cannot be read.
    #[error("the sealed credential of connection `{connection}` cannot be read: restore a backup")]
    UnreadableCredential {
        /// The connection's name.
        connection: String,
    },
    /// A wrapped data-encryption key cannot be read.
    #[error("the data-encryption key {dek} cannot be read: restore a backup")]
    UnreadableDek {
        /// The key.
        dek: DekId,
    },
}

impl Directory {
    pub(crate) fn new(snapshot: Snapshot, emergency: Arc<Emergency>) -> Result<Self, DirectoryError> {
        let mut deks = HashMap::new();
        for row in snapshot.deks {
            let dek = WrappedDek::from_bytes(&row.wrapped)
                .map_err(|_| DirectoryError::UnreadableDek { dek: row.id })?;
            deks.insert(row.id, dek);
        }
        let mut connections = IdMap::default();
        for (connection, credential) in snapshot.connections {
            let Some(dek) = deks.get(&credential.dek).cloned() else {
                return Err(DirectoryError::MissingDek { connection: connection.name });
            };
            let id = connection.id;
            connections.insert(id, Arc::new(ConnectionEntry::new(connection, &credential, dek)?));
        }
        let freeze = |subject: Subject, passing| (subject, Freeze { what: subject.what(), passing });
        let mut freezes: HashMap<Subject, Freeze> =
            snapshot.freezes.iter().map(|row| freeze(row.subject, row.passing)).collect();
        // A mark without a row that says what passes freezes all the same.
        let marked = snapshot.keys.iter().filter(|key| key.frozen).map(|key| Subject::Key(key.id));
        let marked = marked.chain(
            connections
                .values()
                .filter(|entry| entry.connection.frozen)
                .map(|entry| Subject::Connection(entry.connection.id)),
        );
        for subject in marked.chain(snapshot.everything_frozen.then_some(Subject::Everything)) {
            freezes.entry(subject).or_insert_with(|| freeze(subject, Passing::default()).1);
        }
        let held_by_rotation = snapshot.held_by_rotation.into_iter().collect();
        let mut directory = Self { connections, freezes, held_by_rotation, emergency, ..Self::default() };
        let mut signing_keys: HashMap<AccessKeyId, SigningKey> = snapshot
            .signing_keys
            .iter()
            .filter_map(|row| Some((row.key, SigningKey::new(row, &deks)?)))
            .collect();
        for key in snapshot.keys {
            // A key whose connection was removed opens nothing: it is not listed.
            let Some(connection) = directory.connections.get(&key.connection).cloned() else { continue };
            let signing = signing_keys.remove(&key.id);
            let entry = Arc::new(KeyEntry { key, connection, signing });
            directory.by_secret_hash.insert(entry.key.secret_hash, Arc::clone(&entry));
            directory.by_key_id.insert(entry.key.key_id.clone(), entry);
        }
        Ok(directory)
    }

    /// Whether every credential of an earlier state is still one.
    pub(crate) fn has_credentials_of(&self, earlier: &Self) -> bool {
        let is_kept = |(id, entry): (&ConnectionId, &Arc<ConnectionEntry>)| {
            self.connections.get(id).is_some_and(|now| now.fingerprint == entry.fingerprint)
        };
        earlier.connections.iter().all(is_kept)
    }

    pub(crate) fn key_with_id(&self, key_id: &str) -> Option<&Arc<KeyEntry>> {
        self.by_key_id.get(key_id)
    }

    pub(crate) fn key_with_secret_hash(&self, hash: &[u8; 32]) -> Option<&Arc<KeyEntry>> {
        self.by_secret_hash.get(hash)
    }

    pub(crate) fn key(&self, id: AccessKeyId) -> Option<&Arc<KeyEntry>> {
        self.by_key_id.values().find(|entry| entry.key.id == id)
    }

    /// All access keys, in no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<KeyEntry>> {
        self.by_key_id.values()
    }

    /// All connections, in no order.
    pub(crate) fn connections(&self) -> impl Iterator<Item = &Arc<ConnectionEntry>> {
        self.connections.values()
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Arc<ConnectionEntry>> {
        self.connections.get(&id)
    }

    /// Whether a rotation holds back a connection's new orders: its pair is about to die, or is dead.
    pub(crate) fn is_held(&self, connection: ConnectionId) -> bool {
        self.held_by_rotation.contains(&connection)
    }

    /// Whether any key of a connection has a cap on the account's open exposure: then what others order there has to be valued.
    pub(crate) fn limits_exposure(&self, connection: ConnectionId) -> bool {
        self.any_scope(connection, |scope| scope.max_open_exposure.is_some())
    }

    /// Whether any key of a connection has a cap on the account's loss.
    pub(crate) fn limits_loss(&self, connection: ConnectionId) -> bool {
        self.any_scope(connection, |scope| scope.max_daily_loss.is_some())
    }

    /// The connections of keys with a cap on what the orders of a day are worth: what their orders do not fill is given back.
    pub(crate) fn with_daily_notional(&self) -> Vec<ConnectionId> {
        let has_cap = |id: &&ConnectionId| self.any_scope(**id, |scope| scope.max_daily_notional.is_some());
        self.connections.keys().filter(has_cap).copied().collect()
    }

    /// Whether a key of this connection sees only its own orders.
    pub(crate) fn has_own_orders(&self, connection: ConnectionId) -> bool {
        self.any_scope(connection, |scope| scope.only_own_orders)
    }

    fn any_scope(&self, connection: ConnectionId, is: impl Fn(&Scope) -> bool) -> bool {
        self.by_key_id.values().any(|entry| entry.key.connection == connection && is(&entry.key.scope))
    }

    /// Whether this key, connection or everything is frozen by itself.
    pub(crate) fn is_frozen(&self, subject: Subject) -> bool {
        let in_memory = self.emergency.frozen(&[subject]);
        self.freezes.contains_key(&subject) || in_memory.is_some_and(|freeze| freeze.what == subject.what())
    }

    /// The freeze that holds for what a person does by hand on a connection, made of all that do.
    pub(crate) fn frozen_connection(&self, connection: ConnectionId) -> Option<Freeze> {
        self.frozen_by(&[Subject::Connection(connection), Subject::Everything])
    }

    /// The freeze that holds for a key, made of all that do. It counts what holds now, whatever state the entry is of.
    pub(crate) fn frozen(&self, entry: &KeyEntry) -> Option<Freeze> {
        let subjects = [
            Subject::Key(entry.key.id),
            Subject::Connection(entry.connection.connection.id),
            Subject::Everything,
        ];
        self.frozen_by(&subjects)
    }

    fn frozen_by(&self, subjects: &[Subject]) -> Option<Freeze> {
        let known = subjects.iter().filter_map(|subject| self.freezes.get(subject).copied());
        known.chain(self.emergency.frozen(subjects)).reduce(Freeze::and)
    }
}
