//! Signing the audit chain: the key, checkpoints, and exports.

use std::time::Duration;

use jiff::Timestamp;
use paddock_core::audit::{Actor, ChainHash};
use paddock_core::audit_file::{End, LineDigest};
use paddock_core::checkpoint::{Checkpoint, PublicKey, SigningKey};
use paddock_store::{AuditKey, DekRow};
use paddock_vault::{Sealed, SealedSigner, VaultError, WrappedDek};

use crate::shared::{GatewayError, Shared};

/// A checkpoint is due when so many records were added since the last one,
const EVERY_RECORDS: u64 = 1000;

/// or any at all and so much time has passed.
const EVERY: Duration = Duration::from_secs(600);

/// Makes the key if there is none yet.
pub(crate) async fn ensure_key(shared: &Shared) -> Result<(), GatewayError> {
    if shared.store.audit_keys().await?.is_empty() {
        make_key(shared, None, &Actor::System).await?;
    }
    Ok(())
}

/// Has a new key sign from now on. The present one signs it, and everything up to now.
pub(crate) async fn rotate_key(shared: &Shared) -> Result<PublicKey, GatewayError> {
    checkpoint(shared).await?;
    let before = shared.store.audit_keys().await?.pop();
    make_key(shared, before.as_ref(), &Actor::Operator).await
}

async fn make_key(
    shared: &Shared,
    before: Option<&AuditKey>,
    actor: &Actor,
) -> Result<PublicKey, GatewayError> {
    let at = now(shared);
    let (dek, wrapped) = current_dek(shared, at).await?;
    // Counted before sealing: after a crash the count may be too high, never too low.
    let seals = shared.store.count_seals(dek.id, 1).await?;
    let made = shared.signer.generate(&wrapped, seals, &*shared.entropy)?;
    let (endorsed_by, endorsement) = match before {
        None => (None, None),
        Some(before) => {
            let old = before.key.public_key;
            let signature = sign(shared, before, &SigningKey::message(old, made.public, at)).await?;
            (Some(old), Some(signature))
        }
    };
    let key = AuditKey {
        key: SigningKey { public_key: made.public, at, endorsed_by, endorsement },
        sealed: Some((dek.id, made.sealed.to_bytes())),
    };
    match shared.store.add_audit_key(&key, actor, at).await {
        // Another process was faster with the first key.
        Err(paddock_store::StoreError::KeyConflict) if before.is_none() => {}
        outcome => outcome?,
    }
    Ok(made.public)
}

/// Signs the end of the chain, if it is not signed already. Nothing for an empty chain.
pub(crate) async fn checkpoint(shared: &Shared) -> Result<Option<Checkpoint>, GatewayError> {
    let (seq, hash) = shared.store.audit_head().await?;
    if let Some(last) = shared.store.last_checkpoint().await?
        && last.seq == seq
    {
        return Ok(Some(last));
    }
    if seq == 0 {
        return Ok(None);
    }
    let at = now(shared);
    let key = current_key(shared).await?;
    let signature = sign(shared, &key, &Checkpoint::message(seq, hash, at)).await?;
    let made = Checkpoint { seq, hash, at, key: key.key.public_key, signature };
    shared.store.add_checkpoint(&made).await?;
    Ok(Some(made))
}

/// Makes a checkpoint if one is due, or, at a shutdown, if there is anything new.
pub(crate) async fn checkpoint_if_due(shared: &Shared, over: bool) -> Result<(), GatewayError> {
    let (seq, _) = shared.store.audit_head().await?;
    let due = match shared.store.last_checkpoint().await? {
        None => seq > 0,
        Some(last) => {
            let added = seq.saturating_sub(last.seq);
            let age = now(shared).duration_since(last.at).unsigned_abs();
            added >= EVERY_RECORDS || (added > 0 && (over || age >= EVERY))
        }
    };
    if due {
        checkpoint(shared).await?;
    }
    Ok(())
}

/// Signs an export, all lines of which are in the digest.
pub(crate) async fn sign_export(shared: &Shared, digest: &LineDigest) -> Result<End, GatewayError> {
    let (lines, sha256) = digest.finish();
    let (at, key) = (now(shared), current_key(shared).await?);
    let signature = sign(shared, &key, &End::message(lines, sha256, at)).await?;
    Ok(End { lines, sha256, at, key: key.key.public_key, signature })
}

/// Seals the key under another data-encryption key.
pub(crate) async fn reseal_key(shared: &Shared, fresh: &WrappedDek) -> Result<(), GatewayError> {
    let Some(AuditKey { key, sealed: Some((dek, sealed)) }) = shared.store.audit_keys().await?.pop() else {
        return Ok(());
    };
    if dek == fresh.id() {
        return Ok(());
    }
    let old = dek_named(shared, dek).await?;
    let seals = shared.store.count_seals(fresh.id(), 1).await?;
    let signer = SealedSigner { public: key.public_key, sealed: Sealed::from_bytes(&sealed)? };
    let anew = shared.rotator.reseal_signer(&old, fresh, seals, &signer, &*shared.entropy)?;
    Ok(shared.store.reseal_audit_key(key.public_key, fresh.id(), &anew.sealed.to_bytes()).await?)
}

async fn sign(
    shared: &Shared,
    key: &AuditKey,
    message: &[u8],
) -> Result<paddock_core::checkpoint::Signature, GatewayError> {
    let Some((dek, sealed)) = &key.sealed else {
        return Err(VaultError::Malformed("signing key of the audit").into());
    };
    let signer = SealedSigner { public: key.key.public_key, sealed: Sealed::from_bytes(sealed)? };
    Ok(shared.signer.sign(&dek_named(shared, *dek).await?, &signer, message)?)
}

async fn current_key(shared: &Shared) -> Result<AuditKey, GatewayError> {
    ensure_key(shared).await?;
    shared
        .store
        .audit_keys()
        .await?
        .pop()
        .ok_or_else(|| VaultError::Malformed("signing key of the audit").into())
}

async fn dek_named(shared: &Shared, id: paddock_core::id::DekId) -> Result<WrappedDek, GatewayError> {
    let deks = shared.store.deks().await?;
    let dek = deks.iter().find(|dek| dek.id == id).ok_or(VaultError::WrongDek)?;
    Ok(WrappedDek::from_bytes(&dek.wrapped)?)
}

/// The user's data-encryption key, which is made if there is none.
async fn current_dek(shared: &Shared, at: Timestamp) -> Result<(DekRow, WrappedDek), GatewayError> {
    if let Some(row) = shared.store.current_dek(shared.user).await? {
        let wrapped = WrappedDek::from_bytes(&row.wrapped)?;
        return Ok((row, wrapped));
    }
    let wrapped = shared.sealer.new_dek(shared.user, at, &*shared.entropy)?;
    let row =
        DekRow { id: wrapped.id(), user: shared.user, wrapped: wrapped.to_bytes(), seals: 0, created_at: at };
    shared.store.insert_dek(&row).await?;
    Ok((row, wrapped))
}

/// The time as it is kept: to the microsecond.
fn now(shared: &Shared) -> Timestamp {
    let now = shared.clock.now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// What `paddock audit key` shows.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AuditKeys {
    /// The key that signs now.
    pub public_key: PublicKey,
    /// All keys, oldest first, each signed by the one before.
    pub keys: Vec<SigningKey>,
    /// The newest checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// How many records there are, and the hash of the last.
    pub records: u64,
    /// That hash.
    pub head: ChainHash,
}

pub(crate) async fn keys(shared: &Shared) -> Result<AuditKeys, GatewayError> {
    let current = current_key(shared).await?;
    let keys = shared.store.audit_keys().await?.into_iter().map(|key| key.key).collect();
    let (records, head) = shared.store.audit_head().await?;
    let checkpoint = shared.store.last_checkpoint().await?;
    Ok(AuditKeys { public_key: current.key.public_key, keys, checkpoint, records, head })
}
