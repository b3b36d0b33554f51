//! A receiver of Standard Webhooks (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::{Fake, Heard, Reply};

/// How far a message's time may be off, in seconds.
const TOLERANCE: i64 = 300;

/// The receiver: checks signatures and times, and takes a message with a known id only once.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The signing secret, `whsec_` and Base64.
    pub secret: String,
    /// What was taken, by id.
    pub taken: BTreeMap<String, Value>,
}

impl Default for Webhook {
    fn default() -> Self {
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        Self { secret, taken: BTreeMap::new() }
    }
}

impl Webhook {
    fn verified(&self, heard: &Heard) -> Option<Value> {
        let timestamp = heard.header("webhook-timestamp");
        let age = heard.now.as_second() - timestamp.parse::<i64>().ok()?;
        if age.abs() > TOLERANCE {
            return None;
        }
        let key = STANDARD.decode(self.secret.strip_prefix("whsec_")?).ok()?;
        let mut signed = format!("{}.{timestamp}.", heard.header("webhook-id")).into_bytes();
        signed.extend_from_slice(&heard.body);
        let signature = STANDARD.encode(paddock_vault::hmac_sha256(&key, &signed));
        let given = heard.header("webhook-signature");
        given.split(' ').any(|one| one.strip_prefix("v1,") == Some(&signature)).then(|| heard.json())?
    }
}

impl Fake for Webhook {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if heard.method != http::Method::POST {
            return Reply::empty(405);
        }
        let Some(message) = self.verified(heard) else { return Reply::text(401, "no valid signature") };
        self.taken.entry(heard.header("webhook-id").to_owned()).or_insert(message);
        Reply::empty(204)
    }

    fn forbidden(&self) -> Reply {
        Reply::empty(403)
    }
}
