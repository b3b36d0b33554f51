//! Rotation: how a connection's key pair, which only a person can make, is replaced without stranding anyone.
//!
//! A [`Rotation`] is data, and [`step`] the only thing that changes it: a pure function from a state and what happened to the next
//! state. What is to be done in a state follows from the state alone ([`due`]), so that after a crash the same work is found again.
//!
//! The old pair dies in the click that makes the new one, and the new one is shown once. So everything that can be checked is checked
//! before the click, nothing can be called off after it, and each state is over, is worked on, or names what a person must do.

mod asks;
mod due;
mod event;
mod record;
mod rehearse;
mod remind;
mod step;
mod words;

pub use asks::{Ask, asks};
pub use due::{Due, Effect, due};
pub use event::{Authority, By, Delivered, Event, Failure, Proven, Seen, StepRefusal};
pub use record::{
    AccountSnapshot, CandidateMark, Marks, NewRotation, OldPair, Plan, PlanFault, Rotation, RotationConsumer,
    TakenOver, TestOrder, Trouble, Window,
};
pub use rehearse::{ChosenFault, RehearsedFault};
pub use remind::{Nearness, days_left, due_words};
pub use step::step;
pub use words::{Cause, ConsumerStage, OpenOrders, ResumeWhen, RotationState, TradingHold};

#[cfg(test)]
mod tests;
