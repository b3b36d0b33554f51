//! What every consumer can do.

use std::fmt;

use futures_util::future::BoxFuture;
use paddock_core::{Environment, SecretText};
use uuid::Uuid;

use crate::{Fault, PairDue};

/// A place outside Paddock that holds a copy of a key pair: a secret store, a platform's variables, a file.
///
/// Every call may be cut off and asked again: `look` and `prove` change nothing, and `put` of the same delivery a second time leaves what
/// the first time left.
pub trait Consumer: fmt::Debug + Send + Sync {
    /// Logs in, finds out whether writing is allowed without changing a value, and tells what is there now.
    ///
    /// # Errors
    /// [`Fault`] with the next step; nothing was changed.
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>>;

    /// Puts the pair there: both halves in one request where the API allows it, otherwise in an order in which a torn pair can be
    /// recognised. `seen` is the version that [`Consumer::look`] told just before, and another one is not overwritten where the API can
    /// compare. Creates the names when they are absent, changes no other name, and deletes nothing.
    ///
    /// # Errors
    /// [`Fault`], whose [`crate::Applied`] tells whether the pair may be there all the same.
    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>>;

    /// Proves that the pair is there, and in use where that can be seen.
    ///
    /// # Errors
    /// [`Fault`] when it cannot be proven now; with [`crate::FaultKind::NotYet`] it is worth asking again.
    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>>;

    /// Tells that a pair is due to be replaced, where messages are taken; `None` everywhere else. It may come twice, and has the same token then.
    fn remind<'a>(&'a self, _: &'a PairDue) -> Option<BoxFuture<'a, Result<(), Fault>>> {
        None
    }
}

/// One pair on its way to one consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The same for the same pair, rotation and consumer, whenever it is sent again: for APIs that take an idempotency token, and as the
    /// generation mark of those that have room for one.
    pub token: Uuid,
    /// The environment that the pair opens.
    pub environment: Environment,
    /// The Key ID.
    pub key_id: SecretText,
    /// The Secret Key.
    pub secret_key: SecretText,
}

/// What a consumer told before anything was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// As whom we are logged in there and with what software: shown to people, written into the report.
    pub login: String,
    /// The version, ETag, release or time of change of what is there; absent when there is nothing yet or the API tells none.
    pub version: Option<String>,
    /// What is there.
    pub held: Held,
    /// Whether we may write.
    pub writable: Writable,
}

/// What a consumer holds, as far as it lets us see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// The values can be read; an absent half is `None`.
    Values {
        /// The Key ID that is there.
        key_id: Option<SecretText>,
        /// The Secret Key that is there.
        secret_key: Option<SecretText>,
    },
    /// Only whether the names exist can be seen, with the time of change or version where there is one.
    Names {
        /// The Key ID's mark; `None` when the name does not exist.
        key_id: Option<String>,
        /// The Secret Key's mark; `None` when the name does not exist.
        secret_key: Option<String>,
    },
    /// Several places that are written one after the other, each with its name: the apps of one consumer. After a delivery that was cut off they
    /// differ, and each is judged for itself.
    Several(Vec<(String, Held)>),
    /// Nothing can be seen: a command, a webhook, a notice.
    Unseen,
}

/// How sure it is that a write will be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writable {
    /// The API said so.
    Proven,
    /// Nothing speaks against it, and the API has no way to tell without writing; the text says what was seen.
    Likely(String),
}

/// What the version of a change starts with that was made and could not be seen at once; the instant follows from which on it must have happened.
/// It says nothing of whose it is that is there later.
pub(crate) const UNSEEN: &str = "after ";

/// What came of putting a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The version, release or time of change that came of it, if the API tells one.
    pub version: Option<String>,
    /// Whether it is there.
    pub outcome: Outcome,
}

/// Whether a pair that was put is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was written now.
    Written,
    /// The same pair was there already, so nothing was written.
    AlreadyThere,
    /// Somebody there must approve it first; the text says what, where, and how.
    Pending(String),
}

/// What is proven of a pair at a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// That it is stored.
    pub stored: Stored,
    /// That it is in use; `None` when this consumer has no check for that.
    pub in_use: Option<InUse>,
}

/// How it is known that the pair is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Both values were read back and are equal.
    ReadBack,
    /// The values cannot be read; their version or time of change moved to this one.
    Moved(String),
    /// The receiver said yes and there is nothing more to ask: a command's status 0, a webhook's 2xx.
    Acknowledged,
    /// It received a notice without any value.
    Notified,
}

/// How it is known that programs there work with the new pair, in words for the report: `release v42 succeeded`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse(pub String);
