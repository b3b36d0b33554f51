//! `POST /api/v1/keys/{name}/explain`

use std::net::{IpAddr, Ipv4Addr};

use axum::Json;
use paddock_core::id::AccessKeyId;
use paddock_gateway::Explanation;

use crate::desk::Desk;
use crate::document::{bodies, params, problems, views};
use crate::fields::Fields;
use crate::name::PathName;
use crate::problem::Problem;

/// The fields of the body.
pub(crate) const FIELDS: [&str; 2] = ["order", "from"];

/// What would become of an order that the access key sent now: `order` is the body of `POST /v2/orders` as text, `from` the address from
/// which it would come, this machine if absent. Nothing is reserved, recorded or sent.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{name}/explain",
    operation_id = "explainOrder",
    tag = "keys",
    params(params::KeyName),
    request_body = bodies::OrderToExplain,
    responses(
        (status = 200, description = "What would become of it", body = views::Explanation),
    ),
    extensions(("x-problems" = json!([problems::FIELDS, "unknown_key", "gateway"]))),
)]
pub(crate) async fn explain(
    desk: Desk,
    PathName(name): PathName,
    mut fields: Fields,
) -> Result<Json<Explanation>, Problem> {
    let order = fields.need_text("order", "the JSON body of an order, as text")?;
    let from = match fields.text("from")? {
        Some(text) => {
            text.trim().parse().map_err(|_| Problem::field("from", "an address like `10.1.2.3`"))?
        }
        None => IpAddr::from(Ipv4Addr::LOCALHOST),
    };
    fields.finish(&FIELDS)?;
    let key = super::named(&desk, &name).await?;
    try_order(&desk, key.id, order, from).await.map(Json)
}

/// What would become of an order.
pub(crate) async fn try_order(
    desk: &Desk,
    key: AccessKeyId,
    order: String,
    from: IpAddr,
) -> Result<Explanation, Problem> {
    let explanation = desk.control.explain(key, order.into_bytes().into(), from).await?;
    // A key that the gateway does not know opens nothing.
    explanation.ok_or_else(|| Problem::field("name", "an access key that is not revoked"))
}
