//! `paddock paper fault`.

use clap::{Args, Subcommand};
use paddock_core::SecretText;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::dashboard::{BrokerArgs, Dashboard};
use super::token::TokenArgs;
use crate::context::Context;
use crate::failure::Outcome;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Make something go wrong from now on; prints the rule with its id
    Add(Box<AddArgs>),
    /// List the rules and how often they fired, and what is halted
    List {
        #[command(flatten)]
        at: AdminArgs,
    },
    /// Remove a rule, or all of them
    Clear {
        /// The rule's id; all rules, if none is named
        id: Option<u64>,
        #[command(flatten)]
        at: AdminArgs,
    },
    /// Halt trading: orders rest, and nothing is filled
    Halt {
        /// In what, such as AAPL or BTC/USD; * is everything
        #[arg(required = true, value_name = "SYMBOL")]
        symbols: Vec<String>,
        #[command(flatten)]
        at: AdminArgs,
    },
    /// Let trading go on
    Resume {
        /// In what; everything, if nothing is named
        #[arg(value_name = "SYMBOL")]
        symbols: Vec<String>,
        #[command(flatten)]
        at: AdminArgs,
    },
}

/// Which broker, and what opens its admin interface.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// latency, error, drop, hang, half_open, disconnect, slow_client, stale or key_death
    fault: String,
    /// latency: at least so long
    #[arg(long, value_name = "N")]
    milliseconds: Option<u64>,
    /// latency: and up to so much longer
    #[arg(long, value_name = "N")]
    jitter_milliseconds: Option<u64>,
    /// error: the HTTP status
    #[arg(long, value_name = "N")]
    status: Option<u16>,
    /// error, drop, hang: before or after the request was done
    #[arg(long, value_name = "before|after")]
    when: Option<String>,
    /// error: without the X-RateLimit headers
    #[arg(long)]
    no_rate_limit_headers: bool,
    /// error: the Retry-After header
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,
    /// drop: how much of the answer comes
    #[arg(long, value_name = "nothing|headers")]
    reply: Option<String>,
    /// disconnect: the close code
    #[arg(long, value_name = "N")]
    code: Option<u16>,
    /// disconnect: also streams that are opened later
    #[arg(long)]
    reconnects: bool,
    /// stale: since when [default: now]
    #[arg(long, value_name = "INSTANT")]
    stale_since: Option<String>,
    /// For this operation, such as postOrder; may be given several times
    #[arg(long = "operation", value_name = "ID")]
    operations: Vec<String>,
    /// For this stream, such as /stream, or *; may be given several times
    #[arg(long = "stream", value_name = "PATH")]
    streams: Vec<String>,
    /// For this account, by its number or id
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// For this Key ID
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// For paths that begin so
    #[arg(long, value_name = "PREFIX")]
    path: Option<String>,
    /// Leave so many alone first
    #[arg(long, value_name = "N")]
    skip: Option<u64>,
    /// So often, then no more
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// How likely, such as 0.1
    #[arg(long, value_name = "P")]
    probability: Option<String>,
    /// For so many seconds of the broker's time
    #[arg(long, value_name = "N")]
    for_seconds: Option<u64>,
    /// Decides what is drawn [default: the broker's]
    #[arg(long = "fault-seed", value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    at: AdminArgs,
}

impl AddArgs {
    /// The rule as the admin interface reads it; what was not said is not in it.
    fn rule(&self) -> Value {
        let mut rule = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                rule.insert(name.to_owned(), value);
            }
        };
        put("fault", json!(self.fault));
        put("milliseconds", json!(self.milliseconds));
        put("jitter_milliseconds", json!(self.jitter_milliseconds));
        put("status", json!(self.status));
        put("when", json!(self.when));
        put("rate_limit_headers", json!(self.no_rate_limit_headers.then_some(false)));
        put("retry_after", json!(self.retry_after));
        put("reply", json!(self.reply));
        put("code", json!(self.code));
        put("reconnects", json!(self.reconnects.then_some(true)));
        put("at", json!(self.stale_since));
        put("operations", json!(self.operations));
        put("streams", json!(self.streams));
        put("account", json!(self.account));
        put("key_id", json!(self.key_id));
        put("path", json!(self.path));
        put("skip", json!(self.skip));
        put("count", json!(self.count));
        put("probability", json!(self.probability));
        put("for_seconds", json!(self.for_seconds));
        put("seed", json!(self.seed));
        Value::Object(rule)
    }
}

/// A broker's admin interface.
struct Admin {
    dashboard: Dashboard,
    token: SecretText,
}

impl Admin {
    fn new(at: &AdminArgs, context: &Context) -> Outcome<Self> {
        Ok(Self { dashboard: Dashboard::new(&at.broker)?, token: at.token.find(context, &at.broker.url)? })
    }

    async fn send(&self, method: Method, path: &str, content: Option<&Value>) -> Outcome<Value> {
        self.dashboard.administer(&self.token, method, path, content).await
    }
}

pub(super) async fn run(command: FaultCommand, context: &Context) -> Outcome {
    match command {
        FaultCommand::Add(args) => {
            let rule =
                Admin::new(&args.at, context)?.send(Method::POST, "/faults", Some(&args.rule())).await?;
            context.output.show(&rule, |_| describe_rules(std::slice::from_ref(&rule)))
        }
        FaultCommand::List { at } => {
            let admin = Admin::new(&at, context)?;
            let faults = admin.send(Method::GET, "/faults", None).await?["faults"].take();
            let halts = admin.send(Method::GET, "/halts", None).await?["halts"].take();
            let all = json!({ "faults": faults, "halts": halts });
            context.output.show(&all, |_| {
                let rules = describe_rules(all["faults"].as_array().map_or(&[][..], Vec::as_slice));
                format!("{rules}\n{}", describe_halts(&all["halts"]))
            })
        }
        FaultCommand::Clear { id, at } => {
            let path = id.map_or_else(|| "/faults".to_owned(), |id| format!("/faults/{id}"));
            Admin::new(&at, context)?.send(Method::DELETE, &path, None).await?;
            let removed = json!({ "removed": id.map_or_else(|| json!("all"), |id| json!(id)) });
            context.output.show(&removed, |_| match id {
                Some(id) => format!("rule {id} is removed"),
                None => "all rules are removed; `paddock paper fault resume` ends halts".to_owned(),
            })
        }
        FaultCommand::Halt { symbols, at } => set_halt("/halts", symbols, &at, context).await,
        FaultCommand::Resume { symbols, at } => {
            let symbols = if symbols.is_empty() { vec!["*".to_owned()] } else { symbols };
            set_halt("/halts/resume", symbols, &at, context).await
        }
    }
}

async fn set_halt(path: &str, symbols: Vec<String>, at: &AdminArgs, context: &Context) -> Outcome {
    let content = json!({ "symbols": symbols });
    let halted = Admin::new(at, context)?.send(Method::POST, path, Some(&content)).await?;
    context.output.show(&halted, |_| describe_halts(&halted["halts"]))
}

fn describe_rules(rules: &[Value]) -> String {
    if rules.is_empty() {
        return "nothing goes wrong".to_owned();
    }
    let rows = rules.iter().map(|rule| {
        let list = |name: &str| {
            let names = rule[name].as_array().into_iter().flatten().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(",")
        };
        let state = if rule["over"] == true { "over" } else { "stands" };
        vec![
            rule["id"].to_string(),
            rule["fault"].as_str().unwrap_or_default().to_owned(),
            [list("operations"), list("streams")].join(" ").trim().to_owned(),
            rule["fired"].to_string(),
            state.to_owned(),
        ]
    });
    table::columns(&["ID", "FAULT", "WHERE", "FIRED", "STATE"], rows)
}

fn describe_halts(halts: &Value) -> String {
    let halted: Vec<&str> =
        halts.as_array().into_iter().flatten().filter_map(|halt| halt["symbol"].as_str()).collect();
    match halted[..] {
        [] => "nothing is halted".to_owned(),
        _ => format!("halted: {}", halted.join(", ")),
    }
}
