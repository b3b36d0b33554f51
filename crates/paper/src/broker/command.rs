//! What can be done to a broker, as data: this is what the journal keeps.
//!
//! A command carries every identifier that it brings into the world, so that giving it again has the same outcome. It
//! carries no secret.

use jiff::Timestamp;
use paddock_alpaca::wire::{AccountConfiguration, PositionIntent};
use paddock_core::order::{OrderRequest, TimeInForce};
use paddock_core::{Environment, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::account::Standing;
use super::grants::{Grant, OAuthClient};
use super::watchlist::{WatchlistChange, WatchlistKey};
use crate::keys::KeptKey;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// Opens an account with a pair.
    CreateAccount {
        /// Its id.
        account: Uuid,
        /// Its world.
        environment: Environment,
        /// Its number.
        number: String,
        /// What it starts with, dollars.
        cash: Decimal,
        /// Its pair.
        key: KeptKey,
    },
    /// Gives an account a pair; the one that it has dies in the same act.
    IssueKey {
        /// Whose.
        account: Uuid,
        /// The new pair.
        key: KeptKey,
    },
    /// Takes an account's pair away.
    RevokeKey {
        /// Whose.
        account: Uuid,
    },
    /// Starts an account anew, with a new pair: no orders, no positions, no activities.
    ResetAccount {
        /// Which.
        account: Uuid,
        /// What it starts with, dollars.
        cash: Decimal,
        /// The new pair.
        key: KeptKey,
    },
    /// Takes an account away, with its pair, its orders and what was granted of it.
    DeleteAccount {
        /// Which.
        account: Uuid,
    },
    /// Lets a program ask people for access.
    RegisterOAuthClient {
        /// The program.
        client: OAuthClient,
    },
    /// Gives a program another secret; the one that it has dies in the same act.
    SetOAuthClientSecret {
        /// Which program.
        client_id: String,
        /// SHA-256 of the new secret.
        secret_sha256: String,
    },
    /// Takes a program away, with all that was granted to it.
    DeleteOAuthClient {
        /// Which.
        client_id: String,
    },
    /// Gives a program a token.
    GrantOAuth {
        /// What it opens.
        grant: Grant,
    },
    /// Takes a token away.
    RevokeOAuthGrant {
        /// Which.
        grant: Uuid,
    },
    /// Changes whether an account may trade.
    SetStanding {
        /// Whose.
        account: Uuid,
        /// The new standing.
        standing: Standing,
    },
    /// Changes an account's configuration.
    Configure {
        /// Whose.
        account: Uuid,
        /// The whole new configuration.
        configuration: AccountConfiguration,
    },
    /// Places an order.
    PlaceOrder {
        /// For whom.
        account: Uuid,
        /// The id that it gets.
        order: Uuid,
        /// What is asked for. Without a client order id it gets `order`'s.
        request: Box<OrderRequest>,
        /// What the client says that it does to the position.
        intent: Option<PositionIntent>,
    },
    /// Puts another order in the place of one.
    ReplaceOrder {
        /// Whose.
        account: Uuid,
        /// The order that goes.
        order: Uuid,
        /// The id of the one that comes.
        replacement: Uuid,
        /// What is different about it.
        changes: OrderChanges,
    },
    /// Takes an order back.
    CancelOrder {
        /// Whose.
        account: Uuid,
        /// Which.
        order: Uuid,
    },
    /// Takes all open orders back.
    CancelAllOrders {
        /// Whose.
        account: Uuid,
    },
    /// Sells, or buys back, a position or a part of it.
    ClosePosition {
        /// Whose.
        account: Uuid,
        /// In what.
        symbol: Symbol,
        /// How much of it.
        portion: Portion,
        /// The id of the order that does it.
        order: Uuid,
    },
    /// Closes all positions.
    CloseAllPositions {
        /// Whose.
        account: Uuid,
        /// Whether open orders, which hold positions, are taken back first.
        cancel_orders: bool,
        /// The orders that do it get ids made from this one and the symbols.
        base: Uuid,
    },
    /// Makes a watchlist.
    CreateWatchlist {
        /// Whose.
        account: Uuid,
        /// The id that it gets.
        watchlist: Uuid,
        /// Its name.
        name: String,
        /// What is on it.
        symbols: Vec<Symbol>,
    },
    /// Changes or deletes a watchlist.
    ChangeWatchlist {
        /// Whose.
        account: Uuid,
        /// Which.
        watchlist: WatchlistKey,
        /// How.
        change: WatchlistChange,
    },
    /// Halts trading.
    Halt {
        /// In what; in everything, if nothing is named.
        symbols: Option<Vec<Symbol>>,
    },
    /// Lets trading go on.
    Resume {
        /// In what; in everything, if nothing is named.
        symbols: Option<Vec<Symbol>>,
    },
    /// Only time has passed: the clock was moved, or its pace changed.
    PassTime,
}

impl Command {
    /// Whether something that opened an account, or prices, may open it no more: open streams look whether they still may.
    #[must_use]
    pub const fn takes_access_away(&self) -> bool {
        matches!(
            self,
            Self::IssueKey { .. }
                | Self::RevokeKey { .. }
                | Self::ResetAccount { .. }
                | Self::DeleteAccount { .. }
                | Self::SetOAuthClientSecret { .. }
                | Self::DeleteOAuthClient { .. }
                | Self::RevokeOAuthGrant { .. }
        )
    }
}

/// What is different about a replacement. Nothing: as before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChanges {
    /// Units.
    pub quantity: Option<Decimal>,
    /// How long it lives.
    pub time_in_force: Option<TimeInForce>,
    /// Dollars per unit.
    pub limit_price: Option<Decimal>,
    /// Dollars per unit at which it is triggered.
    #[serde(default)]
    pub stop_price: Option<Decimal>,
    /// How far a trailing stop stays behind, in the unit that it has: dollars or percent.
    #[serde(default)]
    pub trail: Option<Decimal>,
    /// The client's name for it.
    pub client_order_id: Option<String>,
}

/// How much of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Portion {
    /// All of it.
    Whole,
    /// So many units.
    Quantity(Decimal),
    /// So many hundredths, above 0 and up to 100.
    Percentage(Decimal),
}

/// When something was done, and what: the input of the state machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The broker's time.
    pub at: Timestamp,
    /// The command.
    pub command: Command,
}
