//! Slack: a notice in a channel that a pair was replaced. Never a value.
//!
//! An incoming webhook (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>), whose address is the secret.

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderMap, HeaderValue, Method, header};
use paddock_core::SecretText;
use paddock_core::rotation::due_words;
use serde::{Deserialize, Serialize};

use super::{Settings, api};
use crate::{
    Answer, Call, Consumer, Delivery, Fault, FaultKind, Held, Looked, Means, Outbound, Outcome, PairDue,
    Proof, Put, SettingsFault, Stored, Writable,
};

/// A Slack channel. Its secret is the address of an incoming webhook, `https://hooks.slack.com/services/…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackSettings {
    /// What the notice calls the account or the programs, at most 200 characters.
    pub label: String,
    /// Another host than Slack's, of software that takes the same messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// Slack's own hosts.
const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

impl Settings for SlackSettings {
    const SECRET: Option<&'static str> =
        Some("the address of the incoming webhook, https://hooks.slack.com/services/…");

    fn check(&self) -> Result<(), SettingsFault> {
        let length = self.label.chars().count();
        if length == 0 || length > 200 || self.label.chars().any(char::is_control) {
            let problem = "a label has 1 to 200 characters in one line".to_owned();
            return Err(SettingsFault { field: "label", problem });
        }
        Ok(())
    }

    fn keep_place(&mut self) {
        self.label.clear();
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let address = secret.expose().trim();
        let fault = |problem: String| SettingsFault { field: "secret", problem };
        let url =
            reqwest::Url::parse(address).map_err(|_| fault("it is no address: copy it from Slack".into()))?;
        let host = url.host_str().unwrap_or_default();
        let known = match &self.host {
            Some(own) => host == own,
            None => HOSTS.contains(&host) && url.path().starts_with("/services/"),
        };
        if !known {
            let expected = self.host.as_deref().unwrap_or("hooks.slack.com/services/");
            return Err(fault(format!("the address of the webhook is not under {expected}")));
        }
        let address = SecretText::new(url.to_string());
        Ok(Box::new(Slack { settings: self, address, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Slack {
    settings: SlackSettings,
    address: SecretText,
    outbound: Outbound,
}

#[derive(Serialize)]
struct Notice {
    text: String,
}

impl Slack {
    async fn post(&self, text: String, changes: bool) -> Result<Answer, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (url, body) = (self.address.expose().to_owned(), api::json(&Notice { text })?);
        self.outbound.send(Call { method: Method::POST, url, headers, body, changes }).await
    }

    /// Posts something for people.
    async fn say(&self, text: String) -> Result<(), Fault> {
        let answer = self.post(text, true).await?;
        if answer.status == 200 && answer.body.trim_ascii() == b"ok" { Ok(()) } else { Err(refused(&answer)) }
    }
}

/// What Slack refuses with, by the words of its answer.
fn refused(answer: &Answer) -> Fault {
    let words = String::from_utf8_lossy(answer.body.get(..40).unwrap_or(&answer.body)).into_owned();
    let (kind, message, next_step) = match words.trim() {
        "no_service" | "no_service_id" | "no_team" | "team_disabled" | "invalid_token" => (
            FaultKind::Login,
            "Slack does not know the webhook any more",
            "Make a new incoming webhook and replace the secret.",
        ),
        "channel_not_found" | "channel_is_archived" | "user_not_found" => (
            FaultKind::NotFound,
            "the webhook's channel is gone",
            "Make an incoming webhook for another channel and replace the secret.",
        ),
        "action_prohibited" | "posting_to_general_channel_denied" => (
            FaultKind::Forbidden,
            "Slack does not allow posts there",
            "Ask a Slack administrator, or take another channel.",
        ),
        _ => {
            return answer.fault("Slack").unwrap_or_else(|| {
                let message = "Slack did not say ok";
                Fault::new(FaultKind::Unexpected, message, "Check the webhook's address.").perhaps_applied()
            });
        }
    };
    Fault::new(kind, message, next_step)
}

/// Slack reads these three as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Consumer for Slack {
    /// Asks for a post without text, which Slack refuses in its own way when it knows the webhook.
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let answer = self.post(String::new(), false).await?;
            if answer.status != 400 || answer.body.trim_ascii() != b"no_text" {
                return Err(refused(&answer));
            }
            Ok(Looked {
                login: "a Slack webhook".to_owned(),
                version: None,
                held: Held::Unseen,
                writable: Writable::Proven,
            })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, _: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let text = format!(
                "The Alpaca key pair ({}) of {} is being replaced by Paddock. Delivery {}.",
                delivery.environment.as_str(),
                escaped(&self.settings.label),
                delivery.token,
            );
            self.say(text).await?;
            Ok(Put { version: None, outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, _: &'a Delivery, _: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move { Ok(Proof { stored: Stored::Notified, in_use: None }) }.boxed()
    }

    fn remind<'a>(&'a self, pair: &'a PairDue) -> Option<BoxFuture<'a, Result<(), Fault>>> {
        let day = pair.due_at.strftime("%-d %b %Y");
        let when = match pair.days_left {
            1.. => format!("is due to be replaced on {day}, {}", due_words(pair.days_left)),
            _ => format!("was due to be replaced on {day}"),
        };
        let text = format!(
            "The Alpaca key pair ({}) of {} {when}. Replace it in Paddock: Rotations, {}.",
            pair.environment.as_str(),
            escaped(&self.settings.label),
            escaped(&pair.connection),
        );
        Some(async move { self.say(text).await }.boxed())
    }
}
