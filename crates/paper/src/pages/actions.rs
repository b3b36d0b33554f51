//! What the page's forms do. Each answers with a redirect to the page, where a notice says what happened.

use std::fmt::Write as _;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{HOST, LOCATION};
use http::{HeaderMap, StatusCode};
use paddock_alpaca::AlpacaError;
use paddock_core::money::parse_decimal;
use paddock_core::{Environment, SecretText};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::form::Form;
use super::memory::Notice;
use crate::broker::Command;
use crate::dashboard::terms;
use crate::http::Served;
use crate::keys::KeyFormat;
use crate::paper_broker::NewAccount;

/// `POST /dashboard/accounts`
pub(super) async fn create_account(State(served): State<Served>, headers: HeaderMap, form: Form) -> Response {
    let opened = async {
        let environment = terms::environment(form.field("environment"))?;
        let (cash, format) = (cash(&form)?, format(&form)?);
        let account = served.broker.open_account(environment, cash, format).await?;
        let title = format!("Account {} is open", account.account_number);
        let text = "These are its keys. The Secret Key is shown this once: copy it now.".to_owned();
        Ok(with_pair(title, text, &account, base_url(&served, environment, &headers)))
    };
    let outcome = opened.await;
    told(&served, outcome)
}

/// `POST /dashboard/accounts/{account}/keys`
pub(super) async fn regenerate_keys(
    State(served): State<Served>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let issued = async {
        let (id, environment) = found(&served, &name).await?;
        let account = served.broker.regenerate_key_as(id, format(&form)?).await?;
        let title = format!("Account {} has new keys", account.account_number);
        let text = "The keys that it had before are dead, and streams that they opened are closed. The Secret Key is shown this \
                    once: copy it now."
            .to_owned();
        Ok(with_pair(title, text, &account, base_url(&served, environment, &headers)))
    };
    let outcome = issued.await;
    told(&served, outcome)
}

/// `POST /dashboard/accounts/{account}/keys/revoke`
pub(super) async fn revoke_keys(
    State(served): State<Served>,
    Path(name): Path<String>,
    _form: Form,
) -> Response {
    let revoked = async {
        let (id, _) = found(&served, &name).await?;
        served.broker.revoke_key(id).await?;
        let text = "Its keys are dead, and streams that they opened are closed.";
        Ok(notice(format!("Account {name} has no keys"), text))
    };
    let outcome = revoked.await;
    told(&served, outcome)
}

/// `POST /dashboard/accounts/{account}/reset`
pub(super) async fn reset_account(
    State(served): State<Served>,
    Path(name): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let reset = async {
        let (id, environment) = found(&served, &name).await?;
        let (cash, format) = (cash(&form)?, format(&form)?);
        let account = served.broker.reset_account_as(id, cash, format).await?;
        let title = format!("Account {} was reset, and its keys have changed", account.account_number);
        let text = "Orders, positions and history are gone. The keys that it had before are dead: give these new ones to every program \
                    that uses the account. The Secret Key is shown this once: copy it now."
            .to_owned();
        Ok(with_pair(title, text, &account, base_url(&served, environment, &headers)))
    };
    let outcome = reset.await;
    told(&served, outcome)
}

/// `POST /dashboard/accounts/{account}/delete`
pub(super) async fn delete_account(
    State(served): State<Served>,
    Path(name): Path<String>,
    _form: Form,
) -> Response {
    let deleted = async {
        let (id, _) = found(&served, &name).await?;
        served.broker.delete_account(id).await?;
        let text = "Its keys and tokens are dead, and its streams are closed. To go on, open a new account.";
        Ok(notice(format!("Account {name} is deleted"), text))
    };
    let outcome = deleted.await;
    told(&served, outcome)
}

/// `POST /dashboard/clients`
pub(super) async fn register_client(State(served): State<Served>, form: Form) -> Response {
    let registered = async {
        let uris = form.field("redirect_uris").split_whitespace().map(ToOwned::to_owned).collect();
        let (name, uris) = terms::registration(form.field("name"), uris)?;
        let title = format!("{name} is registered");
        let (client_id, secret) = served.broker.register_oauth_client(name, uris).await?;
        Ok(with_client(title, "The client secret is shown this once: copy it now.", client_id, secret))
    };
    let outcome = registered.await;
    told(&served, outcome)
}

/// `POST /dashboard/clients/{client}/secret`
pub(super) async fn rotate_secret(
    State(served): State<Served>,
    Path(client_id): Path<String>,
    _form: Form,
) -> Response {
    let rotated = async {
        let secret = served.broker.rotate_oauth_secret(client_id.clone()).await?;
        let text = "The one before is dead; tokens that people granted stay good. It is shown this once: copy it now.";
        Ok(with_client("The program has a new client secret".to_owned(), text, client_id, secret))
    };
    let outcome = rotated.await;
    told(&served, outcome)
}

/// `POST /dashboard/clients/{client}/delete`
pub(super) async fn delete_client(
    State(served): State<Served>,
    Path(client_id): Path<String>,
    _form: Form,
) -> Response {
    let deleted = async {
        served.broker.execute(Command::DeleteOAuthClient { client_id }).await?;
        Ok(notice("The program is deleted".to_owned(), "All tokens that it was granted are dead."))
    };
    let outcome = deleted.await;
    told(&served, outcome)
}

/// `POST /dashboard/grants/{grant}/revoke`
pub(super) async fn revoke_grant(
    State(served): State<Served>,
    Path(grant): Path<Uuid>,
    _form: Form,
) -> Response {
    let revoked = async {
        served.broker.execute(Command::RevokeOAuthGrant { grant }).await?;
        Ok(notice("The token is revoked".to_owned(), "Streams that it opened are closed."))
    };
    let outcome = revoked.await;
    told(&served, outcome)
}

/// Sends the browser to the page, which tells the outcome.
fn told(served: &Served, outcome: Result<Notice, AlpacaError>) -> Response {
    let notice = outcome.unwrap_or_else(|error| Notice {
        good: false,
        title: "Nothing was done".to_owned(),
        text: error.message.into_owned(),
        secrets: Vec::new(),
        block: None,
    });
    let broker = &served.broker;
    let id = broker.page_memory().keep(notice, broker.wall_now(), broker.entropy());
    (StatusCode::SEE_OTHER, [(LOCATION, format!("/dashboard?notice={id}"))]).into_response()
}

fn notice(title: String, text: &str) -> Notice {
    Notice { good: true, title, text: text.to_owned(), secrets: Vec::new(), block: None }
}

fn with_pair(title: String, text: String, account: &NewAccount, base_url: Option<String>) -> Notice {
    let (id, secret) = (&account.key_id, account.secret_key.expose());
    let mut block = format!("export APCA_API_KEY_ID={id}\nexport APCA_API_SECRET_KEY={secret}\n");
    if let Some(url) = base_url {
        _ = writeln!(block, "export APCA_API_BASE_URL={url}");
    }
    Notice {
        good: true,
        title,
        text,
        secrets: vec![("Key ID", SecretText::new(id.clone())), ("Secret Key", account.secret_key.clone())],
        block: Some(SecretText::new(block)),
    }
}

fn with_client(title: String, text: &str, client_id: String, secret: SecretText) -> Notice {
    let secrets = vec![("client_id", SecretText::new(client_id)), ("client_secret", secret)];
    Notice { good: true, title, text: text.to_owned(), secrets, block: None }
}

/// Where the account's programs go: to this listener, if it is that of its environment. Where the other one is, is not known here.
fn base_url(served: &Served, environment: Environment, headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    (environment == served.environment).then(|| format!("http://{host}"))
}

async fn found(served: &Served, name: &str) -> Result<(Uuid, Environment), AlpacaError> {
    let id = terms::find_account(served, name).await?;
    let environment = served.broker.look(|broker| broker.account(id).map(|account| account.environment));
    Ok((id, environment.ok_or_else(terms::no_such_account)?))
}

/// Dollars as people write them.
fn cash(form: &Form) -> Result<Decimal, AlpacaError> {
    let text = form.field("cash").replace([',', '$'], "");
    let cash = parse_decimal(&text).map_err(|_| terms::cash_out_of_range())?;
    terms::check_cash(cash)
}

fn format(form: &Form) -> Result<KeyFormat, AlpacaError> {
    terms::key_format(Some(form.field("key_format").to_owned()).filter(|text| !text.is_empty()))
}
