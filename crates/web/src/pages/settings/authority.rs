//! The certificate of the local authority, by which clients know the TLS and proxy entrances.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use sha2::{Digest as _, Sha256};

use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::Query;

/// The certificate's file in the data directory. Its key lies beside it and never passes through here.
const FILE: &str = "ca.pem";

/// `GET /settings/ca.pem`
pub(super) async fn download(desk: Desk, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    let pem = certificate(&desk).await.ok_or_else(crate::pages::no_such_page_problem)?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"paddock-ca.pem\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, pem).into_response())
}

/// The certificate, if there is an authority.
pub(super) async fn certificate(desk: &Desk) -> Option<String> {
    let text = tokio::fs::read_to_string(desk.data_dir.join(FILE)).await.ok()?;
    // Whatever else lies in that file stays there.
    let begin = text.find(BEGIN)?;
    let end = text.find(END)? + END.len();
    text.get(begin..end).map(|certificate| format!("{certificate}\n"))
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// SHA-256 of the certificate, as browsers and `openssl` show it.
pub(super) fn fingerprint(pem: &str) -> Option<String> {
    let inner = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let encoded: String = inner.split_whitespace().collect();
    let digest = Sha256::digest(STANDARD.decode(encoded).ok()?);
    Some(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_of_what_the_text_stands_for() {
        let pem = format!("{BEGIN}\nYWJj\n{END}\n");
        let expected =
            "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        assert_eq!(fingerprint(&pem).as_deref(), Some(expected));
        assert_eq!(fingerprint("-----BEGIN CERTIFICATE-----"), None);
    }
}
