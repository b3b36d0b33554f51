//! One workflow, `paddock.yml`, with an input `delivery` that names its runs.

use serde_json::{Value, json};

use super::failed;
use crate::{Heard, Reply};

/// The workflow and its runs.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// Whether it is switched off.
    pub disabled: bool,
    /// Its runs' titles and how many more looks each takes, oldest first.
    pub started: Vec<(String, u32)>,
    /// Whether runs fail.
    pub fails: bool,
    /// For how many looks a new run is not listed yet.
    pub unlisted: u32,
}

impl Runs {
    pub(super) fn answer(&mut self, heard: &Heard, rest: &[&str], has_secrets: bool) -> Reply {
        match (heard.method.as_str(), rest) {
            ("GET", []) => {
                let state = if self.disabled { "disabled_manually" } else { "active" };
                Reply::json(200, &json!({"id": 1, "path": ".github/workflows/paddock.yml", "state": state}))
            }
            ("GET", ["runs"]) => self.listed(has_secrets),
            ("POST", ["dispatches"]) => self.start(heard),
            _ => failed(404, "Not Found"),
        }
    }

    fn listed(&mut self, has_secrets: bool) -> Reply {
        let good = has_secrets && !self.fails;
        let mut all: Vec<Value> = Vec::new();
        for (place, (title, looks)) in self.started.iter_mut().enumerate() {
            if *looks > 2 {
                *looks -= 1;
                continue;
            }
            let (status, conclusion) = match *looks {
                0 => ("completed", Some(if good { "success" } else { "failure" })),
                1 => ("in_progress", None),
                _ => ("queued", None),
            };
            *looks = looks.saturating_sub(1);
            all.push(json!({
                "id": 1000 + place,
                "run_number": place + 1,
                "event": "workflow_dispatch",
                "display_title": title,
                "status": status,
                "conclusion": conclusion,
            }));
        }
        all.reverse();
        Reply::json(200, &json!({"total_count": all.len(), "workflow_runs": all}))
    }

    fn start(&mut self, heard: &Heard) -> Reply {
        let Some(body) = heard.json() else { return failed(400, "Problems parsing JSON") };
        if body.get("ref").and_then(Value::as_str).is_none() {
            return failed(422, "Invalid request. \"ref\" wasn't supplied.");
        }
        let inputs = body.get("inputs").and_then(Value::as_object);
        let unexpected = inputs.is_some_and(|inputs| inputs.keys().any(|name| name != "delivery"));
        let Some(delivery) = inputs.and_then(|inputs| inputs.get("delivery")).and_then(Value::as_str) else {
            return failed(422, "Required input 'delivery' not provided");
        };
        if unexpected || self.disabled {
            return failed(422, "Unexpected inputs provided");
        }
        self.started.push((format!("Paddock {delivery}"), 2 + self.unlisted));
        Reply::empty(204)
    }
}
