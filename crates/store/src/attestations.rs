//! What was signed when a live account was connected.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::ConnectionId;

use crate::codec::{instant, micros};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit};

/// A signature that is to be kept with a new connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The text as it was shown.
    pub text: String,
    /// Its SHA-256, hex.
    pub text_sha256: String,
    /// The name that was typed.
    pub signed_name: String,
}

/// A signature that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedAttestation {
    /// What was signed, and by which name.
    pub attestation: Attestation,
    /// Who was signed in when it was.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

row! {
    struct Columns {
        text: String,
        text_sha256: String,
        signed_name: String,
        actor: String,
        at: i64,
    }
}

impl Columns {
    fn attestation(self) -> Result<SignedAttestation, StoreError> {
        Ok(SignedAttestation {
            attestation: Attestation {
                text: self.text,
                text_sha256: self.text_sha256,
                signed_name: self.signed_name,
            },
            actor: serde_json::from_str(&self.actor)
                .map_err(|_| StoreError::Malformed { what: "attestation" })?,
            at: instant(self.at)?,
        })
    }
}

impl Store {
    /// What was signed for a connection, also when that was removed since.
    ///
    /// # Errors
    /// When the database fails or the row cannot be read.
    pub async fn attestation(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<SignedAttestation>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT text, text_sha256, signed_name, actor, at FROM attestations WHERE connection_id = $1",
            connection.to_string())?;
        row.map(Columns::attestation).transpose()
    }
}

/// Keeps the signature, and the record of it.
pub(crate) async fn keep(
    tx: &mut Tx,
    connection: ConnectionId,
    attestation: &Attestation,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    let who = serde_json::to_string(actor).map_err(|_| StoreError::Malformed { what: "actor" })?;
    sql!(tx, execute
        "INSERT INTO attestations (connection_id, text, text_sha256, signed_name, actor, at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        connection.to_string(), attestation.text.as_str(), attestation.text_sha256.as_str(),
        attestation.signed_name.as_str(), who.as_str(), micros(at))?;
    let event = AuditEvent::LiveAttested {
        connection,
        text_sha256: attestation.text_sha256.clone(),
        signed_name: attestation.signed_name.clone(),
    };
    audit::append(tx, actor, &event, at).await?;
    Ok(())
}
