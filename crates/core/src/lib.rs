//! The words and rules of Paddock, as pure functions over data.
//!
//! Nothing in this crate does I/O, is async, or takes time or randomness from the air: callers pass a
//! [`Clock`] reading and [`Entropy`] bytes in.

pub mod audit;
pub mod audit_file;
pub mod calendar;
pub mod checkpoint;
pub mod clock;
pub mod connection;
pub mod decide;
pub mod entropy;
pub mod exposure;
pub mod id;
pub mod money;
pub mod order;
pub mod paste;
pub mod permission;
pub mod role;
pub mod rotation;
pub mod scan;
pub mod scope;
pub mod secret;
pub mod symbol;
pub mod trading;
pub mod unusual;
pub mod usage;

pub use clock::{Clock, ManualClock};
pub use connection::{CredentialKind, Environment};
pub use decide::{Decision, Permit, ReasonCode, Refusal, Request, decide};
pub use entropy::Entropy;
pub use permission::PermissionClass;
pub use role::Role;
pub use scope::Scope;
pub use secret::SecretText;
pub use symbol::{AssetClass, Symbol};
pub use trading::TradingMode;
pub use usage::Usage;
