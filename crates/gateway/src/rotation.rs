//! Replacing the vault's keys. The secrets themselves stay what they are, and no plaintext comes out.

use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{DekId, UserId};
use paddock_store::{
    DekRow, FactorRow, PairOf, SealedCredential, SealedPair, SealedParts, SealedSecret, SealedSigningKey,
    Snapshot, StoreError,
};
use paddock_vault::{Binding, FactorPlace, Field, KekId, Sealed, WrappedDek};
use serde::Serialize;

use crate::shared::{GatewayError, Shared};

/// What a rotation of the key-encryption key did.
#[derive(Clone, Debug, Serialize)]
pub struct KekRotation {
    /// The new key's identifier.
    pub kek: String,
    /// How many data-encryption keys were wrapped anew.
    pub rewrapped: u32,
}

/// What a rotation of the data-encryption key did.
#[derive(Clone, Debug, Serialize)]
pub struct DekRotation {
    /// The new key's identifier.
    pub dek: DekId,
    /// How many credentials, signing keys, second factors, secrets of consumers and pairs of open rotations were sealed anew.
    pub resealed: u32,
}

pub(crate) async fn rotate_kek(shared: &Shared, actor: &Actor) -> Result<KekRotation, GatewayError> {
    let status = shared.rotator.begin(&*shared.entropy)?;
    let mut rewrapped = 0;
    for row in shared.store.deks().await? {
        let dek = WrappedDek::from_bytes(&row.wrapped)?;
        if dek.kek() != status.current {
            let anew = shared.rotator.rewrap(&dek, &*shared.entropy)?;
            shared.store.replace_wrapped(row.id, &anew.to_bytes()).await?;
            rewrapped += 1;
        }
    }
    shared.reload().await?;
    let in_use: Result<Vec<KekId>, _> = shared
        .store
        .deks()
        .await?
        .iter()
        .map(|row| WrappedDek::from_bytes(&row.wrapped).map(|dek| dek.kek()))
        .collect();
    shared.rotator.retire_previous(in_use?)?;
    let kek = status.current.to_string();
    let event = AuditEvent::KekRotated { kek: kek.clone(), rewrapped };
    shared.store.append_audit(actor, &event, shared.clock.now()).await?;
    Ok(KekRotation { kek, rewrapped })
}

pub(crate) async fn rotate_dek(
    shared: &Shared,
    user: UserId,
    actor: &Actor,
) -> Result<DekRotation, GatewayError> {
    let now = shared.clock.now();
    let fresh = shared.sealer.new_dek(user, now, &*shared.entropy)?;
    let row = DekRow { id: fresh.id(), user, wrapped: fresh.to_bytes(), seals: 0, created_at: now };
    shared.store.insert_dek(&row).await?;
    let event = AuditEvent::DekRotated { dek: row.id, user };
    shared.store.append_audit(actor, &event, now).await?;
    let snapshot = shared.store.snapshot().await?;
    let mut resealed = 0;
    for (connection, credential) in snapshot.connections.clone() {
        let Some(old) = snapshot.deks.iter().find(|dek| dek.id == credential.dek) else { continue };
        if connection.user != user || old.id == fresh.id() {
            continue;
        }
        let old = WrappedDek::from_bytes(&old.wrapped)?;
        let version = credential.version + 1;
        let reseal = |field, sealed: &[u8], seals| {
            let place = Binding {
                user: connection.user,
                connection: connection.id,
                field,
                version: credential.version,
            };
            shared.rotator.reseal(&old, &fresh, seals, &place, &Sealed::from_bytes(sealed)?, &*shared.entropy)
        };
        let seals = shared.store.count_seals(fresh.id(), 2).await?;
        // The binding names the version, which counts up: each part is opened at its old place and sealed at its new one.
        let secret = match &credential.secret {
            SealedParts::KeyPair { key_id, secret_key, key_id_fingerprint, secret_fingerprint } => {
                SealedParts::KeyPair {
                    key_id: reseal(Field::KeyId, key_id, seals)?.to_bytes(),
                    secret_key: reseal(Field::SecretKey, secret_key, seals + 1)?.to_bytes(),
                    key_id_fingerprint: key_id_fingerprint.clone(),
                    secret_fingerprint: secret_fingerprint.clone(),
                }
            }
            SealedParts::OauthToken { token, fingerprint, scopes } => SealedParts::OauthToken {
                token: reseal(Field::OauthToken, token, seals)?.to_bytes(),
                fingerprint: fingerprint.clone(),
                scopes: scopes.clone(),
            },
        };
        let anew = SealedCredential { version, dek: fresh.id(), secret, created_at: now, ..credential };
        let event = AuditEvent::CredentialResealed {
            connection: connection.id,
            version,
            sealed_digest: anew.digest(),
        };
        shared.store.replace_credential(connection.id, &anew, &event, actor, now).await?;
        resealed += 1;
    }
    resealed += reseal_signing_keys(shared, user, &snapshot, &fresh).await?;
    resealed += reseal_factors(shared, user, &snapshot, &fresh).await?;
    resealed += reseal_rotations(shared, user, &snapshot, &fresh).await?;
    // The key that signs the audit is sealed for the team that runs this Paddock.
    if user == shared.user {
        crate::checkpoints::reseal_key(shared, &fresh).await?;
    }
    // Only now does nothing need the older keys any more.
    for dek in snapshot.deks.iter().filter(|dek| dek.user == user && dek.id != fresh.id()) {
        shared.store.retire_dek(dek.id).await?;
    }
    shared.reload().await?;
    Ok(DekRotation { dek: fresh.id(), resealed })
}

/// Seals the signing keys of the user's access keys anew. One that was revoked meanwhile needs none any more.
async fn reseal_signing_keys(
    shared: &Shared,
    user: UserId,
    snapshot: &Snapshot,
    fresh: &WrappedDek,
) -> Result<u32, GatewayError> {
    let mut resealed = 0;
    for row in &snapshot.signing_keys {
        let old = snapshot.deks.iter().find(|dek| dek.id == row.dek && dek.user == user);
        let key = snapshot.keys.iter().find(|key| key.id == row.key);
        let (Some(old), Some(key)) = (old.filter(|old| old.id != fresh.id()), key) else { continue };
        let field = Field::SigningKey(row.key);
        let place = Binding { user, connection: key.connection, field, version: row.version };
        let (old, sealed) = (WrappedDek::from_bytes(&old.wrapped)?, Sealed::from_bytes(&row.sealed)?);
        let seals = shared.store.count_seals(fresh.id(), 1).await?;
        let anew = shared.rotator.reseal(&old, fresh, seals, &place, &sealed, &*shared.entropy)?;
        let anew = SealedSigningKey {
            key: row.key,
            version: row.version.saturating_add(1),
            dek: fresh.id(),
            sealed: anew.to_bytes(),
            created_at: shared.clock.now(),
        };
        match shared.store.replace_signing_key(&anew).await {
            Ok(()) => resealed += 1,
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(resealed)
}

/// Seals the second factors of the team's people anew. One that was turned off meanwhile needs none any more.
async fn reseal_factors(
    shared: &Shared,
    user: UserId,
    snapshot: &Snapshot,
    fresh: &WrappedDek,
) -> Result<u32, GatewayError> {
    let mut resealed = 0;
    for row in shared.store.second_factors(user).await? {
        let old = snapshot.deks.iter().find(|dek| dek.id == row.dek && dek.user == user);
        let Some(old) = old.filter(|old| old.id != fresh.id()) else { continue };
        let place = FactorPlace { user: row.user, person: row.person, version: row.version };
        let (old, sealed) = (WrappedDek::from_bytes(&old.wrapped)?, Sealed::from_bytes(&row.sealed)?);
        let seals = shared.store.count_seals(fresh.id(), 1).await?;
        let anew = shared.rotator.reseal_factor(&old, fresh, seals, &place, &sealed, &*shared.entropy)?;
        let anew = FactorRow {
            version: row.version.saturating_add(1),
            dek: fresh.id(),
            sealed: anew.to_bytes(),
            ..row
        };
        match shared.store.replace_sealed_factor(&anew).await {
            Ok(()) => resealed += 1,
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(resealed)
}

/// Seals the secrets of the team's consumers and the pairs of its open rotations anew. What was removed meanwhile needs none any more.
async fn reseal_rotations(
    shared: &Shared,
    user: UserId,
    snapshot: &Snapshot,
    fresh: &WrappedDek,
) -> Result<u32, GatewayError> {
    let mut resealed = 0;
    let old_of = |id| {
        let old = snapshot.deks.iter().find(|dek| dek.id == id && dek.user == user);
        old.filter(|old| old.id != fresh.id()).map(|old| WrappedDek::from_bytes(&old.wrapped)).transpose()
    };
    let reseal = |old: &WrappedDek, place: Binding, sealed: &[u8], seals| {
        shared.rotator.reseal(old, fresh, seals, &place, &Sealed::from_bytes(sealed)?, &*shared.entropy)
    };
    for consumer in shared.store.consumers(user).await? {
        let Some(secret) = consumer.secret else { continue };
        let Some(old) = old_of(secret.dek)? else { continue };
        let seals = shared.store.count_seals(fresh.id(), 1).await?;
        let field = Field::ConsumerSecret(consumer.id);
        let place = Binding { user, connection: consumer.connection, field, version: secret.version };
        let sealed = reseal(&old, place, &secret.sealed, seals)?.to_bytes();
        let anew = SealedSecret { version: secret.version.saturating_add(1), dek: fresh.id(), sealed };
        resealed += unless_gone(shared.store.replace_consumer_secret(consumer.id, &anew).await)?;
    }
    for (connection, pair) in shared.store.rotation_pairs(user).await? {
        let Some(old) = old_of(pair.dek)? else { continue };
        let (key_id, secret_key) = match pair.what {
            PairOf::Candidate => {
                (Field::CandidateKeyId(pair.rotation), Field::CandidateSecretKey(pair.rotation))
            }
            PairOf::Retiring => {
                (Field::RetiringKeyId(pair.rotation), Field::RetiringSecretKey(pair.rotation))
            }
        };
        let place = |field| Binding { user, connection, field, version: pair.version };
        let seals = shared.store.count_seals(fresh.id(), 2).await?;
        let anew = SealedPair {
            version: pair.version.saturating_add(1),
            dek: fresh.id(),
            key_id: reseal(&old, place(key_id), &pair.key_id, seals)?.to_bytes(),
            secret_key: reseal(&old, place(secret_key), &pair.secret_key, seals.saturating_add(1))?
                .to_bytes(),
            ..pair
        };
        resealed += unless_gone(shared.store.replace_sealed_pair(&anew).await)?;
    }
    Ok(resealed)
}

fn unless_gone(replaced: Result<(), StoreError>) -> Result<u32, StoreError> {
    match replaced {
        Ok(()) => Ok(1),
        Err(StoreError::NotFound { .. }) => Ok(0),
        Err(error) => Err(error),
    }
}
