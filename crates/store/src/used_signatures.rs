//! Signatures of state-changing requests: each is good once, whatever restarts and however many nodes share the database.

use jiff::{SignedDuration, Timestamp};
use paddock_core::id::AccessKeyId;

use crate::codec::micros;
use crate::db::{Tx, sql};
use crate::writer::Work;
use crate::{Store, StoreError};

/// How long a used signature is kept. Longer than one can be good: it may be dated half a minute ahead, and is good for half a minute.
const KEPT: SignedDuration = SignedDuration::from_secs(120);

impl Store {
    /// Uses a signature up. Yields whether it was fresh; durable when this returns.
    ///
    /// # Errors
    /// When the database fails. The request must not be forwarded then.
    pub async fn use_signature(
        &self,
        signature: &[u8; 32],
        key: AccessKeyId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(UseUp { signature: *signature, key, at }).await
    }
}

struct UseUp {
    signature: [u8; 32],
    key: AccessKeyId,
    at: Timestamp,
}

impl Work for UseUp {
    type Output = bool;

    async fn run(&mut self, tx: &mut Tx) -> Result<bool, StoreError> {
        let Self { signature, key, at } = self;
        let kept = micros(at.saturating_sub(KEPT).unwrap_or(*at));
        sql!(tx, execute "DELETE FROM used_signatures WHERE at < $1", kept)?;
        let fresh = sql!(tx, execute
            "INSERT INTO used_signatures (signature, access_key_id, at) VALUES ($1, $2, $3)
             ON CONFLICT (signature) DO NOTHING",
            signature.as_slice(), key.to_string(), micros(*at))?;
        Ok(fresh == 1)
    }

    fn is_for_caller_only(&self) -> bool {
        true
    }
}
