//! What happened in the demo.

use serde::Serialize;
use serde_json::{Value, json};

use super::facts;
use super::stage::Stage;
use crate::audit_line::Names;

/// One step of the main job.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    /// What the bot wanted.
    pub(crate) name: String,
    /// What it sent.
    pub(crate) request: String,
    /// What came of it, for a person.
    pub(crate) happened: String,
    /// The HTTP status, if an answer came.
    pub(crate) status: Option<u16>,
    /// Whether it went as it should. A refusal that was due is as it should be.
    pub(crate) ok: bool,
}

/// The whole demo.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) steps: Vec<Step>,
    /// The positions as the broker gives them.
    pub(crate) positions: Vec<Value>,
    /// The audit records as the JSON API gives them, oldest first.
    pub(crate) records: Vec<Value>,
    pub(crate) names: Names,
    /// Whether the audit chain verifies.
    pub(crate) chain_is_whole: bool,
}

impl Report {
    /// How many steps did not go as they should.
    pub(crate) fn failed(&self) -> usize {
        self.steps.iter().filter(|step| !step.ok).count() + usize::from(!self.chain_is_whole)
    }

    /// Whether all went as it should.
    pub(crate) fn ok(&self) -> bool {
        self.failed() == 0
    }

    /// The report for programs, with the content of `demo.json`.
    pub(crate) fn to_json(&self, stage: &Stage) -> Value {
        json!({
            "steps": self.steps,
            "positions": self.positions,
            "audit": { "valid": self.chain_is_whole, "records": self.records },
            "demo": facts::facts(stage),
        })
    }
}
