//! What a key can lose on one day, as far as its scope tells.

use paddock_core::money::dollars_in_words as dollars;
use paddock_core::order::Side;
use paddock_core::scope::PositionRule;
use paddock_core::{AssetClass, PermissionClass, Scope};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::keys::scope_fields::allows_orders;
use crate::document::words;

/// What can be lost on one day by what a key does on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stake {
    /// Dollars at most; nothing when the scope sets no such bound.
    #[schema(required, value_type = Option<words::Exact>)]
    pub most: Option<Decimal>,
    /// The same for a person: one or more sentences.
    pub words: String,
}

impl Stake {
    pub(super) fn of(scope: &Scope) -> Self {
        let mut stake = Self::bound(scope);
        if let (true, Some(loss)) = (may_open(scope), scope.max_daily_loss) {
            let loss = dollars(loss);
            stake.words += &format!(" It opens nothing more on a day on which the account has lost {loss}.");
        }
        stake
    }

    fn bound(scope: &Scope) -> Self {
        let (most, words) = if !allows_orders(scope) {
            (Some(Decimal::ZERO), "Nothing: it places no orders.".to_owned())
        } else if scope.operations.contains("optionExercise") {
            (None, "No most can be told: it may exercise options, which no cap counts.".to_owned())
        } else if !may_open(scope) {
            let words = "It opens nothing: it can only make smaller what the account holds, at the price of the moment.";
            (None, words.to_owned())
        } else {
            match (orders_a_day(scope), may_sell_short(scope)) {
                (Some(most), false) => {
                    let words = format!(
                        "At most about {}: all that it may order in a day, should that become worthless.",
                        dollars(most)
                    );
                    (Some(most), words)
                }
                (Some(most), true) => {
                    let words = format!(
                        "No most can be told: it may sell short, and a short position can lose more than it was sold for. Its orders of a \
                         day are worth at most {} together.",
                        dollars(most)
                    );
                    (None, words)
                }
                (None, false) => (
                    None,
                    "Everything in the account: nothing says how much it may order in a day.".to_owned(),
                ),
                (None, true) => {
                    let words = "Everything in the account and more: nothing says how much it may order in a day, and a short position can \
                                 lose more than it was sold for.";
                    (None, words.to_owned())
                }
            }
        };
        Self { most, words }
    }
}

/// Dollars of a day's orders together, at most.
pub(super) fn orders_a_day(scope: &Scope) -> Option<Decimal> {
    let by_count = scope
        .max_daily_orders
        .zip(scope.max_order_notional)
        .and_then(|(orders, each)| each.checked_mul(Decimal::from(orders)));
    match (scope.max_daily_notional, by_count) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Whether it may place an order that is no close.
pub(super) fn may_open(scope: &Scope) -> bool {
    let closes_only = scope.positions == Some(PositionRule::ReduceOnly)
        || (!scope.classes.contains(&PermissionClass::Order)
            && scope.operations.iter().all(|id| {
                paddock_alpaca::operation::by_id(id)
                    .is_none_or(|operation| operation.class != PermissionClass::Order)
            }));
    allows_orders(scope) && !closes_only
}

/// Whether an order can come of it that sells what the account does not hold.
pub(super) fn may_sell_short(scope: &Scope) -> bool {
    if !may_open(scope) || scope.positions.is_some() {
        return false;
    }
    // The legs of a multi-leg order are held to the same sides.
    let sells = scope.sides.as_ref().is_none_or(|sides| sides.contains(&Side::Sell));
    // Crypto cannot be sold short.
    sells && AssetClass::ALL.iter().any(|class| *class != AssetClass::Crypto && touches(scope, *class))
}

fn touches(scope: &Scope, class: AssetClass) -> bool {
    scope.asset_classes.as_ref().is_none_or(|classes| classes.contains(&class))
        && scope.symbols.as_ref().is_none_or(|symbols| symbols.iter().any(|symbol| symbol.class() == class))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::keys::scope_fields;

    fn scope(json: Value) -> Scope {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        scope_fields::read(&mut serde_json::from_value(json).unwrap(), now).unwrap()
    }

    #[rstest]
    #[case::reads(json!({"preset": "read-only"}), Some("0"), "Nothing")]
    #[case::no_limit(json!({"preset": "trader"}), None, "Everything in the account and more")]
    #[case::long(json!({"preset": "trader", "positions": "long_only"}), None, "Everything in the account:")]
    #[case::a_day(json!({"preset": "trader", "positions": "long_only", "max_daily_notional": "5000"}), Some("5000"), "about $5,000:")]
    #[case::buys(json!({"preset": "trader", "sides": ["buy"], "asset_classes": ["us_equity"], "max_daily_notional": "5000"}), Some("5000"), "$5,000")]
    #[case::legs(json!({"preset": "trader", "sides": ["buy"], "max_daily_notional": "99.5"}), Some("99.5"), "$99.50")]
    #[case::short(json!({"preset": "trader", "max_daily_notional": "5000"}), None, "worth at most $5,000 together")]
    #[case::coins(json!({"preset": "trader", "symbols": ["BTC/USD"], "max_daily_notional": "50"}), Some("50"), "$50")]
    #[case::by_count(json!({"preset": "trader", "sides": ["buy"], "symbols": ["AAPL"], "max_daily_orders": 3, "max_order_notional": "100"}), Some("300"), "$300")]
    #[case::the_less(json!({"preset": "trader", "sides": ["buy"], "symbols": ["AAPL"], "max_daily_orders": 3, "max_order_notional": "100",
        "max_daily_notional": "200"}), Some("200"), "$200")]
    #[case::loss(json!({"preset": "trader", "max_daily_loss": "250"}), None, "has lost $250")]
    #[case::closes(json!({"allow": ["position-close"]}), None, "opens nothing")]
    #[case::reduces(json!({"preset": "trader", "positions": "reduce_only"}), None, "opens nothing")]
    #[case::by_name(json!({"allow": ["postOrder"], "max_daily_notional": "5"}), None, "short")]
    #[case::exercises(json!({"allow": ["optionExercise"], "sides": ["buy"]}), None, "exercise")]
    fn what_can_be_lost(#[case] fields: Value, #[case] most: Option<&str>, #[case] words: &str) {
        let stake = Stake::of(&scope(fields));
        assert_eq!(stake.most, most.map(|most| most.parse().unwrap()), "{}", stake.words);
        assert!(stake.words.contains(words), "{}", stake.words);
    }
}
