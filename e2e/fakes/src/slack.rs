//! Slack's incoming webhooks, by <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.

use crate::{Fake, Heard, Reply};

/// A workspace with one webhook.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The path of the webhook that exists.
    pub path: String,
    /// What was posted.
    pub posts: Vec<String>,
    /// Whether the channel was archived.
    pub archived: bool,
}

impl Default for Slack {
    fn default() -> Self {
        Self { path: "/services/T0/B0/fake".to_owned(), posts: Vec::new(), archived: false }
    }
}

impl Fake for Slack {
    fn answer(&mut self, heard: &Heard) -> Reply {
        if heard.method != http::Method::POST {
            return Reply::text(400, "invalid_payload");
        }
        if heard.path != self.path {
            return Reply::text(404, "no_service");
        }
        let Some(body) = heard.json() else { return Reply::text(400, "invalid_payload") };
        let text = body.get("text").and_then(serde_json::Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return Reply::text(400, "no_text");
        }
        if self.archived {
            return Reply::text(410, "channel_is_archived");
        }
        self.posts.push(text.to_owned());
        Reply::text(200, "ok")
    }

    fn forbidden(&self) -> Reply {
        Reply::text(403, "action_prohibited")
    }
}
