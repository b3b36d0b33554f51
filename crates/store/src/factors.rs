//! Second factors and recovery codes. The secrets are sealed by the vault; their bytes mean nothing here.

use std::fmt;

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{DekId, PersonId, UserId};

use crate::codec::{bigint, instant, maybe_instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit};

/// A person's second factor. What it is sealed of never changes, so an older ciphertext opens to nothing that a newer one does not.
#[derive(Clone, PartialEq, Eq)]
pub struct FactorRow {
    /// Whose it is.
    pub person: PersonId,
    /// Their team, under whose data-encryption key it is sealed.
    pub user: UserId,
    /// Its version, from 1, counted up by one at every sealing.
    pub version: u32,
    /// The data-encryption key that it is sealed under.
    pub dek: DekId,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner showed that their app has it. Until then it is asked for nowhere.
    pub confirmed_at: Option<Timestamp>,
    /// The last step whose code was used.
    pub last_step: Option<u64>,
}

impl fmt::Debug for FactorRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FactorRow({}, version {})", self.person, self.version)
    }
}

row! {
    struct Columns {
        person_id: String,
        user_id: String,
        version: i64,
        dek_id: String,
        sealed: Vec<u8>,
        created_at: i64,
        confirmed_at: Option<i64>,
        last_step: Option<i64>,
    }
}

impl Columns {
    fn factor(self) -> Result<FactorRow, StoreError> {
        Ok(FactorRow {
            person: parse(&self.person_id, "second factor")?,
            user: parse(&self.user_id, "second factor")?,
            version: number(self.version)?,
            dek: parse(&self.dek_id, "second factor")?,
            sealed: self.sealed,
            created_at: instant(self.created_at)?,
            confirmed_at: maybe_instant(self.confirmed_at)?,
            last_step: self.last_step.map(number).transpose()?,
        })
    }
}

const NO_FACTOR: StoreError = StoreError::NotFound { what: "second factor" };

/// A hash of a recovery code.
pub type CodeHash = [u8; 32];

impl Store {
    /// A person's second factor, confirmed or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn second_factor(&self, person: PersonId) -> Result<Option<FactorRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT person_id, user_id, version, dek_id, sealed, created_at, confirmed_at, last_step FROM second_factors
             WHERE person_id = $1", person.to_string())?;
        row.map(Columns::factor).transpose()
    }

    /// The second factors of a team's people, confirmed or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn second_factors(&self, user: UserId) -> Result<Vec<FactorRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT person_id, user_id, version, dek_id, sealed, created_at, confirmed_at, last_step FROM second_factors
             WHERE user_id = $1 ORDER BY person_id", user.to_string())?;
        rows.into_iter().map(Columns::factor).collect()
    }

    /// Keeps a second factor that is to be confirmed, in the place of one that never was.
    ///
    /// # Errors
    /// [`StoreError::FactorIsOn`] when the person has one that was; [`StoreError::NotFound`] when the data-encryption key is out of use
    /// meanwhile.
    pub async fn begin_factor(&self, factor: &FactorRow) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let (in_use,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM deks WHERE id = $1 AND wrapped IS NOT NULL", factor.dek.to_string())?;
        if in_use == 0 {
            return Err(StoreError::NotFound { what: "data-encryption key" });
        }
        sql!(tx, execute "DELETE FROM second_factors WHERE person_id = $1 AND confirmed_at IS NULL",
            factor.person.to_string())?;
        let kept = sql!(tx, execute
            "INSERT INTO second_factors (person_id, user_id, version, dek_id, sealed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person_id) DO NOTHING",
            factor.person.to_string(), factor.user.to_string(), i64::from(factor.version), factor.dek.to_string(),
            factor.sealed.as_slice(), micros(factor.created_at))?;
        if kept == 0 {
            return Err(StoreError::FactorIsOn);
        }
        tx.commit().await
    }

    /// Turns on the second factor that was begun, whose code of `step` its owner showed, and keeps the hashes of their recovery codes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when none was begun at `begun`, or it is on already.
    pub async fn confirm_factor(
        &self,
        factor: &FactorRow,
        step: u64,
        codes: &[CodeHash],
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        // The one that was looked at: another may have been begun since, in another window.
        let confirmed = sql!(tx, execute
            "UPDATE second_factors SET confirmed_at = $1, last_step = $2
             WHERE person_id = $3 AND created_at = $4 AND confirmed_at IS NULL",
            micros(at), bigint(step), factor.person.to_string(), micros(factor.created_at))?;
        if confirmed == 0 {
            return Err(NO_FACTOR);
        }
        put_codes(&mut tx, factor.person, codes).await?;
        let event = AuditEvent::SecondFactorOn { person: factor.person, team: factor.user };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Uses up a step of a second factor that is on, and all before it. Yields whether it was fresh: of two who come with the same code
    /// one is too late.
    ///
    /// # Errors
    /// When the database fails; the code must not count then.
    pub async fn use_factor_step(&self, person: PersonId, step: u64) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let used = sql!(tx, execute
            "UPDATE second_factors SET last_step = $1
             WHERE person_id = $2 AND confirmed_at IS NOT NULL AND (last_step IS NULL OR last_step < $1)",
            bigint(step), person.to_string())?;
        tx.commit().await?;
        Ok(used == 1)
    }

    /// Uses up a recovery code. Yields how many are left, or nothing when it is none of the person's or was used before.
    ///
    /// # Errors
    /// When the database fails; the code must not count then.
    pub async fn use_recovery_code(
        &self,
        person: PersonId,
        team: UserId,
        code: &CodeHash,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Option<u32>, StoreError> {
        let mut tx = self.begin_write().await?;
        let used = sql!(tx, execute
            "UPDATE recovery_codes SET used_at = $1 WHERE person_id = $2 AND hash = $3 AND used_at IS NULL",
            micros(at), person.to_string(), code.as_slice())?;
        if used == 0 {
            return Ok(None);
        }
        let left = codes_left(&mut tx, person).await?;
        audit::append(&mut tx, actor, &AuditEvent::RecoveryCodeUsed { person, team, left }, at).await?;
        tx.commit().await?;
        Ok(Some(left))
    }

    /// How many recovery codes a person has left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recovery_codes_left(&self, person: PersonId) -> Result<u32, StoreError> {
        codes_left(&mut self.begin_read().await?, person).await
    }

    /// Puts new recovery codes in the place of the old.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the person has no second factor.
    pub async fn replace_recovery_codes(
        &self,
        person: PersonId,
        team: UserId,
        codes: &[CodeHash],
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let (on,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM second_factors WHERE person_id = $1 AND confirmed_at IS NOT NULL", person.to_string())?;
        if on == 0 {
            return Err(NO_FACTOR);
        }
        put_codes(&mut tx, person, codes).await?;
        audit::append(&mut tx, actor, &AuditEvent::RecoveryCodesMade { person, team }, at).await?;
        tx.commit().await
    }

    /// Takes a person's second factor and recovery codes away for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none that is on.
    pub async fn remove_factor(
        &self,
        person: PersonId,
        team: UserId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let removed = sql!(tx, execute
            "DELETE FROM second_factors WHERE person_id = $1 AND confirmed_at IS NOT NULL", person.to_string())?;
        if removed == 0 {
            return Err(NO_FACTOR);
        }
        sql!(tx, execute "DELETE FROM recovery_codes WHERE person_id = $1", person.to_string())?;
        audit::append(&mut tx, actor, &AuditEvent::SecondFactorOff { person, team }, at).await?;
        tx.commit().await
    }

    /// Puts the next version of the same second factor, sealed anew, in the place of the present one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it was turned off meanwhile, or the version is not the next one.
    pub async fn replace_sealed_factor(&self, anew: &FactorRow) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let replaced = sql!(tx, execute
            "UPDATE second_factors SET dek_id = $1, version = $2, sealed = $3
             WHERE person_id = $4 AND created_at = $5 AND version = $2 - 1",
            anew.dek.to_string(), i64::from(anew.version), anew.sealed.as_slice(), anew.person.to_string(),
            micros(anew.created_at))?;
        if replaced == 0 {
            return Err(NO_FACTOR);
        }
        tx.commit().await
    }
}

async fn put_codes(tx: &mut Tx, person: PersonId, codes: &[CodeHash]) -> Result<(), StoreError> {
    sql!(tx, execute "DELETE FROM recovery_codes WHERE person_id = $1", person.to_string())?;
    for code in codes {
        sql!(tx, execute "INSERT INTO recovery_codes (person_id, hash) VALUES ($1, $2)",
            person.to_string(), code.as_slice())?;
    }
    Ok(())
}

async fn codes_left(tx: &mut Tx, person: PersonId) -> Result<u32, StoreError> {
    let (left,) = sql!(tx, fetch_one (i64,):
        "SELECT COUNT(*) FROM recovery_codes WHERE person_id = $1 AND used_at IS NULL", person.to_string())?;
    number(left)
}

/// Takes everything away by which a person who is removed could get in.
pub(crate) async fn erase(tx: &mut Tx, person: PersonId, at: Timestamp) -> Result<(), StoreError> {
    sql!(tx, execute "DELETE FROM recovery_codes WHERE person_id = $1", person.to_string())?;
    sql!(tx, execute "DELETE FROM second_factors WHERE person_id = $1", person.to_string())?;
    sql!(tx, execute "UPDATE api_tokens SET revoked_at = $1 WHERE person_id = $2 AND revoked_at IS NULL",
        micros(at), person.to_string())?;
    Ok(())
}

/// How many are sealed under a data-encryption key.
pub(crate) async fn count_under(tx: &mut Tx, dek: DekId) -> Result<i64, StoreError> {
    Ok(sql!(tx, fetch_one (i64,): "SELECT COUNT(*) FROM second_factors WHERE dek_id = $1", dek.to_string())?
        .0)
}
