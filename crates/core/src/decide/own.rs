//! What a scope says about orders that others have placed.

use super::reason::{ReasonCode, Refusal};
use crate::Scope;

/// Whose orders a request shows or touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// The access key's own, or none.
    Own,
    /// The order of that name, which somebody else has placed, or nobody that is known.
    Foreign(&'a str),
    /// Also those of others, which cannot be left out; the words say of what, and what to do instead.
    Others(&'a str),
}

/// Whether a scope lets a request reach so far.
///
/// # Errors
/// The refusal, when it does not.
pub fn check_reach(scope: &Scope, reach: Reach<'_>) -> Result<(), Refusal> {
    if !scope.only_own_orders {
        return Ok(());
    }
    match reach {
        Reach::Own => Ok(()),
        Reach::Foreign(order) => {
            let order: String = order.chars().take(128).collect();
            let message = format!(
                "this access key may touch only orders that it has placed, and {order} is none of them"
            );
            Err(Refusal::new(ReasonCode::NotOwnOrder, message, &[("order", order)]))
        }
        Reach::Others(what) => {
            let message = format!("this access key may see and touch only orders that it has placed: {what}");
            Err(Refusal::new(ReasonCode::OthersOrders, message, &[]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scope_that_says_so_keeps_to_its_own() {
        let (open, own) = (Scope::default(), Scope { only_own_orders: true, ..Scope::default() });
        for reach in [Reach::Own, Reach::Foreign("x"), Reach::Others("y")] {
            assert_eq!(check_reach(&open, reach), Ok(()));
        }
        let code = |reach| check_reach(&own, reach).map_err(|refusal| refusal.code);
        assert_eq!(code(Reach::Own), Ok(()));
        assert_eq!(code(Reach::Foreign("x")), Err(ReasonCode::NotOwnOrder));
        assert_eq!(code(Reach::Others("y")), Err(ReasonCode::OthersOrders));
    }
}
