//! Freezes: `POST /api/v1/freeze` and `/unfreeze` for everything, `GET /api/v1/freezes`, and what those of keys and connections share.

pub(crate) mod everything;
pub(crate) mod list;
pub(crate) mod proof;
pub(crate) mod wind_down;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use paddock_core::audit::WindDown;
use paddock_core::decide::{Passage, Passing};
use paddock_core::id::RequestId;
use paddock_store::{Freezing, StoreError, Subject};
use serde::Serialize;

use crate::desk::Desk;
use crate::document::words;
use crate::fields::Fields;
use crate::problem::Problem;

use utoipa::ToSchema;
use wind_down::WindDownView;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 5] = ["allow", "reason", "cancel_all", "flatten", "wait_seconds"];

/// The most characters that a reason may have.
const LONGEST_REASON: usize = 500;

/// The file in the data directory that freezes everything for as long as it is there.
const FREEZE_FILE: &str = "FREEZE";

/// How long an answer waits for what the freeze does about open orders and positions, in seconds, unless told otherwise.
const WAIT: u32 = 10;
const LONGEST_WAIT: u32 = 60;

/// What a freeze was asked for with.
#[derive(Clone)]
pub(crate) struct Asked {
    passing: Passing,
    reason: Option<String>,
    wind_down: Option<WindDown>,
    wait: Duration,
}

impl Asked {
    /// Reads the fields of a freeze. Whatever is wrong with them is said before anything is changed, and yet nothing but these two
    /// fields can be wrong: an empty body freezes.
    pub(crate) fn read(mut fields: Fields) -> Result<Self, Problem> {
        let passing = match fields.list("allow")? {
            None => Passing::default(),
            Some(words) => words.join(",").parse().map_err(|_| {
                let mut allowed: Vec<&str> = Passage::ALL.iter().map(|word| word.as_str()).collect();
                allowed.push("nothing");
                Problem::not_allowed("allow", &words.join(","), &allowed)
            })?,
        };
        let reason =
            fields.text("reason")?.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if reason
            .as_ref()
            .is_some_and(|text| text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control))
        {
            return Err(Problem::field("reason", format!("one line of at most {LONGEST_REASON} characters")));
        }
        let wind_down = match (fields.flag("cancel_all")?, fields.flag("flatten")?) {
            (_, true) => Some(WindDown::Flatten),
            (true, false) => Some(WindDown::CancelAll),
            (false, false) => None,
        };
        let wait = fields.count("wait_seconds")?.unwrap_or(WAIT).min(LONGEST_WAIT);
        fields.finish(&FIELDS)?;
        Ok(Self { passing, reason, wind_down, wait: Duration::from_secs(wait.into()) })
    }
}

/// What a freeze came to, beside what is frozen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FreezeDone)]
pub(crate) struct Done {
    /// What passes.
    #[schema(value_type = Vec<words::PassageWord>)]
    passes: Passing,
    /// Requests that were sent before the freeze took hold, and that the broker has not answered yet.
    #[schema(value_type = Vec<words::Id>)]
    in_flight: Vec<RequestId>,
    /// What was done about open orders and positions, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    wind_downs: Option<Vec<WindDownView>>,
}

impl Done {
    /// The code of the sentence that a page says.
    pub(crate) const fn code(&self) -> &'static str {
        match (&self.wind_downs, self.in_flight.is_empty()) {
            (Some(_), _) => "wound-down",
            (None, false) => "in-flight",
            (None, true) => "frozen",
        }
    }

    /// Of many things some may have failed.
    const fn status(&self) -> StatusCode {
        if self.wind_downs.is_some() { StatusCode::MULTI_STATUS } else { StatusCode::OK }
    }
}

/// What was frozen, and what that came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Frozen<T> {
    #[serde(flatten)]
    pub(crate) subject: T,
    #[serde(flatten)]
    pub(crate) done: Done,
}

impl<T: Serialize> IntoResponse for Frozen<T> {
    fn into_response(self) -> Response {
        (self.done.status(), Json(self)).into_response()
    }
}

/// Freezes something. When this returns, nothing is sent any more that the freeze stops. Everything is, for a team that does not run this
/// Paddock, each of its own connections.
pub(crate) async fn freeze(desk: &Desk, subject: Subject, asked: Asked) -> Result<Done, Problem> {
    if subject != Subject::Everything || desk.runs_this() {
        return freeze_one(desk, subject, asked).await;
    }
    let connections = desk.store.connections(desk.user).await?;
    // All of them are held before the first is waited for.
    for connection in &connections {
        desk.control.hold(Subject::Connection(connection.id), asked.passing);
    }
    let mut all = Done {
        passes: asked.passing,
        in_flight: Vec::new(),
        wind_downs: asked.wind_down.map(|_| Vec::new()),
    };
    let mut refused = None;
    for connection in connections {
        match freeze_one(desk, Subject::Connection(connection.id), asked.clone()).await {
            Ok(done) => {
                all.in_flight.extend(done.in_flight);
                if let Some(wind_downs) = &mut all.wind_downs {
                    wind_downs.extend(done.wind_downs.into_iter().flatten());
                }
            }
            // The others are frozen all the same.
            Err(problem) => refused = Some(problem),
        }
    }
    refused.map_or(Ok(all), Err)
}

async fn freeze_one(desk: &Desk, subject: Subject, asked: Asked) -> Result<Done, Problem> {
    let (passes, wind_down) = (asked.passing, asked.wind_down);
    if wind_down == Some(WindDown::Flatten) && matches!(subject, Subject::Key(_)) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "positions_are_the_accounts",
            "Positions are the account's",
            "which positions are an access key's cannot be told",
            "leave `flatten` out, or freeze the connection with it",
        ));
    }
    // It holds from here on, however long the database takes.
    desk.control.hold(subject, passes);
    let freezing = Freezing { passing: passes, reason: asked.reason, wind_down, ..Freezing::of(subject) };
    match desk.store.freeze(&freezing, &desk.actor(), desk.now()).await {
        Ok(_) => {}
        Err(error @ StoreError::NotFound { .. }) => {
            desk.control.let_go(subject);
            return Err(error.into());
        }
        Err(error) => return Err(in_memory_only(&error)),
    }
    desk.reload().await?;
    desk.control.let_go(subject);
    let in_flight = desk.control.settled(subject).await;
    let wind_downs = match wind_down {
        None => None,
        Some(_) => {
            desk.control.wind_down(asked.wait).await.map_err(|error| {
                tracing::error!(%error, "what a freeze is to do was not begun");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "wind_down_not_begun",
                    "Not begun",
                    format!(
                        "it is frozen, but nothing was done yet about open orders and positions: {error}"
                    ),
                    "it is tried again every quarter of a minute: look with `paddock freeze --show`",
                )
            })?;
            Some(wind_down_views(desk, subject).await?)
        }
    };
    Ok(Done { passes, in_flight, wind_downs })
}

fn in_memory_only(error: &StoreError) -> Problem {
    tracing::error!(%error, "a freeze could not be stored");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "frozen_in_memory",
        "Frozen in memory only",
        format!("it is frozen, but only until a restart, since that could not be stored: {error}"),
        "touch the file FREEZE in the data directory, which outlasts a restart, and freeze again",
    )
}

/// The newest wind-downs of a freeze.
async fn wind_down_views(desk: &Desk, subject: Subject) -> Result<Vec<WindDownView>, Problem> {
    let names = names(desk).await?;
    let found = desk.store.wind_downs(desk.user, 100).await?;
    let newest = found.iter().filter(|(row, _)| row.subject == subject).map(|(row, _)| row.freeze).max();
    let of_it = found.into_iter().filter(|(row, _)| Some(row.freeze) == newest);
    Ok(of_it.map(|(row, steps)| WindDownView::new(&row, steps, |id| names.get(id).cloned())).collect())
}

/// The names of connections and access keys by their identifiers.
async fn names(desk: &Desk) -> Result<BTreeMap<String, String>, Problem> {
    let mut names = BTreeMap::new();
    for connection in desk.store.connections(desk.user).await? {
        names.insert(connection.id.to_string(), connection.name);
    }
    for key in desk.store.keys(desk.user).await?.into_iter().filter(|key| key.revoked_at.is_none()) {
        names.insert(key.id.to_string(), key.name);
    }
    Ok(names)
}

/// Whether everything is frozen that is the team's: all of this Paddock, or each of the team's connections.
pub(crate) async fn everything_frozen(desk: &Desk) -> Result<bool, Problem> {
    if desk.store.everything_frozen().await? {
        return Ok(true);
    }
    let connections = desk.store.connections(desk.user).await?;
    Ok(!desk.runs_this() && !connections.is_empty() && connections.iter().all(|row| row.frozen))
}

/// Lifts a freeze. Of everything, for a team that does not run this Paddock, that of each of its own connections.
pub(crate) async fn unfreeze(desk: &Desk, subject: Subject) -> Result<(), Problem> {
    proof::need(desk, subject).await?;
    if subject != Subject::Everything || desk.runs_this() {
        return unfreeze_one(desk, subject).await;
    }
    for connection in desk.store.connections(desk.user).await? {
        unfreeze_one(desk, Subject::Connection(connection.id)).await?;
    }
    Ok(())
}

async fn unfreeze_one(desk: &Desk, subject: Subject) -> Result<(), Problem> {
    let file = desk.data_dir.join(FREEZE_FILE);
    // Where it cannot be told whether the file is there, it is.
    if !matches!(std::fs::symlink_metadata(&file), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
    {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "frozen_by_file",
            "Frozen by a file",
            format!("everything stays frozen while the file {} is there", file.display()),
            "remove the file, then unfreeze",
        ));
    }
    desk.store.unfreeze(subject, &desk.actor(), desk.now()).await?;
    desk.control.let_go(subject);
    desk.reload().await
}
