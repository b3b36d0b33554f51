//! `paddock approval`: orders that wait for a person.

use clap::{Args, Subcommand};
use paddock_core::money::format_usd;
use paddock_web::ApprovalView;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::api::segment;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalCommand {
    /// List the orders that wait for a person
    List {
        /// Those that waited, too
        #[arg(long)]
        all: bool,
    },
    /// Show one: exactly what would be sent, and what became of it
    Show {
        /// The approval's identifier
        id: String,
    },
    /// Say yes: everything is decided again, and the order is sent, once
    Approve(AnswerArgs),
    /// Say no
    Deny(AnswerArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// The approval's identifier
    id: String,
    /// Why; it is recorded, and a program that waits hears the reason of a no
    #[arg(long, value_name = "WORDS")]
    reason: Option<String>,
    /// Only if the request is the one that was shown, by its request hash
    #[arg(long, value_name = "HASH")]
    request_hash: Option<String>,
    /// Who says so, for the record [default: the user of this machine]
    #[arg(long, value_name = "NAME", env = "USER", hide_env = true)]
    by: Option<String>,
}

pub(crate) async fn run(command: ApprovalCommand, context: &Context) -> Outcome {
    match command {
        ApprovalCommand::List { all } => list(all, context).await,
        ApprovalCommand::Show { id } => {
            let client = context.client().await?;
            let shown = client.get(&format!("/api/v1/approvals/{}", segment(&id))).await;
            client.close().await;
            say(&shown?, context)
        }
        ApprovalCommand::Approve(args) => answer("approve", &args, context).await,
        ApprovalCommand::Deny(args) => answer("deny", &args, context).await,
    }
}

async fn list(all: bool, context: &Context) -> Outcome {
    let client = context.client().await?;
    let listed = client.list(if all { "/api/v1/approvals?all=true" } else { "/api/v1/approvals" }).await;
    client.close().await;
    let listed = listed?;
    let views = Vec::<ApprovalView>::deserialize(&listed)
        .map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&listed, |_| {
        if views.is_empty() {
            return "nothing waits for a person".to_owned();
        }
        let rows = views.into_iter().map(|view| {
            vec![
                view.id.to_string(),
                view.state.to_string(),
                view.key_name.clone().unwrap_or_default(),
                view.summary.clone(),
                dollars(&view),
                table::instant(view.expires_at),
            ]
        });
        table::columns(&["APPROVAL", "STATE", "KEY", "ORDER", "WORTH", "EXPIRES"], rows)
    })
}

async fn answer(verb: &str, args: &AnswerArgs, context: &Context) -> Outcome {
    let content = json!({ "by": args.by, "reason": args.reason, "request_hash": args.request_hash });
    let client = context.client().await?;
    let done: Outcome<Value> =
        client.post(&format!("/api/v1/approvals/{}/{verb}", segment(&args.id)), &content).await;
    client.close().await;
    say(&done?, context)
}

fn say(shown: &Value, context: &Context) -> Outcome {
    let view = ApprovalView::deserialize(shown).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(shown, |paint| describe(&view, paint))
}

fn dollars(view: &ApprovalView) -> String {
    view.notional.map_or_else(|| "cannot be told".to_owned(), |worth| format!("${}", format_usd(worth)))
}

fn describe(view: &ApprovalView, paint: Paint) -> String {
    let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut pairs = vec![
        ("order", paint.bold(&view.summary)),
        ("state", view.state.to_string()),
        ("worth", dollars(view)),
        ("access key", maybe(&view.key_name)),
        ("connection", maybe(&view.connection)),
        ("request", view.target.clone()),
        ("would send", view.body.clone()),
        ("request hash", view.request_hash.clone()),
        ("from", view.network.clone()),
        ("held", table::instant(view.requested_at)),
        ("expires", table::instant(view.expires_at)),
    ];
    if let Some(price) = view.market_price {
        pairs.push(("market then", format!("${price}, sent within {} % of it", view.price_band)));
    }
    for (name, text) in [
        ("answered by", &view.ended_by),
        ("reason", &view.reason),
        ("outcome", &view.outcome),
        ("order id", &view.order_id),
    ] {
        pairs.extend(text.clone().map(|text| (name, text)));
    }
    pairs.extend(view.answer_status.map(|status| ("broker's answer", status.to_string())));
    table::pairs(pairs)
}
