//! `POST /api/v1/connections/{name}/rehearsals`

use std::str::FromStr as _;

use axum::Json;
use http::StatusCode;
use jiff::SignedDuration;
use paddock_core::Environment;
use paddock_core::id::{ConsumerId, RotationId};
use paddock_core::rotation::{Authority, By, Cause, Plan, RehearsedFault, Window};
use paddock_rotate::PlanRequest;
use paddock_store::Connection;

use super::RotationView;
use super::broker;
use crate::api::connections;
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;
use crate::rehearsal::{Play, Slip};

/// The fields of the body.
pub(crate) const FIELDS: [&str; 2] = ["fail", "keep_going"];

/// What a failure of a consumer begins with.
const CONSUMER: &str = "consumer=";

/// Plays a whole rotation against the paper broker, with the failures that were chosen: an account is opened there for it and deleted again,
/// consumers are looked at and nothing is written to them, the connection keeps its pair, and its orders pass. What a person would do is done for
/// them; where a rotation would stop, it is called off with that as the reason. The answer comes when it is started.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/rehearsals",
    operation_id = "rehearseRotation",
    tag = "rotations",
    params(params::ConnectionName),
    request_body = bodies::NewRehearsal,
    responses((status = 201, description = "The rehearsal, started", body = RotationView)),
    extensions(("x-problems" = json!([problems::FIELDS, problems::PAIR, problems::VAULT, "unknown_connection", "not_found", "rotation_is_open", "rotation_refuses", "changed_meanwhile", "role_too_low", "no_rehearsal"]))),
)]
pub(crate) async fn rehearse(
    desk: Desk,
    PathName(name): PathName,
    fields: Fields,
) -> Result<(StatusCode, Json<RotationView>), Problem> {
    let id = perform(&desk, &name, fields).await?;
    Ok((StatusCode::CREATED, Json(super::shown_in_full(&desk, id).await?)))
}

/// Starts it.
pub(crate) async fn perform(desk: &Desk, name: &str, mut fields: Fields) -> Result<RotationId, Problem> {
    let fail = fields.list("fail")?.unwrap_or_default();
    let keep_going = fields.flag("keep_going")?;
    fields.finish(&FIELDS)?;
    let connection = connections::named(desk, name).await?;
    super::need_role(desk, connection.environment)?;
    let (slips, faults) = chosen(desk, &connection, &fail).await?;
    if let Some(open) = super::plan::open_one(desk, &connection, true).await? {
        return Err(super::plan::open_already(&connection, &open));
    }
    let address = broker::running(desk).await?;
    let account = desk
        .rehearsal_host
        .open(&address, connection.environment)
        .await
        .map_err(|why| broker::no_broker(&why))?;
    match begin(desk, &connection, &account, faults).await {
        Ok((id, by)) => {
            let play = Play { desk: desk.clone(), by, id, broker: address, account, slips, keep_going };
            desk.rehearsals.spawn(play.run());
            Ok(id)
        }
        Err(problem) => {
            if let Err(why) = desk.rehearsal_host.delete(&address, &account.number).await {
                tracing::warn!(%why, "an account of the paper broker was not deleted");
            }
            Err(problem)
        }
    }
}

/// Plans and starts it. It ends no pair but the one that it plays with, so that nobody is asked for a proof.
async fn begin(
    desk: &Desk,
    connection: &Connection,
    account: &broker::PaperAccount,
    faults: Vec<(ConsumerId, RehearsedFault)>,
) -> Result<(RotationId, By), Problem> {
    let now = desk.now();
    let live = connection.environment == Environment::Live;
    let until = now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now);
    let plan = Plan {
        window: live.then_some(Window { from: now, until }),
        ticket: live.then(|| "rehearsal".to_owned()),
        test_order: !live,
        ..Plan::of(connection.environment)
    };
    let pair = super::plan::played_with(desk, connection, &account.key_id, &account.secret_key).await?;
    let request =
        PlanRequest { connection: connection.id, cause: Cause::ByHand, plan, rehearsal: Some(pair) };
    let by = By { actor: desk.actor(), authority: Authority { role: desk.role, stepped_up: true } };
    let planned = desk.rotations.plan_with_faults(desk.user, request, faults, &by, now).await?;
    desk.rotations.start(planned.rotation.id, &by, now).await?;
    Ok((planned.rotation.id, by))
}

/// The slips and the consumers' failures that the words stand for: `torn_pair`, `consumer=NAME:drift`.
async fn chosen(
    desk: &Desk,
    connection: &Connection,
    words: &[String],
) -> Result<(Vec<Slip>, Vec<(ConsumerId, RehearsedFault)>), Problem> {
    let consumers = desk.store.consumers_of(connection.id).await?;
    let (mut slips, mut faults) = (Vec::new(), Vec::new());
    for word in words {
        let Some((name, fault)) = word.strip_prefix(CONSUMER).and_then(|rest| rest.rsplit_once(':')) else {
            let plain = word.replace('-', "_");
            let slip = Slip::ALL.iter().find(|(_, known, _)| *known == plain);
            slips.push(slip.ok_or_else(|| unknown(word))?.0);
            continue;
        };
        let fault = RehearsedFault::from_str(&fault.replace('-', "_")).map_err(|_| unknown(word))?;
        let consumer = consumers.iter().find(|one| one.name == name).ok_or_else(|| {
            Problem::field("fail", format!("the name of a consumer of `{}`", connection.name))
        })?;
        faults.push((consumer.id, fault));
    }
    Ok((slips, faults))
}

fn unknown(word: &str) -> Problem {
    let slips = Slip::ALL.map(|(_, word, _)| word.to_owned());
    let faults = RehearsedFault::ALL.iter().map(|fault| format!("{CONSUMER}NAME:{fault}"));
    let allowed: Vec<String> = slips.into_iter().chain(faults).collect();
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    Problem::not_allowed("fail", word, &allowed)
}
