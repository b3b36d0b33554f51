//! Signature Version 4 from the side that checks it: the request is put together anew from what came.

use paddock_vault::hmac_sha256;
use sha2::{Digest as _, Sha256};

use crate::Heard;

/// How far a request's time may be off, in seconds.
const TOLERANCE: i64 = 300;

/// An access key, as the account knows it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret: String,
    /// The session token that must come with it, if it is a temporary one.
    pub session_token: Option<String>,
    /// The region.
    pub region: String,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
            region: "us-east-1".to_owned(),
        }
    }
}

/// The name of the error, unless the signature is right.
pub(crate) fn check(heard: &Heard, known: &Known) -> Result<(), &'static str> {
    let authorization = heard.header("authorization");
    let part = |name: &str| {
        let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
        rest.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let (Some(credential), Some(names), Some(signature)) =
        (part("Credential"), part("SignedHeaders"), part("Signature"))
    else {
        return Err("MissingAuthenticationTokenException");
    };
    let (id, scope) = credential.split_once('/').ok_or("IncompleteSignature")?;
    let given =
        heard.headers.contains_key("x-amz-security-token").then(|| heard.header("x-amz-security-token"));
    if id != known.access_key_id || given != known.session_token.as_deref() {
        return Err("UnrecognizedClientException");
    }
    let date = heard.header("x-amz-date");
    let day = date.get(..8).ok_or("IncompleteSignature")?;
    if scope != format!("{day}/{}/secretsmanager/aws4_request", known.region) {
        return Err("InvalidSignatureException");
    }
    // Nothing that says what is asked may be outside the signature.
    let listed: Vec<&str> = names.split(';').collect();
    let present = |name: &&str| *name == "host" || heard.headers.contains_key(*name);
    let needed = ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"];
    if !listed.is_sorted() || needed.iter().filter(|name| present(name)).any(|name| !listed.contains(name)) {
        return Err("IncompleteSignature");
    }
    let headers: String =
        listed.iter().map(|name| format!("{name}:{}\n", heard.header(name).trim())).collect();
    let hashed = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let canonical = format!(
        "{}\n{}\n{}\n{headers}\n{names}\n{}",
        heard.method,
        heard.path,
        heard.query,
        hashed(&heard.body)
    );
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hashed(canonical.as_bytes()));
    let mut key = hmac_sha256(format!("AWS4{}", known.secret).as_bytes(), day.as_bytes());
    for part in [known.region.as_str(), "secretsmanager", "aws4_request", &text] {
        key = hmac_sha256(&key, part.as_bytes());
    }
    if hex::encode(key) != signature {
        return Err("InvalidSignatureException");
    }
    let at = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", date);
    let at = at.and_then(|time| time.to_datetime()).and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC));
    let age = heard.now.as_second() - at.map_err(|_| "IncompleteSignature")?.timestamp().as_second();
    if age.abs() > TOLERANCE { Err("InvalidSignatureException") } else { Ok(()) }
}
