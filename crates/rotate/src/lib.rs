//! Rotation: replaces a connection's key pair, which only a person can make, and takes the new one to every consumer.
//!
//! [`Rotations`] is what pages and the command line use: one function for each word that a person may say, and [`Rotations::serve`], which
//! does the work. What may happen when is `paddock_core::rotation`; each transition is durable before the next effect begins, and whatever
//! was under way when the process died is found and done again.
//!
//! A [`Consumer`] is a place outside Paddock that holds a copy of the pair. Each has a file under `consumers/`. They reach the
//! network through [`Outbound`] only, which refuses addresses inside the operator's network unless they are allowed by name.

mod clicks;
mod consumer;
pub mod consumers;
mod crash;
mod effects;
mod fault;
mod gate;
mod looking;
mod means;
mod options;
mod outbound;
mod pairs;
mod rehearsal;
mod reminders;
mod report;
mod rotations;
mod run;
mod settings;
mod suspicion;

pub use consumer::{Consumer, Delivery, Held, InUse, Looked, Outcome, Proof, Put, Stored, Writable};
#[doc(hidden)]
pub use crash::{Deaths, Doing, Moment, Point};
pub use fault::{Applied, Fault, FaultKind};
pub use gate::Gate;
pub use looking::ConsumerLook;
pub use means::{Machine, Means, Memory};
pub use options::{Registry, RotateError, RotationsOptions, registry};
pub use outbound::{Answer, Call, Outbound, OutboundOptions, OutboundSetupFault};
pub use rehearsal::RehearsalBroker;
pub use reminders::PairDue;
pub use report::{Attempt, Report, Step};
pub use rotations::{Pasted, PlanRequest, RehearsalPair, Rotations, Status};
pub use run::Rest;
pub use settings::{PairNames, SettingsFault};
pub use suspicion::Suspicion;
