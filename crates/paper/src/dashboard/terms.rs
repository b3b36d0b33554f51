//! What the dashboard's API and its page have in common: what can be asked for, and on which terms.

use paddock_alpaca::AlpacaError;
use paddock_core::Environment;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::http::Served;
use crate::keys::KeyFormat;
use crate::oauth::redirect_uri;
use crate::options::MAX_CASH;

/// The longest name of a program, in characters.
const MAX_NAME: usize = 80;

/// The most redirect URIs of a program.
const MAX_REDIRECT_URIS: usize = 10;

/// The account of a number or an id.
pub(crate) async fn find_account(served: &Served, name: &str) -> Result<Uuid, AlpacaError> {
    let id = name.parse::<Uuid>().ok();
    let found = served
        .broker
        .view(|broker| {
            let mut accounts = broker.accounts();
            accounts
                .find(|account| Some(account.id) == id || account.number == name)
                .map(|account| account.id)
        })
        .await?;
    found.ok_or_else(no_such_account)
}

pub(crate) fn no_such_account() -> AlpacaError {
    AlpacaError::new(404, 40_410_000, "account not found")
}

pub(crate) fn environment(word: &str) -> Result<Environment, AlpacaError> {
    word.parse().map_err(|_| AlpacaError::invalid_field("environment must be paper or live".to_owned()))
}

/// The form of new pairs: that of 2025, unless it is said otherwise.
pub(crate) fn key_format(word: Option<String>) -> Result<KeyFormat, AlpacaError> {
    let Some(word) = word else { return Ok(KeyFormat::New) };
    word.parse().map_err(|rule: &str| AlpacaError::invalid_field(rule.to_owned()))
}

/// Dollars and cents that an account can start with.
pub(crate) fn check_cash(cash: Decimal) -> Result<Decimal, AlpacaError> {
    if cash.is_sign_negative() || cash > MAX_CASH || cash.normalize().scale() > 2 {
        return Err(cash_out_of_range());
    }
    Ok(cash)
}

pub(crate) fn cash_out_of_range() -> AlpacaError {
    let message = format!("cash must be between 0 and {MAX_CASH} dollars, with cents at most");
    AlpacaError::invalid_field(message)
}

/// The name and the redirect URIs of a program.
pub(crate) fn registration(
    name: &str,
    redirect_uris: Vec<String>,
) -> Result<(String, Vec<String>), AlpacaError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let message = format!("name must have between 1 and {MAX_NAME} characters");
        return Err(AlpacaError::invalid_field(message));
    }
    if redirect_uris.is_empty() || redirect_uris.len() > MAX_REDIRECT_URIS {
        let message = format!("redirect_uris must be between 1 and {MAX_REDIRECT_URIS} addresses");
        return Err(AlpacaError::invalid_field(message));
    }
    if let Some(wrong) = redirect_uris.iter().find(|uri| !redirect_uri::is_acceptable(uri)) {
        let shown: String = wrong.chars().take(100).collect();
        return Err(AlpacaError::invalid_field(format!(
            "redirect_uris cannot have {shown}: {}",
            redirect_uri::RULE
        )));
    }
    Ok((name.to_owned(), redirect_uris))
}
