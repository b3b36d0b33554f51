//! Checking the audit chain, and the tables against it.
//!
//! The chain alone shows whether a record was changed. Beyond that, the records say which sealed credential is the newest of each
//! connection, which access keys exist with which scope, and what is frozen; a row that says otherwise was exchanged or
//! rolled back behind Paddock's back.

use std::collections::BTreeMap;

use paddock_core::audit::{AuditEvent, AuditRecord, ChainBreak, ChainHash, ChainVerifier};
use paddock_core::checkpoint::{Checkpoint, PublicKey, VerifySignature};
use paddock_core::decide::Passing;
use paddock_core::id::{AccessKeyId, ConnectionId, PersonId, UserId};
use paddock_core::{Role, Scope};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::db::Tx;
use crate::freeze::{self, Subject};
use crate::{
    AuditKey, Store, StoreError, access_keys, audit, checkpoints, connections, credentials, persons,
};

/// How many records are held in memory at once.
const PAGE: u32 = 1000;

/// A chain that was checked from its first record to its last. Whoever keeps `head` elsewhere can tell later whether the whole
/// database was set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedChain {
    /// Number of records, those that were removed at its beginning included.
    pub count: u64,
    /// How many were removed.
    pub removed: u64,
    /// The last record that a checkpoint signs; 0 when there is none, or when signatures were not looked at.
    pub signed: u64,
    /// Hash of the last record.
    pub head: ChainHash,
}

/// What does not fit.
#[derive(Debug, thiserror::Error)]
pub enum AuditFault {
    /// The chain is broken.
    #[error("{0}: compare with an exported copy of the audit chain or a backup")]
    Chain(#[from] ChainBreak),
    /// The chain does not end where it should.
    #[error(
        "the chain ends at record {found}, but was last written at record {expected}: records are missing at its end, restore a backup"
    )]
    Cut {
        /// Where the last write was.
        expected: u64,
        /// Where the chain ends.
        found: u64,
    },
    /// A checkpoint is of another chain, or its signature is wrong.
    #[error(
        "the checkpoint of record {seq} is not of this chain or not signed with its key: it was forged, or the record was, compare with an exported copy"
    )]
    Checkpoint {
        /// The record.
        seq: u64,
    },
    /// The keys that sign are not those that were recorded.
    #[error(
        "the keys that sign the audit are not those that were recorded: they were exchanged, restore a backup"
    )]
    AuditKeys,
    /// The chain does not begin where it was recorded to.
    #[error(
        "the chain begins after record {seq}, but it was not recorded that what is before was removed: records are missing, restore a backup"
    )]
    Start {
        /// The record.
        seq: u64,
    },
    /// The sealed credential is not the one that was recorded last.
    #[error(
        "the sealed credential of connection {connection} is not the one that was recorded last, version {version}: it was exchanged or rolled back, restore a backup or replace the credential"
    )]
    Credential {
        /// The connection.
        connection: ConnectionId,
        /// The version that was recorded last.
        version: u32,
    },
    /// A connection is there that should not be, or the reverse, or its freeze is not as recorded.
    #[error(
        "connection {connection} is not as it was recorded last: the database was changed by hand or rolled back, restore a backup"
    )]
    Connection {
        /// The connection.
        connection: ConnectionId,
    },
    /// An access key is there that should not be, or the reverse, or its scope or freeze is not as recorded.
    #[error(
        "access key {key} is not as it was recorded last: the database was changed by hand or rolled back, revoke the key or restore a backup"
    )]
    AccessKey {
        /// The access key.
        key: AccessKeyId,
    },
    /// A person is there that should not be, or the reverse, or has another role or team than was recorded.
    #[error(
        "person {person} is not as they were recorded last: the database was changed by hand or rolled back, restore a backup"
    )]
    Person {
        /// The person.
        person: PersonId,
    },
    /// Everything should be frozen and is not, or the reverse.
    #[error("whether everything is frozen is not as it was recorded last: freeze or unfreeze it again")]
    Everything,
    /// The check could not be made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Checks the whole chain, that it ends where it was last written, and that connections, sealed credentials, access keys and
    /// freezes are as it says. Reads one state of the database in pages, beside writers.
    ///
    /// # Errors
    /// [`AuditFault`] for the first thing that does not fit.
    pub async fn verify_audit(&self) -> Result<VerifiedChain, AuditFault> {
        self.verify_chain(None).await
    }

    /// The same, and the signature of every checkpoint with it.
    ///
    /// # Errors
    /// [`AuditFault`] for the first thing that does not fit.
    pub async fn verify_signed_audit(&self, verify: VerifySignature) -> Result<VerifiedChain, AuditFault> {
        self.verify_chain(Some(verify)).await
    }

    async fn verify_chain(&self, verify: Option<VerifySignature>) -> Result<VerifiedChain, AuditFault> {
        let mut tx = self.begin_read().await?;
        let (start, kept) = checkpoints::start(&mut tx).await?;
        let (mut chain, mut said) = (ChainVerifier::after(start.seq, start.hash), Said::read(&kept)?);
        let keys = checkpoints::keys(&mut tx).await?;
        let mut signed = 0;
        if let Some(verify) = verify {
            check_keys(&keys, verify)?;
            for checkpoint in checkpoints::checkpoints(&mut tx, start.seq, start.seq).await? {
                check_checkpoint(&checkpoint, start.hash, &keys, verify)?;
                signed = checkpoint.seq;
            }
            if signed < start.seq {
                return Err(AuditFault::Start { seq: start.seq });
            }
        }
        loop {
            let page = audit::following(&mut tx, chain.last(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            let mut due = match verify {
                Some(_) => checkpoints::checkpoints(&mut tx, chain.last() + 1, last.seq).await?,
                None => Vec::new(),
            }
            .into_iter()
            .peekable();
            for (record, name) in &page {
                chain.check(record)?;
                said.hear(record, name)?;
                if let (Some(verify), Some(checkpoint)) =
                    (verify, due.next_if(|checkpoint| checkpoint.seq == record.seq))
                {
                    check_checkpoint(&checkpoint, record.hash, &keys, verify)?;
                    signed = checkpoint.seq;
                }
            }
        }
        let (expected, head) = audit::head(&mut tx).await?;
        if expected != chain.last() || head != chain.head() {
            return Err(AuditFault::Cut { expected, found: chain.last() });
        }
        if verify.is_some()
            && let Some(checkpoint) = checkpoints::checkpoints(&mut tx, expected + 1, u64::MAX).await?.first()
        {
            // Something that was signed is not there any more.
            return Err(AuditFault::Cut { expected: checkpoint.seq, found: expected });
        }
        if said.start != (start.seq > 0).then(|| (start.seq, start.hash, digest(&kept))) {
            return Err(AuditFault::Start { seq: start.seq });
        }
        if said.audit_key != keys.last().map(|key| key.key.public_key) {
            return Err(AuditFault::AuditKeys);
        }
        said.compare(&mut tx).await?;
        Ok(VerifiedChain { count: chain.last(), removed: start.seq, signed, head })
    }
}

fn digest(kept: &str) -> String {
    hex::encode(Sha256::digest(kept))
}

fn check_keys(keys: &[AuditKey], verify: VerifySignature) -> Result<(), AuditFault> {
    let follow = keys
        .iter()
        .zip(keys.iter().skip(1))
        .all(|(before, key)| key.key.follows(before.key.public_key, verify));
    if follow { Ok(()) } else { Err(AuditFault::AuditKeys) }
}

fn check_checkpoint(
    checkpoint: &Checkpoint,
    hash: ChainHash,
    keys: &[AuditKey],
    verify: VerifySignature,
) -> Result<(), AuditFault> {
    let known = keys.iter().any(|key| key.key.public_key == checkpoint.key);
    if known && checkpoint.hash == hash && checkpoint.is_signed(verify) {
        Ok(())
    } else {
        Err(AuditFault::Checkpoint { seq: checkpoint.seq })
    }
}

/// What the chain says there should be.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    /// Version and digest of the newest credential of each connection that was not removed.
    credentials: BTreeMap<ConnectionId, (u32, String)>,
    /// The connection and scope of each access key that was not revoked.
    keys: BTreeMap<AccessKeyId, (ConnectionId, Box<Scope>)>,
    /// What is frozen, and what passes.
    #[serde(with = "frozen_list")]
    frozen: BTreeMap<Subject, Passing>,
    /// Team and role of each person that was not removed.
    persons: BTreeMap<PersonId, (UserId, Role)>,
    /// The key that signs checkpoints.
    audit_key: Option<PublicKey>,
    /// The last record that was removed, its hash, and the digest of what the removed ones say.
    #[serde(skip)]
    start: Option<(u64, ChainHash, String)>,
}

/// Freezes as a list of kind, identifier and what passes: a subject is no text that could name a field.
mod frozen_list {
    use std::collections::BTreeMap;

    use paddock_core::decide::{Frozen, Passing};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::freeze::Subject;

    pub(super) fn serialize<S: Serializer>(
        frozen: &BTreeMap<Subject, Passing>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let list: Vec<(Frozen, Option<String>, &Passing)> =
            frozen.iter().map(|(subject, passing)| (subject.what(), subject.id(), passing)).collect();
        list.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Subject, Passing>, D::Error> {
        let list = Vec::<(Frozen, Option<String>, Passing)>::deserialize(deserializer)?;
        list.into_iter()
            .map(|(what, id, passing)| {
                let subject = Subject::of(what, id.as_deref());
                Ok((subject.ok_or_else(|| serde::de::Error::custom("no identifier"))?, passing))
            })
            .collect()
    }
}

/// The name alone, which also records of later versions have.
#[derive(Deserialize)]
struct Named {
    event: String,
}

impl Said {
    /// What records that were removed say.
    pub(crate) fn read(kept: &str) -> Result<Self, StoreError> {
        serde_json::from_str(kept).map_err(|_| StoreError::Malformed { what: "start of the audit" })
    }

    pub(crate) fn write(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|_| StoreError::Malformed { what: "start of the audit" })
    }

    pub(crate) fn hear(&mut self, record: &AuditRecord, indexed_name: &str) -> Result<(), ChainBreak> {
        let changed = ChainBreak::Changed { seq: record.seq };
        // The name in the index is not hashed, so it must repeat the one that is.
        match serde_json::from_str::<Named>(&record.event) {
            Ok(named) if named.event == indexed_name => {}
            _ => return Err(changed),
        }
        // An event that only a later version knows says nothing about what this version keeps.
        let Ok(event) = record.event() else { return Ok(()) };
        match event {
            AuditEvent::ConnectionAdded { connection, version, sealed_digest, .. }
            | AuditEvent::CredentialReplaced { connection, version, sealed_digest }
            | AuditEvent::CredentialResealed { connection, version, sealed_digest } => {
                self.credentials.insert(connection, (version, sealed_digest));
            }
            AuditEvent::ConnectionRemoved { connection } => {
                self.credentials.remove(&connection);
            }
            AuditEvent::PersonAdded { person, team, role, .. } => {
                self.persons.insert(person, (team, role));
            }
            AuditEvent::RoleChanged { person, team, new, .. } => {
                self.persons.insert(person, (team, new));
            }
            AuditEvent::PersonRemoved { person, .. } => {
                self.persons.remove(&person);
            }
            AuditEvent::KeyCreated { key, connection, scope, .. } => {
                self.keys.insert(key, (connection, scope));
            }
            AuditEvent::KeyScopeChanged { key, new, .. } => {
                if let Some((_, scope)) = self.keys.get_mut(&key) {
                    *scope = new;
                }
            }
            AuditEvent::KeyRevoked { key } => {
                self.keys.remove(&key);
            }
            AuditEvent::AuditKeyMade { public_key, .. } => self.audit_key = Some(public_key),
            AuditEvent::AuditPruned { through, hash, kept_digest } => {
                self.start = Some((through, hash, kept_digest));
            }
            AuditEvent::Frozen { what, id, passes, .. } => {
                if let Some(subject) = Subject::of(what, id.as_deref()) {
                    self.frozen.insert(subject, passes);
                }
            }
            AuditEvent::Unfrozen { what, id } => {
                if let Some(subject) = Subject::of(what, id.as_deref()) {
                    self.frozen.remove(&subject);
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn compare(mut self, tx: &mut Tx) -> Result<(), AuditFault> {
        let mut newest: BTreeMap<_, _> = credentials::newest(tx)
            .await?
            .into_iter()
            .map(|credential| (credential.connection, (credential.version, credential.digest())))
            .collect();
        let freezes: BTreeMap<Subject, Passing> =
            freeze::all(tx).await?.into_iter().map(|row| (row.subject, row.passing)).collect();
        // A mark without a row, or a row without a mark, was not made by Paddock.
        let as_said = |subject: Subject, marked: bool| {
            let said = self.frozen.get(&subject);
            said.is_some() == marked && said == freezes.get(&subject)
        };
        for connection in connections::all_not_removed(tx).await? {
            let id = connection.id;
            let Some(said) = self.credentials.remove(&id) else {
                return Err(AuditFault::Connection { connection: id });
            };
            if newest.remove(&id).as_ref() != Some(&said) {
                return Err(AuditFault::Credential { connection: id, version: said.0 });
            }
            if !as_said(Subject::Connection(id), connection.frozen) {
                return Err(AuditFault::Connection { connection: id });
            }
        }
        if let Some((&connection, _)) = self.credentials.first_key_value() {
            return Err(AuditFault::Connection { connection });
        }
        for key in access_keys::all(tx).await?.into_iter().filter(|key| key.revoked_at.is_none()) {
            let said = self.keys.remove(&key.id);
            let same =
                said.is_some_and(|(connection, scope)| connection == key.connection && *scope == key.scope);
            if !same || !as_said(Subject::Key(key.id), key.frozen) {
                return Err(AuditFault::AccessKey { key: key.id });
            }
        }
        if let Some((&key, _)) = self.keys.first_key_value() {
            return Err(AuditFault::AccessKey { key });
        }
        if !as_said(Subject::Everything, freeze::everything(tx).await?) {
            return Err(AuditFault::Everything);
        }
        for person in persons::all(tx).await? {
            if self.persons.remove(&person.id) != Some((person.team, person.role)) {
                return Err(AuditFault::Person { person: person.id });
            }
        }
        if let Some((&person, _)) = self.persons.first_key_value() {
            return Err(AuditFault::Person { person });
        }
        Ok(())
    }
}
