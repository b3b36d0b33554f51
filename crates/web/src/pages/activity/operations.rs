//! Alpaca's operations in words.

/// What a request that changes something would do.
pub(crate) const CHANGES: [(&str, &str); 14] = [
    ("postOrder", "place an order"),
    ("patchOrderByOrderId", "replace an order"),
    ("deleteOrderByOrderID", "cancel an order"),
    ("deleteAllOrders", "cancel all orders"),
    ("deleteOpenPosition", "close a position"),
    ("deleteAllOpenPositions", "close all positions"),
    ("optionExercise", "exercise an option"),
    ("optionDoNotExercise", "leave an option unexercised"),
    ("createLocates", "locate shares to sell short"),
    ("patchAccountConfig", "change the account's settings"),
    ("createCryptoTransferForAccount", "send crypto out"),
    ("createWhitelistedAddress", "add an address to send crypto to"),
    ("deleteWhitelistedAddress", "remove an address to send crypto to"),
    ("postTokenizationMint", "turn shares into tokens"),
];

/// What the commonest reads do.
const READS: [(&str, &str); 8] = [
    ("getAccount", "read the account"),
    ("getAllOrders", "read the orders"),
    ("getOrderByOrderID", "read an order"),
    ("getOrderByClientOrderId", "read an order"),
    ("getAllOpenPositions", "read the positions"),
    ("getOpenPosition", "read a position"),
    ("getAccountPortfolioHistory", "read the account's history"),
    ("getAccountActivities", "read the account's activities"),
];

/// An operation in words; its name, where there are none.
pub(crate) fn operation_words(operation: &str) -> &str {
    let all = CHANGES.iter().chain(&READS);
    all.into_iter().find(|(id, _)| *id == operation).map_or(operation, |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_with_words_is_one_of_alpacas() {
        for (id, words) in CHANGES {
            assert!(paddock_alpaca::operation::by_id(id).is_some(), "{id}");
            assert_ne!(operation_words(id), id, "{words}");
        }
    }
}
