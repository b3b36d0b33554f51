//! What the tests of several consumers use.

use paddock_core::{Environment, SecretText};
use uuid::Uuid;

use crate::Delivery;

/// A pair on its way.
pub(crate) fn delivery() -> Delivery {
    Delivery {
        token: Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef),
        environment: Environment::Paper,
        key_id: SecretText::new("PKAAAABBBBCCCCDDDDEEEE2345".to_owned()),
        secret_key: SecretText::new("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP12".to_owned()),
    }
}
