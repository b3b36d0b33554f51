//! What requests do while a connection's pair is replaced: new orders wait a moment and are refused clearly after that. Reads and cancels pass;
//! those that the broker refused because the pair has died are asked again with the new one. That asks nothing twice, since the broker refused it
//! for certain, and what is canceled twice is canceled.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::operation;
use paddock_core::PermissionClass;
use paddock_core::id::ConnectionId;
use paddock_store::Subject;
use tokio::time::{interval, timeout};

use crate::answer::Fault;
use crate::directory::{ConnectionEntry, Directory};
use crate::shared::{GatewayError, Shared};
use crate::stop::Stop;

/// How long a request waits for a new pair. Clients give up later than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often, and how many times, is looked whether other nodes' orders have their answers.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: u32 = 20;

/// A request that came longer ago than this is sent by nobody any more: waiting for its turn, for a rotation and for its answer takes less.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(3);

/// After how many seconds a program may try again.
const RETRY_AFTER: u64 = 5;

/// Whether a request of this class is a new order to a rotation. Cancels pass; so does what moves nothing.
pub(crate) const fn is_held_back(class: PermissionClass) -> bool {
    matches!(class, PermissionClass::Order | PermissionClass::PositionClose | PermissionClass::MoneyOut)
}

/// New orders that were being sent when a rotation began to hold them back, and have no answer yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unanswered {
    /// Those of this process.
    pub here: usize,
    /// Those of other processes on the same database.
    pub elsewhere: usize,
}

/// Reads that a rotation holds back a connection's new orders, and waits a moment for the answers to those that were being sent. When none is
/// left, none is sent until the rotation lets them pass, by any node: this one has read of the hold, and another one that has not heard of it
/// can reserve nothing.
pub(crate) async fn confirm(shared: &Shared, connection: ConnectionId) -> Result<Unanswered, GatewayError> {
    shared.reload().await?;
    // Whatever is entered from here on sees the hold.
    let here = shared.sending.settled(Subject::Connection(connection)).await.len();
    let mut elsewhere = elsewhere(shared, connection).await?;
    let mut looks = interval(LOOK);
    for _ in 0..LOOKS {
        if elsewhere == 0 {
            break;
        }
        looks.tick().await;
        elsewhere = self::elsewhere(shared, connection).await?;
    }
    Ok(Unanswered { here, elsewhere })
}

/// How many new orders of a connection other nodes have reserved and not settled. A node that died leaves its own until recovery settles them,
/// or until they can no longer be on their way.
async fn elsewhere(shared: &Shared, connection: ConnectionId) -> Result<usize, GatewayError> {
    if shared.store.is_alone() {
        return Ok(0);
    }
    let since = shared.clock.now().checked_sub(ON_ITS_WAY).unwrap_or(Timestamp::MIN);
    let is_new_order =
        |operation: &str| operation::by_id(operation).is_none_or(|one| is_held_back(one.class));
    let open = shared.store.open_reservations().await?;
    let on_their_way = open.iter().filter(|reservation| {
        reservation.connection == connection
            && !reservation.known_unknown
            && reservation.at > since
            && is_new_order(&reservation.operation)
            && !shared.is_in_flight(reservation.request)
    });
    Ok(on_their_way.count())
}

/// What is told to a program whose order was not sent.
pub(crate) fn refused() -> Fault {
    Fault { retry_after: Some(RETRY_AFTER), ..Fault::rotating() }
}

/// Waits while a rotation holds back new orders of a connection, if this is one.
pub(crate) async fn pass(
    shared: &Shared,
    connection: ConnectionId,
    class: PermissionClass,
) -> Result<(), Fault> {
    if !is_held_back(class) || !shared.directory.load().is_held(connection) {
        return Ok(());
    }
    until(shared, |directory| !directory.is_held(connection)).await
}

/// Looks for the last time before it is sent. Call it when the request is entered among those that are being sent: the rotation waits for
/// these, and whoever comes later sees it here.
pub(crate) fn last_look(
    shared: &Shared,
    connection: ConnectionId,
    class: PermissionClass,
) -> Result<(), Fault> {
    if is_held_back(class) && shared.directory.load().is_held(connection) { Err(refused()) } else { Ok(()) }
}

/// The broker has refused this credential. Waits for another one if a rotation is to bring it; `false` when there is none to be waited for.
pub(crate) async fn another_credential(shared: &Shared, refused: &ConnectionEntry) -> Result<bool, Fault> {
    let id = refused.connection.id;
    let is_another = |directory: &Directory| {
        directory.connection(id).is_some_and(|now| now.fingerprint() != refused.fingerprint())
    };
    let directory = shared.directory.load();
    if is_another(&directory) {
        return Ok(true);
    }
    if !directory.is_held(id) {
        return Ok(false);
    }
    drop(directory);
    until(shared, is_another).await.map(|()| true)
}

/// The same for what ended in this way: whether it may be asked again with another credential, because the broker has refused this one.
pub(crate) async fn has_another_credential(
    shared: &Shared,
    used: &ConnectionEntry,
    stop: &Stop,
) -> Result<bool, Fault> {
    if !matches!(stop, Stop::Fault(fault) if *fault == Fault::credential_refused()) {
        return Ok(false);
    }
    shared.refused.note(used);
    another_credential(shared, used).await
}

/// Waits until the directory is so, but not for ever.
async fn until(shared: &Shared, is_so: impl Fn(&Directory) -> bool) -> Result<(), Fault> {
    let mut changes = shared.directory_changes.subscribe();
    let wait = async { while !is_so(&shared.directory.load()) && changes.changed().await.is_ok() {} };
    timeout(PATIENCE, wait).await.map_err(|_| refused())
}
