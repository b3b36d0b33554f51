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

/// Shows each step until it is over or only a person can help it on.
pub(super) async fn follow(id: &str, client: &ApiClient, context: &Context) -> Outcome {
    let mut shown = 0;
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let rotation = client.get(&format!("/api/v1/rotations/{id}")).await?;
        let view = view(&rotation)?;
        for step in view.steps.iter().filter(|step| step.number > shown) {
            context.output.text(&show::step(step))?;
        }
        shown = view.steps.last().map_or(shown, |step| step.number);
        if view.over || (view.dues.is_empty() && !view.asks.is_empty()) {
            if context.output.is_json() {
                return context.output.document(&rotation);
            }
            context.output.text(&show::asks(&view, context.output.paint()))?;
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

fn finished(view: &RotationView) -> Outcome {
    match view.state {
        RotationState::Degraded => Err(Failure::refused("the rotation needs you")
            .hint("do what is asked above, then `paddock rotation resume`")),
        _ => Ok(()),
    }
}
