//! Consumers: places outside Paddock that hold a copy of a connection's key pair, and are given each new one.

pub(crate) mod add;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod kinds;
pub(crate) mod list;
pub(crate) mod remove;

use http::StatusCode;
use jiff::Timestamp;
use paddock_core::SecretText;
use paddock_core::id::{ConnectionId, ConsumerId};
use paddock_core::rotation::{Rotation, RotationState};
use paddock_rotate::SettingsFault;
use paddock_rotate::consumers::ConsumerSettings;
use paddock_store::{Connection, ConsumerRow, SealedSecret};
use paddock_vault::{Binding, Field};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::words;
use crate::problem::{Problem, shown};
use crate::sealing::current_dek;

/// A consumer as it is shown. What Paddock logs in there with is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Consumer)]
pub struct ConsumerView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: ConsumerId,
    /// The name that its owner gave it, unique among the connection's.
    pub name: String,
    /// The connection whose pair it holds.
    pub connection: String,
    /// What kind of place it is.
    pub kind: String,
    /// What people call the kind.
    pub title: String,
    /// Its settings, which are those of its kind.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// What Paddock logs in there with, in words; nothing when it needs nothing. The secret itself is never shown.
    #[schema(required)]
    pub secret: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Why it does not get the pair of the rotation that is in progress, and what to do; nothing when it does, or there is none.
    #[schema(required)]
    pub left_behind: Option<String>,
}

/// The rotation of a connection that is in progress.
pub(crate) async fn in_progress(desk: &Desk, connection: ConnectionId) -> Result<Option<Rotation>, Problem> {
    let open = desk.store.open_rotations().await?.into_iter().map(|row| row.rotation);
    Ok(open.filter(|one| !one.rehearsal).find(|one| one.connection == connection))
}

/// What a person is told of a consumer that came too late. Until the pair is taken to the consumers, a rotation takes in those that come.
fn left_behind(rotation: &Rotation, row: &ConsumerRow) -> Option<String> {
    let late = rotation.state.has_committed() && rotation.state != RotationState::Committed;
    (late && !rotation.is_over() && rotation.consumer(row.id).is_none()).then(|| {
        "it was added after the rotation in progress had begun to take the new pair to the consumers, and does not get it: give it the new pair \
         by hand, or plan another rotation when this one is over"
            .to_owned()
    })
}

/// The consumer as it is shown, beside the rotation of its connection that is in progress.
pub(crate) fn view(connection: &Connection, row: ConsumerRow, rotation: Option<&Rotation>) -> ConsumerView {
    let left_behind = rotation.and_then(|rotation| left_behind(rotation, &row));
    let known: Option<ConsumerSettings> = serde_json::from_value(row.settings.clone()).ok();
    let title = known.as_ref().map_or_else(|| row.kind.clone(), |known| known.title().to_owned());
    let mut settings = row.settings;
    // The kind stands beside them.
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("kind");
    }
    ConsumerView {
        id: row.id,
        name: row.name,
        connection: connection.name.clone(),
        kind: row.kind,
        title,
        settings,
        secret: known.and_then(|settings| settings.secret().map(str::to_owned)),
        created_at: row.created_at,
        left_behind,
    }
}

/// The same, with the rotation looked for.
pub(crate) async fn shown_of(
    desk: &Desk,
    connection: &Connection,
    row: ConsumerRow,
) -> Result<ConsumerView, Problem> {
    let rotation = in_progress(desk, connection.id).await?;
    Ok(view(connection, row, rotation.as_ref()))
}

/// The consumer of that name of a connection.
pub(crate) async fn named(desk: &Desk, connection: &Connection, name: &str) -> Result<ConsumerRow, Problem> {
    let all = desk.store.consumers_of(connection.id).await?;
    let known: Vec<String> = all.iter().map(|row| row.name.clone()).collect();
    all.into_iter().find(|row| row.name == name).ok_or_else(|| {
        let next_step = if known.is_empty() {
            "add one with `paddock consumer add`".to_owned()
        } else {
            format!("use one of: {}", known.join(", "))
        };
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_consumer",
            "Unknown consumer",
            format!("connection `{}` has no consumer named `{}`", connection.name, shown(name)),
            next_step,
        )
        .with("consumers", known)
    })
}

/// Reads settings as strictly as the database's are read, and checks what can be checked without the network.
pub(crate) fn read_settings(kind: &str, settings: Map<String, Value>) -> Result<ConsumerSettings, Problem> {
    let kinds: Vec<&str> = ConsumerSettings::KINDS.iter().map(|(kind, _)| *kind).collect();
    if !kinds.contains(&kind) {
        return Err(Problem::not_allowed("kind", kind, &kinds));
    }
    let mut settings = settings;
    settings.insert("kind".to_owned(), Value::from(kind));
    let settings: ConsumerSettings = serde_json::from_value(Value::Object(settings))
        .map_err(|error| unreadable(kind, &error.to_string()))?;
    settings.check().map_err(faulty)?;
    Ok(settings)
}

/// The reader's own sentence may quote a value, which may be a secret in the wrong field: only what names fields is told.
fn unreadable(kind: &str, error: &str) -> Problem {
    let names_fields = ["missing field", "unknown field"].iter().any(|begin| error.starts_with(begin));
    let detail = if names_fields { error } else { "a field of the settings holds what it may not" };
    let example = kinds::example(kind).unwrap_or("{}");
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_field",
        "Invalid field",
        format!("`settings`: {detail}"),
        format!("write them like this: {example}"),
    )
    .with("field", "settings")
}

/// A setting that cannot be used, said of its field.
pub(crate) fn faulty(fault: SettingsFault) -> Problem {
    let field = match fault.field {
        "secret" => "secret".to_owned(),
        field => format!("settings.{field}"),
    };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_field",
        "Invalid field",
        format!("`{field}`: {}", fault.problem.trim_end_matches('.')),
        format!("change `{field}` and try again"),
    )
    .with("field", field)
}

/// Looks whether settings and secret make a consumer here. Nothing is sent.
pub(crate) fn check(
    desk: &Desk,
    settings: &ConsumerSettings,
    secret: Option<&SecretText>,
) -> Result<(), Problem> {
    settings.clone().connect(secret.cloned(), &desk.means).map(drop).map_err(faulty)
}

/// Seals what Paddock logs in with for its place.
pub(crate) async fn seal(
    desk: &Desk,
    connection: &Connection,
    consumer: ConsumerId,
    version: u32,
    secret: &SecretText,
) -> Result<SealedSecret, Problem> {
    let dek = current_dek(desk).await?;
    // Counted before sealing: after a crash the count may be too high, never too low.
    let seals = desk.store.count_seals(dek.id(), 1).await?;
    let field = Field::ConsumerSecret(consumer);
    let place = Binding { user: desk.user, connection: connection.id, field, version };
    let sealed = desk.sealer.seal(&dek, seals, &place, secret, &*desk.entropy)?;
    Ok(SealedSecret { version, dek: dek.id(), sealed: sealed.to_bytes() })
}

/// A secret as it was pasted, without what stands around it.
pub(crate) fn trimmed(secret: &str) -> Option<SecretText> {
    let secret = secret.trim();
    (!secret.is_empty()).then(|| SecretText::new(secret.to_owned()))
}

/// Settings as the database keeps them.
pub(crate) fn written(settings: &ConsumerSettings) -> Result<Value, Problem> {
    serde_json::to_value(settings).map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Internal error",
            "the settings could not be written",
            "tell us what you sent",
        )
    })
}

/// The settings of a consumer that is kept.
pub(crate) fn settings_of(row: &ConsumerRow) -> Result<ConsumerSettings, Problem> {
    serde_json::from_value(row.settings.clone()).map_err(|error| unreadable(&row.kind, &error.to_string()))
}
