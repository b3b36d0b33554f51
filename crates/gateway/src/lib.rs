//! The one door to the broker.
//!
//! Every request passes four phases: **authenticate** (who is asking), **decide** (may they), **forward** (with the real
//! credential, to the connection's own host) and **observe** (what came back). What cannot be forwarded is refused with a
//! recorded reason. The real credential never reaches a program.

mod account;
mod answer;
mod approvals;
mod authenticate;
mod authority;
mod budget;
mod by_hand;
mod certificates;
mod change;
mod checkpoints;
mod connect;
mod connections;
mod control;
mod crash;
mod decode;
mod directory;
mod door;
mod draws;
mod entrance;
mod explain;
mod facts;
mod halt;
mod health;
mod id_map;
mod key_use;
mod lane;
mod looks;
mod meter;
mod metrics;
mod observe;
mod own;
mod read;
mod recover;
mod refused;
mod requests;
mod rotation;
mod scrub;
mod serve;
mod shape;
mod shared;
mod signature;
mod stop;
mod stream;
mod target;
mod test_order;
mod upstream;

pub use approvals::ApprovalOutcome;
pub use authority::{Authority, AuthorityError, CertificateFacts, NewAuthority, ServerName};
pub use budget::{BudgetView, Patience};
pub use by_hand::{HandAct, HandDone, HandOrder, HandOutcome};
pub use certificates::{CertificateError, Certificates, OwnCertificate};
pub use checkpoints::AuditKeys;
pub use control::{ConnectionCheck, Control};
pub use directory::DirectoryError;
pub use entrance::{Encrypted, Listeners};
pub use explain::Explanation;
pub use halt::Unanswered;
pub use halt::deadman::{Deadman, DeadmanOptions};
pub use halt::wind_down::ALL_ORDERS;
pub use health::{Health, Part};
pub use looks::{EquityPeriod, LookFault};
pub use meter::Limits;
pub use requests::{Counters, Outcome, RequestLine};
pub use rotation::{DekRotation, KekRotation};
pub use shared::{Gateway, GatewayError, GatewayOptions};
pub use test_order::TestOrder;
