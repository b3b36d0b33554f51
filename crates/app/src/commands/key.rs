//! `paddock key`: access keys, which programs use in place of the real ones.

mod create;
mod edit;
mod explain;
mod replace;

use clap::Subcommand;
use paddock_core::money::format_usd;
use paddock_web::{DayView, KeyUseView, KeyView};
use serde::Deserialize as _;
use serde_json::Value;

use crate::api::segment;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;
use crate::table;

use super::freeze::{self, FreezeArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Issue an access key that any Alpaca client accepts and that opens only what its scope allows
    Create(Box<create::CreateArgs>),
    /// List the access keys
    List,
    /// Show one access key: what it may do, and how it was used
    Show {
        /// The access key's name
        name: String,
        /// How many days of use
        #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
    },
    /// Change what an access key may do, from its next request on
    Edit(Box<edit::EditArgs>),
    /// Say what a change would newly allow and newly forbid, without making it
    Diff(Box<edit::EditArgs>),
    /// Say whether an order would pass, and why, without sending it
    Explain(explain::ExplainArgs),
    /// Stop an access key at once; cancels still pass, or what you say
    Freeze {
        /// The access key's name
        name: String,
        #[command(flatten)]
        how: FreezeArgs,
    },
    /// Let an access key go on
    Unfreeze {
        /// The access key's name
        name: String,
    },
    /// Issue another access key with the same limits; the old one works on for a while and then ends
    Replace(replace::ReplaceArgs),
    /// End an access key for good
    Revoke {
        /// The access key's name
        name: String,
    },
}

pub(crate) async fn run(command: KeyCommand, context: &Context) -> Outcome {
    match command {
        KeyCommand::Create(args) => create::run(*args, context).await,
        KeyCommand::List => list(context).await,
        KeyCommand::Show { name, days } => show(&name, days, context).await,
        KeyCommand::Edit(args) => edit::edit(*args, context).await,
        KeyCommand::Diff(args) => edit::diff(*args, context).await,
        KeyCommand::Replace(args) => replace::run(&args, context).await,
        KeyCommand::Explain(args) => explain::run(args, context).await,
        KeyCommand::Freeze { name, how } => {
            let path = format!("/api/v1/keys/{}/freeze", segment(&name));
            let (what, way_back) = (format!("access key `{name}`"), format!("paddock key unfreeze {name}"));
            freeze::freeze(&path, how, &what, &way_back, context).await
        }
        KeyCommand::Unfreeze { name } => {
            let path = format!("/api/v1/keys/{}/unfreeze", segment(&name));
            freeze::unfreeze(&path, format!("access key `{name}` goes on"), context).await
        }
        KeyCommand::Revoke { name } => {
            act(
                &name,
                "revoke",
                format!("access key `{name}` is revoked and opens nothing any more"),
                context,
            )
            .await
        }
    }
}

async fn list(context: &Context) -> Outcome {
    let client = context.client().await?;
    let keys = client.list("/api/v1/keys").await;
    client.close().await;
    let keys = keys?;
    let views =
        Vec::<KeyView>::deserialize(&keys).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&keys, |_| {
        if views.is_empty() {
            return "no access keys yet: `paddock key create NAME --connection C --preset trader`".to_owned();
        }
        table::columns(&["NAME", "CONNECTION", "STATE", "LAST USED", "SCOPE"], views.into_iter().map(row))
    })
}

fn row(view: KeyView) -> Vec<String> {
    let (state, used) = (state(&view).to_owned(), last_used(&view));
    vec![view.name, format!("{} ({})", view.connection, view.environment), state, used, view.scope_sentence]
}

const fn state(view: &KeyView) -> &'static str {
    match (view.revoked_at.is_some(), view.frozen) {
        (true, _) => "revoked",
        (false, true) => "frozen",
        (false, false) => "in use",
    }
}

fn last_used(view: &KeyView) -> String {
    view.last_used_at.map_or_else(|| "never".to_owned(), table::instant)
}

async fn show(name: &str, days: u32, context: &Context) -> Outcome {
    let client = context.client().await?;
    let path = format!("/api/v1/keys/{}", segment(name));
    let key = client.get(&path).await;
    let used = client.get(&format!("{path}/usage?days={days}")).await;
    client.close().await;
    let (mut key, used) = (key?, used?);
    let view = KeyView::deserialize(&key).map_err(Failure::cannot("understand the server's answer"))?;
    let use_view =
        KeyUseView::deserialize(&used).map_err(Failure::cannot("understand the server's answer"))?;
    key["use"] = used;
    context.output.show(&key, |paint| format!("{}\n{}", describe(&view, paint), describe_use(&use_view)))
}

fn describe_use(view: &KeyUseView) -> String {
    if view.days.is_empty() {
        return "\nnot used on these days".to_owned();
    }
    let from = match (&view.address, &view.user_agent) {
        (Some(address), Some(agent)) => format!("{address}, {agent}"),
        (Some(address), None) => address.clone(),
        (None, _) => "unknown".to_owned(),
    };
    let row = |day: &DayView| {
        let refused: Vec<String> =
            day.refused.iter().map(|(reason, requests)| format!("{reason} {requests}")).collect();
        vec![
            day.day.to_string(),
            day.requests.to_string(),
            day.reads.to_string(),
            day.orders.to_string(),
            refused.join(", "),
        ]
    };
    let days = table::columns(&["DAY", "REQUESTS", "READS", "ORDERS", "REFUSED"], view.days.iter().map(row));
    let mut pairs = vec![("last used from", from)];
    let unusual =
        view.unusual.iter().map(|one| format!("{} on {}", one.what.name().replace('_', " "), one.day));
    let unusual = unusual.collect::<Vec<_>>().join(", ");
    if !unusual.is_empty() {
        pairs.push(("unusual", unusual));
    }
    format!("{}\n{days}", table::pairs(pairs))
}

fn describe(view: &KeyView, paint: Paint) -> String {
    let usage = &view.usage;
    table::pairs([
        ("name", paint.bold(&view.name)),
        ("key id", view.key_id.clone()),
        ("connection", format!("{} ({})", view.connection, view.environment)),
        ("scope", view.scope_sentence.clone()),
        ("state", state(view).to_owned()),
        ("created", table::instant(view.created_at)),
        ("last used", last_used(view)),
        ("used", format!("orders {}, ${}, on {}", usage.orders, format_usd(usage.notional), usage.day)),
    ])
}

async fn act(name: &str, verb: &str, say: String, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done: Outcome<Value> = client.post_empty(&format!("/api/v1/keys/{}/{verb}", segment(name))).await;
    client.close().await;
    context.output.show(&done?, |_| say)
}
