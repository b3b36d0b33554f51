//! Looking at a consumer because a person wants to know, outside any rotation. Nothing is changed.

use paddock_core::id::ConsumerId;
use paddock_core::rotation::Failure;
use paddock_store::StoreError;

use crate::consumer::{Held, Writable};
use crate::effects::deliver::failure_of;
use crate::effects::ownership::{Expected, judge};
use crate::{RotateError, Rotations};

/// What a look at a consumer found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerLook {
    /// As whom Paddock is logged in there, and with what software.
    pub login: String,
    /// The version of what is there, if the place tells one.
    pub version: Option<String>,
    /// What can be seen of the values, in words.
    pub held: String,
    /// How sure it is that a write is allowed, in words.
    pub writable: String,
    /// What would stand against writing there, if anything does.
    pub against: Option<Failure>,
}

impl Rotations {
    /// Looks at a consumer of a connection: logs in, finds out whether writing is allowed, and compares what is there with the
    /// connection's pair.
    ///
    /// # Errors
    /// [`RotateError`] when the database or the vault cannot take part. What the place itself says against it is the inner error.
    pub async fn look_at_consumer(
        &self,
        id: ConsumerId,
    ) -> Result<Result<ConsumerLook, Failure>, RotateError> {
        let (row, made) = match self.consumer(id).await? {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        };
        let looked = match made.look().await {
            Ok(looked) => looked,
            Err(fault) => return Ok(Err(failure_of(&fault))),
        };
        let missing = RotateError::Store(StoreError::NotFound { what: "pair" });
        let sealed = self.options.store.credential(row.connection).await?.ok_or(missing)?;
        let present = self.options.prints(&self.options.of_connection(row.user, &sealed).await?)?;
        let ownership = self.ownership(&row).await?;
        let against = judge(&self.options, &looked, &Expected { pairs: vec![present], ownership })?;
        let writable = match looked.writable {
            Writable::Proven => "the place says that writing is allowed".to_owned(),
            Writable::Likely(why) => why,
        };
        let held = held(&looked.held);
        Ok(Ok(ConsumerLook { login: looked.login, version: looked.version, held, writable, against }))
    }
}

fn held(held: &Held) -> String {
    let both = |key_id: bool, secret_key: bool, what: &str| match (key_id, secret_key) {
        (true, true) => format!("both {what}"),
        (true, false) => format!("only the Key ID's {what}"),
        (false, true) => format!("only the Secret Key's {what}"),
        (false, false) => format!("none of the {what}"),
    };
    match held {
        Held::Values { key_id, secret_key } => both(key_id.is_some(), secret_key.is_some(), "values"),
        Held::Names { key_id, secret_key } => {
            both(key_id.is_some(), secret_key.is_some(), "names; the values cannot be read")
        }
        Held::Several(places) => places
            .iter()
            .map(|(place, one)| format!("{place}: {}", self::held(one)))
            .collect::<Vec<_>>()
            .join("; "),
        Held::Unseen => "nothing can be seen there".to_owned(),
    }
}
