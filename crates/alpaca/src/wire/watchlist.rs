//! `/v2/watchlists`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Asset;

/// A watchlist. In the list of all watchlists the assets are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watchlist {
    /// Its identity.
    pub id: Uuid,
    /// The account.
    pub account_id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its name, at most 64 characters.
    pub name: String,
    /// The assets, in the order in which they were put in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<Vec<Asset>>,
}
