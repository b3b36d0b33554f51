//! Words of Alpaca's that only its JSON has.

use paddock_core::order::Side;
use paddock_core::words;

words! {
    /// Whether an order opens or closes a position.
    PositionIntent {
        /// Buys to hold.
        BuyToOpen = "buy_to_open",
        /// Buys back what was sold short.
        BuyToClose = "buy_to_close",
        /// Sells short.
        SellToOpen = "sell_to_open",
        /// Sells what is held.
        SellToClose = "sell_to_close",
    }
}

impl PositionIntent {
    /// Whether it makes a position smaller.
    #[must_use]
    pub const fn closes(self) -> bool {
        matches!(self, Self::BuyToClose | Self::SellToClose)
    }

    /// The side that it implies.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::BuyToOpen | Self::BuyToClose => Side::Buy,
            Self::SellToOpen | Self::SellToClose => Side::Sell,
        }
    }
}

words! {
    /// Where an order is in its life.
    OrderStatus {
        /// Routed to the market.
        New = "new",
        /// Filled in part.
        PartiallyFilled = "partially_filled",
        /// Filled whole.
        Filled = "filled",
        /// Done for the day.
        DoneForDay = "done_for_day",
        /// Canceled.
        Canceled = "canceled",
        /// Its time is over.
        Expired = "expired",
        /// Another order took its place.
        Replaced = "replaced",
        /// About to be canceled.
        PendingCancel = "pending_cancel",
        /// About to be replaced.
        PendingReplace = "pending_replace",
        /// Accepted by Alpaca, not yet routed.
        Accepted = "accepted",
        /// Accepted by Alpaca, on its way to the market.
        PendingNew = "pending_new",
        /// Accepted for an auction.
        AcceptedForBidding = "accepted_for_bidding",
        /// A trade is guaranteed but has not happened yet.
        Stopped = "stopped",
        /// Rejected.
        Rejected = "rejected",
        /// Suspended.
        Suspended = "suspended",
        /// Done for the day, settlement still being calculated.
        Calculated = "calculated",
        /// Waits for the order that it belongs to.
        Held = "held",
    }
}

impl OrderStatus {
    /// Whether nothing more can happen to the order.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Filled | Self::Canceled | Self::Expired | Self::Replaced | Self::Rejected)
    }
}
