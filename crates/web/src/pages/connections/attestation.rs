//! `GET /connections/{name}/attestation`: the dated copy of what was signed.

use axum::response::{IntoResponse, Response};
use http::header;

use crate::api::connections::{attestation as api, ever_named};
use crate::desk::Desk;
use crate::name::PathName;
use crate::problem::Problem;

/// The copy, as a file to keep; also of a connection that was removed.
pub(super) async fn download(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    let row = ever_named(&desk, &name).await?;
    let signed = api::found(&desk, &row).await?;
    let file = format!("paddock-attestation-{}-{}.txt", row.name, signed.at.strftime("%Y-%m-%d"));
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ],
        api::copy(&row, &signed),
    )
        .into_response())
}
