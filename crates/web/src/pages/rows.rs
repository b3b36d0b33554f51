//! One request or audit record as a row of the page.

use askama::Template;
use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, AuditRecord};
use paddock_core::decide::Frozen;
use paddock_core::id::RequestId;
use paddock_core::rotation::Nearness;
use paddock_gateway::{Outcome, RequestLine};

use super::text::{Moment, latency};

/// A request. Also sent by itself as an event, so that the page and the event cannot differ.
#[derive(Debug, Template)]
#[template(path = "request_row.html")]
pub(super) struct RequestRow {
    row: RequestCells,
}

impl RequestRow {
    pub(super) fn new(line: RequestLine, now: Timestamp) -> Self {
        Self { row: RequestCells::new(line, now) }
    }
}

/// What stands in the row of a request.
#[derive(Debug)]
pub(super) struct RequestCells {
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) key_name: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) environment: Option<&'static str>,
    /// What it would do: the order in one line, or the operation, where that is known.
    pub(super) act: Option<String>,
    pub(super) target: String,
    /// `permitted`, `refused`, `unauthenticated` or `failed`.
    pub(super) decision: &'static str,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) status: u16,
    pub(super) latency: String,
}

impl RequestCells {
    pub(super) fn new(line: RequestLine, now: Timestamp) -> Self {
        let (decision, reason, message) = match line.outcome {
            Outcome::Permitted => ("permitted", None, None),
            Outcome::Refused { reason, message } => ("refused", Some(reason), Some(message)),
            Outcome::Unauthenticated => ("unauthenticated", None, Some("no valid access key".to_owned())),
            Outcome::Failed { reason, message } => ("failed", Some(reason), Some(message)),
        };
        let target = format!("{} {}", line.method, line.path);
        let act = line.summary.or_else(|| line.operation.map(str::to_owned));
        Self {
            id: line.request.to_string(),
            at: Moment::clock(line.at, now),
            key_name: line.key_name,
            connection: line.connection,
            environment: line.environment.map(|environment| environment.as_str()),
            act,
            target,
            decision,
            reason,
            message,
            status: line.status,
            latency: latency(line.micros),
        }
    }
}

/// An audit record.
#[derive(Debug)]
pub(super) struct RecordCells {
    /// The request that it is about.
    pub(super) request: Option<String>,
    pub(super) seq: u64,
    pub(super) at: Moment,
    pub(super) who: String,
    pub(super) what: String,
    pub(super) hash: String,
}

impl RecordCells {
    pub(super) fn new(record: &AuditRecord, now: Timestamp) -> Self {
        let who = match record.actor() {
            Ok(Actor::Operator) => "operator".to_owned(),
            Ok(Actor::AccessKey { name, .. } | Actor::Person { name, .. }) => name,
            Ok(Actor::System) => "Paddock".to_owned(),
            Err(_) => "unknown".to_owned(),
        };
        let event = record.event();
        let request = event.as_ref().ok().and_then(about).map(|request| request.to_string());
        let what = event.map_or_else(|_| "a record of a newer version".to_owned(), |event| say(&event));
        let hash = record.hash.to_string().get(..8).unwrap_or_default().to_owned();
        Self { request, seq: record.seq, at: Moment::clock(record.at, now), who, what, hash }
    }
}

/// The request that an event is about, if it has a page of its own.
fn about(event: &AuditEvent) -> Option<RequestId> {
    match event {
        AuditEvent::RequestPermitted { request, .. }
        | AuditEvent::RequestAnswered { request, .. }
        | AuditEvent::RequestRefused { request, .. }
        | AuditEvent::ChargeReturned { request, .. }
        | AuditEvent::ApprovalRequested { request, .. }
        | AuditEvent::ApprovalGranted { request, .. } => Some(*request),
        _ => None,
    }
}

/// What happened, in a few words.
fn say(event: &AuditEvent) -> String {
    let thing = |what: &Frozen| match what {
        Frozen::Key => "an access key",
        Frozen::Connection => "a connection",
        Frozen::Everything => "everything",
    };
    match event {
        AuditEvent::Initialised { .. } => "set up this data directory".to_owned(),
        AuditEvent::ConnectionAdded { name, environment, account_number, .. } => {
            format!("connected {name}: {environment} account {account_number}")
        }
        AuditEvent::CredentialReplaced { version, .. } => {
            format!("replaced a credential, now version {version}")
        }
        AuditEvent::CredentialResealed { version, .. } => {
            format!("sealed a credential anew, version {version}")
        }
        AuditEvent::ConnectionActivated { .. } => "changed the active connection".to_owned(),
        AuditEvent::ConnectionRenamed { old, new, .. } => format!("renamed the connection {old} to {new}"),
        AuditEvent::LiveAttested { signed_name, .. } => {
            format!("signed what connecting a live account means, as {signed_name}")
        }
        AuditEvent::ConnectionRemoved { .. } => "removed a connection".to_owned(),
        AuditEvent::KeyCreated { name, .. } => format!("issued the access key {name}"),
        AuditEvent::KeyScopeChanged { .. } => "changed what an access key may do".to_owned(),
        AuditEvent::KeyRevoked { .. } => "revoked an access key".to_owned(),
        AuditEvent::Frozen { what, .. } => format!("froze {}", thing(what)),
        AuditEvent::Unfrozen { what, .. } => format!("unfroze {}", thing(what)),
        AuditEvent::WindDownEnded { canceled, closed, failed, .. } => {
            format!(
                "after a freeze: {canceled} orders canceled, {closed} positions closed, {failed} failures"
            )
        }
        AuditEvent::CheckedIn => "checked in".to_owned(),
        AuditEvent::RequestPermitted { operation, summary, .. } => {
            format!("permitted: {}", summary.as_ref().unwrap_or(operation))
        }
        AuditEvent::RequestAnswered { status: Some(status), .. } => format!("the broker answered {status}"),
        AuditEvent::RequestAnswered { status: None, .. } => "the broker gave no answer".to_owned(),
        AuditEvent::ChargeReturned { notional, .. } if notional.is_sign_negative() => {
            format!("took ${} of a cap again for a late fill", -notional)
        }
        AuditEvent::ChargeReturned { notional, .. } => {
            format!("gave ${notional} back to a cap: an order ended unfilled")
        }
        AuditEvent::LossReached { loss, .. } => {
            format!("stopped an access key for the day: the account has lost ${loss}")
        }
        AuditEvent::RequestRefused { operation, reason, .. } => format!("refused {operation}: {reason}"),
        AuditEvent::ApprovalRequested { summary, .. } => format!("held for approval: {summary}"),
        AuditEvent::ApprovalGranted { .. } => "approved a held request".to_owned(),
        AuditEvent::ApprovalDenied { .. } => "denied a held request".to_owned(),
        AuditEvent::ApprovalEnded { why, .. } => format!("a held request ended: {why}"),
        AuditEvent::KekRotated { .. } => "rotated the key-encryption key".to_owned(),
        AuditEvent::DekRotated { .. } => "rotated a data-encryption key".to_owned(),
        AuditEvent::SecondFactorOn { .. } => "turned a second factor on".to_owned(),
        AuditEvent::SecondFactorOff { .. } => "turned a second factor off".to_owned(),
        AuditEvent::RecoveryCodesMade { .. } => "made new recovery codes".to_owned(),
        AuditEvent::RecoveryCodeUsed { left, .. } => format!("used a recovery code, {left} left"),
        AuditEvent::TokenCreated { name, role, .. } => format!("made the API token {name}, as {role}"),
        AuditEvent::TokenRevoked { .. } => "revoked an API token".to_owned(),
        AuditEvent::AuditKeyMade { endorsed_by: None, .. } => {
            "made the key that signs this record".to_owned()
        }
        AuditEvent::AuditKeyMade { .. } => "replaced the key that signs this record".to_owned(),
        AuditEvent::AuditPruned { through, .. } => format!("removed the records up to {through}"),
        AuditEvent::UnusualUse { what, detail, .. } => {
            format!("noticed unusual use of an access key, {}: {detail}", what.name().replace('_', " "))
        }
        AuditEvent::TradingChanged { mode, paused: true, .. } => {
            format!("paused trading (mode {mode})")
        }
        AuditEvent::TradingChanged { mode, paused: false, .. } => format!("set trading to {mode}"),
        AuditEvent::BackupWritten { records } => format!("wrote a backup of {records} records"),
        AuditEvent::BackupRestored { records } => format!("restored a backup of {records} records"),
        AuditEvent::TeamFounded { name, .. } => format!("founded the team {name}"),
        AuditEvent::PersonInvited { role, label, founds: None, .. } => format!("invited {label} as {role}"),
        AuditEvent::PersonInvited { label, founds: Some(team), .. } => {
            format!("invited {label} to found the team {team}")
        }
        AuditEvent::InvitationWithdrawn { .. } => "withdrew an invitation".to_owned(),
        AuditEvent::PersonAdded { name, role, .. } => format!("joined: {name}, {role}"),
        AuditEvent::RoleChanged { old, new, .. } => format!("changed a person from {old} to {new}"),
        AuditEvent::PersonRemoved { .. } => "removed a person".to_owned(),
        AuditEvent::SignedIn { network } => format!("signed in from {network}"),
        AuditEvent::SignedOut { sessions: 1 } => "signed out".to_owned(),
        AuditEvent::SignedOut { sessions } => format!("ended {sessions} sessions"),
        AuditEvent::SignInFailed { attempts, network, .. } => {
            format!("noticed failed attempts to sign in: {attempts}, the last from {network}")
        }
        AuditEvent::PasswordChanged { .. } => "set another password".to_owned(),
        AuditEvent::ResetLinkMade { .. } => "made a link for another password".to_owned(),
        AuditEvent::RollbackAccepted { .. } => "accepted an older state of the database".to_owned(),
        AuditEvent::ConsumerAdded { name, kind, .. } => format!("added the consumer {name} ({kind})"),
        AuditEvent::ConsumerChanged { name, .. } => format!("changed the consumer {name}"),
        AuditEvent::ConsumerRemoved { .. } => "removed a consumer".to_owned(),
        AuditEvent::RotationOpened { cause, rehearsal: false, .. } => format!("opened a rotation: {cause}"),
        AuditEvent::RotationOpened { cause, rehearsal: true, .. } => {
            format!("opened a rehearsal of a rotation: {cause}")
        }
        AuditEvent::RotationStepped { step, state, detail: None, .. } => {
            format!("rotation: {step}, now {state}")
        }
        AuditEvent::RotationStepped { step, state, detail: Some(detail), .. } => {
            format!("rotation: {step}, now {state}: {detail}")
        }
        AuditEvent::RotationCompleted { rehearsal: true, .. } => {
            "completed a rehearsal of a rotation".to_owned()
        }
        AuditEvent::RotationCompleted { .. } => "completed a rotation".to_owned(),
        AuditEvent::RotationPolicyChanged { days, .. } => {
            format!("set a connection's key pair to be replaced every {days} days")
        }
        AuditEvent::RotationDue { due_at, nearness: Nearness::Overdue, .. } => {
            format!("noticed that a key pair was due on {}", due_at.strftime("%-d %b %Y"))
        }
        AuditEvent::RotationDue { due_at, .. } => {
            format!("noticed that a key pair is due on {}", due_at.strftime("%-d %b %Y"))
        }
    }
}
