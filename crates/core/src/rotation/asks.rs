//! What a person is asked to do.

use serde::Serialize;

use super::due::of_stage;
use super::record::Rotation;
use super::words::{ConsumerStage, RotationState};
use crate::id::ConsumerId;

/// One thing that a person is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// Its stable code: `start`, `mint`, or the code of the trouble.
    pub code: String,
    /// The consumer that it is about, by identifier and name.
    pub consumer: Option<(ConsumerId, String)>,
    /// What happened or is waited for, in one sentence.
    pub message: String,
    /// What to do, in one sentence.
    pub next_step: String,
}

/// What a person is asked to do now. A rotation that is not over and has no work due has at least one.
#[must_use]
pub fn asks(rotation: &Rotation) -> Vec<Ask> {
    let ask = |code: &str, message: String, next_step: &str| Ask {
        code: code.to_owned(),
        consumer: None,
        message,
        next_step: next_step.to_owned(),
    };
    let mut asked = Vec::new();
    if rotation.is_over() {
        return asked;
    }
    match rotation.state {
        RotationState::Planned => {
            asked.push(ask("start", "the rotation is planned".to_owned(), "start it, or call it off"));
        }
        RotationState::AwaitingMint => {
            let (environment, number) = (rotation.environment, &rotation.account_number);
            let message = format!("the {environment} account {number} needs a new key pair");
            let next_step =
                "make it in Alpaca's dashboard and paste both halves here at once: it is shown once";
            asked.push(ask("mint", message, next_step));
        }
        _ => {}
    }
    for trouble in rotation.trouble.iter().chain(&rotation.gate_trouble) {
        asked.push(ask(&trouble.code, trouble.message.clone(), &trouble.next_step));
    }
    let open = [ConsumerStage::Due, ConsumerStage::Ready, ConsumerStage::Delivered];
    for consumer in of_stage(rotation, &open) {
        if let Some(trouble) = consumer.trouble.as_ref().filter(|trouble| trouble.needs_a_person()) {
            asked.push(Ask {
                code: trouble.code.clone(),
                consumer: Some((consumer.id, consumer.name.clone())),
                message: trouble.message.clone(),
                next_step: trouble.next_step.clone(),
            });
        }
    }
    asked
}
