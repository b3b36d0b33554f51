//! Phase 4: what comes back, on its way to the program.

use bytes::Bytes;
use futures_util::stream;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use paddock_alpaca::Credential;
use paddock_core::id::RequestId;

use crate::answer::{AnswerBody, BodyError, Fault, full, with_request_id};
use crate::budget::head;
use crate::scrub::Scrubber;

/// The largest answer to a state-changing request that is read whole, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Headers that belong to one connection, or that a broker has no business to set in the program's client. The length is not
/// among them: masking a secret does not change it.
const DROPPED: [HeaderName; 15] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::ALT_SVC,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    // Alpaca's speak of the whole account. A program is told its own share.
    head::LIMIT,
    head::REMAINING,
    head::RESET,
];

/// An answer that was read whole.
pub(crate) struct WholeAnswer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl WholeAnswer {
    /// An answer that Paddock makes of several of the broker's.
    pub(crate) fn made(status: StatusCode, body: Bytes) -> Self {
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers: HeaderMap::from_iter([json]), body }
    }

    /// The same answer with another body.
    pub(crate) fn with_body(mut self, body: Bytes) -> Self {
        self.headers.remove(header::CONTENT_LENGTH);
        self.headers.remove(header::ETAG);
        Self { body, ..self }
    }

    pub(crate) fn into_response(self, request: RequestId) -> Response<AnswerBody> {
        let mut response = Response::new(full(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        with_request_id(response, request)
    }
}

/// Refuses answers that must not be passed on: redirects, which would lead a client past the gateway, compressed bodies,
/// in which a secret could hide, and the broker's 401, which a program would take for its own.
fn check(status: StatusCode, headers: &HeaderMap) -> Result<(), Fault> {
    if status == StatusCode::UNAUTHORIZED {
        return Err(Fault::credential_refused());
    }
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if status.is_redirection() || status.is_informational() || encoded {
        return Err(Fault::upstream_unsafe());
    }
    Ok(())
}

fn passed_headers(headers: &HeaderMap, scrubber: &Scrubber) -> HeaderMap {
    let named_by_connection: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passes = |name: &HeaderName| {
        !DROPPED.contains(name) && !named_by_connection.iter().any(|named| named == name.as_str())
    };
    headers
        .iter()
        .filter(|(name, value)| passes(name) && !scrubber.finds(value.as_bytes()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Reads an answer whole and scrubs it.
pub(crate) async fn read_whole(
    response: Response<Incoming>,
    credential: &Credential,
) -> Result<WholeAnswer, Fault> {
    let (parts, body) = response.into_parts();
    check(parts.status, &parts.headers)?;
    let mut scrubber = Scrubber::new(credential);
    let body =
        Limited::new(body, MAX_ANSWER).collect().await.map_err(|_| Fault::upstream_failed())?.to_bytes();
    let headers = passed_headers(&parts.headers, &scrubber);
    let mut scrubbed = scrubber.push(body);
    let rest = scrubber.finish();
    if !rest.is_empty() {
        scrubbed = [scrubbed, rest].concat().into();
    }
    Ok(WholeAnswer { status: parts.status, headers, body: scrubbed })
}

/// Answers up to this size are read whole before they are passed on, which costs less than streaming them.
const SMALL: u64 = 16 * 1024;

/// Passes the answer to a read on: at once if it is small, otherwise as it comes.
pub(crate) async fn pass_on(
    response: Response<Incoming>,
    credential: &Credential,
    request: RequestId,
) -> Result<Response<AnswerBody>, Fault> {
    if response.body().size_hint().exact().is_some_and(|size| size <= SMALL) {
        return Ok(read_whole(response, credential).await?.into_response(request));
    }
    stream_through(response, credential, request)
}

/// Passes an answer on as it comes, scrubbing on the way.
fn stream_through(
    response: Response<Incoming>,
    credential: &Credential,
    request: RequestId,
) -> Result<Response<AnswerBody>, Fault> {
    let (parts, body) = response.into_parts();
    check(parts.status, &parts.headers)?;
    let scrubber = Scrubber::new(credential);
    let headers = passed_headers(&parts.headers, &scrubber);
    let pieces = stream::unfold(Some((body, scrubber)), |state| async move {
        let (mut body, mut scrubber) = state?;
        loop {
            match body.frame().await {
                Some(Ok(frame)) => {
                    // Trailers are dropped: nothing in Alpaca's API uses them.
                    let Ok(data) = frame.into_data() else { continue };
                    let passed = scrubber.push(data);
                    if !passed.is_empty() {
                        return Some((Ok::<_, BodyError>(Frame::data(passed)), Some((body, scrubber))));
                    }
                }
                Some(Err(error)) => return Some((Err(error.into()), None)),
                None => {
                    let rest = scrubber.finish();
                    return (!rest.is_empty()).then(|| (Ok(Frame::data(rest)), None));
                }
            }
        }
    });
    let mut answer = Response::new(BodyExt::boxed_unsync(StreamBody::new(Box::pin(pieces))));
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = headers;
    Ok(with_request_id(answer, request))
}
