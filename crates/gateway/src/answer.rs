//! What the gateway itself answers, in the form that every Alpaca client turns into its own exception.
//!
//! Each body has an integer `code` and a `message`, as Alpaca's own errors have; some SDKs fail on a body without them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use paddock_alpaca::AlpacaError;
use paddock_core::Refusal;
use paddock_core::id::RequestId;
use paddock_store::StoreError;
use serde_json::{Map, Value, json};

use crate::authenticate::Unauthenticated;

/// An error while a body is being passed on.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every answer: whole, or streamed through from the broker.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, BodyError>;

/// Header that names the request in the audit and in the list of requests.
pub(crate) const REQUEST_ID_HEADER: &str = "x-paddock-request-id";

/// Why a request got no further, apart from a refusal by scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    /// Stable number in the form of Alpaca's codes.
    pub(crate) code: u32,
    /// Stable name.
    pub(crate) reason: &'static str,
    /// One sentence with the next step; lower case, no full stop.
    pub(crate) message: String,
    /// After how many seconds to try again, where that helps.
    pub(crate) retry_after: Option<u64>,
}

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $reason:literal, $message:literal);+ $(;)?) => {
        impl Fault {
            $($(#[$doc])* pub(crate) fn $name() -> Self {
                Self { status: StatusCode::$status, code: $code, reason: $reason, message: $message.to_owned(), retry_after: None }
            })+
        }
    };
}

faults! {
    /// No credential in the request.
    missing_credential = UNAUTHORIZED, 40_190_001, "missing_credential",
        "no access key in the request: send APCA-API-KEY-ID and APCA-API-SECRET-KEY, HTTP Basic, or a bearer token";
    /// The credential is no valid access key.
    invalid_credential = UNAUTHORIZED, 40_190_002, "invalid_credential",
        "not a valid access key of this Paddock: check both halves, or issue a new key";
    /// More than one credential.
    ambiguous_credential = BAD_REQUEST, 40_090_001, "ambiguous_credential",
        "the request carries more than one credential: send exactly one";
    /// The secret of an access key that takes signed requests only.
    signature_required = UNAUTHORIZED, 40_190_010, "signature_required",
        "this access key takes signed requests only: sign with its Secret Key and do not send it; issue a new key if it went over a network";
    /// No access key with that Key ID signed this request.
    invalid_signature = UNAUTHORIZED, 40_190_011, "invalid_signature",
        "the signature does not fit this Key ID and this request: sign method, target and body exactly as they are sent";
    /// A signature that was used before.
    signature_replayed = UNAUTHORIZED, 40_190_013, "signature_replayed",
        "this signature was used before: sign each request anew, with a nonce of its own";
    /// A signature that is older than what this process remembers.
    signature_before_start = UNAUTHORIZED, 40_190_014, "signature_before_start",
        "this signature is dated before Paddock started: sign the request anew";
    /// Headers of a signed request that are not as they should be.
    malformed_signature = BAD_REQUEST, 40_090_020, "malformed_signature",
        "a signed request has APCA-API-KEY-ID, Paddock-Timestamp (seconds since 1970), Paddock-Nonce (16 to 64 letters and digits) and Paddock-Signature (64 hexadecimal digits), each once";
    /// A signature and a secret in one request.
    signed_with_secret = BAD_REQUEST, 40_090_021, "signed_with_secret",
        "a signed request carries no secret: leave APCA-API-SECRET-KEY and Authorization out";
    /// More signed requests than can be remembered.
    too_many_signatures = TOO_MANY_REQUESTS, 42_990_010, "too_many_signatures",
        "more than 65536 signed requests with this access key within a minute: try again in a minute";
    /// The sealed signing key does not open.
    signing_key_unreadable = SERVICE_UNAVAILABLE, 50_390_010, "signing_key_unreadable",
        "the stored signing key of this access key does not open: run `paddock doctor`, or issue a new access key";
    /// `Host` is missing, doubled, or not a plain host.
    bad_host = BAD_REQUEST, 40_090_002, "bad_host", "the Host header must be one plain host name or address with an optional port";
    /// An absolute or authority form of the request target.
    bad_target = BAD_REQUEST, 40_090_003, "bad_target", "the request target must be a path: this is not a forward proxy";
    /// A request to the proxy that is none for a tunnel.
    not_a_tunnel = BAD_REQUEST, 40_090_010, "not_a_tunnel",
        "this is the entrance for HTTPS_PROXY and takes CONNECT only: without a proxy, use the gateway's own address";
    /// A tunnel to anywhere but Alpaca.
    tunnel_refused = FORBIDDEN, 40_390_101, "tunnel_refused",
        "this proxy leads to api, paper-api, data and stream.data.alpaca.markets on port 443 only: add other hosts to NO_PROXY";
    /// The request inside a tunnel names another host than the tunnel.
    host_differs = MISDIRECTED_REQUEST, 42_190_001, "host_differs",
        "the Host header is not the host to which this connection was asked for";
    /// A transfer coding on the request.
    transfer_coding = BAD_REQUEST, 40_090_004, "transfer_coding",
        "request bodies must have a Content-Length: transfer codings are refused";
    /// A compressed request body.
    content_coding = BAD_REQUEST, 40_090_005, "content_coding", "request bodies must not be compressed";
    /// The body is larger than any order can be.
    body_too_large = PAYLOAD_TOO_LARGE, 41_390_001, "body_too_large", "the request body is larger than 65536 bytes";
    /// A body where none belongs.
    unexpected_body = BAD_REQUEST, 40_090_006, "unexpected_body", "this operation takes no request body";
    /// The client stopped sending.
    body_unreadable = BAD_REQUEST, 40_090_007, "body_unreadable", "the request body could not be read to its end";
    /// The client asks for another protocol.
    upgrade = BAD_REQUEST, 40_090_009, "upgrade", "protocol upgrades are not offered at this path";
    /// The vault cannot open anything now.
    vault_locked = SERVICE_UNAVAILABLE, 50_390_001, "vault_locked",
        "the vault is locked: make its key file readable and restart Paddock";
    /// The sealed credential does not open.
    credential_unreadable = SERVICE_UNAVAILABLE, 50_390_002, "credential_unreadable",
        "the stored credential of this connection does not open: run `paddock doctor`";
    /// The database or the audit log cannot take the record that must come first.
    audit_unavailable = SERVICE_UNAVAILABLE, 50_390_003, "audit_unavailable",
        "the request could not be recorded, so it was not forwarded: check the disk and the database";
    /// Alpaca answered 401 to the real credential.
    credential_refused = SERVICE_UNAVAILABLE, 50_390_004, "connection_credential_refused",
        "alpaca refuses this connection's credential, which was probably regenerated, reset or revoked: run `paddock connection check`";
    /// The connection's key pair is being replaced.
    rotating = SERVICE_UNAVAILABLE, 50_390_005, "rotation_in_progress",
        "the key pair of this connection is being replaced, so new orders are not sent now: try again in a moment, or look at `paddock rotation status`";
    /// The program went away while its request waited, which was not sent.
    program_gone = REQUEST_TIMEOUT, 40_890_001, "program_gone",
        "the program went away before its request was sent, so it was not sent";
    /// The broker could not be reached.
    upstream_unreachable = BAD_GATEWAY, 50_290_001, "upstream_unreachable",
        "alpaca could not be reached, and the request was not sent: try again";
    /// A person approved the request while its program waited, and there is no answer yet.
    approved_without_answer = GATEWAY_TIMEOUT, 50_490_010, "approved_without_answer",
        "a person approved this request and it was sent; the broker's answer is not known here: look at your orders before you send anything again";
    /// The broker broke the connection off.
    upstream_failed = BAD_GATEWAY, 50_290_002, "upstream_failed",
        "alpaca broke the connection off: it is not known whether it acted; read the order's state before trying again";
    /// The broker's answer cannot be passed on safely.
    upstream_unsafe = BAD_GATEWAY, 50_290_003, "upstream_unsafe",
        "alpaca's answer cannot be checked for secrets, so it was withheld";
    /// The broker did not answer in time.
    upstream_timeout = GATEWAY_TIMEOUT, 50_490_001, "upstream_timeout",
        "alpaca did not answer in time: it is not known whether it acted; read the order's state before trying again";
}

impl Fault {
    /// The database did not take the record that must come first, for this reason.
    pub(crate) fn not_recorded(error: &StoreError) -> Self {
        let message = format!("the request could not be recorded, so it was not forwarded: {error}");
        Self { message, ..Self::audit_unavailable() }
    }

    /// A path, query or body that can be read in more than one way.
    pub(crate) fn malformed(reason: &'static str, message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: 40_090_008, reason, message, retry_after: None }
    }

    /// Nobody was recognised.
    pub(crate) fn unauthenticated(reason: Unauthenticated) -> Self {
        match reason {
            Unauthenticated::Missing => Self::missing_credential(),
            Unauthenticated::Invalid => Self::invalid_credential(),
            Unauthenticated::Ambiguous => Self::ambiguous_credential(),
            Unauthenticated::MustSign => Self::signature_required(),
        }
    }

    /// A signature that fits, at another time. `off` is by how many seconds it is dated ahead.
    pub(crate) fn signature_time(off: i64) -> Self {
        let (off, way) = (off.unsigned_abs(), if off < 0 { "behind" } else { "ahead of" });
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: 40_190_012,
            reason: "signature_time",
            retry_after: None,
            message: format!(
                "this signature is dated {off} seconds {way} this machine's clock, and 30 are allowed: set the clock, and sign each request when it is sent"
            ),
        }
    }

    /// The program asked one of Alpaca's hosts for what another one has, or for the other environment.
    pub(crate) fn wrong_host(message: String) -> Self {
        let (status, reason) = (StatusCode::FORBIDDEN, "wrong_host");
        Self { status, code: 40_390_102, reason, message, retry_after: None }
    }

    /// Nothing is left of the account's budget, and nothing came free in time.
    pub(crate) fn budget_exhausted(retry_after: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: 42_990_002,
            reason: "budget_exhausted",
            message: format!(
                "the requests that alpaca allows this account in a minute are used up: try again in {retry_after} seconds"
            ),
            retry_after: Some(retry_after),
        }
    }

    /// The access key has as many requests under way as it may.
    pub(crate) fn too_many_at_once(most: u32) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: 42_990_003,
            reason: "too_many_at_once",
            message: format!("this access key has {most} requests under way: wait for their answers"),
            retry_after: Some(1),
        }
    }

    /// The answer for a client.
    pub(crate) fn answer(&self, request: RequestId) -> Response<AnswerBody> {
        let mut extra = Map::new();
        extra.insert("reason".to_owned(), self.reason.into());
        let mut answer = json_answer(self.status, request, self.code, &self.message, extra);
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer, Basic realm=\"paddock\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// The answer to a refusal by scope, freeze or cap: 403, or 429 if it is about the rate, with the reason's number, its name and the
/// numbers behind it.
pub(crate) fn refusal_answer(refusal: &Refusal, request: RequestId) -> Response<AnswerBody> {
    let mut extra: Map<String, Value> =
        refusal.numbers.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
    extra.insert("reason".to_owned(), refusal.code.as_str().into());
    let status =
        u16::try_from(refusal.code.number() / 100_000).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.unwrap_or(StatusCode::FORBIDDEN);
    let mut answer = json_answer(status, request, refusal.code.number(), &refusal.message, extra);
    if let Some(Ok(seconds)) =
        refusal.numbers.get("retry_after").map(|seconds| HeaderValue::from_str(seconds))
    {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    answer
}

/// An error in Alpaca's own words, for what Alpaca itself would refuse the same way.
pub(crate) fn alpaca_answer(error: &AlpacaError, request: RequestId) -> Response<AnswerBody> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
    with_request_id(whole(status, error.to_body().into()), request)
}

fn json_answer(
    status: StatusCode,
    request: RequestId,
    code: u32,
    message: &str,
    mut extra: Map<String, Value>,
) -> Response<AnswerBody> {
    extra.insert("code".to_owned(), json!(code));
    extra.insert("message".to_owned(), message.into());
    extra.insert("request_id".to_owned(), request.to_string().into());
    with_request_id(whole(status, Value::Object(extra).to_string().into()), request)
}

/// A JSON answer whose body is at hand.
pub(crate) fn whole(status: StatusCode, body: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body that is at hand.
pub(crate) fn full(body: Bytes) -> AnswerBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// Names the request in the answer.
pub(crate) fn with_request_id(
    mut response: Response<AnswerBody>,
    request: RequestId,
) -> Response<AnswerBody> {
    if let Ok(value) = HeaderValue::from_str(&request.to_string()) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}
