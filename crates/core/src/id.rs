//! One identifier type for each entity, so that one cannot stand in for another.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Entropy;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier: a UUID version 7, which sorts by the time it was made.
            #[must_use]
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(uuid_v7(now, entropy))
            }

            /// Wraps a UUID that was read back from where it was kept.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

id! {
    /// A team: what connections and access keys belong to.
    UserId,
    /// One person who can sign in.
    PersonId,
    /// One browser in which a person is signed in.
    SessionId,
    /// One link that works once: an invitation, for example.
    LinkId,
    /// One Alpaca account in one environment that a user has connected.
    ConnectionId,
    /// One access key that Paddock issued. This is the row's identity, not the Key ID that programs send.
    AccessKeyId,
    /// One data-encryption key.
    DekId,
    /// One request through the gateway; the thread that ties a reservation to its audit records.
    RequestId,
    /// One request that waits, or waited, for a person.
    ApprovalId,
    /// One personal API token. This is the row's identity, not what programs send.
    TokenId,
    /// One place outside Paddock that holds a copy of a key pair.
    ConsumerId,
    /// One rotation of a connection's key pair.
    RotationId,
    /// One attempt to connect an account by OAuth.
    OauthAttemptId,
}

/// A UUID version 7 (RFC 9562, section 5.7) from a given instant and given randomness.
#[must_use]
pub fn uuid_v7(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0_u8; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
