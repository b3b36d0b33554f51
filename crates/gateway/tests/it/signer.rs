//! Access keys for signed requests, and a program that signs as docs/signed-requests.md says.

use std::sync::atomic::{AtomicU64, Ordering};

use paddock_core::audit::Actor;
use paddock_core::id::AccessKeyId;
use paddock_core::scope::Signed;
use paddock_core::{Clock as _, Entropy as _, Scope, SecretText};
use paddock_store::{AccessKey, SealedSigningKey};
use paddock_vault::{Binding, Field, OsEntropy, WrappedDek};
use sha2::{Digest, Sha256};

use crate::rig::{Pair, Rig};

impl Rig {
    /// Issues an access key that takes signed requests only.
    pub async fn signed_key(&self, scope: Scope) -> Pair {
        let mut random = [0; 8];
        OsEntropy.fill(&mut random);
        let pair = Pair {
            id: AccessKeyId::generate(self.clock.now(), &OsEntropy),
            key_id: format!("PDK{}", hex::encode_upper(random)),
            secret: format!("pdks_{}", hex::encode(Sha256::digest(random))),
        };
        let key = AccessKey {
            id: pair.id,
            connection: self.connection,
            name: format!("traveller-{}", hex::encode(random)),
            key_id: pair.key_id.clone(),
            secret_hash: Sha256::digest(&pair.secret).into(),
            scope: Scope { signed: Some(Signed::Required), ..scope },
            frozen: false,
            revoked_at: None,
            created_at: self.clock.now(),
            last_used_at: None,
        };
        let dek = self.store.current_dek(self.user).await.unwrap().unwrap();
        let dek = WrappedDek::from_bytes(&dek.wrapped).unwrap();
        let seals = self.store.count_seals(dek.id(), 1).await.unwrap();
        let field = Field::SigningKey(pair.id);
        let place = Binding { user: self.user, connection: self.connection, field, version: 1 };
        let secret = SecretText::new(pair.secret.clone());
        let sealed = self.vault.sealer().seal(&dek, seals, &place, &secret, &OsEntropy).unwrap().to_bytes();
        let signing =
            SealedSigningKey { key: pair.id, version: 1, dek: dek.id(), sealed, created_at: key.created_at };
        self.store.insert_signed_key(&key, &signing, &Actor::Operator, self.clock.now()).await.unwrap();
        self.control.reload().await.unwrap();
        pair
    }
}

/// The headers of one signed request.
#[derive(Clone, Debug)]
pub struct SignedHeaders {
    pub key_id: String,
    pub timestamp: i64,
    pub nonce: String,
    pub signature: String,
}

impl SignedHeaders {
    /// Signs a request at an instant, in seconds since 1970, with a nonce of its own.
    pub fn new(pair: &Pair, timestamp: i64, method: &str, target: &str, body: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let nonce = format!("nonce-{:012}", COUNT.fetch_add(1, Ordering::Relaxed));
        let digest = hex::encode(Sha256::digest(body));
        let text =
            ["PADDOCK-HMAC-SHA256-V1", &timestamp.to_string(), &nonce, method, target, &digest].join("\n");
        let signature = hex::encode(hmac(pair.secret.as_bytes(), text.as_bytes()));
        Self { key_id: pair.key_id.clone(), timestamp, nonce, signature }
    }

    pub fn list(&self) -> [(&'static str, String); 4] {
        [
            ("apca-api-key-id", self.key_id.clone()),
            ("paddock-timestamp", self.timestamp.to_string()),
            ("paddock-nonce", self.nonce.clone()),
            ("paddock-signature", self.signature.clone()),
        ]
    }

    /// As they stand in the head of a request.
    pub fn text(&self) -> String {
        self.list().map(|(name, value)| format!("{name}: {value}\r\n")).concat()
    }
}

/// RFC 2104, for keys longer than a block too.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let key = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    let pad =
        |with: u8| -> Vec<u8> { (0..64).map(|place| key.get(place).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}
