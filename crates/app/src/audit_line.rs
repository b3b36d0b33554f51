//! One audit record as one line for a person.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::ApiClient;
use crate::failure::Outcome;
use crate::table;

/// The names of connections and access keys by their identifiers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Asks for all names there are. A removed thing has none any more.
    pub(crate) async fn of(client: &ApiClient) -> Outcome<Self> {
        let mut names = BTreeMap::new();
        for (path, kind) in [("/api/v1/connections", "connection"), ("/api/v1/keys", "key")] {
            for one in client.list(path).await?.as_array().into_iter().flatten() {
                names.insert(text(&one["id"]).to_owned(), format!("{kind} {}", text(&one["name"])));
            }
        }
        Ok(Self(names))
    }

    fn of_id<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// The cells `seq, time, who, event, what` of a record as the JSON API gives it.
pub(crate) fn row(record: &Value, names: &Names) -> Vec<String> {
    let (actor, event) = (&record["actor"], &record["event"]);
    vec![
        record["seq"].to_string(),
        time(text(&record["at"])),
        who(actor),
        text(&event["event"]).to_owned(),
        what(event, names),
    ]
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// What is no instant stays as it is.
fn time(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), table::instant)
}

pub(crate) fn who(actor: &Value) -> String {
    match text(&actor["kind"]) {
        "access_key" => format!("key {}", text(&actor["name"])),
        "operator" => "operator".to_owned(),
        "person" => text(&actor["name"]).to_owned(),
        "system" => "paddock".to_owned(),
        other => other.to_owned(),
    }
}

fn what(event: &Value, names: &Names) -> String {
    let field = |name: &str| match &event[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match text(&event["event"]) {
        "connection_added" => {
            format!("{} ({} account {})", field("name"), field("environment"), field("account_number"))
        }
        "credential_replaced" | "credential_resealed" => {
            format!("{}, version {}", names.of_id(&field("connection")), field("version"))
        }
        "key_created" => field("name"),
        "frozen" | "unfrozen" => {
            let (id, reason) = (field("id"), field("reason"));
            let what = if id.is_empty() { field("what") } else { names.of_id(&id).to_owned() };
            if reason.is_empty() { what } else { format!("{what}: {reason}") }
        }
        "request_permitted" => {
            let summary = field("summary");
            let act = if summary.is_empty() { field("target") } else { summary };
            format!("{}: {act}", field("operation"))
        }
        "request_answered" => match field("status") {
            status if status.is_empty() => "no answer came".to_owned(),
            status => format!("status {status}"),
        },
        "charge_returned" => format!("${} of order {}", field("notional"), field("order_id")),
        "loss_reached" => format!("{}: ${} on {}", names.of_id(&field("key")), field("loss"), field("day")),
        "request_refused" => format!("{}: {} ({})", field("operation"), field("message"), field("reason")),
        "wind_down_ended" => format!(
            "{}: canceled {}, closed {}, failed {}: {}",
            names.of_id(&field("connection")),
            field("canceled"),
            field("closed"),
            field("failed"),
            field("outcome")
        ),
        "approval_requested" => field("summary"),
        "approval_granted" | "approval_denied" => match field("reason") {
            reason if reason.is_empty() => field("by"),
            reason => format!("{} ({})", reason, field("by")),
        },
        "approval_ended" => match field("message") {
            message if message.is_empty() => field("why"),
            message => format!("{}: {message}", field("why")),
        },
        "kek_rotated" => format!("data-encryption keys wrapped anew: {}", field("rewrapped")),
        "token_created" => format!("{} as {}", field("name"), field("role")),
        "recovery_code_used" => format!("{} left", field("left")),
        "audit_key_made" => format!("public key {}", field("public_key")),
        "audit_pruned" => format!("records up to {} were removed", field("through")),
        "unusual_use" => format!("{}: {}, {}", names.of_id(&field("key")), field("what"), field("detail")),
        "backup_written" | "backup_restored" => format!("records: {}", field("records")),
        "team_founded" => field("name"),
        "person_invited" => format!("{} as {}", field("label"), field("role")),
        "person_added" => format!("{} as {}", field("name"), field("role")),
        "role_changed" => format!("from {} to {}", field("old"), field("new")),
        "signed_in" => format!("from {}", field("network")),
        "sign_in_failed" => format!("{} attempts, the last from {}", field("attempts"), field("network")),
        "rollback_accepted" => format!("record {} had been seen", field("seen_seq")),
        "connection_renamed" => format!("{} to {}", field("old"), field("new")),
        "live_attested" => format!("{} by {}", names.of_id(&field("connection")), field("signed_name")),
        "connection_activated" | "connection_removed" => names.of_id(&field("connection")).to_owned(),
        "key_revoked" | "key_scope_changed" => names.of_id(&field("key")).to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_who_what_and_why() {
        let record = json!({
            "seq": 7, "at": "2026-11-20T15:00:01.5Z",
            "actor": { "kind": "access_key", "id": "x", "name": "demo-bot" },
            "event": { "event": "request_refused", "operation": "postOrder", "reason": "symbol_not_allowed",
                       "message": "MSFT is not among the symbols" },
        });
        let expected = [
            "7",
            "2026-11-20 15:00:01Z",
            "key demo-bot",
            "request_refused",
            "postOrder: MSFT is not among the symbols (symbol_not_allowed)",
        ];
        assert_eq!(row(&record, &Names::default()), expected);
    }
}
