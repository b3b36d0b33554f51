//! Whole exchanges, request and answer, one JSON line each in a file.
//!
//! No header is recorded, and so no pair and no token. What passes on other paths than those of the trading and data APIs can
//! hold secrets in its body or query, such as the OAuth and dashboard ones: of these the path and the status are recorded.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use paddock_alpaca::operation;
use paddock_alpaca::path::CanonicalPath;
use paddock_core::Environment;
use serde::Serialize;

use super::copied::{Copy, copied};
use crate::PaperBroker;
use crate::faults::request::Struck;

/// The file of exchanges could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot record exchanges in {path}: {source}: choose a file that can be written")]
pub struct ExchangeFileError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// A file to which exchanges are appended, a line each. Several brokers may share it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ExchangeFile(Arc<Mutex<File>>);

impl ExchangeFile {
    /// Opens the file, readable by its owner alone if it is new.
    ///
    /// # Errors
    /// When it cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self, ExchangeFileError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(path);
        let file = opened.map_err(|source| ExchangeFileError { path: path.to_owned(), source })?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Appends a line. The broker goes on when that fails: a record is not worth an order.
    fn append(&self, line: &impl Serialize) {
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            // One write, so that lines of several processes do not mix.
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
        });
        if let Err(error) = written {
            tracing::warn!(%error, "an exchange could not be recorded");
        }
    }
}

/// What is recorded, of which listener, and where.
#[derive(Clone)]
pub(in crate::http) struct Recording {
    pub broker: PaperBroker,
    pub environment: Environment,
    pub file: ExchangeFile,
}

/// A line. Bodies are absent where they are not recorded.
#[derive(Serialize)]
struct Line {
    /// The broker's time when the request came.
    at: Timestamp,
    environment: Environment,
    /// The operation of Alpaca's table, if there is one at that path.
    operation: Option<&'static str>,
    method: String,
    /// Path and query as they were received; the path alone where bodies are not recorded.
    target: String,
    status: u16,
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    /// Whether a body was longer than what is kept of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// Whether the answer is a fault's that somebody has set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fault: bool,
}

/// Lets a request pass and records it with its answer, before the end of the answer leaves.
pub(in crate::http) async fn exchange(
    State(recording): State<Recording>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let whole = is_free_of_secrets(path);
    let canonical = CanonicalPath::parse(path).ok();
    let found = canonical.and_then(|path| operation::find(parts.method.as_str(), &path));
    let mut line = Line {
        at: recording.broker.now(),
        environment: recording.environment,
        operation: found.map(|(operation, _)| operation.id),
        method: parts.method.to_string(),
        target: match parts.uri.path_and_query() {
            Some(target) if whole => target.to_string(),
            _ => path.to_owned(),
        },
        status: 0,
        content_type: None,
        request: None,
        response: None,
        cut: false,
        fault: false,
    };
    let sent = Copy::default();
    let body = if whole { copied(body, sent.clone(), || {}) } else { body };

    let (parts, body) = next.run(Request::from_parts(parts, body)).await.into_parts();
    line.status = parts.status.as_u16();
    line.fault = parts.extensions.get::<Struck>().is_some();
    let content_type = parts.headers.get(CONTENT_TYPE);
    line.content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let file = recording.file;
    if !whole {
        file.append(&line);
        return Response::from_parts(parts, body);
    }
    let answered = Copy::default();
    let passing = answered.clone();
    let at_end = move || {
        let ((request, request_cut), (response, response_cut)) = (sent.text(), answered.text());
        (line.request, line.response) = (Some(request), Some(response));
        line.cut = request_cut || response_cut;
        file.append(&line);
    };
    Response::from_parts(parts, copied(body, passing, at_end))
}

/// Whether the path belongs to the trading or data API, where only headers hold secrets.
fn is_free_of_secrets(path: &str) -> bool {
    let version =
        path.strip_prefix("/v").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    version && !path.to_ascii_lowercase().contains("oauth")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/v2/orders", true)]
    #[case("/v1beta3/crypto/us/bars", true)]
    #[case("/oauth/token", false)]
    #[case("/v1/oauth/token", false)]
    #[case("/v1/OAuth2/token", false)]
    #[case("/dashboard/v1/accounts", false)]
    #[case("/vault", false)]
    fn bodies_are_recorded_of(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_free_of_secrets(path), expected);
    }
}
