//! Phase 4: what comes back, on its way to the program.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use paddock_alpaca::Credential;
use paddock_core::id::RequestId;

use crate::answer::{AnswerBody, BodyError, Fault, full, with_request_id};
use crate::budget::head;
use crate::decode::Decoder;
use crate::directory::ConnectionEntry;
use crate::scrub::{Scrubber, Unsearchable};
use crate::shared::Shared;

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

/// An answer whose head may be passed on.
struct Checked {
    status: StatusCode,
    headers: HeaderMap,
    body: Plain,
}

/// Refuses answers that must not be passed on: redirects, which would lead a client past the gateway, codings that cannot be taken
/// off, in which a secret could hide, and the broker's 401, which a program would take for its own.
fn check(response: Response<Incoming>, credential: &Credential) -> Result<Checked, Fault> {
    let (mut parts, body) = response.into_parts();
    if parts.status == StatusCode::UNAUTHORIZED {
        return Err(Fault::credential_refused());
    }
    if parts.status.is_redirection() || parts.status.is_informational() {
        return Err(Fault::upstream_unsafe());
    }
    let decoder = Decoder::of(&parts.headers).map_err(|_| Fault::upstream_unsafe())?;
    keep_passed(&mut parts.headers, &Scrubber::new(credential)).map_err(|_| Fault::upstream_unsafe())?;
    let mut headers = parts.headers;
    if decoder.is_some() {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
    }
    Ok(Checked { status: parts.status, headers, body: Plain { body, decoder } })
}

/// Takes out of the headers what must not be passed on.
fn keep_passed(headers: &mut HeaderMap, scrubber: &Scrubber<'_>) -> Result<(), Unsearchable> {
    let mut dropped: Vec<HeaderName> = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        let named = value.to_str().unwrap_or_default().split(',');
        dropped.extend(named.filter_map(|name| name.trim().parse().ok()));
    }
    for (name, value) in &*headers {
        let tells = scrubber.finds(value.as_bytes())? || scrubber.finds_in_name(name.as_str())?;
        if tells || DROPPED.contains(name) {
            dropped.push(name.clone());
        }
    }
    for name in dropped {
        headers.remove(name);
    }
    Ok(())
}

/// The body of an answer without its coding.
struct Plain {
    body: Incoming,
    decoder: Option<Decoder>,
}

impl Plain {
    /// The next piece, when it has come.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            if let Some(decoder) = &mut self.decoder
                && let Some(plain) = decoder.pull()?
            {
                return Ok(Some(plain));
            }
            let Some(frame) = self.body.frame().await else { break };
            // Trailers are dropped: nothing in Alpaca's API uses them.
            let Ok(data) = frame?.into_data() else { continue };
            match &mut self.decoder {
                Some(decoder) => decoder.push(data),
                None => return Ok(Some(data)),
            }
        }
        if let Some(decoder) = &self.decoder {
            decoder.finish()?;
        }
        Ok(None)
    }

    /// All of it, if it has no more than [`MAX_ANSWER`] bytes.
    async fn whole(mut self) -> Result<Bytes, Fault> {
        // What is not what its coding says cannot be checked; what breaks off without one has failed.
        let fault = if self.decoder.is_some() { Fault::upstream_unsafe } else { Fault::upstream_failed };
        let (mut pieces, mut length) = (Vec::new(), 0);
        while let Some(piece) = self.next().await.map_err(|_| fault())? {
            length += piece.len();
            if length > MAX_ANSWER {
                return Err(Fault::upstream_failed());
            }
            pieces.push(piece);
        }
        Ok(if pieces.len() == 1 { pieces.swap_remove(0) } else { pieces.concat().into() })
    }
}

/// Reads an answer whole and scrubs it.
pub(crate) async fn read_whole(
    response: Response<Incoming>,
    credential: &Credential,
) -> Result<WholeAnswer, Fault> {
    let Checked { status, headers, body } = check(response, credential)?;
    let body = body.whole().await?;
    let body = Scrubber::new(credential).whole(body).map_err(|_| Fault::upstream_unsafe())?;
    Ok(WholeAnswer { status, headers, body })
}

/// Answers up to this size are read whole before they are passed on, which costs less than streaming them.
const SMALL: u64 = 16 * 1024;

/// Passes the answer to a read on: at once if it is small, otherwise as it comes.
pub(crate) async fn pass_on(
    response: Response<Incoming>,
    credential: &Credential,
    entry: &Arc<ConnectionEntry>,
    shared: &Arc<Shared>,
    request: RequestId,
) -> Result<Response<AnswerBody>, Fault> {
    if response.body().size_hint().exact().is_some_and(|size| size <= SMALL) {
        return Ok(read_whole(response, credential).await?.into_response(request));
    }
    let Checked { status, headers, mut body } = check(response, credential)?;
    // That the data is what its coding says must be known before a byte of it is passed on.
    let first = match &body.decoder {
        Some(_) => body.next().await.map_err(|_| Fault::upstream_unsafe())?,
        None => None,
    };
    let scrubber = Scrubber::sealed(credential, entry, shared);
    let mut answer = Response::new(stream_through(first, body, scrubber));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    Ok(with_request_id(answer, request))
}

/// Passes a body on as it comes, scrubbing on the way. A fault breaks the answer off, which every client notices.
fn stream_through(first: Option<Bytes>, body: Plain, scrubber: Scrubber<'static>) -> AnswerBody {
    let pieces = stream::unfold(Some((first, body, scrubber)), |state| async move {
        let (mut first, mut body, mut scrubber) = state?;
        loop {
            let passed = match next_passed(&mut first, &mut body, &mut scrubber).await {
                Ok(Some(passed)) => passed,
                Ok(None) => match scrubber.finish() {
                    Ok(rest) if rest.is_empty() => return None,
                    Ok(rest) => return Some((Ok(Frame::data(rest)), None)),
                    Err(error) => return Some((Err(error.into()), None)),
                },
                Err(error) => return Some((Err(error), None)),
            };
            if !passed.is_empty() {
                return Some((Ok::<_, BodyError>(Frame::data(passed)), Some((None, body, scrubber))));
            }
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(Box::pin(pieces)))
}

/// What may pass of the next piece, which may be nothing; `None` at the end.
async fn next_passed(
    first: &mut Option<Bytes>,
    body: &mut Plain,
    scrubber: &mut Scrubber<'static>,
) -> Result<Option<Bytes>, BodyError> {
    let piece = match first.take() {
        Some(first) => Some(first),
        None => body.next().await?,
    };
    Ok(piece.map(|piece| scrubber.push(piece)).transpose()?)
}
