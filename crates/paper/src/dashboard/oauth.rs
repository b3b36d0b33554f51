//! `/dashboard/v1/oauth`: programs that may ask people for access, and what they were granted.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::oauth::OAuthScopes;
use paddock_core::Environment;
use serde::Serialize;
use uuid::Uuid;

use super::{Failed, answer, fields, finish, read, terms};
use crate::broker::grants::{Granted, Registered};
use crate::broker::{Broker, Command};
use crate::http::Served;

#[derive(Serialize)]
struct Clients {
    clients: Vec<Client>,
}

/// A program without its secret, which nobody has but who was given it.
#[derive(Serialize)]
struct Client {
    client_id: String,
    name: String,
    redirect_uris: Vec<String>,
    created_at: Timestamp,
}

impl From<&Registered> for Client {
    fn from(registered: &Registered) -> Self {
        let client = registered.client.clone();
        Self {
            client_id: client.client_id,
            name: client.name,
            redirect_uris: client.redirect_uris,
            created_at: registered.since,
        }
    }
}

/// A program with its new secret. It is shown here and nowhere else.
#[derive(Serialize)]
struct HandedOut<'a> {
    client_id: &'a str,
    client_secret: &'a str,
}

#[derive(Serialize)]
struct Grants {
    grants: Vec<ShownGrant>,
}

/// A token without itself.
#[derive(Serialize)]
struct ShownGrant {
    id: Uuid,
    client_id: String,
    accounts: Vec<GrantedAccount>,
    scope: OAuthScopes,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct GrantedAccount {
    account_number: String,
    account_id: Uuid,
    environment: Environment,
}

impl ShownGrant {
    fn of(granted: &Granted, broker: &Broker) -> Self {
        let grant = &granted.grant;
        let accounts = grant.accounts.iter().filter_map(|id| broker.account(*id));
        let accounts = accounts.map(|account| GrantedAccount {
            account_number: account.number.clone(),
            account_id: account.id,
            environment: account.environment,
        });
        Self {
            id: grant.id,
            client_id: grant.client_id.clone(),
            accounts: accounts.collect(),
            scope: grant.scopes,
            created_at: granted.since,
        }
    }
}

/// `GET /oauth/clients`: all programs.
pub(super) async fn clients(State(served): State<Served>) -> Result<Response, Failed> {
    let clients = served.broker.view(|broker| broker.oauth_clients().map(Client::from).collect()).await?;
    answer(StatusCode::OK, &Clients { clients })
}

/// `POST /oauth/clients` with `{"name":"...","redirect_uris":["..."]}`: 201 with the client id and secret.
pub(super) async fn register(State(served): State<Served>, body: Bytes) -> Result<Response, Failed> {
    let mut fields = fields(&body)?;
    let name = read(fields.text("name"))?.unwrap_or_default();
    let uris = read(fields.texts("redirect_uris"))?.unwrap_or_default();
    finish(fields)?;
    let (name, uris) = terms::registration(&name, uris)?;
    let (client_id, secret) = served.broker.register_oauth_client(name, uris).await?;
    answer(StatusCode::CREATED, &HandedOut { client_id: &client_id, client_secret: secret.expose() })
}

/// `POST /oauth/clients/{client_id}/secret`: a new secret; the old one dies in the same act. 201.
pub(super) async fn rotate(
    State(served): State<Served>,
    Path(client_id): Path<String>,
) -> Result<Response, Failed> {
    let secret = served.broker.rotate_oauth_secret(client_id.clone()).await?;
    answer(StatusCode::CREATED, &HandedOut { client_id: &client_id, client_secret: secret.expose() })
}

/// `DELETE /oauth/clients/{client_id}`: the program and all its tokens are dead. 204.
pub(super) async fn delete(
    State(served): State<Served>,
    Path(client_id): Path<String>,
) -> Result<StatusCode, Failed> {
    served.broker.execute(Command::DeleteOAuthClient { client_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /oauth/grants`: all tokens that people have granted.
pub(super) async fn grants(State(served): State<Served>) -> Result<Response, Failed> {
    let grants = served
        .broker
        .view(|broker| broker.oauth_grants().map(|granted| ShownGrant::of(granted, broker)).collect());
    answer(StatusCode::OK, &Grants { grants: grants.await? })
}

/// `DELETE /oauth/grants/{grant}`: the token is dead. 204.
pub(super) async fn revoke(
    State(served): State<Served>,
    Path(grant): Path<String>,
) -> Result<StatusCode, Failed> {
    let unknown = |_| AlpacaError::new(404, 40_410_000, "oauth grant not found");
    let grant = grant.parse().map_err(unknown)?;
    served.broker.execute(Command::RevokeOAuthGrant { grant }).await?;
    Ok(StatusCode::NO_CONTENT)
}
