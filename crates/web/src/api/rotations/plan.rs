//! `POST /api/v1/connections/{name}/rotations`

use axum::Json;
use http::StatusCode;
use jiff::Timestamp;
use paddock_alpaca::{Credential, probe};
use paddock_core::SecretText;
use paddock_core::id::RotationId;
use paddock_core::paste::repair;
use paddock_core::rotation::{Cause, OpenOrders, Plan, ResumeWhen, Window};
use paddock_rotate::{PlanRequest, RehearsalPair, RotateError};
use paddock_store::{Connection, RotationRow, StoreError};

use super::RotationView;
use crate::api::connections::{self, connect_problem};
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 10] = [
    "cause",
    "window_from",
    "window_until",
    "ticket",
    "open_orders",
    "resume",
    "test_order",
    "rehearsal",
    "key_id",
    "secret_key",
];

/// Plans a rotation of a connection's pair with the consumers that it has now. Nothing is done before it is started. A live pair needs a
/// window and a ticket. A rehearsal plays the whole thing against the paper broker with the pair of one of its accounts: it looks at
/// consumers and writes nothing to them.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/rotations",
    operation_id = "planRotation",
    tag = "rotations",
    params(params::ConnectionName),
    request_body = bodies::NewRotation,
    responses(
        (status = 201, description = "The rotation, planned", body = RotationView),
    ),
    extensions(("x-problems" = json!([problems::FIELDS, problems::PAIR, problems::VAULT, "unknown_connection", "not_found", "rotation_is_open", "role_too_low", "no_rehearsal"]))),
)]
pub(crate) async fn plan(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<(StatusCode, Json<RotationView>), Problem> {
    let id = perform(&desk, &name, fields).await?;
    Ok((StatusCode::CREATED, Json(super::shown_in_full(&desk, id).await?)))
}

/// Does it.
pub(crate) async fn perform(desk: &Desk, name: &str, mut fields: Fields) -> Result<RotationId, Problem> {
    let cause = word(&mut fields, "cause", Cause::ALL, Cause::as_str)?.unwrap_or(Cause::ByHand);
    let (from, until) = (instant(&mut fields, "window_from")?, instant(&mut fields, "window_until")?);
    let ticket = fields.text("ticket")?.map(|ticket| ticket.trim().to_owned());
    let open_orders = word(&mut fields, "open_orders", OpenOrders::ALL, OpenOrders::as_str)?;
    let resume = word(&mut fields, "resume", ResumeWhen::ALL, ResumeWhen::as_str)?;
    let test_order = fields.flag("test_order")?;
    let rehearsal = fields.flag("rehearsal")?;
    let pair = (fields.secret("key_id")?, fields.secret("secret_key")?);
    fields.finish(&FIELDS)?;
    let connection = connections::named(desk, name).await?;
    super::need_role(desk, connection.environment)?;
    let window = match (from, until) {
        (Some(from), Some(until)) => Some(Window { from, until }),
        (None, None) => None,
        (None, Some(_)) => return Err(Problem::missing("window_from", "when the window begins")),
        (Some(_), None) => return Err(Problem::missing("window_until", "when the window ends")),
    };
    let usual = Plan::of(connection.environment);
    let plan = Plan {
        window,
        ticket,
        open_orders: open_orders.unwrap_or(usual.open_orders),
        resume: resume.unwrap_or(usual.resume),
        test_order,
    };
    // Said before anybody is asked about a pair.
    plan.check(connection.environment).map_err(|fault| Problem::from(RotateError::from(fault)))?;
    let rehearsal = match (rehearsal, pair) {
        (false, (None, None)) => None,
        (false, _) => {
            return Err(Problem::field("key_id", "nothing: only a rehearsal is planned with a pair"));
        }
        (true, (Some(key_id), Some(secret_key))) => {
            Some(played_with(desk, &connection, &key_id, &secret_key).await?)
        }
        (true, _) => {
            return Err(Problem::missing(
                "key_id",
                "the pair of an account of the paper broker, both halves",
            ));
        }
    };
    let is_rehearsal = rehearsal.is_some();
    let request = PlanRequest { connection: connection.id, cause, plan, rehearsal };
    match desk.rotations.plan(desk.user, request, &super::by(desk), desk.now()).await {
        Ok(row) => Ok(row.rotation.id),
        Err(RotateError::Store(StoreError::RotationIsOpen)) => {
            let open = open_one(desk, &connection, is_rehearsal).await?;
            Err(open
                .map_or_else(|| StoreError::RotationIsOpen.into(), |open| open_already(&connection, &open)))
        }
        Err(other) => Err(other.into()),
    }
}

/// The rotation or the rehearsal of a connection that is not over.
pub(crate) async fn open_one(
    desk: &Desk,
    connection: &Connection,
    rehearsal: bool,
) -> Result<Option<RotationRow>, Problem> {
    let mut rows = desk.rotations.list(desk.user, super::list::MOST).await?;
    rows.retain(|row| {
        let rotation = &row.rotation;
        rotation.connection == connection.id && rotation.rehearsal == rehearsal && !rotation.is_over()
    });
    Ok(rows.into_iter().next())
}

/// Names the one that is open, so that nobody takes another one for it.
pub(crate) fn open_already(connection: &Connection, open: &RotationRow) -> Problem {
    let (id, kind) = (open.rotation.id, if open.rotation.rehearsal { "rehearsal" } else { "rotation" });
    let state = open.rotation.state.as_str().replace('_', " ");
    let next_step = match open.rotation.can_abort() {
        true => format!("finish it, or call it off: `paddock rotation abort {id} --reason WORDS`"),
        false => format!("see what it waits for: `paddock rotation status {id}`"),
    };
    let detail = format!("the {kind} {id} of `{}` is open, and {state}", connection.name);
    Problem::new(StatusCode::CONFLICT, "rotation_is_open", "A rotation is under way", detail, next_step)
        .with("rotation", id.to_string())
}

/// The account of the paper broker that a rehearsal plays with.
pub(crate) async fn played_with(
    desk: &Desk,
    connection: &Connection,
    key_id: &SecretText,
    secret_key: &SecretText,
) -> Result<RehearsalPair, Problem> {
    let client = desk.rehearsal.client().ok_or(RotateError::NoRehearsal)?;
    let (key_id, secret_key) = (repair(key_id).text, repair(secret_key).text);
    connect_problem::check_shape(&key_id, &secret_key)?;
    let pair = Credential::KeyPair { key_id: key_id.clone(), secret_key: secret_key.clone() };
    let account = probe::probe(client, &pair, connection.environment)
        .await
        .map_err(|fault| connect_problem::of_fault(&fault))?;
    Ok(RehearsalPair {
        key_id,
        secret_key,
        account_id: account.id.to_string(),
        account_number: account.account_number,
    })
}

fn word<W: Copy>(
    fields: &mut Fields,
    name: &str,
    all: &[W],
    as_str: impl Fn(W) -> &'static str,
) -> Result<Option<W>, Problem> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    match all.iter().copied().find(|word| as_str(*word) == text) {
        Some(word) => Ok(Some(word)),
        None => {
            let allowed: Vec<&str> = all.iter().map(|word| as_str(*word)).collect();
            Err(Problem::not_allowed(name, &text, &allowed))
        }
    }
}

/// An instant; a page's field for date and time has no zone, and is UTC.
fn instant(fields: &mut Fields, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let text = text.trim();
    let plain = || {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    let parsed = text.parse().ok().or_else(plain);
    parsed.map(Some).ok_or_else(|| Problem::field(name, "an instant, for example `2026-12-01T18:00:00Z`"))
}
