//! Personal API tokens: `GET` and `POST /api/v1/tokens`, `DELETE /api/v1/tokens/{name}`.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::id::{PersonId, TokenId};
use paddock_store::{ApiToken, Person};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::WebState;
use crate::desk::Desk;
use crate::document::words;
use crate::problem::{Problem, shown};

/// A personal API token as it is shown. What programs send is shown once, by the answer that makes it, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: TokenId,
    /// The name that its owner gave it.
    pub name: String,
    /// The person for whom it acts.
    pub person: String,
    /// What it may do at most.
    #[schema(value_type = words::RoleWord)]
    pub role: Role,
    /// Whether it may do what asks a person for a fresh second factor.
    pub may_without_factor: bool,
    /// From where it may be used; anywhere when absent.
    #[schema(required)]
    pub networks: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When it was last used.
    #[schema(required)]
    pub last_used_at: Option<Timestamp>,
    /// From which address it was last used.
    #[schema(required)]
    pub last_used_from: Option<String>,
}

impl TokenView {
    fn new(token: ApiToken, person: String) -> Self {
        Self {
            id: token.id,
            name: token.name,
            person,
            role: token.role,
            may_without_factor: token.may_without_factor,
            networks: token.networks.map(|list| list.iter().map(ToString::to_string).collect()),
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            last_used_from: token.last_used_from,
        }
    }
}

/// The tokens that whoever asks may see and revoke: their own, and an owner's all those of the team.
pub(crate) async fn visible(desk: &Desk) -> Result<Vec<TokenView>, Problem> {
    let names: BTreeMap<PersonId, String> =
        desk.store.persons(desk.user).await?.into_iter().map(|person| (person.id, person.name)).collect();
    let own = desk.person.as_ref().map(|person| person.id);
    let all = desk.role == Role::Owner;
    let tokens = desk.store.tokens(desk.user).await?;
    Ok(tokens
        .into_iter()
        .filter(|token| all || Some(token.person) == own)
        .filter_map(|token| names.get(&token.person).map(|name| TokenView::new(token.clone(), name.clone())))
        .collect())
}

/// How many tokens open something for a person now.
pub(crate) async fn count_of(state: &WebState, person: &Person) -> Result<usize, Problem> {
    let now = state.now();
    let tokens = state.store.tokens(person.team).await?;
    Ok(tokens.iter().filter(|token| token.person == person.id && token.expires_at > now).count())
}

/// The visible token of that identifier or name; of several with one name, the own one.
pub(crate) async fn named(desk: &Desk, name: &str) -> Result<TokenView, Problem> {
    let mut tokens = visible(desk).await?;
    let own = desk.person.as_ref().map(|person| person.name.clone());
    if let Some(position) = tokens.iter().position(|token| token.id.to_string() == name) {
        return Ok(tokens.swap_remove(position));
    }
    let mut matching: Vec<TokenView> = tokens.iter().filter(|token| token.name == name).cloned().collect();
    if let Some(position) = matching.iter().position(|token| Some(&token.person) == own.as_ref()) {
        return Ok(matching.swap_remove(position));
    }
    match (matching.pop(), matching.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(_), false) => Err(Problem::new(
            StatusCode::CONFLICT,
            "several_tokens",
            "Several tokens",
            "several people have a token of that name",
            "name it by its identifier, which `paddock token list` shows",
        )),
        (None, _) => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_token",
        "Unknown API token",
        format!("there is no API token `{}`, or it is revoked", shown(name)),
        "list the tokens with `paddock token list`",
    )
}
