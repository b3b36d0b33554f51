//! A run of a workflow as proof: it asks Alpaca with the secrets that it is given.
//!
//! A run is found by its name, which holds the delivery, so that a crash between starting it and seeing it end loses nothing. GitHub lists a run some seconds
//! after it was started; until then only [`Started`] knows of it.

use std::collections::BTreeMap;
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
use crate::{Applied, Delivery, Fault, FaultKind, SettingsFault};

/// How long a run may take to be listed before it is started once more. Twice the proof is harmless.
const LISTED_WITHIN: SignedDuration = SignedDuration::from_secs(120);

/// How long a run that another process may have started is looked for, before it is started: that process may have died a moment ago.
const FOUND_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// After so many deliveries the oldest are forgotten.
const REMEMBERED: usize = 1000;

/// What this process knows of runs that are not listed yet. A consumer is made anew for every question, so that it outlives them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Started(Arc<Mutex<BTreeMap<Uuid, Known>>>);

/// What is known of a delivery's run.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// This process has put the pair there, so that nobody else has started its run.
    Ours,
    /// It was asked about first at this instant; another process may have started it.
    Asked(Timestamp),
    /// This process has started it.
    Started(Timestamp),
}

impl Started {
    fn set(&self, token: Uuid, known: Known) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED && !all.contains_key(&token) {
            all.pop_first();
        }
        all.insert(token, known);
    }

    fn get(&self, token: Uuid) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&token).copied()
    }

    /// Whether a run that is not listed is to be started.
    fn is_to_start(&self, token: Uuid, now: Timestamp) -> bool {
        match self.get(token) {
            Some(Known::Ours) => true,
            Some(Known::Asked(since)) => now.duration_since(since) >= FOUND_WITHIN,
            Some(Known::Started(at)) => now.duration_since(at) >= LISTED_WITHIN,
            None => {
                self.set(token, Known::Asked(now));
                false
            }
        }
    }
}

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
    started: Started,
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
    pub(super) fn new(workflow: Workflow, place: &Place, clock: Arc<dyn Clock>, started: Started) -> Self {
        let repository = match &workflow.repository {
            Some(repository) => Some(format!("/repos/{}/{}", segment(place.owner()), segment(repository))),
            None => place.repository_path(),
        };
        let path = repository
            .map(|repository| format!("{repository}/actions/workflows/{}", segment(&workflow.file)));
        Self { workflow, path, clock, started }
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

    /// This process puts the pair there now.
    pub(super) fn put(&self, delivery: &Delivery) {
        if self.started.get(delivery.token).is_none() {
            self.started.set(delivery.token, Known::Ours);
        }
    }

    /// Starts the run of this delivery unless there is one, and tells how it ended.
    pub(super) async fn prove(&self, api: &Api, delivery: &Delivery) -> Result<String, Fault> {
        let path = self.path()?;
        let listed = api.get(&format!("{path}/runs?event=workflow_dispatch&per_page=50")).await?;
        let listed: Listed = answers::read(api, &*self.clock, listed)?;
        let token = delivery.token.to_string();
        let Some(run) = listed.workflow_runs.iter().find(|run| run.display_title.contains(&token)) else {
            if !self.started.is_to_start(delivery.token, self.clock.now()) {
                return Err(not_yet("its workflow's run is not listed yet".to_owned()));
            }
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
        let body = json!({"ref": self.workflow.r#ref, "inputs": {"delivery": token}});
        let sent = api.change(Method::POST, &format!("{path}/dispatches"), &body).await;
        let lost = |fault: &Fault| fault.applied == Applied::Unknown;
        let answer = sent.inspect_err(|fault| self.note_loss(token, lost(fault)))?;
        if answer.status == 422 {
            let message = format!("{} cannot be started", self.workflow.file);
            let next_step = "Give it the trigger workflow_dispatch with an input named delivery, on the branch of the settings.";
            return Err(Fault::new(FaultKind::Settings, message, next_step));
        }
        answers::succeeded(api, &*self.clock, answer)
            .inspect_err(|fault| self.note_loss(token, lost(fault)))?;
        self.started.set(token, Known::Started(self.clock.now()));
        Ok(())
    }

    /// An answer that was lost may have been a yes: the run is looked for first.
    fn note_loss(&self, token: Uuid, lost: bool) {
        if lost {
            self.started.set(token, Known::Asked(self.clock.now()));
        }
    }
}

fn not_yet(message: String) -> Fault {
    Fault::new(FaultKind::NotYet, message, "It is asked again.")
}
