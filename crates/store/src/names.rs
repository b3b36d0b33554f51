//! What the things are called that audit records name by their identifiers.

use std::collections::HashMap;
use std::fmt::Display;

use paddock_core::id::UserId;

use crate::db::sql;
use crate::{Store, StoreError};

/// The names of a team's connections, access keys, consumers, people and API tokens, those that are gone included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The name of whatever has this identifier.
    #[must_use]
    pub fn of(&self, id: impl Display) -> Option<&str> {
        self.0.get(&id.to_string()).map(String::as_str)
    }
}

impl Store {
    /// What a team's things are called.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names(&self, user: UserId) -> Result<Names, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String, String):
            "SELECT id, name FROM access_keys WHERE user_id = $1
             UNION ALL SELECT id, name FROM connections WHERE user_id = $1
             UNION ALL SELECT id, name FROM consumers WHERE user_id = $1
             UNION ALL SELECT id, name FROM persons WHERE user_id = $1
             UNION ALL SELECT api_tokens.id, api_tokens.name FROM api_tokens
                       JOIN persons ON persons.id = api_tokens.person_id WHERE persons.user_id = $1",
            user.to_string())?;
        Ok(Names(rows.into_iter().collect()))
    }
}
