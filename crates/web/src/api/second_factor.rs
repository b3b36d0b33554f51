//! The second factor of whoever is signed in: `GET`, `POST` and `DELETE /api/v1/second-factor`, and below it.

use axum::Json;
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use paddock_core::{Environment, SecretText};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::fresh::Matter;
use crate::name::PathName;
use crate::people::person_name;
use crate::problem::{Problem, shown};
use crate::query::Query;
use crate::second_factor;

/// How a person's second factor stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(crate) struct Standing {
    /// Whether it is on.
    on: bool,
    /// Since when.
    #[schema(required)]
    since: Option<Timestamp>,
    /// How many recovery codes are left.
    recovery_codes_left: u32,
}

/// The fields of a confirmation.
pub(crate) const FIELDS: [&str; 1] = ["code"];

/// That it is off.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TurnedOff {
    /// `false`.
    on: bool,
}

/// An answer that no cache may keep.
type Once<T> = ([(HeaderName, HeaderValue); 1], Json<T>);

fn once<T>(content: T) -> Once<T> {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(content))
}

/// A new secret, told once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offered {
    /// The secret in base 32, as authenticator apps take it.
    #[schema(read_only, format = Password)]
    secret: String,
    /// The same with all around it, as apps read it from a picture.
    #[schema(read_only, format = Password)]
    uri: String,
}

impl Drop for Offered {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
        zeroize::Zeroize::zeroize(&mut self.uri);
    }
}

/// New recovery codes, told once.
#[derive(Serialize, ToSchema)]
#[schema(as = RecoveryCodes)]
pub(crate) struct Codes {
    /// Each stands in for the app once.
    recovery_codes: Vec<String>,
}

impl Drop for Codes {
    fn drop(&mut self) {
        self.recovery_codes.iter_mut().for_each(zeroize::Zeroize::zeroize);
    }
}

impl Codes {
    fn new(codes: &[SecretText]) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

/// Whether the second factor of whoever asks is on.
#[utoipa::path(
    get,
    path = "/api/v1/second-factor",
    operation_id = "getSecondFactor",
    tag = "people",
    responses((status = 200, description = "How it stands", body = Standing)),
    extensions(("x-problems" = json!(["nobody_in_particular"]))),
)]
pub(crate) async fn show(desk: Desk, query: Query) -> Result<Json<Standing>, Problem> {
    query.finish(&[])?;
    let person = desk.somebody()?;
    let factor = desk.store.second_factor(person.id).await?;
    let since = factor.and_then(|factor| factor.confirmed_at);
    let recovery_codes_left = desk.store.recovery_codes_left(person.id).await?;
    Ok(Json(Standing { on: since.is_some(), since, recovery_codes_left }))
}

/// Makes a secret for an authenticator app. It is asked for nowhere before it was confirmed.
#[utoipa::path(
    post,
    path = "/api/v1/second-factor",
    operation_id = "beginSecondFactor",
    tag = "people",
    responses((status = 201, description = "The secret, which is told here only", body = Offered)),
    extensions(("x-problems" = json!([problems::VAULT, "nobody_in_particular", "second_factor_is_on", "not_found"]))),
)]
pub(crate) async fn begin(desk: Desk, fields: Fields) -> Result<(StatusCode, Once<Offered>), Problem> {
    fields.finish(&[])?;
    desk.need_fresh(Matter::Access)?;
    let offer = second_factor::begin(&desk, desk.somebody()?).await?;
    let offered = Offered { secret: offer.secret.expose().to_owned(), uri: offer.uri.expose().to_owned() };
    Ok((StatusCode::CREATED, once(offered)))
}

/// Turns the second factor on by a code that the app shows, and tells the recovery codes.
#[utoipa::path(
    post,
    path = "/api/v1/second-factor/confirm",
    operation_id = "confirmSecondFactor",
    tag = "people",
    request_body = bodies::Code,
    responses((status = 200, description = "The recovery codes, which are told here only", body = Codes)),
    extensions(("x-problems" = json!([
        problems::VAULT, problems::FIELDS, "nobody_in_particular", "second_factor_is_on", "second_factor_not_begun", "wrong_code"
    ]))),
)]
pub(crate) async fn confirm(desk: Desk, mut fields: Fields) -> Result<Once<Codes>, Problem> {
    let code = fields.need_secret("code", "the six digits that the app shows")?;
    fields.finish(&FIELDS)?;
    Ok(once(Codes::new(&turn_on(&desk, &code).await?)))
}

/// Turns it on for whoever is signed in, and signs out their other browsers, which had no such proof.
pub(crate) async fn turn_on(desk: &Desk, code: &SecretText) -> Result<Vec<SecretText>, Problem> {
    desk.need_fresh(Matter::Access)?;
    let person = desk.somebody()?;
    let codes = second_factor::confirm(desk, person, code).await?;
    let this = desk.session().map(|session| session.id);
    desk.store.end_sessions(person.id, this, &desk.actor(), desk.now()).await?;
    Ok(codes)
}

/// Puts new recovery codes in the place of the old.
#[utoipa::path(
    post,
    path = "/api/v1/second-factor/recovery-codes",
    operation_id = "createRecoveryCodes",
    tag = "people",
    responses((status = 200, description = "The recovery codes, which are told here only", body = Codes)),
    extensions(("x-problems" = json!(["nobody_in_particular", "second_factor_is_off"]))),
)]
pub(crate) async fn new_codes(desk: Desk, fields: Fields) -> Result<Once<Codes>, Problem> {
    fields.finish(&[])?;
    desk.need_fresh(Matter::Access)?;
    Ok(once(Codes::new(&second_factor::new_codes(&desk, desk.somebody()?).await?)))
}

/// Turns off the second factor of somebody in the team who has lost it. Their sessions end, since whoever found it may be in one.
#[utoipa::path(
    delete,
    path = "/api/v1/people/{name}/second-factor",
    operation_id = "turnOffSecondFactorFor",
    tag = "people",
    params(params::PersonName),
    responses((status = 200, description = "It is off", body = TurnedOff)),
    extensions(("x-problems" = json!(["second_factor_is_off", "unknown_person"]))),
)]
pub(crate) async fn turn_off_for(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<Json<TurnedOff>, Problem> {
    fields.finish(&[])?;
    desk.need_fresh(Matter::Access)?;
    let found = desk.store.person_named(&person_name::normalise(&name)).await?;
    let Some((person, _)) = found.filter(|(person, _)| person.team == desk.user) else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "unknown_person",
            "Unknown person",
            format!("there is nobody named `{}` here", shown(&name)),
            "look for the name under Settings, People",
        ));
    };
    second_factor::turn_off(&desk, &person).await?;
    desk.store.end_sessions(person.id, None, &desk.actor(), desk.now()).await?;
    Ok(Json(TurnedOff { on: false }))
}

/// Turns the second factor of whoever asks off, and the recovery codes with it. Where the team has live accounts, `knowingly` must say so.
#[utoipa::path(
    delete,
    path = "/api/v1/second-factor",
    operation_id = "turnOffSecondFactor",
    tag = "people",
    params(("knowingly" = Option<bool>, Query, description = "Needed where the team has live accounts: that this is known")),
    responses((status = 200, description = "It is off", body = TurnedOff)),
    extensions(("x-problems" = json!(["live_accounts", "nobody_in_particular", "second_factor_is_off"]))),
)]
pub(crate) async fn turn_off(
    desk: Desk,
    mut query: Query,
    fields: Fields,
) -> Result<Json<TurnedOff>, Problem> {
    let knowingly = query.flag("knowingly")?;
    query.finish(&["knowingly"])?;
    fields.finish(&[])?;
    turn_off_own(&desk, knowingly).await?;
    Ok(Json(TurnedOff { on: false }))
}

/// The same for whoever is signed in, by page or API.
pub(crate) async fn turn_off_own(desk: &Desk, knowingly: bool) -> Result<(), Problem> {
    desk.need_fresh(Matter::Access)?;
    let person = desk.somebody()?;
    if !knowingly && !live_accounts(desk).await?.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "live_accounts",
            "Not said knowingly",
            "your team has live accounts, so that this is done knowingly or not at all",
            "say that you know it (on the page a tick, in the API `?knowingly=true`), or keep the second factor",
        )
        .at("knowingly"));
    }
    second_factor::turn_off(desk, person).await
}

/// The names of the team's live connections.
pub(crate) async fn live_accounts(desk: &Desk) -> Result<Vec<String>, Problem> {
    let connections = desk.store.connections(desk.user).await?.into_iter();
    let live = connections.filter(|connection| connection.environment == Environment::Live);
    Ok(live.map(|connection| connection.name).collect())
}
