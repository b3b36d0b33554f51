//! Rotation: replaces a connection's key pair, which only a person can make, and takes the new one to every consumer.
//!
//! A [`Consumer`] is a place outside Paddock that holds a copy of the pair. Each has a file under `consumers/`. They reach the
//! network through [`Outbound`] only, which refuses addresses inside the operator's network unless they are allowed by name.

mod consumer;
pub mod consumers;
mod fault;
mod outbound;
mod settings;

pub use consumer::{Consumer, Delivery, Held, InUse, Looked, Outcome, Proof, Put, Stored, Writable};
pub use fault::{Applied, Fault, FaultKind};
pub use outbound::{Answer, Call, Outbound, OutboundOptions, OutboundSetupFault};
pub use settings::{PairNames, SettingsFault};
