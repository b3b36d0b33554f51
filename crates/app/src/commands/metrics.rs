//! `paddock metrics`: what the running server measures.

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::context::Context;
use crate::failure::{Failure, Outcome};

pub(crate) async fn run(context: &Context) -> Outcome {
    let client = context.client().await?;
    let body = client.stream(Method::GET, "/api/v1/metrics").await;
    let text = match body {
        Ok(body) => body.collect().await.map_err(Failure::cannot("read the server's answer")),
        Err(failure) => Err(failure),
    };
    client.close().await;
    let text = String::from_utf8_lossy(&text?.to_bytes()).into_owned();
    context.output.show(&json!({ "metrics": text }), |_| text.trim_end().to_owned())
}
