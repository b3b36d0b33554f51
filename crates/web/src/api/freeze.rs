//! Freezes: `POST /api/v1/freeze` and `/unfreeze` for everything, `GET /api/v1/freezes`, and what those of keys and connections share.

pub(crate) mod everything;
pub(crate) mod list;

use http::StatusCode;
use paddock_core::audit::Actor;
use paddock_core::decide::{Passage, Passing};
use paddock_core::id::RequestId;
use paddock_store::{Freezing, Subject};
use serde::Serialize;

use crate::WebState;
use crate::fields::Fields;
use crate::problem::Problem;

/// The most characters that a reason may have.
const LONGEST_REASON: usize = 500;

/// The file in the data directory that freezes everything for as long as it is there.
const FREEZE_FILE: &str = "FREEZE";

/// What a freeze was asked for with.
pub(crate) struct Asked {
    passing: Passing,
    reason: Option<String>,
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
        fields.finish(&["allow", "reason"])?;
        Ok(Self { passing, reason })
    }
}

/// What a freeze came to, beside what is frozen.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    /// What passes.
    passes: Passing,
    /// Requests that were sent before the freeze took hold, and that the broker has not answered yet.
    in_flight: Vec<RequestId>,
}

/// What was frozen, and what that came to.
#[derive(Debug, Serialize)]
pub(crate) struct Frozen<T> {
    #[serde(flatten)]
    pub(crate) subject: T,
    #[serde(flatten)]
    pub(crate) done: Done,
}

/// Freezes something. When this returns, nothing is sent any more that the freeze stops.
pub(crate) async fn freeze(state: &WebState, subject: Subject, asked: Asked) -> Result<Done, Problem> {
    let passes = asked.passing;
    let freezing = Freezing { passing: passes, reason: asked.reason, ..Freezing::of(subject) };
    state.store.freeze(&freezing, &Actor::Operator, state.now()).await?;
    state.reload().await?;
    Ok(Done { passes, in_flight: state.control.settled(subject).await })
}

/// Lifts a freeze.
pub(crate) async fn unfreeze(state: &WebState, subject: Subject) -> Result<(), Problem> {
    let file = state.data_dir.join(FREEZE_FILE);
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
    state.store.unfreeze(subject, &Actor::Operator, state.now()).await?;
    state.reload().await
}
