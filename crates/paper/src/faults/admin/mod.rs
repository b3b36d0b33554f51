//! `/admin/v1`: faults, halts and time, for tests. It is opened by a token of its own and not by the pairs of accounts.

mod guard;
mod halts;
mod rules;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use paddock_alpaca::AlpacaError;

use crate::dashboard::{Failed, accounts, clock};
use crate::http::Served;

/// The routes, relative to `/admin/v1`.
pub(crate) fn router(served: Served) -> Router<Served> {
    Router::new()
        .route("/faults", get(rules::list).post(rules::add).delete(rules::clear))
        .route("/faults/{id}", get(rules::show).delete(rules::remove))
        .route("/halts", get(halts::list).post(halts::begin).delete(halts::end_all))
        .route("/halts/resume", post(halts::end))
        .route("/clock", get(clock::show))
        .route("/clock/step", post(clock::step))
        .route("/clock/jump", post(clock::jump))
        .route("/clock/rate", post(clock::set_rate))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{account}", get(accounts::show).patch(accounts::set_standing))
        .route("/accounts/{account}/keys", delete(accounts::revoke))
        .fallback(|| async { Failed(AlpacaError::endpoint_not_found()) })
        .layer(from_fn_with_state(served, guard::token_required))
}
