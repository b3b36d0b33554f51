//! What faults do to a request or to the handshake of a stream.

use axum::extract::Request;
use axum::response::Response;
use jiff::Timestamp;
use paddock_alpaca::operation::Api;

use super::rule::{Fault, On, Reply, Subject, When};
use super::{Effects, answers};
use crate::access::Credentials;
use crate::http::{Served, answer_soundly, find_operation};
use crate::stream::{Closing, Stream};

/// Up to when a request sees market data, when that stands still. Carried in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataUntil(pub Timestamp);

/// Marks an answer that a fault made or cut, in the answer's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Struck;

/// Answers a request while rules are set.
pub(crate) async fn answer(served: Served, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let stream = Stream::asked_for(&parts);
    let operation = find_operation(&parts);
    let credentials = Credentials::of(&parts.headers);
    let (account, key_id) = match &credentials {
        Some(Credentials::Pair { key_id, .. }) => {
            (served.broker.account_of_key(key_id), Some(key_id.as_str()))
        }
        Some(token) => {
            let api = operation.map_or(Api::Trading, |operation| operation.api);
            (served.broker.open_door(token, api, served.environment).map(|access| access.account), None)
        }
        None => (None, None),
    };
    let subject = Subject {
        on: if stream.is_some() { On::Handshake } else { On::Request },
        path: stream.map_or(path.as_str(), |stream| stream.path()),
        operation: operation.map(|operation| operation.id),
        account,
        key_id,
    };
    let broker = served.broker.clone();
    let Effects { delay, data_until, key_dies, verdict } = broker.faults().decide(&subject, broker.now());
    if !delay.is_zero() {
        #[expect(clippy::disallowed_methods, reason = "a delay was asked for, and is what is tested")]
        tokio::time::sleep(delay).await;
    }
    if let (true, Some(account)) = (key_dies, account)
        && let Err(error) = broker.revoke_key(account).await
    {
        tracing::warn!(%error, "a key that was to die could not be revoked");
    }
    if let Some(until) = data_until {
        parts.extensions.insert(DataUntil(until));
    }
    let closing = parts.extensions.get::<Closing>().cloned().unwrap_or_default();
    let request = Request::from_parts(parts, body);
    let Some((rule, fault)) = verdict else { return answer_soundly(served, request).await };

    let when = match fault {
        Fault::Error { when, .. } | Fault::Drop { when, .. } | Fault::Hang { when } => when,
        _ => When::Before,
    };
    let done = match when {
        When::After => Some(answer_soundly(served, request).await),
        When::Before => None,
    };
    let mut answer = match fault {
        Fault::Error { status, rate_limit_headers, retry_after, .. } => {
            let headers = (rate_limit_headers, retry_after);
            answers::error(status, operation, headers, broker.now(), broker.entropy())
        }
        Fault::Drop { reply: Reply::Headers, .. } => match done {
            Some(done) => answers::head_of(done),
            None => {
                answers::head_of(answers::error(500, operation, (true, None), broker.now(), broker.entropy()))
            }
        },
        Fault::Hang { .. } => {
            tokio::select! {
                () = closing.0.cancelled() => {}
                () = super::line::released(&broker, rule) => {}
            }
            answers::nothing()
        }
        _ => answers::nothing(),
    };
    answer.extensions_mut().insert(Struck);
    answer
}
