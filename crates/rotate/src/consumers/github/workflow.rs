//! A run of a workflow as proof: it asks Alpaca with the secrets that it is given.
//!
//! A run is found by its name, which holds the delivery, so that a crash between starting it and seeing it end loses nothing.

use std::sync::{Arc, Mutex, PoisonError};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use paddock_core::Clock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::answers;
use super::place::Place;
use crate::consumers::api::{Api, check_part, segment};
use crate::{Delivery, Fault, FaultKind, SettingsFault};

/// How long a run may take to be listed before it is started once more. Twice the proof is harmless.
const LISTED_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// A workflow that proves that the pair works. It has the trigger `workflow_dispatch` with an input `delivery`, and `run-name: Paddock ${{ inputs.delivery }}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its file's name, such as `paddock.yml`.
    pub file: String,
    /// The branch or tag on which it runs.
    pub r#ref: String,
    /// Its repository, for an organisation's secrets; otherwise it is that of the secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

impl Workflow {
    pub(super) fn check(&self) -> Result<(), SettingsFault> {
        check_part("workflow.file", &self.file)?;
        check_part("workflow.ref", &self.r#ref.replace('/', "-"))?;
        self.repository.as_deref().map_or(Ok(()), |repository| check_part("workflow.repository", repository))
    }
}

/// The runs of the workflow.
#[derive(Debug)]
pub(super) struct Runs {
    workflow: Workflow,
    /// Where the workflow is; nothing when an organisation's names no repository.
    path: Option<String>,
    clock: Arc<dyn Clock>,
    /// The run that was started last, so that it is not started again before it is listed.
    started: Mutex<Option<(Uuid, Timestamp)>>,
}

#[derive(Deserialize)]
struct Listed {
    workflow_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    run_number: u64,
    display_title: String,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    state: String,
}

impl Runs {
    pub(super) fn new(workflow: Workflow, place: &Place, clock: Arc<dyn Clock>) -> Self {
        let repository = match &workflow.repository {
            Some(repository) => Some(format!("/repos/{}/{}", segment(place.owner()), segment(repository))),
            None => place.repository_path(),
        };
        let path = repository
            .map(|repository| format!("{repository}/actions/workflows/{}", segment(&workflow.file)));
        Self { workflow, path, clock, started: Mutex::default() }
    }

    fn path(&self) -> Result<&str, Fault> {
        self.path.as_deref().ok_or_else(|| {
            let message = "the workflow's repository is not named";
            Fault::new(FaultKind::Settings, message, "Name workflow.repository in the consumer's settings.")
        })
    }

    /// Whether the workflow is there and switched on.
    pub(super) async fn check(&self, api: &Api, clock: &dyn Clock) -> Result<(), Fault> {
        let found: Found = answers::read(api, clock, api.get(self.path()?).await?).map_err(|fault| {
            let message = format!("the workflow {}: {}", self.workflow.file, fault.message);
            Fault { message, ..fault }
        })?;
        if found.state == "active" {
            return Ok(());
        }
        let message = format!("the workflow {} is switched off", self.workflow.file);
        Err(Fault::new(FaultKind::Forbidden, message, "Enable it on the repository's page of actions."))
    }

    /// Starts the run of this delivery unless there is one, and tells how it ended.
    pub(super) async fn prove(&self, api: &Api, delivery: &Delivery) -> Result<String, Fault> {
        let path = self.path()?;
        let listed = api.get(&format!("{path}/runs?event=workflow_dispatch&per_page=50")).await?;
        let listed: Listed = answers::read(api, &*self.clock, listed)?;
        let token = delivery.token.to_string();
        let Some(run) = listed.workflow_runs.iter().find(|run| run.display_title.contains(&token)) else {
            self.start(api, path, delivery.token).await?;
            return Err(not_yet("its workflow was started".to_owned()));
        };
        let number = run.run_number;
        match (run.status.as_str(), run.conclusion.as_deref()) {
            ("completed", Some("success")) => {
                Ok(format!("run #{number} of {} succeeded", self.workflow.file))
            }
            ("completed", conclusion) => {
                let ended = conclusion.unwrap_or("without a conclusion");
                let message = format!("run #{number} of {} ended: {ended}", self.workflow.file);
                let next_step = "Read the run's log; when its cause is mended, re-run it on GitHub.";
                Err(Fault::new(FaultKind::Unexpected, message, next_step))
            }
            (status, _) => Err(not_yet(format!("run #{number} of {} is {status}", self.workflow.file))),
        }
    }

    async fn start(&self, api: &Api, path: &str, token: Uuid) -> Result<(), Fault> {
        let now = self.clock.now();
        let known = *self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let recent =
            |(started, at): (Uuid, Timestamp)| started == token && now.duration_since(at) < LISTED_WITHIN;
        if known.is_some_and(recent) {
            return Ok(());
        }
        let body = json!({"ref": self.workflow.r#ref, "inputs": {"delivery": token}});
        let answer = api.change(Method::POST, &format!("{path}/dispatches"), &body).await?;
        if answer.status == 422 {
            let message = format!("{} cannot be started", self.workflow.file);
            let next_step = "Give it the trigger workflow_dispatch with an input named delivery, on the branch of the settings.";
            return Err(Fault::new(FaultKind::Settings, message, next_step));
        }
        answers::succeeded(api, &*self.clock, answer)?;
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) = Some((token, now));
        Ok(())
    }
}

fn not_yet(message: String) -> Fault {
    Fault::new(FaultKind::NotYet, message, "It is asked again.")
}
