//! What a connection is: one Alpaca account in one environment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::words;

words! {
    /// What opens a connection.
    CredentialKind {
        /// A Key ID and a Secret Key.
        KeyPair = "key_pair",
        /// A token that Alpaca gave for a person's yes, by OAuth.
        OauthToken = "oauth_token",
    }
}

/// One of Alpaca's two worlds. Anything but exactly `paper` or `live` is refused: a mode is never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Simulated money.
    Paper,
    /// Real money.
    Live,
}

impl Environment {
    /// `paper` or `live`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }

    /// The other world.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Paper => Self::Live,
            Self::Live => Self::Paper,
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was neither `paper` nor `live`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is exactly `paper` or `live`")]
pub struct UnknownEnvironment;

impl FromStr for Environment {
    type Err = UnknownEnvironment;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "paper" => Ok(Self::Paper),
            "live" => Ok(Self::Live),
            _ => Err(UnknownEnvironment),
        }
    }
}
