//! `POST /api/v1/tokens`

use std::net::IpAddr;

use axum::Json;
use http::{HeaderName, HeaderValue, StatusCode, header};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use paddock_core::entropy::random_text;
use paddock_core::id::TokenId;
use paddock_core::{Role, SecretText};
use paddock_store::{ApiToken, Person};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::TokenView;
use crate::desk::Desk;
use crate::document::{bodies, problems};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::lifetime;
use crate::name;
use crate::problem::{Problem, shown};

/// What a token begins with, so that scanners for leaked secrets know it. An access key's Key ID begins with the same letters in capitals,
/// and its Secret Key with `pdks_`.
pub(crate) const PREFIX: &str = "pdk_";

/// The fewest characters that hold 256 bits.
const LETTERS: usize = 43;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// How long a token lives unless told otherwise, and at most.
const USUAL: SignedDuration = SignedDuration::from_hours(24 * 30);
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// The fields of a new token.
pub(crate) const FIELDS: [&str; 7] =
    ["name", "role", "expires_in", "expires_at", "networks", "may_without_factor", "person"];

/// A new token with what programs send, which is told here and never again.
#[derive(Serialize, ToSchema)]
#[schema(as = NewTokenMade)]
pub(crate) struct Created {
    pub(crate) token: TokenView,
    /// What programs send as `Authorization: Bearer`.
    #[schema(read_only, format = Password)]
    pub(crate) secret: String,
}

impl Drop for Created {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

/// Makes a personal API token.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "createToken",
    tag = "people",
    request_body = bodies::NewToken,
    responses((status = 201, description = "The token, and what programs send, which is told here only", body = Created)),
    extensions(("x-problems" = json!([problems::FIELDS, "name_looks_like_key", "name_taken", "nobody_yet", "unknown_person", "not_found"]))),
)]
pub(crate) async fn create(
    desk: Desk,
    fields: Fields,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Created>), Problem> {
    let created = make(&desk, fields).await?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, no_store, Json(created)))
}

/// Makes a token of the fields of a request or a form.
pub(crate) async fn make(desk: &Desk, mut fields: Fields) -> Result<Created, Problem> {
    desk.need_fresh(Matter::Access)?;
    let now = desk.now();
    let name = fields.need_text("name", "a name for the token, for example `monitor`")?;
    name::check(&name)?;
    let role = fields.text("role")?;
    let expires_at = expiry(&mut fields, now)?;
    let networks = networks(&mut fields)?;
    let may_without_factor = fields.flag("may_without_factor")?;
    let person = fields.text("person")?;
    fields.finish(&FIELDS)?;
    let person = person_of(desk, person.as_deref()).await?;
    let role = match role {
        None => person.role,
        Some(role) => {
            role.parse().map_err(|_| Problem::not_allowed("role", &role, &Role::ALL.map(Role::as_str)))?
        }
    };
    if role > person.role {
        return Err(Problem::field(
            "role",
            format!("at most the role of {}, `{}`", person.name, person.role),
        ));
    }
    let secret = issue(desk);
    let token = ApiToken {
        id: TokenId::generate(now, &*desk.entropy),
        person: person.id,
        name,
        secret_hash: hash(secret.expose()),
        role,
        may_without_factor,
        networks,
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
    };
    desk.store.insert_token(&token, desk.user, &desk.actor(), now).await?;
    Ok(Created { token: TokenView::new(token, person.name), secret: secret.expose().to_owned() })
}

/// The hash by which a token is known again. A fast one is enough: 256 random bits cannot be guessed, whatever a guess costs.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn issue(desk: &Desk) -> SecretText {
    let letters = SecretText::new(random_text(&*desk.entropy, ALPHABET, LETTERS));
    let mut secret = String::with_capacity(PREFIX.len() + LETTERS);
    secret.push_str(PREFIX);
    secret.push_str(letters.expose());
    SecretText::new(secret)
}

/// For whom the token acts: whoever asks, or at the admin socket the person that is named.
async fn person_of(desk: &Desk, named: Option<&str>) -> Result<Person, Problem> {
    let persons = desk.store.persons(desk.user).await?;
    let mut matching = match (&desk.person, named) {
        (Some(own), Some(name)) if own.name != name => {
            return Err(Problem::field("person", "nobody but yourself: everybody makes their own tokens"));
        }
        (Some(own), _) => persons.into_iter().filter(|person| person.id == own.id).collect::<Vec<_>>(),
        (None, Some(name)) => persons.into_iter().filter(|person| person.name == name).collect(),
        (None, None) => persons.into_iter().filter(|person| person.role == Role::Owner).collect(),
    };
    match (matching.pop(), matching.is_empty(), named) {
        (Some(person), true, _) => Ok(person),
        (_, _, Some(name)) => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_person",
            "Unknown person",
            format!("there is nobody named `{}` here", shown(name)),
            "look for the name under Settings, People",
        )),
        (None, ..) => Err(Problem::new(
            StatusCode::CONFLICT,
            "nobody_yet",
            "Nobody yet",
            "a token acts for a person, and nobody has signed up yet",
            "open the set-up link that `paddock serve` printed first",
        )),
        (Some(_), ..) => Err(Problem::missing("person", "the name of the person for whom the token acts")),
    }
}

fn expiry(fields: &mut Fields, now: Timestamp) -> Result<Timestamp, Problem> {
    let (at, lifetime) = (fields.text("expires_at")?, fields.text("expires_in")?);
    let (field, end) = match (at, lifetime) {
        (Some(_), Some(_)) => {
            return Err(Problem::field("expires_in", "either `expires_at` or `expires_in`, not both"));
        }
        (Some(at), None) => ("expires_at", at.trim().parse().ok()),
        (None, Some(lifetime)) => {
            let lifetime =
                lifetime::parse(&lifetime).ok_or_else(|| Problem::field("expires_in", lifetime::EXPECTED))?;
            ("expires_in", lifetime::end(now, lifetime))
        }
        (None, None) => ("expires_in", lifetime::end(now, USUAL)),
    };
    end.filter(|end| *end > now && end.duration_since(now) <= LONGEST)
        .ok_or_else(|| Problem::field(field, "an end in the future, at most a year away"))
}

fn networks(fields: &mut Fields) -> Result<Option<Vec<IpNet>>, Problem> {
    let Some(list) = fields.list("networks")? else { return Ok(None) };
    let read = |text: &String| text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let networks: Result<Vec<IpNet>, _> = list.iter().map(read).collect();
    networks.map(Some).map_err(|_| {
        Problem::field("networks", "networks like `10.0.0.0/8` or `fd00::/8`, or single addresses")
    })
}
