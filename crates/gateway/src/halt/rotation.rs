//! What requests do while a connection's pair is replaced: new orders wait a moment and are refused clearly after that. Reads and cancels pass;
//! those that the broker refused because the pair has died are asked again with the new one. That asks nothing twice, since the broker refused it
//! for certain, and what is canceled twice is canceled.

use std::time::Duration;

use paddock_core::PermissionClass;
use paddock_core::id::ConnectionId;
use tokio::time::timeout;

use crate::answer::Fault;
use crate::directory::{ConnectionEntry, Directory};
use crate::shared::Shared;
use crate::stop::Stop;

/// How long a request waits for a new pair. Clients give up later than this.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how many seconds a program may try again.
const RETRY_AFTER: u64 = 5;

/// Whether a request of this class is a new order to a rotation. Cancels pass; so does what moves nothing.
const fn is_held_back(class: PermissionClass) -> bool {
    matches!(class, PermissionClass::Order | PermissionClass::PositionClose | PermissionClass::MoneyOut)
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
