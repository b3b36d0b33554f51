//! What is to be done in a state. It follows from the state alone, so that whoever takes over after a crash finds the same work.

use jiff::Timestamp;

use super::record::{OldPair, Rotation, RotationConsumer, TestOrder, Trouble};
use super::words::{ConsumerStage, OpenOrders, RotationState, TradingHold};
use crate::id::ConsumerId;

/// Something to be done outside. Each may be done a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Read account, orders and positions with the present pair.
    LookAtAccount,
    /// Look at a consumer: log in, find out whether writing is allowed, compare what is there.
    LookAt(ConsumerId),
    /// Have the gateway hold back new orders, and wait for the answers to what was being sent.
    ConfirmPause,
    /// Cancel the open orders.
    CancelOrders,
    /// Check the pasted pair and ask both environments about it.
    CheckCandidate,
    /// Put the new pair into the vault.
    Commit,
    /// Have the gateway send with the new pair.
    Swap,
    /// Have the gateway let new orders pass.
    ConfirmResume,
    /// Put the new pair at a consumer.
    Deliver(ConsumerId),
    /// Have a consumer prove the new pair.
    Prove(ConsumerId),
    /// Ask Alpaca about the old pair.
    ProveOldPairDead,
    /// Place one share far from the market, see it, and cancel it.
    PlaceTestOrder,
}

/// One thing to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What.
    pub effect: Effect,
    /// Not before this instant.
    pub not_before: Option<Timestamp>,
}

/// What is to be done, in order. Nothing when the rotation is over or only a person can help it on.
#[must_use]
pub fn due(rotation: &Rotation) -> Vec<Due> {
    let mut dues = Vec::new();
    let mut add = |effect, trouble: Option<&Trouble>| match trouble {
        None => dues.push(Due { effect, not_before: None }),
        Some(Trouble { retry_at: Some(at), .. }) => dues.push(Due { effect, not_before: Some(*at) }),
        Some(Trouble { retry_at: None, .. }) => {}
    };
    let (whole, gate) = (rotation.trouble.as_ref(), rotation.gate_trouble.as_ref());
    // The hold on trading is told to the gateway in whatever state, before anything else.
    match rotation.trading {
        TradingHold::Pausing => add(Effect::ConfirmPause, gate),
        TradingHold::Resuming => add(Effect::ConfirmResume, gate),
        TradingHold::Running | TradingHold::Paused | TradingHold::Resumed => {}
    }
    match rotation.state {
        RotationState::Preflight => {
            if rotation.snapshot.is_none() {
                add(Effect::LookAtAccount, whole);
            }
            for consumer in of_stage(rotation, &[ConsumerStage::Due]) {
                add(Effect::LookAt(consumer.id), consumer.trouble.as_ref());
            }
        }
        RotationState::Quiesced if rotation.trading == TradingHold::Paused => {
            if rotation.plan.open_orders == OpenOrders::Cancel && rotation.orders_canceled.is_none() {
                add(Effect::CancelOrders, whole);
            } else if !rotation.orders_settled {
                add(Effect::LookAtAccount, whole);
            }
        }
        RotationState::Candidate if rotation.trading == TradingHold::Paused => {
            add(Effect::CheckCandidate, whole);
        }
        RotationState::Verified => add(Effect::Commit, whole),
        RotationState::Committed => add(Effect::Swap, gate),
        RotationState::FanningOut => {
            for consumer in of_stage(rotation, &[ConsumerStage::Due, ConsumerStage::Ready]) {
                add(Effect::Deliver(consumer.id), consumer.trouble.as_ref());
            }
        }
        RotationState::VerifyingConsumers => {
            let mut all = true;
            for consumer in of_stage(rotation, &[ConsumerStage::Delivered]) {
                all = false;
                add(Effect::Prove(consumer.id), consumer.trouble.as_ref());
            }
            if all && !matches!(rotation.old_pair, OldPair::Dead { .. }) {
                add(Effect::ProveOldPairDead, whole);
            }
        }
        RotationState::OldProvenDead => {
            if rotation.test_order == TestOrder::Due {
                add(Effect::PlaceTestOrder, whole);
            }
        }
        RotationState::Planned
        | RotationState::Quiesced
        | RotationState::AwaitingMint
        | RotationState::Candidate
        | RotationState::Closed
        | RotationState::Degraded
        | RotationState::Aborted => {}
    }
    dues
}

pub(super) fn of_stage<'a>(
    rotation: &'a Rotation,
    stages: &'a [ConsumerStage],
) -> impl Iterator<Item = &'a RotationConsumer> {
    rotation.consumers.iter().filter(|consumer| stages.contains(&consumer.stage))
}
