//! `paddock key explain`.

use std::io::Read as _;
use std::net::IpAddr;

use clap::Args;
use serde_json::{Value, json};

use crate::api::segment;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;
use crate::table;

/// More than any order has.
const MAX_ORDER: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The access key's name
    name: String,
    /// The order as a program would send it, in JSON; `-` reads it from standard input
    #[arg(long, value_name = "JSON")]
    order: String,
    /// The address from which it would come [default: this machine]
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
}

pub(super) async fn run(args: ExplainArgs, context: &Context) -> Outcome {
    let order = if args.order == "-" {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(MAX_ORDER).read_to_string(&mut text);
        read.map_err(|error| Failure::usage(format!("standard input cannot be read as text: {error}")))?;
        text
    } else {
        args.order
    };
    let mut asked = json!({ "order": order });
    if let Some(from) = args.from {
        asked["from"] = from.to_string().into();
    }
    let client = context.client().await?;
    let explained: Outcome<Value> =
        client.post(&format!("/api/v1/keys/{}/explain", segment(&args.name)), &asked).await;
    client.close().await;
    let explained = explained?;
    context.output.show(&explained, |paint| describe(&explained, paint))
}

fn describe(explained: &Value, paint: Paint) -> String {
    let text = |name: &str| explained[name].as_str().map(str::to_owned);
    let verdict = match explained["decision"].as_str() {
        Some("permitted") => paint.good("it would be forwarded"),
        Some("refused") if text("reason").as_deref() == Some("approval_required") => {
            format!(
                "{}: {}",
                paint.bold("it would be held for approval"),
                text("message").unwrap_or_default()
            )
        }
        _ => format!(
            "{}: {} ({})",
            paint.bad("it would be refused"),
            text("message").unwrap_or_default(),
            text("reason").unwrap_or_default()
        ),
    };
    let mut lines = format!("{verdict}\n");
    let mut pairs = Vec::new();
    pairs.extend(text("order").map(|order| ("order", order)));
    pairs.extend(text("market_price").map(|price| ("market", format!("${price}"))));
    pairs.extend(
        text("notional").map(|notional| ("takes", format!("1 order and ${notional} of today's caps"))),
    );
    let used =
        format!("{} orders, ${}", explained["orders_today"], text("notional_today").unwrap_or_default());
    pairs.push(("used today", used));
    pairs.extend(text("open_exposure").map(|dollars| ("open", format!("${dollars} in the whole account"))));
    pairs
        .extend(text("daily_loss").map(|dollars| ("lost today", format!("${dollars} in the whole account"))));
    pairs.extend(
        explained["requests_left"].as_u64().map(|left| ("requests", format!("{left} left for this minute"))),
    );
    pairs.extend(text("would_send").map(|body| ("would send", body)));
    lines += &table::pairs(pairs);
    lines
}
