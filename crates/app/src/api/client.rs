//! One client, two ways to the same API.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use super::problem::Problem;
use super::socket;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::instance::{Instance, Opening};
use crate::lock::DirLock;

/// How many items of a list are asked for at a time.
const PAGE: u32 = 500;

/// A client of the JSON API.
#[derive(Debug)]
pub(crate) enum ApiClient {
    /// A server runs: its admin socket.
    Socket(PathBuf),
    /// None runs: the data directory is opened here, for the length of one command.
    InProcess(Box<Instance>),
}

impl ApiClient {
    /// Reaches the server of a data directory, or opens the directory when no server runs. While another command holds it
    /// open, waits for that one for some seconds.
    pub(crate) async fn open(dir: &DataDir, config: &Config, opening: Opening) -> Outcome<Self> {
        if opening == Opening::MustExist {
            dir.require(config.database.is_some())?;
        } else {
            dir.create()?;
        }
        let mut held = None;
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..200 {
            // Nothing tells when a server or another command is done starting or ending, so look again.
            ticks.tick().await;
            if socket::is_served(dir).await {
                return Ok(Self::Socket(dir.socket()));
            }
            match DirLock::try_take(dir)? {
                Ok(lock) => {
                    let instance = Instance::open(dir.clone(), config, lock).await?;
                    return Ok(Self::InProcess(Box::new(instance)));
                }
                Err(other) => held = Some(other),
            }
        }
        Err(held.map_or_else(|| Failure::new("the data directory is busy"), |held| held.failure(dir)))
    }

    /// Has rotations go on for as long as this client lives, if no server runs that does so.
    pub(crate) fn run_rotations(&self) {
        if let Self::InProcess(instance) = self {
            instance.run_rotations();
        }
    }

    /// Whether a server runs.
    pub(crate) const fn is_served(&self) -> bool {
        matches!(self, Self::Socket(_))
    }

    /// Ends the use of the data directory, if it was opened here.
    pub(crate) async fn close(self) {
        if let Self::InProcess(instance) = self {
            instance.close().await;
        }
    }

    /// `GET`, answered with JSON.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Value> {
        self.json(Method::GET, path, Body::empty()).await
    }

    /// All items of a list, page by page.
    pub(crate) async fn list(&self, path: &str) -> Outcome<Value> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let cursor = next.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
            let mut page = self.get(&format!("{path}{joint}limit={PAGE}{cursor}")).await?;
            let Value::Array(some) = page["items"].take() else {
                return Err(Failure::new("cannot understand the server's answer: it has no `items`")
                    .hint("see that the command line and the server are of the same version"));
            };
            items.extend(some);
            match page["next_cursor"].take() {
                Value::String(cursor) => next = Some(cursor),
                _ => return Ok(Value::Array(items)),
            }
        }
    }

    /// `POST` without content, answered with JSON.
    pub(crate) async fn post_empty(&self, path: &str) -> Outcome<Value> {
        self.json(Method::POST, path, Body::empty()).await
    }

    /// `POST` of JSON, answered with JSON. The content is wiped from memory after sending, since it may be a secret.
    pub(crate) async fn post(&self, path: &str, content: &impl Serialize) -> Outcome<Value> {
        self.json(Method::POST, path, body(content)?).await
    }

    /// `PATCH` with JSON, answered with JSON.
    pub(crate) async fn patch(&self, path: &str, content: &impl Serialize) -> Outcome<Value> {
        self.json(Method::PATCH, path, body(content)?).await
    }

    /// `DELETE`, answered with JSON or nothing.
    pub(crate) async fn delete(&self, path: &str) -> Outcome<Value> {
        self.json(Method::DELETE, path, Body::empty()).await
    }

    /// A request without content whose answer is read piece by piece.
    pub(crate) async fn stream(&self, method: Method, path: &str) -> Outcome<Body> {
        let response = self.send(method, path, Body::empty()).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        Err(Problem::read(status, &collect(response.into_body()).await?))
    }

    async fn json(&self, method: Method, path: &str, content: Body) -> Outcome<Value> {
        let response = self.send(method, path, content).await?;
        let status = response.status();
        let bytes = collect(response.into_body()).await?;
        if !status.is_success() {
            return Err(Problem::read(status, &bytes));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(Failure::cannot("understand the server's answer"))
    }

    async fn send(&self, method: Method, path: &str, content: Body) -> Outcome<Response<Body>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(CONTENT_TYPE, "application/json")
            .body(content)
            .map_err(Failure::cannot("build the request"))?;
        match self {
            Self::Socket(path) => socket::call(path, request).await,
            Self::InProcess(instance) => {
                let router: Router = instance.api();
                router.oneshot(request).await.map_err(|never| match never {})
            }
        }
    }
}

/// Content whose memory is wiped when it was sent.
fn body(content: &impl Serialize) -> Outcome<Body> {
    let bytes = serde_json::to_vec(content).map_err(Failure::cannot("write the request as JSON"))?;
    Ok(Body::from(Bytes::from_owner(Zeroizing::new(bytes))))
}

async fn collect(body: Body) -> Outcome<Bytes> {
    let collected = body.collect().await.map_err(Failure::cannot("read the server's answer"))?;
    Ok(collected.to_bytes())
}

/// A name as one segment of a path.
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
