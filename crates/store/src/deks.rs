//! Data-encryption keys, wrapped. Their bytes mean nothing here.

use jiff::Timestamp;
use paddock_core::id::{DekId, UserId};

use crate::codec::{bigint, instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, consumers, factors, rotation_pairs, signing_keys};

/// A data-encryption key that is in use.
#[derive(Clone, PartialEq, Eq)]
pub struct DekRow {
    /// Its identifier.
    pub id: DekId,
    /// Whose secrets it seals.
    pub user: UserId,
    /// The key, wrapped by the vault.
    pub wrapped: Vec<u8>,
    /// How often it has sealed.
    pub seals: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for DekRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DekRow({}, user {}, {} seals)", self.id, self.user, self.seals)
    }
}

row! {
    struct Columns { id: String, user_id: String, wrapped: Vec<u8>, seals: i64, created_at: i64 }
}

impl Columns {
    fn dek(self) -> Result<DekRow, StoreError> {
        Ok(DekRow {
            id: parse(&self.id, "data-encryption key")?,
            user: parse(&self.user_id, "data-encryption key")?,
            wrapped: self.wrapped,
            seals: number(self.seals)?,
            created_at: instant(self.created_at)?,
        })
    }
}

const NOT_FOUND: StoreError = StoreError::NotFound { what: "data-encryption key" };

impl Store {
    /// Keeps a new key. From now on it is its user's current one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_dek(&self, dek: &DekRow) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "INSERT INTO deks (id, user_id, wrapped, seals, created_at) VALUES ($1, $2, $3, $4, $5)",
            dek.id.to_string(), dek.user.to_string(), dek.wrapped.as_slice(), bigint(dek.seals), micros(dek.created_at))?;
        tx.commit().await
    }

    /// The newest key of a user that is in use: the one to seal under.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn current_dek(&self, user: UserId) -> Result<Option<DekRow>, StoreError> {
        let deks = self.deks().await?;
        Ok(deks.into_iter().rfind(|dek| dek.user == user))
    }

    /// All keys in use, oldest first. There is more than one per user only while they are being replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deks(&self) -> Result<Vec<DekRow>, StoreError> {
        in_use(&mut self.begin_read().await?).await
    }

    /// Keeps the same key, wrapped anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is not in use.
    pub async fn replace_wrapped(&self, dek: DekId, wrapped: &[u8]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let changed = sql!(tx, execute
            "UPDATE deks SET wrapped = $1 WHERE id = $2 AND wrapped IS NOT NULL", wrapped, dek.to_string())?;
        if changed == 0 {
            return Err(NOT_FOUND);
        }
        tx.commit().await
    }

    /// Counts `seals` further seals, to be made after this, and returns how many there were before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the key is not in use.
    pub async fn count_seals(&self, dek: DekId, seals: u64) -> Result<u64, StoreError> {
        let mut tx = self.begin_write().await?;
        let before = sql!(tx, fetch_optional (i64,):
            "SELECT seals FROM deks WHERE id = $1 AND wrapped IS NOT NULL", dek.to_string())?;
        let before: u64 = number(before.ok_or(NOT_FOUND)?.0)?;
        let after = bigint(before.saturating_add(seals));
        sql!(tx, execute "UPDATE deks SET seals = $1 WHERE id = $2", after, dek.to_string())?;
        tx.commit().await?;
        Ok(before)
    }

    /// Takes a key out of use and erases its wrapped bytes. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::DekInUse`] while a credential or a key that signs is sealed under it.
    pub async fn retire_dek(&self, dek: DekId) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let (credentials,) = sql!(tx, fetch_one (i64,):
            "SELECT (SELECT COUNT(*) FROM credentials WHERE dek_id = $1) + (SELECT COUNT(*) FROM audit_keys WHERE dek_id = $1)",
            dek.to_string())?;
        let credentials = credentials
            + signing_keys::count_under(&mut tx, dek).await?
            + factors::count_under(&mut tx, dek).await?
            + consumers::count_under(&mut tx, dek).await?
            + rotation_pairs::count_under(&mut tx, dek).await?;
        if credentials > 0 {
            return Err(StoreError::DekInUse { credentials: number(credentials)? });
        }
        let found = sql!(tx, execute "UPDATE deks SET wrapped = NULL WHERE id = $1", dek.to_string())?;
        if found == 0 {
            return Err(NOT_FOUND);
        }
        tx.commit().await
    }
}

/// Refuses what would be sealed under a key that was retired meanwhile: it would never open.
pub(crate) async fn must_be_in_use(tx: &mut Tx, dek: DekId) -> Result<(), StoreError> {
    let (in_use,) = sql!(tx, fetch_one (i64,):
        "SELECT COUNT(*) FROM deks WHERE id = $1 AND wrapped IS NOT NULL", dek.to_string())?;
    if in_use == 0 { Err(NOT_FOUND) } else { Ok(()) }
}

pub(crate) async fn in_use(tx: &mut Tx) -> Result<Vec<DekRow>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT id, user_id, wrapped, seals, created_at FROM deks WHERE wrapped IS NOT NULL ORDER BY created_at, id")?;
    rows.into_iter().map(Columns::dek).collect()
}
