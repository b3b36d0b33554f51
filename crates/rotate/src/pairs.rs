//! The pairs of a rotation: opened for one use, sealed for one place.

use paddock_alpaca::Credential;
use paddock_core::SecretText;
use paddock_core::id::{ConnectionId, DekId, UserId};
use paddock_core::rotation::Rotation;
use paddock_store::{ConsumerRow, DekRow, PairOf, SealedCredential, SealedPair, SealedParts, StoreError};
use paddock_vault::{Binding, Field, Fingerprint, Sealed, WrappedDek};

use crate::{RotateError, RotationsOptions};

/// A pair in the clear, for one use.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) key_id: SecretText,
    pub(crate) secret_key: SecretText,
}

/// The vault's keyed hashes of both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prints {
    pub(crate) key_id: Fingerprint,
    pub(crate) secret_key: Fingerprint,
}

impl Pair {
    pub(crate) fn credential(&self) -> Credential {
        Credential::KeyPair { key_id: self.key_id.clone(), secret_key: self.secret_key.clone() }
    }
}

const NO_PAIR: RotateError = RotateError::Store(StoreError::NotFound { what: "pair" });

impl RotationsOptions {
    pub(crate) fn prints(&self, pair: &Pair) -> Result<Prints, RotateError> {
        Ok(Prints {
            key_id: self.sealer.fingerprint(&pair.key_id)?,
            secret_key: self.sealer.fingerprint(&pair.secret_key)?,
        })
    }

    /// The pair that is in use: the connection's, or the one that a rehearsal plays with.
    pub(crate) async fn present(&self, rotation: &Rotation) -> Result<Pair, RotateError> {
        if rotation.rehearsal {
            return self.of_rotation(rotation, PairOf::Retiring).await;
        }
        let credential = self.store.credential(rotation.connection).await?.ok_or(NO_PAIR)?;
        self.of_connection(rotation.team, &credential).await
    }

    /// The pair that consumers shall have, once it is committed.
    pub(crate) async fn committed(&self, rotation: &Rotation) -> Result<Pair, RotateError> {
        match rotation.rehearsal {
            true => self.of_rotation(rotation, PairOf::Candidate).await,
            false => self.present(rotation).await,
        }
    }

    pub(crate) async fn of_connection(
        &self,
        user: UserId,
        sealed: &SealedCredential,
    ) -> Result<Pair, RotateError> {
        let place = |field| Binding { user, connection: sealed.connection, field, version: sealed.version };
        // A token of OAuth has no halves, and is nothing that consumers could have.
        let SealedParts::KeyPair { key_id, secret_key, .. } = &sealed.secret else { return Err(NO_PAIR) };
        let dek = self.dek(sealed.dek).await?;
        self.open(&dek, (place(Field::KeyId), key_id), (place(Field::SecretKey), secret_key))
    }

    pub(crate) async fn of_rotation(&self, rotation: &Rotation, what: PairOf) -> Result<Pair, RotateError> {
        let sealed = self.store.rotation_pair(rotation.id, what).await?.ok_or(NO_PAIR)?;
        let (key_id, secret_key) = places(rotation, what, sealed.version);
        let dek = self.dek(sealed.dek).await?;
        self.open(&dek, (key_id, &sealed.key_id), (secret_key, &sealed.secret_key))
    }

    fn open(
        &self,
        dek: &WrappedDek,
        key_id: (Binding, &Vec<u8>),
        secret_key: (Binding, &Vec<u8>),
    ) -> Result<Pair, RotateError> {
        let sealed = (Sealed::from_bytes(key_id.1)?, Sealed::from_bytes(secret_key.1)?);
        let [key_id, secret_key] =
            self.opener.open_all(dek, [(&key_id.0, &sealed.0), (&secret_key.0, &sealed.1)])?;
        Ok(Pair { key_id, secret_key })
    }

    /// Seals a pair for its place in a rotation.
    pub(crate) async fn seal_for_rotation(
        &self,
        rotation: &Rotation,
        what: PairOf,
        number: u32,
        pair: &Pair,
    ) -> Result<SealedPair, RotateError> {
        let before = self.store.rotation_pair(rotation.id, what).await?;
        let version = before.map_or(1, |before| before.version.saturating_add(1));
        let (key_id, secret_key) = places(rotation, what, version);
        let (dek, seals) = self.sealing(rotation.team).await?;
        let prints = self.prints(pair)?;
        Ok(SealedPair {
            rotation: rotation.id,
            what,
            number,
            version,
            dek: dek.id(),
            key_id: self.sealer.seal(&dek, seals, &key_id, &pair.key_id, &*self.entropy)?.to_bytes(),
            secret_key: self
                .sealer
                .seal(&dek, seals.saturating_add(1), &secret_key, &pair.secret_key, &*self.entropy)?
                .to_bytes(),
            key_id_fingerprint: prints.key_id.as_bytes().to_vec(),
            secret_fingerprint: prints.secret_key.as_bytes().to_vec(),
            at: self.clock.now(),
        })
    }

    /// Seals a pair as the next credential of a connection.
    pub(crate) async fn seal_for_connection(
        &self,
        user: UserId,
        connection: ConnectionId,
        version: u32,
        pair: &Pair,
    ) -> Result<SealedCredential, RotateError> {
        let place = |field| Binding { user, connection, field, version };
        let (dek, seals) = self.sealing(user).await?;
        let prints = self.prints(pair)?;
        let key_id = self.sealer.seal(&dek, seals, &place(Field::KeyId), &pair.key_id, &*self.entropy)?;
        let secret_key = self.sealer.seal(
            &dek,
            seals.saturating_add(1),
            &place(Field::SecretKey),
            &pair.secret_key,
            &*self.entropy,
        )?;
        Ok(SealedCredential {
            connection,
            version,
            dek: dek.id(),
            secret: SealedParts::KeyPair {
                key_id: key_id.to_bytes(),
                secret_key: secret_key.to_bytes(),
                key_id_fingerprint: prints.key_id.as_bytes().to_vec(),
                secret_fingerprint: prints.secret_key.as_bytes().to_vec(),
            },
            created_at: self.clock.now(),
        })
    }

    /// What Paddock logs in to a consumer with.
    pub(crate) async fn secret_of(&self, consumer: &ConsumerRow) -> Result<Option<SecretText>, RotateError> {
        let Some(secret) = &consumer.secret else { return Ok(None) };
        let place = Binding {
            user: consumer.user,
            connection: consumer.connection,
            field: Field::ConsumerSecret(consumer.id),
            version: secret.version,
        };
        let dek = self.dek(secret.dek).await?;
        Ok(Some(self.opener.open(&dek, &place, &Sealed::from_bytes(&secret.sealed)?)?))
    }

    async fn dek(&self, id: DekId) -> Result<WrappedDek, RotateError> {
        let deks = self.store.deks().await?;
        let missing = RotateError::Store(StoreError::NotFound { what: "data-encryption key" });
        let row = deks.into_iter().find(|row| row.id == id).ok_or(missing)?;
        Ok(WrappedDek::from_bytes(&row.wrapped)?)
    }

    /// The team's key to seal two more under, and how often it has sealed. Counted before: after a crash the count may be too high, never
    /// too low.
    async fn sealing(&self, user: UserId) -> Result<(WrappedDek, u64), RotateError> {
        let dek = match self.store.current_dek(user).await? {
            Some(row) => WrappedDek::from_bytes(&row.wrapped)?,
            None => {
                let now = self.clock.now();
                let fresh = self.sealer.new_dek(user, now, &*self.entropy)?;
                let row =
                    DekRow { id: fresh.id(), user, wrapped: fresh.to_bytes(), seals: 0, created_at: now };
                self.store.insert_dek(&row).await?;
                fresh
            }
        };
        let seals = self.store.count_seals(dek.id(), 2).await?;
        Ok((dek, seals))
    }
}

fn places(rotation: &Rotation, what: PairOf, version: u32) -> (Binding, Binding) {
    let place = |field| Binding { user: rotation.team, connection: rotation.connection, field, version };
    match what {
        PairOf::Candidate => {
            (place(Field::CandidateKeyId(rotation.id)), place(Field::CandidateSecretKey(rotation.id)))
        }
        PairOf::Retiring => {
            (place(Field::RetiringKeyId(rotation.id)), place(Field::RetiringSecretKey(rotation.id)))
        }
    }
}
