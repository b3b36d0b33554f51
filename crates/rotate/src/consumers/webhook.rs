//! A webhook: a signed message to a URL of the operator's own.
//!
//! Messages are those of Standard Webhooks (<https://www.standardwebhooks.com>), for which there are libraries that check them in most
//! languages: `webhook-signature` is the HMAC-SHA256 of id, timestamp and body.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderMap, HeaderValue, Method, header};
use paddock_core::{Clock, Entropy, SecretText};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::in_use::UrlCheck;
use super::{Settings, api, skew};
use crate::{
    Call, Consumer, Delivery, Fault, FaultKind, Held, Looked, Means, Outbound, Outcome, PairDue, PairNames,
    Proof, Put, SettingsFault, Stored, Writable,
};

/// What the signing secret starts with.
const PREFIX: &str = "whsec_";

/// How long the signing key may be, in bytes, by Standard Webhooks.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A webhook. Its secret is the signing secret: `whsec_` and the Base64 of 24 to 64 random bytes, which the receiver has too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where messages are sent.
    pub url: String,
    /// Whether the message holds the pair. Without it, it only says that there is a new one.
    #[serde(default)]
    pub send_values: bool,
    /// The names under which the message holds the pair.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that tells whether programs there work with the new pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

impl Settings for WebhookSettings {
    const SECRET: Option<&'static str> = Some("the signing secret, whsec_ and Base64");

    fn check(&self) -> Result<(), SettingsFault> {
        api::check_address("url", &self.url)?;
        self.names.check()?;
        self.in_use.as_ref().map_or(Ok(()), UrlCheck::check)
    }

    fn keep_place(&mut self) {
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let text = secret.expose().trim();
        let key = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).map(Zeroizing::new);
        let key = key.ok().filter(|key| KEY_BYTES.contains(&key.len())).ok_or_else(|| SettingsFault {
            field: "secret",
            problem: "a signing secret is whsec_ and the Base64 of 24 to 64 bytes: make one with \
                      `echo whsec_$(openssl rand -base64 32)`"
                .to_owned(),
        })?;
        let (outbound, clock) = (means.outbound.clone(), Arc::clone(&means.clock));
        let entropy = Arc::clone(&means.entropy);
        Ok(Box::new(Webhook { settings: self, key: Key(key), outbound, clock, entropy }))
    }
}

#[derive(Debug)]
struct Webhook {
    settings: WebhookSettings,
    key: Key,
    outbound: Outbound,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The signing key, which nothing prints.
struct Key(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// One message.
#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Default, Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<std::collections::BTreeMap<&'a str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<i64>,
}

impl Webhook {
    async fn send(&self, id: &str, r#type: &'static str, data: Data<'_>, changes: bool) -> Result<(), Fault> {
        let now = self.clock.now();
        let timestamp = now.as_second().to_string();
        let body = api::json(&Message { r#type, timestamp: now.to_string(), data })?;
        let mut signed = Zeroizing::new(format!("{id}.{timestamp}.").into_bytes());
        signed.reserve_exact(body.len());
        signed.extend_from_slice(&body);
        let signature = STANDARD.encode(paddock_vault::hmac_sha256(&self.key.0, &signed));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let own = [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", format!("v1,{signature}")),
        ];
        for (name, value) in own {
            let value = HeaderValue::from_str(&value).map_err(|_| odd_header())?;
            headers.insert(name, value);
        }
        let url = self.settings.url.clone();
        let answer = self.outbound.send(Call { method: Method::POST, url, headers, body, changes }).await?;
        match answer.fault("the webhook") {
            None => Ok(()),
            Some(fault) if fault.kind == FaultKind::Login => {
                Err(skew::explain(&answer, now).unwrap_or_else(|| {
                    let next_step = "Check that both sides have the same signing secret and the right time.";
                    Fault { next_step: next_step.to_owned(), ..fault }
                }))
            }
            Some(fault) => Err(fault),
        }
    }
}

fn odd_header() -> Fault {
    Fault::new(FaultKind::Settings, "the message cannot be signed", "Check the consumer's settings.")
}

impl Consumer for Webhook {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let mut random = [0; 16];
            self.entropy.fill(&mut random);
            let id = format!("check_{}", hex::encode(random));
            self.send(&id, "consumer.check", Data::default(), false).await?;
            Ok(Looked {
                login: "a webhook".to_owned(),
                version: None,
                held: Held::Unseen,
                writable: Writable::Likely("it took a signed message without values".to_owned()),
            })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, _: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let names = &self.settings.names;
            let values = self.settings.send_values.then(|| {
                [
                    (names.key_id.as_str(), delivery.key_id.expose()),
                    (names.secret_key.as_str(), delivery.secret_key.expose()),
                ]
                .into()
            });
            let environment = Some(delivery.environment.as_str());
            let data = Data { environment, delivery: Some(delivery.token), values, ..Data::default() };
            self.send(&delivery.token.to_string(), "pair.replaced", data, true).await?;
            Ok(Put { version: None, outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, _: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let stored = if self.settings.send_values { Stored::Acknowledged } else { Stored::Notified };
            let check = self.settings.in_use.as_ref();
            let in_use = UrlCheck::ask_if_set(check, &self.outbound, delivery).await?;
            Ok(Proof { stored, in_use })
        }
        .boxed()
    }

    /// Never has a value, whatever the settings say.
    fn remind<'a>(&'a self, pair: &'a PairDue) -> Option<BoxFuture<'a, Result<(), Fault>>> {
        let data = Data {
            environment: Some(pair.environment.as_str()),
            connection: Some(&pair.connection),
            due_at: Some(pair.due_at.to_string()),
            days_left: Some(pair.days_left),
            ..Data::default()
        };
        Some(async move { self.send(&pair.token.to_string(), "pair.due", data, true).await }.boxed())
    }
}
