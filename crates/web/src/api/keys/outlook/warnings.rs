//! What a careful person would look at once more before a key is issued.

use paddock_alpaca::operation;
use paddock_core::{Environment, PermissionClass, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stake::{may_open, may_sell_short, orders_a_day};

/// Something to look at once more. It forbids nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// The field of the scope that it is about.
    pub limit: String,
    /// What it means, a sentence.
    pub words: String,
    /// What to do about it, a sentence.
    pub next_step: String,
}

/// What there is to say. Paper loses no money, so there it is only what would be wrong in any case.
pub(super) fn of(scope: &Scope, environment: Environment) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |limit: &str, words: String, next_step: &str| {
        found.push(Warning { limit: limit.to_owned(), words, next_step: next_step.to_owned() });
    };
    let out: Vec<&str> = scope.operations.iter().map(String::as_str).filter(|id| moves_money(id)).collect();
    if !out.is_empty() {
        warn(
            "allow",
            format!("It may move money or assets out of the account, by {}.", out.join(", ")),
            "Leave these operations out unless the program is there for nothing else.",
        );
    }
    if scope.classes.contains(&PermissionClass::Settings) {
        warn(
            "allow",
            "It may change account settings, such as whether the account trades on margin.".to_owned(),
            "Leave `settings` out: few programs need it.",
        );
    }
    if environment == Environment::Paper {
        return found;
    }
    if may_open(scope) {
        if orders_a_day(scope).is_none() {
            warn(
                "max_daily_notional",
                "Nothing limits what it may order in a day, so a program that runs wild can spend all there is.".to_owned(),
                "Set dollars a day.",
            );
        }
        if scope.max_order_notional.is_none() {
            warn(
                "max_order_notional",
                "Nothing limits a single order, so a slip by a factor of a hundred goes through.".to_owned(),
                "Set dollars an order.",
            );
        }
        if scope.symbols.is_none() {
            warn(
                "symbols",
                "It may trade every symbol.".to_owned(),
                "Name the symbols that the program is for.",
            );
        }
        if may_sell_short(scope) {
            warn(
                "positions",
                "It may sell short, where a loss has no limit.".to_owned(),
                "Choose \u{201c}never short\u{201d} if the program only buys and sells what it holds.",
            );
        }
    }
    if scope.expires_at.is_none() {
        warn(
            "expires_in",
            "It never ends, also when nobody remembers it.".to_owned(),
            "Give it an end: a new key takes a minute.",
        );
    }
    if scope.networks.is_none() && scope.signed.is_none() {
        warn(
            "networks",
            "Whoever gets hold of the pair can use it from any address that reaches the gateway.".to_owned(),
            "Name the networks of your programs, for example 127.0.0.1.",
        );
    }
    found
}

fn moves_money(id: &str) -> bool {
    operation::by_id(id).is_some_and(|operation| operation.class == PermissionClass::MoneyOut)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::keys::scope_fields;

    fn limits(json: Value, environment: Environment) -> Vec<String> {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let scope = scope_fields::read(&mut serde_json::from_value(json).unwrap(), now).unwrap();
        of(&scope, environment).into_iter().map(|warning| warning.limit).collect()
    }

    #[rstest]
    #[case(json!({"preset": "trader"}), &["max_daily_notional", "max_order_notional", "symbols", "positions", "expires_in", "networks"])]
    #[case(json!({"preset": "read-only"}), &["expires_in", "networks"])]
    #[case(
        json!({"preset": "trader", "symbols": ["AAPL"], "max_order_notional": "10", "max_daily_notional": "100", "positions": "long_only",
            "expires_in": "30d", "networks": ["127.0.0.1"]}),
        &[]
    )]
    #[case(json!({"preset": "trader", "positions": "reduce_only", "expires_in": "1d", "signed": "required"}), &[])]
    fn what_is_said_on_live(#[case] fields: Value, #[case] expected: &[&str]) {
        assert_eq!(limits(fields, Environment::Live), expected);
    }

    #[test]
    fn paper_is_left_alone_unless_money_or_settings_move() {
        assert!(limits(json!({"preset": "trader"}), Environment::Paper).is_empty());
        let out = operation::all().find(|operation| operation.class == PermissionClass::MoneyOut).unwrap().id;
        assert_eq!(limits(json!({"allow": [out, "settings"]}), Environment::Paper), ["allow", "allow"]);
    }
}
