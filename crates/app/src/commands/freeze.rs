//! Freezing and unfreezing: `paddock freeze` and `paddock unfreeze` for everything, and what those of keys and connections share.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::ApiClient;
use crate::audit_line;
use crate::context::Context;
use crate::failure::Outcome;
use crate::paint::Paint;
use crate::table;

/// How to freeze.
#[derive(Debug, Args)]
pub(crate) struct FreezeArgs {
    /// What still passes: reads, cancels, closes (orders that can only make a position smaller), or nothing [default: cancels]
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    allow: Vec<String>,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Cancel the open orders; of an access key, those that it placed
    #[arg(long)]
    cancel_all: bool,
    /// Cancel the open orders, then close the positions at the market; not for an access key
    #[arg(long)]
    flatten: bool,
}

/// `paddock freeze`.
#[derive(Debug, Args)]
pub(crate) struct FreezeAllArgs {
    #[command(flatten)]
    how: FreezeArgs,
    /// Freeze nothing, and show what is frozen
    #[arg(long, conflicts_with_all = ["allow", "reason", "cancel_all", "flatten"])]
    show: bool,
}

/// The API's request. An empty list must not be sent.
#[derive(Debug, Serialize)]
struct Freezing {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cancel_all: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    flatten: bool,
}

pub(crate) async fn freeze_everything(args: FreezeAllArgs, context: &Context) -> Outcome {
    if args.show {
        return show(context).await;
    }
    freeze("/api/v1/freeze", args.how, "everything", "paddock unfreeze", context).await
}

pub(crate) async fn unfreeze_everything(context: &Context) -> Outcome {
    let say = "everything goes on, except the keys and connections that are frozen by themselves".to_owned();
    unfreeze("/api/v1/unfreeze", say, context).await
}

/// Freezes what is at `path`.
pub(crate) async fn freeze(
    path: &str,
    args: FreezeArgs,
    what: &str,
    way_back: &str,
    context: &Context,
) -> Outcome {
    let client = context.client().await?;
    let FreezeArgs { allow, reason, cancel_all, flatten } = args;
    let done = client.post(path, &Freezing { allow, reason, cancel_all, flatten }).await;
    client.close().await;
    let done: Value = done?;
    context.output.show(&done, |paint| describe(&done, what, way_back, paint))
}

/// Unfreezes what is at `path`.
pub(crate) async fn unfreeze(path: &str, say: String, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = client.post_empty(path).await;
    client.close().await;
    context.output.show(&done?, |_| say)
}

fn describe(done: &Value, what: &str, way_back: &str, paint: Paint) -> String {
    let mut lines = format!("{}: {}\n", paint.bold(&format!("{what} is frozen")), passes(&done["passes"]));
    for request in done["in_flight"].as_array().into_iter().flatten() {
        let request = request.as_str().unwrap_or_default();
        lines += &format!("request {request} was sent before, and alpaca has not answered it yet\n");
    }
    for wind_down in done["wind_downs"].as_array().into_iter().flatten() {
        lines += &describe_wind_down(wind_down);
    }
    lines + &format!("`{way_back}` lets it go on")
}

/// What became of a connection's open orders and positions.
fn describe_wind_down(wind_down: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = format!("connection {}: ", text(&wind_down["connection"]));
    lines += &match (text(&wind_down["phase"]).as_str(), text(&wind_down["note"])) {
        ("ended", note) => note,
        (_, note) if note.is_empty() => {
            "still at work: `paddock freeze --show` shows how far it is".to_owned()
        }
        (_, note) => format!("still at work: {note}"),
    };
    lines.push('\n');
    let things = [("orders", "order", "id"), ("positions", "position", "symbol")];
    for (list, kind, name) in things {
        for one in wind_down[list].as_array().into_iter().flatten() {
            let status =
                one["status"].as_u64().map(|status| format!(", status {status}")).unwrap_or_default();
            let detail = one["detail"].as_str().map(|detail| format!(": {detail}")).unwrap_or_default();
            lines += &format!("  {kind} {}: {}{status}{detail}\n", text(&one[name]), text(&one["state"]));
        }
    }
    lines
}

/// What passes, in words.
fn passes(words: &Value) -> String {
    let words: Vec<&str> = words.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() {
        "nothing passes".to_owned()
    } else {
        format!("only {} still pass", words.join(", "))
    }
}

async fn show(context: &Context) -> Outcome {
    let client: ApiClient = context.client().await?;
    let found = client.get("/api/v1/freezes?limit=1000").await;
    client.close().await;
    let found = found?;
    context.output.show(&found, |_| list(&found))
}

fn list(found: &Value) -> String {
    let mut lines = String::new();
    if found["frozen_in_memory"] == json!(true) {
        lines += "everything is held frozen by the file FREEZE in the data directory, or by a signal\n";
    }
    for wind_down in found["wind_downs"].as_array().into_iter().flatten() {
        if wind_down["ended_at"].is_null() {
            lines += &describe_wind_down(wind_down);
        }
    }
    for sign in found["signs"].as_array().into_iter().flatten() {
        let at = sign["last_at"].as_str().unwrap_or_default();
        let at = at.parse().map_or_else(|_| at.to_owned(), table::instant);
        let armed = if sign["armed"] == json!(true) { "" } else { ", and the switch has fired" };
        lines += &format!("sign of life {}: last {at}{armed}\n", sign["name"].as_str().unwrap_or_default());
    }
    let freezes = found["items"].as_array().cloned().unwrap_or_default();
    if freezes.is_empty() {
        return lines + "nothing is frozen";
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = freezes.iter().map(|freeze| {
        let what = match freeze["name"].as_str() {
            Some(name) => format!("{} {name}", text(&freeze["what"])),
            None => text(&freeze["what"]),
        };
        let at = text(&freeze["at"]);
        let at = at.parse().map_or(at, table::instant);
        vec![what, at, audit_line::who(&freeze["by"]), passes(&freeze["passes"]), text(&freeze["reason"])]
    });
    lines + &table::columns(&["FROZEN", "SINCE", "BY", "PASSES", "REASON"], rows)
}
