//! Google Secret Manager: the pair in the JSON of one secret, each rotation a new version.

mod crc32c;
mod token;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::crc32c::crc32c;
use self::token::ServiceAccount;
use super::api::session::segments;
use super::api::{self, Api};
use super::document::Document;
use super::{Settings, UrlCheck, drift};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Looked, Means, Outbound, Outcome, PairNames, Proof, Put,
    SettingsFault, Stored, Writable,
};

const READ: &str = "secretmanager.versions.access";
const ADD: &str = "secretmanager.versions.add";
const SEE: &str = "secretmanager.versions.get";
const DISABLE: &str = "secretmanager.versions.disable";

/// A secret at Google; the service account that writes there is the consumer's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoogleSettings {
    /// The project's id or number.
    pub project: String,
    /// The secret's name. It must exist.
    pub secret: String,
    /// The location of a regional secret; none for one that Google replicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Another address than Google's: a private endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether the version before the new one is disabled. It can be enabled again; nothing is ever destroyed.
    #[serde(default)]
    pub disable_previous: bool,
    /// The names of the two fields in the secret's JSON.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that proves the pair in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

impl GoogleSettings {
    fn address(&self) -> String {
        let usual = || match &self.location {
            Some(location) => format!("https://secretmanager.{location}.rep.googleapis.com"),
            None => "https://secretmanager.googleapis.com".to_owned(),
        };
        self.endpoint.clone().unwrap_or_else(usual)
    }

    /// The secret as Google names it.
    fn resource(&self) -> String {
        let location = self.location.as_ref().map(|place| format!("/locations/{place}")).unwrap_or_default();
        format!("projects/{}{location}/secrets/{}", self.project, self.secret)
    }
}

impl Settings for GoogleSettings {
    const SECRET: Option<&'static str> = Some("the service account's key, as the JSON file that Google made");

    fn check(&self) -> Result<(), SettingsFault> {
        drift::check_segment("project", &self.project)?;
        drift::check_segment("secret", &self.secret)?;
        if let Some(location) = &self.location {
            let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if location.is_empty() || location.len() > 60 || !location.bytes().all(part) {
                let problem = "write a location such as europe-west1".to_owned();
                return Err(SettingsFault { field: "location", problem });
            }
        }
        if let Some(endpoint) = &self.endpoint {
            api::check_address("endpoint", endpoint)?;
        }
        if let Some(check) = &self.in_use {
            check.check()?;
        }
        self.names.check()
    }

    fn keep_place(&mut self) {
        self.disable_previous = false;
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let account = ServiceAccount::parse(&secret, means)?;
        let api = Api::new(&means.outbound, &self.address());
        Ok(Box::new(Google { settings: self, account, api, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Google {
    settings: GoogleSettings,
    account: ServiceAccount,
    api: Api,
    outbound: Outbound,
}

/// The newest version.
struct Present {
    /// Its number; `None` when there is none.
    version: Option<u64>,
    document: Document,
}

#[derive(Deserialize)]
struct Accessed {
    name: String,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    data: String,
    data_crc32c: Option<String>,
}

impl Google {
    fn target(&self, rest: &str) -> String {
        format!("/v1/{}{rest}", segments(&self.settings.resource()))
    }

    async fn log_in(&self) -> Result<Api, Fault> {
        let token = self.account.token().await?;
        self.api.clone().with_login(&token)
    }

    async fn read(&self, api: &Api) -> Result<Present, Fault> {
        let answer = api.get(&self.target("/versions/latest:access")).await?;
        if answer.status == StatusCode::NOT_FOUND {
            // The secret without a version, or no such secret.
            api.judge(&api.get(&self.target("")).await?)?;
            return Ok(Present { version: None, document: Document::default() });
        }
        if answer.status == StatusCode::BAD_REQUEST {
            let message = format!("the newest version of {} cannot be read", self.settings.resource());
            let next_step = "Enable it at Google, or add a version: it is disabled or destroyed.";
            return Err(Fault::new(FaultKind::Settings, message, next_step));
        }
        api.judge(&answer)?;
        let accessed: Accessed = api.parse(&answer)?;
        let version = number(&accessed.name).ok_or_else(|| api.unexpected())?;
        let data = Zeroizing::new(STANDARD.decode(&accessed.payload.data).map_err(|_| api.unexpected())?);
        let sum = accessed.payload.data_crc32c.ok_or_else(|| api.unexpected())?;
        if sum != crc32c(&data).to_string() {
            let message = format!("{} came damaged: its checksum is another", self.settings.resource());
            return Err(Fault::new(FaultKind::NotYet, message, "It is asked again."));
        }
        let document = Document::parse(&data, &self.settings.resource())?;
        Ok(Present { version: Some(version), document })
    }

    async fn rights(&self, api: &Api) -> Result<Writable, Fault> {
        let mut needed = vec![READ, ADD];
        if self.settings.disable_previous {
            needed.extend([SEE, DISABLE]);
        }
        let body = json!({ "permissions": needed });
        let reply: Value = api.read(api.question(&self.target(":testIamPermissions"), &body).await?)?;
        let granted: Vec<&str> =
            reply["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let lacking: Vec<&str> = needed.into_iter().filter(|right| !granted.contains(right)).collect();
        if lacking.is_empty() {
            return Ok(Writable::Proven);
        }
        let message = format!("{} lacks {}", self.account.email(), lacking.join(", "));
        let next_step = format!(
            "Give it the roles Secret Manager Secret Accessor and {} on this secret.",
            if self.settings.disable_previous { "Secret Version Manager" } else { "Secret Version Adder" }
        );
        Err(Fault::new(FaultKind::Forbidden, message, next_step))
    }

    async fn add(&self, api: &Api, document: &Document) -> Result<u64, Fault> {
        let data = document.to_text()?;
        let sum = crc32c(data.as_bytes()).to_string();
        let encoded = Zeroizing::new(STANDARD.encode(data.as_bytes()));
        let body = json!({ "payload": { "data": &**encoded, "dataCrc32c": sum } });
        let answer = api.change(Method::POST, &self.target(":addVersion"), &body).await?;
        api.judge(&answer)?;
        let reply: Value = api.parse(&answer).map_err(Fault::perhaps_applied)?;
        let version = reply["name"].as_str().and_then(number);
        version.ok_or_else(|| api.unexpected().perhaps_applied())
    }

    /// Disables the version before `newest`, if it is enabled. Asked twice, it does nothing the second time.
    async fn disable_before(&self, api: &Api, newest: u64) -> Result<(), Fault> {
        let Some(before) = newest.checked_sub(1).filter(|before| *before > 0) else { return Ok(()) };
        let answer = api.get(&self.target(&format!("/versions/{before}"))).await?;
        let version: Value = api.read(answer)?;
        if version["state"] != "ENABLED" {
            return Ok(());
        }
        let target = self.target(&format!("/versions/{before}:disable"));
        let body = match version["etag"].as_str() {
            Some(etag) => json!({ "etag": etag }),
            None => json!({}),
        };
        api.judge(&api.change(Method::POST, &target, &body).await?)
    }
}

/// The number at the end of a version's name.
fn number(name: &str) -> Option<u64> {
    name.rsplit_once("/versions/")?.1.parse().ok()
}

impl Consumer for Google {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let api = self.log_in().await?;
            let writable = self.rights(&api).await?;
            let present = self.read(&api).await?;
            Ok(Looked {
                login: format!("{} at {}", self.account.email(), api.host()),
                version: present.version.map(|version| version.to_string()),
                held: present.document.held(&self.settings.names),
                writable,
            })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            let text = present.version.map(|version| version.to_string());
            let (newest, outcome) = if present.document.holds(&self.settings.names, delivery) {
                (present.version.unwrap_or_default(), Outcome::AlreadyThere)
            } else {
                if text.as_deref() != seen {
                    return Err(drift::changed_meanwhile(&self.settings.resource()));
                }
                let document = present.document.with(&self.settings.names, delivery)?;
                (self.add(&api, &document).await?, Outcome::Written)
            };
            if self.settings.disable_previous {
                self.disable_before(&api, newest).await.map_err(Fault::perhaps_applied)?;
            }
            Ok(Put { version: Some(newest.to_string()), outcome })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let api = self.log_in().await?;
            let present = self.read(&api).await?;
            if present.document.holds(&self.settings.names, delivery) {
                let in_use =
                    UrlCheck::ask_if_set(self.settings.in_use.as_ref(), &self.outbound, delivery).await?;
                return Ok(Proof { stored: Stored::ReadBack, in_use });
            }
            let place = self.settings.resource();
            let written: Option<u64> = put.version.as_deref().and_then(|version| version.parse().ok());
            Err(if present.version < written { drift::not_yet(&place) } else { drift::overwritten(&place) })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("projects/1/secrets/s/versions/7", Some(7))]
    #[case("projects/1/secrets/s/versions/latest", None)]
    #[case("projects/1/secrets/s", None)]
    fn versions_are_numbers(#[case] name: &str, #[case] expected: Option<u64>) {
        assert_eq!(number(name), expected);
    }

    #[test]
    fn a_regional_secret_is_elsewhere() {
        let text = r#"{"project":"p","secret":"s","location":"europe-west1"}"#;
        let settings: GoogleSettings = serde_json::from_str(text).unwrap();
        settings.check().unwrap();
        assert_eq!(settings.address(), "https://secretmanager.europe-west1.rep.googleapis.com");
        assert_eq!(settings.resource(), "projects/p/locations/europe-west1/secrets/s");
    }
}
