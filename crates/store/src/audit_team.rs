//! Whose an audit record is. The chain is of the whole; a team sees the part of it that is about its own connections, access keys and
//! people, and the first team also what is of the whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::Frozen;
use paddock_core::id::{AccessKeyId, ApprovalId, ConnectionId, PersonId, RequestId, UserId};

use crate::caps::unwritten;
use crate::codec::parse;
use crate::db::{Tx, sql};
use crate::{StoreError, users};

/// The teams of connections, access keys and persons, which never change. None for the first team.
#[derive(Clone, Debug, Default)]
pub(crate) struct Teams(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    first: Option<UserId>,
    of: HashMap<Thing, Option<UserId>>,
}

/// What belongs to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Thing {
    Connection(ConnectionId),
    Key(AccessKeyId),
    Person(PersonId),
}

/// What an event is about.
enum About {
    Thing(Thing),
    Team(UserId),
    Request(RequestId),
    Approval(ApprovalId),
    /// It is of whoever did it.
    Actor,
}

/// The team whose record this is; none for the first team, and for what is of the whole.
pub(crate) async fn team_of(
    tx: &mut Tx,
    actor: &Actor,
    event: &AuditEvent,
) -> Result<Option<UserId>, StoreError> {
    let of_actor = match actor {
        Actor::AccessKey { id, .. } => Some(Thing::Key(*id)),
        Actor::Person { id, .. } => Some(Thing::Person(*id)),
        Actor::Operator | Actor::System => None,
    };
    let found = match about(event) {
        About::Thing(thing) => of_thing(tx, thing).await?,
        About::Team(team) => Some(not_first(tx, team).await?),
        // A program's own request is its access key's, which is known without a look.
        About::Request(_) | About::Actor if matches!(of_actor, Some(Thing::Key(_))) => None,
        About::Request(request) => of_request(tx, request).await?,
        About::Approval(approval) => {
            let row = sql!(tx, fetch_optional (String,):
                "SELECT connection_id FROM approvals WHERE id = $1", approval.to_string())?;
            of_connection(tx, row).await?
        }
        About::Actor => None,
    };
    match (found, of_actor) {
        (Some(team), _) => Ok(team),
        (None, Some(thing)) => Ok(of_thing(tx, thing).await?.flatten()),
        (None, None) => Ok(None),
    }
}

fn about(event: &AuditEvent) -> About {
    let connection = |id: &ConnectionId| About::Thing(Thing::Connection(*id));
    let key = |id: &AccessKeyId| About::Thing(Thing::Key(*id));
    match event {
        AuditEvent::ConnectionAdded { connection: id, .. }
        | AuditEvent::CredentialReplaced { connection: id, .. }
        | AuditEvent::CredentialResealed { connection: id, .. }
        | AuditEvent::ConnectionActivated { connection: id }
        | AuditEvent::ConnectionRenamed { connection: id, .. }
        | AuditEvent::LiveAttested { connection: id, .. }
        | AuditEvent::ConnectionRemoved { connection: id }
        | AuditEvent::WindDownEnded { connection: id, .. }
        | AuditEvent::RequestPermitted { connection: id, .. }
        | AuditEvent::ApprovalRequested { connection: id, .. }
        | AuditEvent::ConsumerAdded { connection: id, .. }
        | AuditEvent::ConsumerChanged { connection: id, .. }
        | AuditEvent::ConsumerRemoved { connection: id, .. }
        | AuditEvent::RotationOpened { connection: id, .. }
        | AuditEvent::RotationStepped { connection: id, .. }
        | AuditEvent::RotationCompleted { connection: id, .. }
        | AuditEvent::RotationPolicyChanged { connection: id, .. }
        | AuditEvent::RotationDue { connection: id, .. } => connection(id),
        AuditEvent::KeyCreated { key: id, .. }
        | AuditEvent::KeyScopeChanged { key: id, .. }
        | AuditEvent::KeyRevoked { key: id }
        | AuditEvent::LossReached { key: id, .. }
        | AuditEvent::UnusualUse { key: id, .. } => key(id),
        AuditEvent::Frozen { what, id, .. } | AuditEvent::Unfrozen { what, id } => {
            let id = id.as_deref().unwrap_or_default();
            match what {
                Frozen::Key => id.parse().map_or(About::Actor, |id| key(&id)),
                Frozen::Connection => id.parse().map_or(About::Actor, |id| connection(&id)),
                Frozen::Everything => About::Actor,
            }
        }
        AuditEvent::RequestAnswered { request, .. }
        | AuditEvent::ChargeReturned { request, .. }
        | AuditEvent::RequestRefused { request, .. } => About::Request(*request),
        AuditEvent::ApprovalGranted { approval, .. }
        | AuditEvent::ApprovalDenied { approval, .. }
        | AuditEvent::ApprovalEnded { approval, .. } => About::Approval(*approval),
        AuditEvent::Initialised { user: team }
        | AuditEvent::DekRotated { user: team, .. }
        | AuditEvent::TradingChanged { user: team, .. }
        | AuditEvent::TeamFounded { team, .. }
        | AuditEvent::PersonInvited { team, .. }
        | AuditEvent::InvitationWithdrawn { team, .. }
        | AuditEvent::PersonAdded { team, .. }
        | AuditEvent::RoleChanged { team, .. }
        | AuditEvent::PersonRemoved { team, .. }
        | AuditEvent::SignInFailed { team, .. }
        | AuditEvent::PasswordChanged { team, .. }
        | AuditEvent::ResetLinkMade { team, .. }
        | AuditEvent::SecondFactorOn { team, .. }
        | AuditEvent::SecondFactorOff { team, .. }
        | AuditEvent::RecoveryCodesMade { team, .. }
        | AuditEvent::RecoveryCodeUsed { team, .. }
        | AuditEvent::TokenCreated { team, .. }
        | AuditEvent::TokenRevoked { team, .. } => About::Team(*team),
        AuditEvent::CheckedIn
        | AuditEvent::KekRotated { .. }
        | AuditEvent::AuditKeyMade { .. }
        | AuditEvent::AuditPruned { .. }
        | AuditEvent::BackupWritten { .. }
        | AuditEvent::BackupRestored { .. }
        | AuditEvent::SignedIn { .. }
        | AuditEvent::SignedOut { .. }
        | AuditEvent::RollbackAccepted { .. } => About::Actor,
    }
}

/// The team of a thing; `None` when there is no such thing.
async fn of_thing(tx: &mut Tx, thing: Thing) -> Result<Option<Option<UserId>>, StoreError> {
    if let Some(team) = tx.teams.known().of.get(&thing) {
        return Ok(Some(*team));
    }
    let row = match thing {
        Thing::Connection(id) => {
            sql!(tx, fetch_optional (String,): "SELECT user_id FROM connections WHERE id = $1", id.to_string())?
        }
        Thing::Key(id) => {
            sql!(tx, fetch_optional (String,): "SELECT user_id FROM access_keys WHERE id = $1", id.to_string())?
        }
        Thing::Person(id) => {
            sql!(tx, fetch_optional (String,): "SELECT user_id FROM persons WHERE id = $1", id.to_string())?
        }
    };
    let Some((team,)) = row else { return Ok(None) };
    let team = not_first(tx, parse(&team, "team")?).await?;
    tx.teams.known().of.insert(thing, team);
    Ok(Some(team))
}

async fn of_connection(tx: &mut Tx, row: Option<(String,)>) -> Result<Option<Option<UserId>>, StoreError> {
    match row {
        Some((id,)) => of_thing(tx, Thing::Connection(parse(&id, "connection")?)).await,
        None => Ok(None),
    }
}

/// A request is a program's, or a step of what a freeze does.
async fn of_request(tx: &mut Tx, request: RequestId) -> Result<Option<Option<UserId>>, StoreError> {
    unwritten::flush(tx).await?;
    let mut row = sql!(tx, fetch_optional (String,):
        "SELECT connection_id FROM reservations WHERE request_id = $1", request.to_string())?;
    if row.is_none() {
        row = sql!(tx, fetch_optional (String,):
            "SELECT connection_id FROM wind_down_steps WHERE request_id = $1", request.to_string())?;
    }
    of_connection(tx, row).await
}

/// None for the first team.
async fn not_first(tx: &mut Tx, team: UserId) -> Result<Option<UserId>, StoreError> {
    let first = first(tx).await?;
    Ok((first != Some(team)).then_some(team))
}

/// The first team. It is looked up until there is one.
pub(crate) async fn first(tx: &mut Tx) -> Result<Option<UserId>, StoreError> {
    if let Some(first) = tx.teams.known().first {
        return Ok(Some(first));
    }
    let found = users::first(tx).await?;
    tx.teams.known().first = found;
    Ok(found)
}

impl Teams {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
