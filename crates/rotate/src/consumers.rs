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

    #[test]
    fn no_two_kinds_have_one_name() {
        let names: std::collections::BTreeSet<_> =
            ConsumerSettings::KINDS.iter().map(|(kind, _)| kind).collect();
        assert_eq!(names.len(), ConsumerSettings::KINDS.len());
    }
}
