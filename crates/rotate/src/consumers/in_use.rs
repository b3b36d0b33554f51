//! Whether programs at a consumer work with the new pair: a URL of theirs that says so.

use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::api;
use crate::{Call, Delivery, Fault, FaultKind, InUse, Outbound, SettingsFault};

/// A URL of a program that holds the pair. The program asks Alpaca for its account when the URL is asked for, and answers with the account's
/// status: the text `ACTIVE`, or a JSON object with `"status": "ACTIVE"` such as Alpaca's own answer. At Alpaca an old pair ends when the new one is
/// made, so that a program which still holds it cannot say `ACTIVE`. To be surer, the object may have `key_id_sha256`, the Key ID's SHA-256
/// in hexadecimal digits, which must then be the new one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrlCheck {
    /// The address. It holds no secret; Paddock sends none there.
    pub url: String,
}

/// What a program may answer.
#[derive(Deserialize)]
struct Account {
    status: String,
    #[serde(default)]
    key_id_sha256: Option<String>,
}

impl UrlCheck {
    /// Checks the address.
    ///
    /// # Errors
    /// [`SettingsFault`] when it cannot be one.
    pub fn check(&self) -> Result<(), SettingsFault> {
        api::check_address("in_use.url", &self.url)
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`FaultKind::NotYet`] as long as the program does not say `ACTIVE` with the new pair; otherwise what keeps it from being asked.
    pub async fn ask(&self, outbound: &Outbound, delivery: &Delivery) -> Result<InUse, Fault> {
        let call = Call {
            method: Method::GET,
            url: self.url.clone(),
            headers: HeaderMap::new(),
            body: Zeroizing::default(),
            changes: false,
        };
        let answer = outbound.send(call).await?;
        let not_yet = |what: &str| {
            let message = format!("the program's URL {what}");
            Fault::new(FaultKind::NotYet, message, "See whether the program was restarted with the new pair.")
        };
        if !answer.status.is_success() {
            return Err(not_yet(&format!("answers with status {}", answer.status)));
        }
        let in_use = || InUse("its URL answers ACTIVE".to_owned());
        if answer.body.trim_ascii() == b"ACTIVE" {
            return Ok(in_use());
        }
        let account: Account =
            serde_json::from_slice(&answer.body).map_err(|_| not_yet("does not answer ACTIVE"))?;
        if account.status != "ACTIVE" {
            return Err(not_yet("does not answer ACTIVE"));
        }
        let ours = hex::encode(Sha256::digest(delivery.key_id.expose()));
        match account.key_id_sha256 {
            Some(theirs) if !theirs.eq_ignore_ascii_case(&ours) => {
                Err(not_yet("answers with another Key ID"))
            }
            Some(_) => Ok(InUse("its URL answers ACTIVE with the new Key ID".to_owned())),
            None => Ok(in_use()),
        }
    }

    /// Asks once if there is a check.
    pub(super) async fn ask_if_set(
        check: Option<&Self>,
        outbound: &Outbound,
        delivery: &Delivery,
    ) -> Result<Option<InUse>, Fault> {
        match check {
            Some(check) => check.ask(outbound, delivery).await.map(Some),
            None => Ok(None),
        }
    }
}
