//! Why a request is refused.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $number:literal);+ $(;)?) => {
        /// Why a request was refused. The names and numbers are stable: programs may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode {
            $($(#[$doc])* #[serde(rename = $text)] $name),+
        }

        impl ReasonCode {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The stable number, in the form of Alpaca's own codes: HTTP status times 100,000 plus a detail. Paddock's
            /// details start at 90,000, where Alpaca has none.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number),+ }
            }
        }
    };
}

reasons! {
    /// The access key, its connection or everything is frozen.
    Frozen = "frozen", 40_390_001;
    /// The access key's time is over.
    KeyExpired = "key_expired", 40_390_002;
    /// The request came from a network that the scope does not allow.
    NetworkNotAllowed = "network_not_allowed", 40_390_003;
    /// The scope does not allow the operation.
    OperationNotAllowed = "operation_not_allowed", 40_390_004;
    /// The operation moves money or assets out and is not named in the scope.
    MoneyOutNotAllowed = "money_out_not_allowed", 40_390_005;
    /// The scope does not allow the symbol.
    SymbolNotAllowed = "symbol_not_allowed", 40_390_006;
    /// The scope does not allow the asset class.
    AssetClassNotAllowed = "asset_class_not_allowed", 40_390_007;
    /// The scope does not allow the side, of the order or of one of its exits.
    SideNotAllowed = "side_not_allowed", 40_390_008;
    /// The scope does not allow the order type, of the order or of one of its exits.
    OrderTypeNotAllowed = "order_type_not_allowed", 40_390_009;
    /// The order is worth more than the scope allows for one order.
    OrderNotionalExceeded = "order_notional_exceeded", 40_390_010;
    /// The order would take the day's total above the scope's cap.
    DailyNotionalExceeded = "daily_notional_exceeded", 40_390_011;
    /// The day's number of orders is used up.
    DailyOrdersExceeded = "daily_orders_exceeded", 40_390_012;
    /// The scope limits what orders are worth, and what this one is worth cannot be told.
    PriceUnknown = "price_unknown", 40_390_013;
    /// The scope does not allow the order class.
    OrderClassNotAllowed = "order_class_not_allowed", 40_390_015;
    /// The scope does not allow the time in force.
    TimeInForceNotAllowed = "time_in_force_not_allowed", 40_390_016;
    /// The scope does not allow trading outside regular hours.
    ExtendedHoursNotAllowed = "extended_hours_not_allowed", 40_390_017;
    /// The order would open a position that the scope does not allow, such as a short one.
    PositionNotAllowed = "position_not_allowed", 40_390_018;
    /// The order is for more units than the scope allows for one order.
    OrderQuantityExceeded = "order_quantity_exceeded", 40_390_019;
    /// The limit price is further from the market than the scope allows.
    PriceOutsideCollar = "price_outside_collar", 40_390_020;
    /// The scope limits what orders are worth, and the market's quote is too old to tell.
    QuoteStale = "quote_stale", 40_390_021;
    /// It is not the time of day at which the scope allows orders.
    OutsideHours = "outside_hours", 40_390_022;
    /// The scope does not allow market data of the symbol.
    DataSymbolNotAllowed = "data_symbol_not_allowed", 40_390_023;
    /// The order would take the account's open exposure above the scope's cap.
    OpenExposureExceeded = "open_exposure_exceeded", 40_390_080;
    /// The scope limits the account's open exposure, and what that is cannot be told.
    OpenExposureUnknown = "open_exposure_unknown", 40_390_081;
    /// The account has lost as much as the scope allows for a day.
    DailyLossReached = "daily_loss_reached", 40_390_082;
    /// The scope limits the account's loss of a day, and what that is cannot be told.
    DailyLossUnknown = "daily_loss_unknown", 40_390_083;
    /// The access key makes more requests a minute than its scope allows.
    RequestRateExceeded = "request_rate_exceeded", 42_990_001;
    /// The scope shows only the key's own orders, and this is none of them. Programs get Alpaca's answer to an order that does not exist.
    NotOwnOrder = "not_own_order", 40_390_060;
    /// The scope shows only the key's own orders, and the request would show or touch those of others with them.
    OthersOrders = "others_orders", 40_390_061;
    /// A person has to approve the request; it is held.
    ApprovalRequired = "approval_required", 40_390_040;
    /// A person denied the request.
    ApprovalDenied = "approval_denied", 40_390_041;
    /// Nobody approved or denied the request in time.
    ApprovalExpired = "approval_expired", 40_390_042;
    /// The access key, its connection or everything was frozen or revoked while the request was held.
    ApprovalVoid = "approval_void", 40_390_043;
    /// The market's price is not where it was when the request was held.
    ApprovalPriceMoved = "approval_price_moved", 40_390_044;
    /// So many requests of the access key are held that no more may be.
    TooManyApprovals = "too_many_approvals", 40_390_045;
    /// A person approved the request, and it could not be sent as it was approved.
    ApprovalRefused = "approval_refused", 40_390_046;
    /// The operation is none that Paddock knows.
    UnknownOperation = "unknown_operation", 40_390_014;
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request was refused, with the numbers behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable reason.
    pub code: ReasonCode,
    /// One sentence for a person, with the next step; lower case, no full stop.
    pub message: String,
    /// The values that decided it, as text, by name.
    pub numbers: BTreeMap<String, String>,
}

impl Refusal {
    /// A refusal; `numbers` are pairs of name and value.
    #[must_use]
    pub fn new(code: ReasonCode, message: String, numbers: &[(&str, String)]) -> Self {
        let numbers = numbers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { code, message, numbers }
    }
}

/// A number as it stands in a refusal.
pub(super) fn plain(amount: rust_decimal::Decimal) -> String {
    amount.normalize().to_string()
}

/// A list as it stands in a refusal.
pub(super) fn join<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}
