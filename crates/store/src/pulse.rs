//! Whether the database takes a write.

use jiff::Timestamp;

use crate::codec::micros;
use crate::db::sql;
use crate::{Store, StoreError};

impl Store {
    /// Writes the time into the database and makes it durable, as every order has to be: whoever asks whether orders can be recorded
    /// learns it by this.
    ///
    /// # Errors
    /// When the database fails, or is full.
    pub async fn pulse(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute "UPDATE pulse SET at = $1", micros(at))?;
        tx.commit().await
    }
}
