//! `Idempotency-Key`: a request that is sent twice, because its answer was lost, is done once.
//!
//! Every POST of the API takes one. The first request with a key is done and its answer kept for a day; the same request gets that
//! answer again. An answer that says `cache-control: no-store` holds a secret: that it was done is kept, the answer is not.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use paddock_store::{Begun, KeptAnswer, KeyedRequest};
use paddock_vault::{Purpose, VaultError};

use crate::WebState;
use crate::desk::Asker;
use crate::fields;
use crate::problem::Problem;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Told with an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The most characters of a key.
const LONGEST_KEY: usize = 255;

/// The longest answer that is kept.
const LONGEST_ANSWER: usize = 256 * 1024;

/// Does a request once, however often it comes with the same key.
pub(crate) async fn once(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match keyed(&state, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(state: &WebState, request: Request, next: Next) -> Result<Response, Problem> {
    let key = key(&request)?;
    // Nobody's keys are nobody's: the endpoint says that they must sign in.
    let Some(who) = request.extensions().get::<Asker>().map(who) else { return Ok(next.run(request).await) };
    let is_freeze = is_freeze(request.uri().path());
    let (parts, body) = request.into_parts();
    let body = fields::whole_body(body).await?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let mut message = zeroize::Zeroizing::new(Vec::with_capacity(target.len() + 1 + body.len()));
    message.extend_from_slice(target.as_bytes());
    message.push(b'\n');
    message.extend_from_slice(&body);
    let mark = state.sealer.mark(Purpose::Request, &message);
    let request = Request::from_parts(parts, Body::from(Bytes::from_owner(body)));
    let mark = match mark {
        Ok(mark) => mark,
        // Whatever else is broken, a freeze is done; twice is no worse than once.
        Err(VaultError::Locked(_)) if is_freeze => return Ok(next.run(request).await),
        Err(error) => return Err(error.into()),
    };
    let it = KeyedRequest { who: &who, key: &key, request: &mark, run: &state.run };
    let begun = match state.store.begin_keyed(it, state.now()).await {
        Ok(begun) => begun,
        Err(_) if is_freeze => return Ok(next.run(request).await),
        Err(error) => return Err(error.into()),
    };
    match begun {
        Begun::Fresh => Ok(keep(state, it, next.run(request).await).await),
        Begun::Answered(answer) => again(answer),
        Begun::AnotherRequest => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key_of_another_request",
            "Idempotency key reused",
            "this Idempotency-Key came with another request within the last 24 hours, and nothing was done now",
            "send a new key with each new request, and the same key only with the same request",
        )),
        Begun::UnderWay => Err(Problem::new(
            StatusCode::CONFLICT,
            "under_way",
            "Under way",
            "the same request is being done right now",
            "send it again in a moment, with the same key, to get its answer",
        )),
        Begun::Unknown => Err(Problem::new(
            StatusCode::CONFLICT,
            "request_unfinished",
            "Outcome unknown",
            "this request was begun before Paddock stopped, and it cannot be told whether it was done",
            "look whether it was done, and if not, send it with a new key",
        )),
    }
}

/// What a request's key is.
fn key(request: &Request) -> Result<String, Problem> {
    let mut keys = request.headers().get_all(KEY).iter();
    match (keys.next().and_then(|key| key.to_str().ok()), keys.next()) {
        (Some(key), None)
            if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(key.to_owned())
        }
        _ => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_idempotency_key",
            "Bad idempotency key",
            format!(
                "an Idempotency-Key is one header of 1 to {LONGEST_KEY} letters, digits and signs without spaces"
            ),
            "send a random UUID",
        )),
    }
}

/// Whose keys they are. A program with a token shares the keys of its person.
fn who(asker: &Asker) -> String {
    match &asker.person {
        Some(person) => person.id.to_string(),
        None => format!("team {}", asker.user),
    }
}

fn is_freeze(path: &str) -> bool {
    path.ends_with("/freeze")
}

/// Keeps the answer, as far as it may be kept.
async fn keep(state: &WebState, it: KeyedRequest<'_>, response: Response) -> Response {
    let status = response.status();
    // Nothing was done, and it may well be later: when the person has signed in or confirmed, or waited.
    let came_to_nothing =
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    if came_to_nothing {
        if let Err(error) = state.store.forget_keyed(it).await {
            tracing::error!(%error, "a request's key could not be given back");
        }
        return response;
    }
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    let (parts, body) = response.into_parts();
    let is_secret = parts.headers.get(header::CACHE_CONTROL).is_some_and(|control| control == "no-store");
    let is_short = body.size_hint().upper().is_some_and(|most| most <= LONGEST_ANSWER as u64);
    let (kept, body) = if is_secret || !is_short {
        (None, body)
    } else {
        match to_bytes(body, LONGEST_ANSWER).await {
            Ok(whole) => (Some(whole.to_vec()), Body::from(whole)),
            // It is in memory as a whole, so this does not happen.
            Err(_) => (None, Body::empty()),
        }
    };
    let answer = KeptAnswer { status: status.as_u16(), content_type, body: kept };
    if let Err(error) = state.store.answer_keyed(it, &answer).await {
        tracing::error!(%error, "the answer to a request with a key could not be kept");
    }
    Response::from_parts(parts, body)
}

/// The answer that was given before.
fn again(answer: KeptAnswer) -> Result<Response, Problem> {
    let Some(body) = answer.body else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "answer_not_kept",
            "Answer not kept",
            format!(
                "this request was done already (status {}), and its answer was not kept, since it held a secret or was long",
                answer.status
            ),
            "if the answer was lost, revoke what was made and send the request with a new key",
        )
        .with("answered", answer.status));
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(kind) = answer.content_type.and_then(|kind| HeaderValue::try_from(kind).ok()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
