//! The database of Paddock: SQLite by default, PostgreSQL where several nodes share one.
//!
//! This is the only crate with SQL. A secret is opaque sealed bytes to it. Whatever changes anything does so in one
//! transaction that also appends to the audit chain, and all such transactions come one after the other: on SQLite through
//! the single writing connection and `BEGIN IMMEDIATE`, on PostgreSQL through a lock on the row of the chain's head, which is
//! always taken first. What comes often (reservations, settlements, audit records) shares transactions: see `writer.rs`.

mod access_keys;
mod activity;
mod api_tokens;
mod approvals;
mod attestations;
mod audit;
mod audit_team;
mod backup;
mod by_hand;
mod caps;
mod changes;
mod checkpoints;
mod codec;
mod connection_faults;
mod connections;
mod consumers;
mod credentials;
mod db;
mod deks;
mod deliveries;
mod error;
mod factors;
mod freeze;
mod idempotency;
mod key_use;
mod links;
mod migrations;
mod names;
mod oauth_attempts;
mod persons;
mod placed;
mod prune;
mod pulse;
mod reminders;
mod rotation_pairs;
mod rotation_policy;
mod rotations;
mod sessions;
mod signing_keys;
mod signs;
mod snapshot;
mod trading;
mod used_signatures;
mod users;
mod verify;
mod wind_downs;
mod writer;

pub use access_keys::AccessKey;
pub use activity::{
    Activity, ActivityCursor, ActivityDecision, ActivityQuery, INDEXED_AT_ONCE, RecordQuery, Sender,
};
pub use api_tokens::ApiToken;
pub use approvals::{Approval, ApprovalState, Approved, Consent, Held, NewApproval};
pub use attestations::{Attestation, SignedAttestation};
pub use audit::AuditQuery;
pub use backup::BackupSummary;
pub use by_hand::{BegunByHand, HandRequest};
pub use caps::{AfterEnd, Decide, EndedOrder, Figures, Intent, OpenReservation, Settlement, WorkingCharge};
pub use changes::Changes;
pub use checkpoints::AuditKey;
pub use connection_faults::{ConnectionFault, Look};
pub use connections::{Connection, CredentialFacts};
pub use consumers::{ConsumerRow, SealedSecret};
pub use credentials::{FingerprintMatch, SealedCredential, SealedParts};
pub use db::{Store, Target};
pub use deks::DekRow;
pub use deliveries::{Delivery, DeliveryOutcome, Ownership};
pub use error::StoreError;
pub use factors::{CodeHash, FactorRow};
pub use freeze::{FreezeRow, Freezing, Subject};
pub use idempotency::{Begun, KeptAnswer, KeyedRequest};
pub use key_use::{DayOfUse, KeyUse, LastUse};
pub use links::{Link, LinkFor, Newcomer};
pub use names::Names;
pub use oauth_attempts::{OauthAttempt, UnfitAttempt};
pub use persons::Person;
pub use placed::{PlacedOrder, SentRequest};
pub use reminders::{Notice, Reminder};
pub use rotation_pairs::{PairOf, SealedPair};
pub use rotation_policy::{DEFAULT_DAYS_LIVE, DEFAULT_DAYS_PAPER, RotationDue};
pub use rotations::{PairChange, RotationEvent, RotationRow, Transition};
pub use sessions::Session;
pub use signing_keys::SealedSigningKey;
pub use signs::{CHECK_IN, Sign};
pub use snapshot::Snapshot;
pub use trading::{Trading, TradingChange};
pub use users::Team;
pub use verify::{AuditFault, VerifiedChain};
pub use wind_downs::{Phase, Step, StepAct, StepState, WindDownRow};
