//! What a rotation was, for an auditor: JSON, and Markdown for people. No secret and no fingerprint is in it.

use std::fmt::Write as _;

use paddock_core::audit::Actor;
use paddock_core::rotation::{OldPair, Rotation, TestOrder};
use paddock_store::{Delivery, RotationEvent, RotationRow};
use serde::Serialize;

/// A rotation from its first moment to its last.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its state.
    pub rotation: Rotation,
    /// For how long new orders were held back, in seconds; absent while they are, or when they never were.
    pub held_back_seconds: Option<f64>,
    /// For how long the gateway had no verified pair after trading was paused, in seconds.
    pub until_swapped_seconds: Option<f64>,
    /// Each transition.
    pub steps: Vec<Step>,
    /// Each attempt to put the pair at a consumer.
    pub deliveries: Vec<Attempt>,
}

/// One transition.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: jiff::Timestamp,
    /// Who.
    pub actor: Actor,
    /// What happened, by name.
    pub step: String,
    /// Where the rotation was from then on.
    pub state: String,
    /// The consumer that it was about, by name.
    pub consumer: Option<String>,
    /// What there is to say about it.
    pub detail: Option<String>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// The consumer, by name.
    pub consumer: String,
    /// The how-manieth.
    pub attempt: u32,
    /// The consumer's settings then.
    pub settings: serde_json::Value,
    /// What came of it.
    pub outcome: String,
    /// The version before.
    pub seen_version: Option<String>,
    /// The version after.
    pub version: Option<String>,
    /// What there is to say about it.
    pub detail: Option<String>,
    /// When it was begun.
    pub begun_at: jiff::Timestamp,
    /// When it was over.
    pub ended_at: Option<jiff::Timestamp>,
}

impl Report {
    pub(crate) fn of(row: RotationRow, events: Vec<RotationEvent>, deliveries: Vec<Delivery>) -> Self {
        let rotation = row.rotation;
        let name = |id| rotation.consumer(id).map_or_else(|| id.to_string(), |one| one.name.clone());
        let steps = events.into_iter().map(|event| Step {
            number: event.version,
            at: event.at,
            actor: event.actor,
            step: event.step,
            state: event.after.to_string(),
            consumer: event.consumer.map(name),
            detail: event.detail,
        });
        let attempts = deliveries.into_iter().map(|delivery| Attempt {
            consumer: name(delivery.consumer),
            attempt: delivery.attempt,
            settings: serde_json::from_str(&delivery.settings).unwrap_or_default(),
            outcome: delivery.outcome.to_string(),
            seen_version: delivery.seen_version,
            version: delivery.version,
            detail: delivery.detail,
            begun_at: delivery.begun_at,
            ended_at: delivery.ended_at,
        });
        let (steps, deliveries) = (steps.collect(), attempts.collect());
        let marks = &rotation.marks;
        let until_swapped =
            marks.swapped_at.zip(marks.paused_at).map(|(swapped, paused)| swapped.duration_since(paused));
        Self {
            held_back_seconds: rotation.gap().map(|gap| gap.as_secs_f64()),
            until_swapped_seconds: until_swapped.map(|gap| gap.as_secs_f64()),
            steps,
            deliveries,
            rotation,
        }
    }

    /// The report as Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let rotation = &self.rotation;
        let mut text = String::new();
        // Writing into a text cannot fail.
        _ = self.write(&mut text, rotation);
        text
    }

    fn write(&self, text: &mut String, rotation: &Rotation) -> std::fmt::Result {
        let kind = if rotation.rehearsal { "Rehearsal of a rotation" } else { "Rotation" };
        let (name, environment) = (cell(&rotation.connection_name), rotation.environment);
        writeln!(text, "# {kind}: {name} ({environment} account {})\n", cell(&rotation.account_number))?;
        let marks = &rotation.marks;
        writeln!(
            text,
            "* Rotation: `{}`, cause: {}, state: **{}**",
            rotation.id, rotation.cause, rotation.state
        )?;
        writeln!(text, "* Planned: {} by {}", marks.planned_at, who(&marks.planned_by))?;
        if let (Some(at), Some(by)) = (marks.started_at, &marks.started_by) {
            writeln!(text, "* Started: {at} by {}", who(by))?;
        }
        if let Some(ticket) = &rotation.plan.ticket {
            writeln!(text, "* Ticket: {}", cell(ticket))?;
        }
        if let Some(window) = rotation.plan.window {
            writeln!(text, "* Window: {} to {}", window.from, window.until)?;
        }
        if let Some(account) = &rotation.snapshot {
            let (orders, positions) = (account.open_orders.len(), account.positions.len());
            writeln!(
                text,
                "* Account before: {}, {orders} open orders, {positions} positions, read at {}",
                cell(&account.status),
                account.at
            )?;
        }
        if let Some(candidate) = &rotation.candidate {
            let verified = if candidate.verified { "opens the same account" } else { "not verified" };
            writeln!(text, "* New pair: pasted {} by {}, {verified}", candidate.at, who(&candidate.by))?;
        }
        if let Some(version) = rotation.committed_version {
            writeln!(text, "* Vault: version {version}")?;
        }
        for chosen in &rotation.faults {
            let name = rotation.consumer(chosen.consumer).map_or("a consumer", |one| one.name.as_str());
            let met = if chosen.met { "met" } else { "not met" };
            writeln!(text, "* Chosen failure: {} at {}, {met}", chosen.fault, cell(name))?;
        }
        match rotation.old_pair {
            OldPair::Unasked => {}
            OldPair::Dead { status, at } => {
                writeln!(text, "* Old pair: dead, Alpaca answered {status} at {at}")?
            }
            OldPair::Alive { at } => writeln!(text, "* Old pair: **alive** at {at}")?,
        }
        if let TestOrder::Done { order, at } = &rotation.test_order {
            writeln!(text, "* Test order: {} at {at}", cell(order))?;
        }
        if let Some(seconds) = self.held_back_seconds {
            writeln!(text, "* New orders were held back for {seconds:.1} seconds")?;
        }
        if let Some(aborted) = &marks.aborted {
            writeln!(text, "* Called off: {} by {}: {}", aborted.at, who(&aborted.by), cell(&aborted.why))?;
        }
        for trouble in rotation.trouble.iter().chain(&rotation.gate_trouble) {
            writeln!(text, "* In the way: {}. Next: {}", cell(&trouble.message), cell(&trouble.next_step))?;
        }
        self.write_consumers(text, rotation)?;
        writeln!(text, "\n## Steps\n\n| # | when | who | what | state | about |\n|--:|---|---|---|---|---|")?;
        for step in &self.steps {
            let about = [step.consumer.as_deref(), step.detail.as_deref()];
            let about = about.into_iter().flatten().collect::<Vec<_>>().join(": ");
            let (number, at, state) = (step.number, step.at, &step.state);
            let (who, what) = (who(&step.actor), cell(&step.step));
            writeln!(text, "| {number} | {at} | {who} | {what} | {state} | {} |", cell(&about))?;
        }
        Ok(())
    }

    fn write_consumers(&self, text: &mut String, rotation: &Rotation) -> std::fmt::Result {
        if rotation.consumers.is_empty() {
            return Ok(());
        }
        let head = "| consumer | kind | logged in as | state | delivered | version | proof |\n|---|---|---|---|---|---|---|";
        writeln!(text, "\n## Consumers\n\n{head}")?;
        for consumer in &rotation.consumers {
            let or_none = |value: &Option<String>| cell(value.as_deref().unwrap_or("–"));
            let said = consumer.trouble.as_ref().map(|trouble| trouble.message.clone());
            let left_out = consumer.left_out.as_ref().map(|said| format!("{}: {}", who(&said.by), said.why));
            let taken = consumer
                .taken_over
                .as_ref()
                .map(|said| format!("taken over by {}: {}", who(&said.by), said.why));
            let notes: Vec<String> =
                [consumer.proof.clone(), said, left_out, taken].into_iter().flatten().collect();
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                cell(&consumer.name),
                cell(&consumer.kind),
                or_none(&consumer.login),
                consumer.stage,
                or_none(&consumer.delivered),
                or_none(&consumer.version_after),
                cell(&notes.join("; "))
            )?;
        }
        Ok(())
    }
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Operator => "the operator of this machine".to_owned(),
        Actor::Person { name, .. } => cell(name),
        Actor::AccessKey { name, .. } => format!("access key {}", cell(name)),
        Actor::System => "Paddock".to_owned(),
    }
}

/// A text that stays in its cell, whatever is in it.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ").replace('<', "&lt;")
}
