//! `paddock freeze` and `paddock unfreeze`: everything at once.

use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Stop.
    Freeze,
    /// Go on.
    Unfreeze,
}

impl Act {
    /// The last segment of the API's path.
    pub(crate) const fn segment(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
        }
    }
}

pub(crate) async fn run(act: Act, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = client.post_empty(&format!("/api/v1/{}", act.segment())).await;
    client.close().await;
    done?;
    context.output.show(&json!({ "everything_frozen": act == Act::Freeze }), |paint| match act {
        Act::Freeze => format!(
            "{}: every access key of every connection; cancels still pass\n`paddock unfreeze` lets everything go on",
            paint.bold("everything is frozen")
        ),
        Act::Unfreeze => {
            "everything goes on, except the keys and connections that are frozen by themselves".to_owned()
        }
    })
}
