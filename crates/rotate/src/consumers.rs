//! The consumers, one file each, and the register of their settings.

mod api;
mod aws;
mod cloudflare;
mod command;
mod document;
mod dotenv;
mod drift;
mod github;
mod google;
mod heroku;
mod in_use;
mod infisical;
mod kubernetes;
mod names;
mod since;
mod skew;
mod slack;
#[cfg(test)]
mod testing;
mod vault_kv;
mod webhook;

use paddock_core::SecretText;
use serde::{Deserialize, Serialize};

pub use aws::AwsSettings;
pub use cloudflare::CloudflareSettings;
pub use command::{CommandSettings, Input};
pub use dotenv::DotenvSettings;
pub(crate) use github::Started;
pub use github::{GithubSettings, Place, Visibility, Workflow};
pub use google::GoogleSettings;
pub use heroku::HerokuSettings;
pub use in_use::UrlCheck;
pub use infisical::InfisicalSettings;
pub use kubernetes::{KubernetesSettings, Workload};
pub use slack::SlackSettings;
pub use vault_kv::{AppRole, VaultKvSettings, VaultLogin};
pub use webhook::WebhookSettings;

use crate::{Consumer, Means, SettingsFault};

/// What the settings of every kind of consumer can do.
trait Settings {
    /// What the secret is that goes with them, for people; `None` when there is none.
    const SECRET: Option<&'static str>;

    /// Checks what can be checked without the secret and the network.
    fn check(&self) -> Result<(), SettingsFault>;

    /// Leaves only what says where the pair is written and under which names. How Paddock logs in there, and how the pair is proven, goes.
    fn keep_place(&mut self);

    /// Makes the consumer. `secret` is there when [`Settings::SECRET`] names one.
    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault>;
}

/// Makes [`ConsumerSettings`] of one line a consumer: its variant, its `kind` in JSON, its settings, and what people call it.
macro_rules! register {
    ($($variant:ident, $kind:literal, $settings:ty, $title:literal;)*) => {
        /// The settings of one consumer, as the database keeps them and the API takes them. They hold no secret. `kind` tells which consumer it is.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum ConsumerSettings {
            $(
                #[doc = $title]
                #[serde(rename = $kind)]
                $variant($settings),
            )*
        }

        impl ConsumerSettings {
            /// All kinds, as JSON and the command line spell them, with what people call them.
            pub const KINDS: &[(&'static str, &'static str)] = &[$(($kind, $title),)*];

            /// The kind, as JSON and the command line spell it.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// What people call the kind.
            #[must_use]
            pub const fn title(&self) -> &'static str {
                match self { $(Self::$variant(_) => $title,)* }
            }

            /// What the secret is that goes with these settings, in words for people; `None` when there is none.
            #[must_use]
            pub const fn secret(&self) -> Option<&'static str> {
                match self { $(Self::$variant(_) => <$settings as Settings>::SECRET,)* }
            }

            /// Checks what can be checked without the secret and the network.
            ///
            /// # Errors
            /// [`SettingsFault`] that names the field.
            pub fn check(&self) -> Result<(), SettingsFault> {
                match self { $(Self::$variant(settings) => settings.check(),)* }
            }

            fn place(mut self) -> Self {
                match &mut self { $(Self::$variant(settings) => settings.keep_place(),)* }
                self
            }

            fn connect_checked(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
                match self { $(Self::$variant(settings) => settings.connect(secret, means),)* }
            }
        }
    };
}

register! {
    Aws, "aws", AwsSettings, "AWS Secrets Manager";
    Google, "google", GoogleSettings, "Google Secret Manager";
    Infisical, "infisical", InfisicalSettings, "Infisical";
    Kubernetes, "kubernetes", KubernetesSettings, "A Kubernetes secret";
    VaultKv, "vault", VaultKvSettings, "HashiCorp Vault or OpenBao, key-value version 2";
    Cloudflare, "cloudflare_workers", CloudflareSettings, "Cloudflare Workers";
    Command, "command", CommandSettings, "A program of this machine";
    Dotenv, "dotenv", DotenvSettings, "A .env file";
    Github, "github_actions", GithubSettings, "GitHub Actions";
    Heroku, "heroku", HerokuSettings, "Heroku";
    Slack, "slack", SlackSettings, "Slack (a notice, never a value)";
    Webhook, "webhook", WebhookSettings, "A webhook, signed";
}

impl ConsumerSettings {
    /// Whether a secret goes with these settings.
    #[must_use]
    pub const fn needs_secret(&self) -> bool {
        self.secret().is_some()
    }

    /// Whether both write to the same names of the same place, so that what was written by one may be found by the other.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.clone().place() == other.clone().place()
    }

    /// Checks the settings and makes the consumer. Nothing is sent.
    ///
    /// # Errors
    /// [`SettingsFault`], also when the secret is missing, or is there and not needed.
    pub fn connect(
        self,
        secret: Option<SecretText>,
        means: &Means,
    ) -> Result<Box<dyn Consumer>, SettingsFault> {
        self.check()?;
        let fault = |problem: String| SettingsFault { field: "secret", problem };
        let secret = match (self.secret(), secret) {
            (Some(_), Some(secret)) if !secret.expose().is_empty() => secret,
            (Some(what), _) => return Err(fault(format!("it is missing: {what}"))),
            (None, Some(_)) => return Err(fault("this kind of consumer has none".to_owned())),
            (None, None) => SecretText::new(String::new()),
        };
        self.connect_checked(secret, means)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn settings_are_read_by_their_kind_and_strictly() {
        let text = r#"{"kind":"webhook","url":"https://example.com/paddock"}"#;
        let settings: ConsumerSettings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.kind(), "webhook");
        assert!(settings.needs_secret());
        let kept = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<ConsumerSettings>(&kept).unwrap(), settings);
        let unknown = r#"{"kind":"webhook","url":"https://example.com/","colour":"red"}"#;
        assert!(serde_json::from_str::<ConsumerSettings>(unknown).is_err());
        assert!(serde_json::from_str::<ConsumerSettings>(r#"{"kind":"pigeon"}"#).is_err());
    }

    /// For each kind: its settings, what only says how, and what says where.
    #[rstest]
    #[case(
        json!({"kind": "aws", "region": "us-east-1", "secret_id": "s", "access_key_id": "A"}),
        json!({"access_key_id": "B"}),
        json!({"secret_id": "t"})
    )]
    #[case(
        json!({"kind": "google", "project": "p", "secret": "s"}),
        json!({"disable_previous": true}),
        json!({"project": "q"})
    )]
    #[case(
        json!({"kind": "infisical", "project_id": "p", "environment": "prod", "client_id": "c"}),
        json!({"client_id": "d"}),
        json!({"environment": "dev"})
    )]
    #[case(
        json!({"kind": "kubernetes", "server": "https://k", "namespace": "n", "secret": "s"}),
        json!({"restart": ["deployment/bot"]}),
        json!({"namespace": "m"})
    )]
    #[case(
        json!({"kind": "vault", "address": "https://v", "path": "bot"}),
        json!({"login": {"method": "approle", "role_id": "r"}}),
        json!({"mount": "other"})
    )]
    #[case(
        json!({"kind": "cloudflare_workers", "account_id": "023e105f4ecef8ad9ca31a8372d0c353", "script": "bot"}),
        json!({"in_use": {"url": "https://bot"}}),
        json!({"script": "cat"})
    )]
    #[case(json!({"kind": "command", "put": ["/bin/put", "a"]}), json!({"timeout_seconds": 5}), json!({"put": ["/bin/put", "b"]}))]
    #[case(json!({"kind": "dotenv", "path": "/srv/.env"}), json!({"in_use": {"url": "https://bot"}}), json!({"path": "/srv/b.env"}))]
    #[case(
        json!({"kind": "github_actions", "place": {"of": "repository", "owner": "o", "repository": "r"}}),
        json!({"workflow": {"file": "p.yml", "ref": "main"}}),
        json!({"place": {"of": "repository", "owner": "o", "repository": "q"}})
    )]
    #[case(
        json!({"kind": "github_actions", "place": {"of": "organization", "organization": "o"}}),
        json!({"place": {"of": "organization", "organization": "o", "visibility": "all"}}),
        json!({"json_secret": "ALPACA"})
    )]
    #[case(json!({"kind": "heroku", "apps": ["a", "b"]}), json!({"apps": ["b", "a"]}), json!({"apps": ["a", "c"]}))]
    #[case(json!({"kind": "slack", "label": "bots"}), json!({"label": "cats"}), json!({"host": "chat.example.com"}))]
    #[case(json!({"kind": "webhook", "url": "https://a"}), json!({"in_use": {"url": "https://bot"}}), json!({"url": "https://b"}))]
    fn what_was_written_elsewhere_is_no_claim_to_a_place(
        #[case] settings: Value,
        #[case] how: Value,
        #[case] place: Value,
    ) {
        let read = |more: &Value| -> ConsumerSettings {
            let mut all = settings.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value(all).unwrap()
        };
        let ours = read(&json!({}));
        assert!(ours.is_same_place(&read(&how)), "{how}");
        assert!(!ours.is_same_place(&read(&place)), "{place}");
        if ours.kind() != "slack" {
            let names = json!({"names": {"key_id": "OTHER_ID", "secret_key": "OTHER_SECRET"}});
            assert!(!ours.is_same_place(&read(&names)));
        }
    }

    #[test]
    fn no_two_kinds_have_one_name() {
        let names: std::collections::BTreeSet<_> =
            ConsumerSettings::KINDS.iter().map(|(kind, _)| kind).collect();
        assert_eq!(names.len(), ConsumerSettings::KINDS.len());
    }
}
