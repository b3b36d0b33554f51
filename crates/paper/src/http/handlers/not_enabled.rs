//! Crypto wallets, locates, tokenization and the exercise of options, as an account has them that was not approved for any:
//! its lists are empty, and what would begin something is forbidden.

use axum::response::Response;
use paddock_alpaca::AlpacaError;
use paddock_core::{AssetClass, Symbol};
use serde_json::{Value, json};

use crate::http::{Call, respond};

const FORBIDDEN: u32 = 40_310_000;
const NOT_FOUND: u32 = 40_410_000;

/// An empty list.
pub(in crate::http) fn empty() -> Result<Response, AlpacaError> {
    respond::ok(&Vec::<Value>::new())
}

/// No wallets. Asking for that of one asset would make it, which is not allowed.
pub(in crate::http) fn wallets(call: &Call) -> Result<Response, AlpacaError> {
    match call.text("asset") {
        None => empty(),
        Some(_) => Err(wallets_not_enabled()),
    }
}

/// Who may not send coins is told no fee for it.
pub(in crate::http) fn fee_estimate() -> Result<Response, AlpacaError> {
    Err(wallets_not_enabled())
}

fn wallets_not_enabled() -> AlpacaError {
    AlpacaError::new(403, FORBIDDEN, "crypto wallets are not enabled on this account")
}

/// No transfer of that id.
pub(in crate::http) fn transfer() -> Result<Response, AlpacaError> {
    Err(AlpacaError::new(404, NOT_FOUND, "transfer not found"))
}

/// No locates.
pub(in crate::http) fn locates() -> Result<Response, AlpacaError> {
    respond::ok(&json!({"locates": [], "next_page_token": null}))
}

/// No locate of that id. The errors of these operations have no numbers.
pub(in crate::http) fn locate() -> Result<Response, AlpacaError> {
    Err(AlpacaError::without_code(404, "locate not found"))
}

/// Quotes and orders of locates are for who has access to them.
pub(in crate::http) fn no_locates() -> Result<Response, AlpacaError> {
    Err(AlpacaError::without_code(403, "Forbidden"))
}

/// Tokenization is for authorized participants.
pub(in crate::http) fn no_participant() -> Result<Response, AlpacaError> {
    Err(AlpacaError::new(403, FORBIDDEN, "forbidden"))
}

/// Exercising, or not exercising, a contract that is not held.
pub(in crate::http) fn exercise(call: &Call) -> Result<Response, AlpacaError> {
    let contract = Symbol::parse(call.param()).is_ok_and(|symbol| symbol.class() == AssetClass::UsOption);
    let id = call.param().parse::<uuid::Uuid>().is_ok();
    if !contract && !id {
        return Err(AlpacaError::new(422, 42_210_000, "invalid symbol"));
    }
    Err(AlpacaError::new(403, FORBIDDEN, "no available position for the specified contract"))
}
