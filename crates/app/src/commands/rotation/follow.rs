//! Watching a rotation as it goes on.

use std::time::Duration;

use paddock_core::rotation::RotationState;
use paddock_web::RotationView;

use super::{show, view};
use crate::api::ApiClient;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// How long a pasted pair may be checked before the person is let go.
const CHECK_LOOKS: u32 = 200;

/// The exit statuses of a rotation that needs a person; in the second case the new pair is in use already.
const WAITS: u8 = 4;
const DEGRADED: u8 = 5;

/// Shows each step until it is over or only a person can help it on. What a person may do meanwhile is told when it comes up.
pub(super) async fn follow(id: &str, client: &ApiClient, context: &Context) -> Outcome {
    let (mut shown, mut told) = (0, Vec::new());
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let rotation = client.get(&format!("/api/v1/rotations/{id}")).await?;
        let view = view(&rotation)?;
        for step in view.steps.iter().filter(|step| step.number > shown) {
            context.output.text(&show::step(step))?;
        }
        shown = view.steps.last().map_or(shown, |step| step.number);
        let stands = view.dues.is_empty() && !view.asks.is_empty();
        let asked: Vec<_> = view.asks.iter().map(|ask| (ask.code.clone(), ask.consumer.clone())).collect();
        if view.over || stands || asked.iter().any(|ask| !told.contains(ask)) {
            context.output.text(&show::asks(&view, context.output.paint()))?;
        }
        told = asked;
        if view.over || stands {
            if context.output.is_json() {
                context.output.document(&rotation)?;
            }
            return finished(&view);
        }
    }
}

/// Waits until it is known whether the pasted pair is good.
pub(super) async fn until_checked(id: &str, client: &ApiClient, context: &Context) -> Outcome {
    let mut looks = tokio::time::interval(LOOK);
    for _ in 0..CHECK_LOOKS {
        looks.tick().await;
        let rotation = client.get(&format!("/api/v1/rotations/{id}")).await?;
        let view = view(&rotation)?;
        if view.state != RotationState::Candidate {
            return context.output.show(&rotation, |paint| {
                let said = paint.good("the new pair opens the same account");
                format!("{said}; see `paddock rotation status {id} --follow`\n")
            });
        }
        let waits = |ask: &&paddock_web::AskView| ask.consumer.is_none();
        if let Some(ask) = view.asks.iter().find(waits).filter(|_| view.dues.is_empty()) {
            return Err(Failure::refused(format!("the pasted pair is kept and not used: {}", ask.message))
                .hint(ask.next_step.clone()));
        }
    }
    Err(Failure::new("it is not known yet whether the pair is good; it is kept")
        .hint(format!("look at `paddock rotation status {id}`")))
}

/// What the rotation came to, as the command's exit status.
fn finished(view: &RotationView) -> Outcome {
    let id = view.id;
    let next = match view.state {
        RotationState::Closed => return Ok(()),
        RotationState::Aborted => {
            let why = view.aborted_because.clone().unwrap_or_default();
            return Err(Failure::refused(format!("the rotation was called off: {why}")).hint(format!(
                "the pair is as it was; plan another one: `paddock rotation plan {}`",
                view.connection
            )));
        }
        RotationState::Planned => format!("start it: `paddock rotation start {id}`"),
        RotationState::AwaitingMint | RotationState::Candidate => {
            format!("make the pair and paste it: `paddock rotation paste {id}`")
        }
        _ => format!(
            "do what is asked above, then `paddock rotation resume {id}`, or leave the consumer out by name"
        ),
    };
    Err(match view.state {
        RotationState::Degraded => {
            Failure::not_over(DEGRADED, "the new pair is in use, and something else needs you")
                .code("rotation_degraded")
        }
        _ => Failure::not_over(WAITS, "the rotation waits for you").code("rotation_waits"),
    }
    .hint(next))
}
