//! `GET /api/v1/consumer-kinds`: what a consumer can be, and the settings of each kind.

use axum::Json;
use paddock_rotate::consumers::ConsumerSettings;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// One kind, as far as its settings do not say it themselves.
struct Known {
    kind: &'static str,
    /// Settings as they could be, as JSON.
    example: &'static str,
    settings: &'static [Setting],
    /// Whether it takes the pair under two names.
    names: bool,
}

/// One setting of a kind, as it is asked for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ConsumerSetting)]
pub(crate) struct Setting {
    /// Its name; `place.owner` is the field `owner` of the object `place`.
    pub(crate) path: &'static str,
    /// What people call it.
    pub(crate) label: &'static str,
    /// What it is for.
    pub(crate) hint: &'static str,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// How it is written.
    pub(crate) shape: Shape,
    /// What it may be, if it is a choice.
    #[schema(value_type = Vec<String>)]
    pub(crate) choices: &'static [&'static str],
}

/// How a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsumerSettingShape)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// A text.
    Text,
    /// A text of several lines.
    Lines,
    /// A list of texts.
    List,
    /// A yes or no.
    Flag,
    /// A whole number.
    Number,
    /// One of several words.
    Choice,
}

/// A kind of consumer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ConsumerKind)]
pub(crate) struct Kind {
    /// Its word.
    pub(crate) kind: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    /// What Paddock logs in there with, in words; nothing when it needs nothing.
    #[schema(required)]
    pub(crate) secret: Option<&'static str>,
    /// Its settings.
    pub(crate) settings: Vec<Setting>,
    /// Settings as they could be.
    #[schema(value_type = Object)]
    pub(crate) example: Value,
}

/// All kinds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsumerKinds)]
pub(crate) struct Kinds {
    kinds: Vec<Kind>,
}

const fn text(path: &'static str, label: &'static str, hint: &'static str) -> Setting {
    Setting { path, label, hint, required: true, shape: Shape::Text, choices: &[] }
}

impl Setting {
    const fn maybe(self) -> Self {
        Self { required: false, ..self }
    }

    const fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    const fn of(self, choices: &'static [&'static str]) -> Self {
        Self { shape: Shape::Choice, choices, ..self }
    }
}

const NAMES: [Setting; 2] = [
    text(
        "names.key_id",
        "Name of the Key ID",
        "APCA_API_KEY_ID when empty. It must be the name that the programs read.",
    )
    .maybe(),
    text("names.secret_key", "Name of the Secret Key", "APCA_API_SECRET_KEY when empty.").maybe(),
];

const IN_USE: Setting = text(
    "in_use.url",
    "Address that answers ACTIVE",
    "A program there asks Alpaca with the pair that it holds, and answers with the account's status. It proves the pair in use.",
)
.maybe();

const KNOWN: &[Known] = &[
    Known {
        kind: "dotenv",
        example: r#"{"path": "/srv/bot/.env"}"#,
        settings: &[text("path", "File", "The whole path. Its folder must be named under [rotation] allowed_folders in the configuration.")],
        names: true,
    },
    Known {
        kind: "heroku",
        example: r#"{"apps": ["my-bot"]}"#,
        settings: &[
            text("apps", "Apps", "The apps' names, with commas between them. They are written one after the other.").shaped(Shape::List),
            text("api", "Address of the API", "Heroku's own when empty.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "github_actions",
        example: r#"{"place": {"of": "repository", "owner": "me", "repository": "bot"}}"#,
        settings: &[
            text("place.of", "Secrets of", "Whose secrets they are.").of(&["repository", "environment", "organization"]),
            text("place.owner", "Owner", "Of the repository: a user or an organisation.").maybe(),
            text("place.repository", "Repository", "Its name.").maybe(),
            text("place.environment", "Environment", "Its name, for secrets of an environment.").maybe(),
            text("place.organization", "Organisation", "Its name, for secrets of an organisation.").maybe(),
            text("json_secret", "One secret for both", "A secret that holds both halves as JSON, instead of two: it changes in one request.").maybe(),
            text("workflow.file", "Workflow that proves it", "Its file, such as paddock.yml. It has the trigger workflow_dispatch with an input `delivery`.").maybe(),
            text("workflow.ref", "Branch of the workflow", "For example main.").maybe(),
            text("workflow.repository", "Repository of the workflow", "For secrets of an organisation.").maybe(),
            text("api", "Address of the API", "GitHub's own when empty; https://HOST/api/v3 for a server of your own.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "cloudflare_workers",
        example: r#"{"account_id": "0123456789abcdef0123456789abcdef", "script": "bot"}"#,
        settings: &[
            text("account_id", "Account", "The account's id, 32 hexadecimal digits."),
            text("script", "Worker", "Its name."),
            text("api", "Address of the API", "Cloudflare's own when empty.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "infisical",
        example: r#"{"project_id": "0190e000-0000-7000-8000-000000000000", "environment": "prod", "client_id": "0190e000-0000-7000-8000-000000000001"}"#,
        settings: &[
            text("project_id", "Project", "The project's id."),
            text("environment", "Environment", "Its slug, for example prod."),
            text("path", "Folder", "/ when empty.").maybe(),
            text("client_id", "Client ID", "Of the machine identity. It is no secret."),
            text("address", "Address", "Infisical's own cloud when empty.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "vault",
        example: r#"{"address": "https://vault.example.com:8200", "path": "bots/alpaca"}"#,
        settings: &[
            text("address", "Address", "Of the server, for example https://vault.example.com:8200."),
            text("path", "Path", "Of the secret below the mount, without data/."),
            text("mount", "Mount", "`secret` when empty.").maybe(),
            text("namespace", "Namespace", "Where the server has any.").maybe(),
            text("login.method", "Log in with", "A token when empty.").of(&["token", "approle"]).maybe(),
            text("login.role_id", "Role ID", "Of the AppRole. It is no secret.").maybe(),
            text("login.mount", "Mount of AppRole", "`approle` when empty.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "aws",
        example: r#"{"region": "us-east-1", "secret_id": "bots/alpaca", "access_key_id": "AKIAIOSFODNN7EXAMPLE"}"#,
        settings: &[
            text("region", "Region", "For example us-east-1."),
            text("secret_id", "Secret", "Its name or ARN. It must exist."),
            text("access_key_id", "AWS access key ID", "It is no secret."),
            text("endpoint", "Address", "Amazon's own when empty.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "google",
        example: r#"{"project": "my-project", "secret": "alpaca"}"#,
        settings: &[
            text("project", "Project", "Its id or number."),
            text("secret", "Secret", "Its name. It must exist."),
            text("location", "Location", "Of a regional secret.").maybe(),
            text("disable_previous", "Disable the version before", "It can be enabled again; nothing is destroyed.").shaped(Shape::Flag).maybe(),
            text("endpoint", "Address", "Google's own when empty.").maybe(),
        ],
        names: true,
    },
    Known {
        kind: "kubernetes",
        example: r#"{"server": "https://10.0.0.1:6443", "namespace": "default", "secret": "alpaca", "restart": ["deployment/bot"]}"#,
        settings: &[
            text("server", "API server", "Its address."),
            text("namespace", "Namespace", "For example default."),
            text("secret", "Secret", "Its name. It must exist."),
            text("restart", "Restart", "Workloads that read it, such as deployment/bot, with commas between them.").shaped(Shape::List).maybe(),
            text("certificate_authority", "Cluster's authority", "The certificate, as PEM.").shaped(Shape::Lines).maybe(),
        ],
        names: true,
    },
    Known {
        kind: "command",
        example: r#"{"put": ["/usr/local/bin/take-pair"]}"#,
        settings: &[
            text("put", "Program", "Its whole path and its arguments, with commas between them. It gets the pair on standard input, and must be named under [rotation] allowed_programs in the configuration.").shaped(Shape::List),
            text("look", "Program that looks", "Tells by its status that the pair could be taken.").shaped(Shape::List).maybe(),
            text("prove", "Program that proves", "Tells by its status that programs work with the new pair.").shaped(Shape::List).maybe(),
            text("input", "Standard input", "A JSON object, or two lines NAME=value.").of(&["json", "env"]).maybe(),
            text("timeout_seconds", "Seconds", "How long a program may take.").shaped(Shape::Number).maybe(),
        ],
        names: true,
    },
    Known {
        kind: "webhook",
        example: r#"{"url": "https://example.com/paddock"}"#,
        settings: &[
            text("url", "Address", "Where messages are sent, signed."),
            text("send_values", "Send the pair", "Otherwise the message says only that there is a new one.").shaped(Shape::Flag).maybe(),
        ],
        names: true,
    },
    Known {
        kind: "slack",
        example: r#"{"label": "the paper bots"}"#,
        settings: &[
            text("label", "Label", "What the notice calls the account or the programs."),
            text("host", "Host", "Slack's own when empty.").maybe(),
        ],
        names: false,
    },
];

/// Settings of a kind as they could be, as JSON.
pub(crate) fn example(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.kind == kind).map(|known| known.example)
}

/// All kinds that can be added.
pub(crate) fn all() -> Vec<Kind> {
    ConsumerSettings::KINDS.iter().filter_map(|(kind, title)| one(kind, title)).collect()
}

/// One kind.
pub(crate) fn named(kind: &str) -> Option<Kind> {
    let (kind, title) = ConsumerSettings::KINDS.iter().find(|(known, _)| *known == kind)?;
    one(kind, title)
}

fn one(kind: &'static str, title: &'static str) -> Option<Kind> {
    let known = KNOWN.iter().find(|known| known.kind == kind)?;
    let example: Value = serde_json::from_str(known.example).ok()?;
    let mut whole = example.clone();
    whole.as_object_mut()?.insert("kind".to_owned(), kind.into());
    let read: ConsumerSettings = serde_json::from_value(whole).ok()?;
    let mut settings = known.settings.to_vec();
    if known.names {
        settings.extend(NAMES);
        settings.push(IN_USE);
    }
    Some(Kind { kind, title, secret: read.secret(), settings, example })
}

/// What a consumer can be, and the settings of each kind.
#[utoipa::path(
    get,
    path = "/api/v1/consumer-kinds",
    operation_id = "listConsumerKinds",
    tag = "rotations",
    responses(
        (status = 200, description = "All kinds", body = Kinds),
    ),
)]
pub(crate) async fn kinds(_desk: Desk, query: Query) -> Result<Json<Kinds>, Problem> {
    query.finish(&[])?;
    Ok(Json(Kinds { kinds: all() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_with_an_example_that_is_good() {
        let all = all();
        assert_eq!(
            all.len(),
            ConsumerSettings::KINDS.len(),
            "a kind is missing in KNOWN, or its example is not one"
        );
        for kind in all {
            let mut whole = kind.example.clone();
            whole["kind"] = kind.kind.into();
            let settings: ConsumerSettings = serde_json::from_value(whole).unwrap();
            settings.check().unwrap();
        }
    }
}
