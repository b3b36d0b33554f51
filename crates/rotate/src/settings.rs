//! What settings of several consumers have in common.

use serde::{Deserialize, Serialize};

/// The names under which a consumer keeps the two halves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairNames {
    /// The Key ID's name.
    pub key_id: String,
    /// The Secret Key's name.
    pub secret_key: String,
}

impl Default for PairNames {
    /// The names that Alpaca's own SDKs read.
    fn default() -> Self {
        Self { key_id: "APCA_API_KEY_ID".to_owned(), secret_key: "APCA_API_SECRET_KEY".to_owned() }
    }
}

/// The settings of a consumer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingsFault {
    /// Which of the settings.
    pub field: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: String,
}

impl PairNames {
    /// Checks that both are names of environment variables and differ.
    ///
    /// # Errors
    /// [`SettingsFault`] that names the half.
    pub fn check(&self) -> Result<(), SettingsFault> {
        for (field, name) in [("names.key_id", &self.key_id), ("names.secret_key", &self.secret_key)] {
            let mut bytes = name.bytes();
            let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            if !first || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || name.len() > 200 {
                let problem =
                    "a name has letters, digits and underscores, and starts with no digit".to_owned();
                return Err(SettingsFault { field, problem });
            }
        }
        if self.key_id == self.secret_key {
            let problem = "the two halves need different names".to_owned();
            return Err(SettingsFault { field: "names.secret_key", problem });
        }
        Ok(())
    }
}
