//! `POST /api/v1/rotations/{id}/paste`

use axum::Json;
use paddock_core::paste::{Repair, repair};
use serde::Serialize;
use utoipa::ToSchema;

use super::RotationView;
use crate::api::connections::{RepairView, connect_problem};
use crate::desk::Desk;
use crate::document::{bodies, params, problems};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 2] = ["key_id", "secret_key"];

/// A pair was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PairPasted)]
pub(crate) struct Taken {
    pub(crate) rotation: RotationView,
    /// What was taken off the pasted fields.
    repairs: Vec<RepairView>,
}

/// Takes the pair that a person has made in Alpaca's dashboard. It is sealed and kept at once and never shown again; what Alpaca says of it
/// shows in the rotation a moment later, and another one may be pasted then.
#[utoipa::path(
    post,
    path = "/api/v1/rotations/{id}/paste",
    operation_id = "pastePair",
    tag = "rotations",
    params(params::Identifier),
    request_body = bodies::Pair,
    responses((status = 200, description = "The pair is kept, and being checked", body = Taken)),
    extensions(("x-problems" = json!([problems::SAY, problems::FIELDS, problems::PAIR, problems::VAULT, "paddock_key", "fresh_factor_needed", "second_factor_needed"]))),
)]
pub(crate) async fn paste(
    desk: Desk,
    PathName(id): PathName,
    fields: Fields,
) -> Result<Json<Taken>, Problem> {
    Ok(Json(perform(&desk, &id, fields).await?))
}

/// A good pair that was not taken may be nowhere else than where it was copied from.
fn keep_it(problem: Problem) -> Problem {
    if problem.extra.get("reason").is_some_and(|reason| reason == "keep_the_pair") {
        return problem;
    }
    let next_step = format!("keep the pair, which Alpaca shows only once; {}", problem.next_step);
    Problem { next_step: next_step.into(), ..problem }
}

/// Does it.
pub(crate) async fn perform(desk: &Desk, id: &str, mut fields: Fields) -> Result<Taken, Problem> {
    let key_id = fields.need_secret("key_id", "the new Key ID from Alpaca's dashboard")?;
    let secret_key = fields.need_secret("secret_key", "the new Secret Key from Alpaca's dashboard")?;
    fields.finish(&FIELDS)?;
    let found = super::found(desk, id).await?;
    let rotation = found.row.rotation;
    super::need_role(desk, rotation.environment).map_err(keep_it)?;
    super::need_proof(desk, &rotation).await.map_err(keep_it)?;
    // What can be told without asking anybody is told at once, and nothing is kept of it.
    connect_problem::check_minted(&repair(&key_id).text, &repair(&secret_key).text).map_err(keep_it)?;
    let pasted = desk.rotations.paste(rotation.id, &key_id, &secret_key, &super::by(desk), desk.now()).await;
    let pasted = pasted.map_err(|error| keep_it(error.into()))?;
    let said = [("key_id", &pasted.key_id_repairs), ("secret_key", &pasted.secret_key_repairs)];
    let repairs = said.into_iter().filter(|(_, repairs)| !repairs.is_empty()).map(|(field, repairs)| {
        RepairView { field: field.to_owned(), removed: repairs.iter().map(Repair::to_string).collect() }
    });
    Ok(Taken { repairs: repairs.collect(), rotation: super::shown_in_full(desk, rotation.id).await? })
}
