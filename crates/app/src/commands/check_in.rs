//! `paddock check-in`: the operator is there.

use serde_json::Value;

use crate::context::Context;
use crate::failure::Outcome;

pub(crate) async fn run(context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = client.post_empty("/api/v1/check-in").await;
    client.close().await;
    let done: Value = done?;
    context.output.show(&done, |_| match done["everything_frozen"].as_bool() {
        Some(true) => "checked in; everything is frozen, and `paddock unfreeze` lets it go on".to_owned(),
        _ => "checked in".to_owned(),
    })
}
