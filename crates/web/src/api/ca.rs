//! `GET /api/v1/ca`

use std::io::ErrorKind;

use axum::Json;
use http::StatusCode;
use jiff::Timestamp;
use paddock_gateway::CertificateFacts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// The local certificate authority, by which clients know the TLS and proxy entrances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CertificateAuthority)]
pub struct AuthorityView {
    /// Its certificate in PEM, for clients to trust.
    pub certificate: String,
    /// The SHA-256 of the certificate, as 64 hexadecimal digits.
    pub fingerprint: String,
    /// From when on it is good.
    pub not_before: Timestamp,
    /// Until when. The servers' own certificates are made anew by themselves; this one is replaced with `paddock ca renew`.
    pub not_after: Timestamp,
}

/// The local certificate authority's certificate, for clients to trust, and how long it is good for. Its key is never shown.
#[utoipa::path(
    get,
    path = "/api/v1/ca",
    operation_id = "showCertificateAuthority",
    tag = "system",
    responses((status = 200, description = "The authority", body = AuthorityView)),
    extensions(("x-problems" = json!(["no_authority"]))),
)]
pub(crate) async fn show(desk: Desk, query: Query) -> Result<Json<AuthorityView>, Problem> {
    query.finish(&[])?;
    let (certificate, facts) = load(&desk).await?.ok_or_else(none)?;
    let CertificateFacts { not_before, not_after, fingerprint } = facts;
    Ok(Json(AuthorityView { certificate, fingerprint, not_before, not_after }))
}

/// The certificate with its facts, if there is an authority.
pub(crate) async fn load(desk: &Desk) -> Result<Option<(String, CertificateFacts)>, Problem> {
    let path = desk.data_dir.join("ca.pem");
    let certificate = match tokio::fs::read_to_string(&path).await {
        Ok(certificate) => certificate,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the authority's certificate cannot be read");
            return Ok(None);
        }
    };
    match CertificateFacts::of(&certificate) {
        Ok(facts) => Ok(Some((certificate, facts))),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the authority's certificate cannot be read");
            Ok(None)
        }
    }
}

fn none() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_authority",
        "No certificate authority",
        "this Paddock has no certificate authority that can be read",
        "one is made when `paddock serve` is given `--tls` or `--proxy`, or by `paddock ca export`; `paddock doctor` looks at it",
    )
}
