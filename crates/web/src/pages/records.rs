//! One audit record as a row of the page.

use std::fmt::Display;

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, AuditRecord};
use paddock_core::decide::Frozen;
use paddock_core::id::{AccessKeyId, ConnectionId, ConsumerId, PersonId, RequestId};
use paddock_core::rotation::Nearness;
use paddock_store::Names;

use super::activity::operation_words;
use super::text::{Moment, dollars};

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
    pub(super) fn new(record: &AuditRecord, names: &Names, now: Timestamp) -> Self {
        let who = match record.actor() {
            Ok(Actor::Operator) => "the command line".to_owned(),
            Ok(Actor::AccessKey { name, .. } | Actor::Person { name, .. }) => name,
            Ok(Actor::System) => "Paddock".to_owned(),
            Err(_) => "unknown".to_owned(),
        };
        let event = record.event();
        let request = event.as_ref().ok().and_then(about).map(|request| request.to_string());
        let what =
            event.map_or_else(|_| "a record of a newer version".to_owned(), |event| say(&event, names));
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
fn say(event: &AuditEvent, names: &Names) -> String {
    // Whatever cannot be called by its name is called by its kind.
    let called = |kind: &str, id: &dyn Display| {
        names.of(id).map_or_else(|| format!("some {kind}"), |name| format!("the {kind} {name}"))
    };
    let key = |id: &AccessKeyId| called("access key", id);
    let consumer = |id: &ConsumerId| called("consumer", id);
    let connection = |id: &ConnectionId| names.of(id).unwrap_or("a connection");
    let person = |id: &PersonId| names.of(id).unwrap_or("a person");
    let thing = |what: &Frozen, id: &Option<String>| {
        let id = id.as_deref().unwrap_or_default();
        match what {
            Frozen::Key => called("access key", &id),
            Frozen::Connection => called("connection", &id),
            Frozen::Everything => "everything".to_owned(),
        }
    };
    match event {
        AuditEvent::Initialised { .. } => "set up this data directory".to_owned(),
        AuditEvent::ConnectionAdded { name, environment, account_number, .. } => {
            format!("connected {name}: {environment} account {account_number}")
        }
        AuditEvent::CredentialReplaced { connection: id, version, .. } => {
            format!("replaced the credential of {}, now version {version}", connection(id))
        }
        AuditEvent::CredentialResealed { connection: id, version, .. } => {
            format!("sealed the credential of {} anew, version {version}", connection(id))
        }
        AuditEvent::ConnectionActivated { connection: id } => {
            format!("made {} the active connection", connection(id))
        }
        AuditEvent::ConnectionRenamed { old, new, .. } => format!("renamed the connection {old} to {new}"),
        AuditEvent::LiveAttested { connection: id, signed_name, .. } => {
            format!("signed what connecting the live account {} means, as {signed_name}", connection(id))
        }
        AuditEvent::ConnectionRemoved { connection: id } => format!("removed {}", called("connection", id)),
        AuditEvent::KeyCreated { name, .. } => format!("issued the access key {name}"),
        AuditEvent::KeyScopeChanged { key: id, .. } => format!("changed what {} may do", key(id)),
        AuditEvent::KeyRevoked { key: id } => format!("revoked {}", key(id)),
        AuditEvent::Frozen { what, id, reason: None, .. } => format!("froze {}", thing(what, id)),
        AuditEvent::Frozen { what, id, reason: Some(reason), .. } => {
            format!("froze {}: {reason}", thing(what, id))
        }
        AuditEvent::Unfrozen { what, id } => format!("unfroze {}", thing(what, id)),
        AuditEvent::WindDownEnded { connection: id, canceled, closed, failed, .. } => {
            let name = connection(id);
            format!(
                "after a freeze of {name}: {canceled} orders canceled, {closed} positions closed, {failed} failures"
            )
        }
        AuditEvent::CheckedIn => "checked in".to_owned(),
        AuditEvent::RequestPermitted { operation, summary, .. } => {
            format!("permitted: {}", act(summary, operation))
        }
        AuditEvent::RequestAnswered { status: Some(status), .. } => format!("the broker answered {status}"),
        AuditEvent::RequestAnswered { status: None, .. } => "the broker gave no answer".to_owned(),
        AuditEvent::ChargeReturned { notional, .. } if notional.is_sign_negative() => {
            format!("took {} of a cap again for a late fill", dollars(-*notional))
        }
        AuditEvent::ChargeReturned { notional, .. } => {
            format!("gave {} back to a cap: an order ended unfilled", dollars(*notional))
        }
        AuditEvent::LossReached { key: id, loss, .. } => {
            format!("stopped {} for the day: the account has lost {}", key(id), dollars(*loss))
        }
        AuditEvent::RequestRefused { operation, summary, reason, .. } => {
            format!("refused: {} ({reason})", act(summary, operation))
        }
        AuditEvent::ApprovalRequested { summary, .. } => format!("held for approval: {summary}"),
        AuditEvent::ApprovalGranted { .. } => "approved a held request".to_owned(),
        AuditEvent::ApprovalDenied { .. } => "denied a held request".to_owned(),
        AuditEvent::ApprovalEnded { why, .. } => format!("a held request ended: {why}"),
        AuditEvent::KekRotated { .. } => "rotated the key-encryption key".to_owned(),
        AuditEvent::DekRotated { .. } => "rotated a data-encryption key".to_owned(),
        AuditEvent::SecondFactorOn { person: id, .. } => {
            format!("turned the second factor of {} on", person(id))
        }
        AuditEvent::SecondFactorOff { person: id, .. } => {
            format!("turned the second factor of {} off", person(id))
        }
        AuditEvent::RecoveryCodesMade { person: id, .. } => {
            format!("made new recovery codes for {}", person(id))
        }
        AuditEvent::RecoveryCodeUsed { left, .. } => format!("used a recovery code, {left} left"),
        AuditEvent::TokenCreated { name, role, .. } => format!("made the API token {name}, as {role}"),
        AuditEvent::TokenRevoked { token: id, .. } => format!("revoked {}", called("API token", id)),
        AuditEvent::AuditKeyMade { endorsed_by: None, .. } => {
            "made the key that signs this record".to_owned()
        }
        AuditEvent::AuditKeyMade { .. } => "replaced the key that signs this record".to_owned(),
        AuditEvent::AuditPruned { through, .. } => format!("removed the records up to {through}"),
        AuditEvent::UnusualUse { key: id, what, detail } => {
            format!("noticed unusual use of {}, {}: {detail}", key(id), words(what.name()))
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
        AuditEvent::RoleChanged { person: id, old, new, .. } => {
            format!("changed {} from {old} to {new}", person(id))
        }
        AuditEvent::PersonRemoved { person: id, .. } => format!("removed {}", person(id)),
        AuditEvent::SignedIn { network } => format!("signed in from {network}"),
        AuditEvent::SignedOut { sessions: 1 } => "signed out".to_owned(),
        AuditEvent::SignedOut { sessions } => format!("ended {sessions} sessions"),
        AuditEvent::SignInFailed { person: id, attempts, network, .. } => {
            let name = person(id);
            format!("noticed failed attempts to sign in as {name}: {attempts}, the last from {network}")
        }
        AuditEvent::PasswordChanged { person: id, .. } => format!("set another password for {}", person(id)),
        AuditEvent::ResetLinkMade { person: id, .. } => {
            format!("made a link by which {} sets another password", person(id))
        }
        AuditEvent::RollbackAccepted { .. } => "accepted an older state of the database".to_owned(),
        AuditEvent::ConsumerAdded { name, kind, .. } => format!("added the consumer {name} ({kind})"),
        AuditEvent::ConsumerChanged { name, .. } => format!("changed the consumer {name}"),
        AuditEvent::ConsumerRemoved { consumer: id, .. } => format!("removed {}", consumer(id)),
        AuditEvent::RotationOpened { connection: id, cause, rehearsal: false, .. } => {
            format!("opened a rotation of {}: {cause}", connection(id))
        }
        AuditEvent::RotationOpened { connection: id, cause, rehearsal: true, .. } => {
            format!("opened a rehearsal of a rotation of {}: {cause}", connection(id))
        }
        AuditEvent::RotationStepped { connection: id, step, state, consumer: of, detail, .. } => {
            let (name, step, state) = (connection(id), words(step), words(&state.to_string()));
            let of = of.as_ref().map(|id| format!(" ({})", consumer(id))).unwrap_or_default();
            let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("rotation of {name}: {step}{of}, now {state}{detail}")
        }
        AuditEvent::RotationCompleted { connection: id, rehearsal: true, .. } => {
            format!("completed a rehearsal of a rotation of {}", connection(id))
        }
        AuditEvent::RotationCompleted { connection: id, .. } => {
            format!("completed the rotation of {}", connection(id))
        }
        AuditEvent::RotationPolicyChanged { connection: id, days } => {
            format!("set the key pair of {} to be replaced every {days} days", connection(id))
        }
        AuditEvent::RotationDue { connection: id, due_at, nearness } => {
            let is = if *nearness == Nearness::Overdue { "was" } else { "is" };
            let day = due_at.strftime("%-d %b %Y");
            format!("noticed that the key pair of {} {is} due on {day}", connection(id))
        }
    }
}

/// The order in one line, or what was asked for.
fn act<'a>(summary: &'a Option<String>, operation: &'a str) -> &'a str {
    summary.as_deref().unwrap_or_else(|| operation_words(operation))
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "019a0000-0000-7000-8000-000000000000";

    #[rstest]
    #[case("1234.5", "gave $1,234.50 back to a cap")]
    #[case("-1234.50123", "took $1,234.50 of a cap again")]
    fn charges_are_told_in_dollars_and_cents(#[case] notional: &str, #[case] said: &str) {
        let event = AuditEvent::ChargeReturned {
            request: ID.parse().unwrap(),
            order_id: "an order".to_owned(),
            notional: notional.parse().unwrap(),
        };
        assert!(say(&event, &Names::default()).starts_with(said), "{}", say(&event, &Names::default()));
    }

    #[test]
    fn a_loss_is_told_in_dollars_and_cents() {
        let day = "2026-11-23".parse().unwrap();
        let event =
            AuditEvent::LossReached { key: ID.parse().unwrap(), day, loss: "1234.5".parse().unwrap() };
        assert!(say(&event, &Names::default()).ends_with("the account has lost $1,234.50"));
    }
}
