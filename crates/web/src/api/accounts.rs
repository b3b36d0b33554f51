//! Accounts: what a connection's account holds and has ordered, and what a person does about it.
//!
//! Reading asks Alpaca, at most once a second for each question. What changes anything goes through the gateway's one door.

pub(crate) mod act;
pub(crate) mod look;
mod views;

use http::StatusCode;
use paddock_gateway::LookFault;

use crate::problem::Problem;

pub(crate) use act::{HOW_MANY, by_hand, cancel, cancel_all, close, order_id, read_symbol};
pub(crate) use look::{
    Point, account, equity, equity_of, figures, order, order_of, orders, orders_of, positions, positions_of,
};
pub use views::{AccountFigures, OrderView, PlacedBy, PositionView};

/// What a failed look means for whoever looks.
pub(crate) fn look_problem(fault: LookFault) -> Problem {
    use paddock_alpaca::client::ClientError;
    let sentence = fault.to_string();
    let unreachable = |detail: String| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "alpaca_unreachable",
            "Alpaca does not answer",
            detail,
            "try again in a moment; if it lasts, check the connection: on its page, or with `paddock connection check`",
        )
    };
    match fault {
        LookFault::NoSuchConnection => Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_connection",
            "Unknown connection",
            "the connection is gone",
            "look at the list of connections",
        ),
        LookFault::Credential(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "credential_unusable",
            "Credential not usable",
            sentence,
            "on the machine that runs Paddock, run `paddock doctor`",
        ),
        LookFault::Alpaca(ClientError::Api(error)) if error.status == 401 => Problem::new(
            StatusCode::BAD_GATEWAY,
            "credential_refused",
            "Alpaca refuses the credential",
            "alpaca refuses this connection's credential, which was probably regenerated, reset or revoked",
            "give the connection another one: on its page, or with `paddock connection add NAME --replace`",
        ),
        LookFault::Alpaca(ClientError::Api(error)) if error.status == 404 => Problem::new(
            StatusCode::NOT_FOUND,
            "not_at_alpaca",
            "Not found at Alpaca",
            format!("alpaca says: {}", error.message),
            "look at the lists of orders and positions for what there is",
        ),
        LookFault::Alpaca(ClientError::Api(error)) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "alpaca_refused",
            "Alpaca refuses",
            format!("alpaca says: {}", error.message),
            "see what its message asks for, then try again",
        ),
        LookFault::Alpaca(ClientError::RateLimited { .. }) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "alpaca_busy",
            "No request left",
            "the requests that alpaca allows this account in a minute are in use by programs, which come first",
            "try again in a few seconds",
        ),
        LookFault::Alpaca(error) => unreachable(error.to_string()),
    }
}
