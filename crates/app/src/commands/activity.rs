//! `paddock activity`: the requests and orders that came through the gateway.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::api::{ApiClient, segment};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum ActivityCommand {
    /// List the newest requests that changed something, or would have, or were refused
    List {
        #[command(flatten)]
        filters: Filters,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        /// Go on there, from the end of the page before
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
    },
    /// Show all that is known of one request
    Show {
        /// Its identifier
        id: String,
    },
    /// Write all that fit, the newest first
    Export {
        /// The file to write; standard output when absent
        file: Option<PathBuf>,
        /// How: csv or jsonl
        #[arg(long, value_enum, default_value = "csv", hide_possible_values = true)]
        format: Format,
        #[command(flatten)]
        filters: Filters,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct Filters {
    /// Only of this access key
    #[arg(long, value_name = "NAME", conflicts_with = "person")]
    key: Option<String>,
    /// Only of this person
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// Only for this connection
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only those that were permitted, held or refused
    #[arg(long, value_name = "DECISION")]
    decision: Option<String>,
    /// Only those that were refused for this reason
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only of this operation, for example postOrder
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only about this symbol
    #[arg(long, value_name = "SYMBOL")]
    symbol: Option<String>,
    /// Only with this order id, client order id or request id
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// Only from that day (of UTC) or instant on
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Only until the end of that day (of UTC) or that instant
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
}

impl Filters {
    fn query(&self) -> String {
        let all = [
            ("key", &self.key),
            ("person", &self.person),
            ("connection", &self.connection),
            ("decision", &self.decision),
            ("reason", &self.reason),
            ("operation", &self.operation),
            ("symbol", &self.symbol),
            ("order", &self.order),
            ("from", &self.from),
            ("to", &self.to),
        ];
        let set = all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        set.map(|(name, value)| format!("&{name}={}", segment(value))).collect()
    }
}

pub(crate) async fn run(command: ActivityCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = match command {
        ActivityCommand::List { filters, limit, cursor } => {
            let cursor = cursor.map(|cursor| format!("&cursor={}", segment(&cursor))).unwrap_or_default();
            list(&client, &format!("/api/v1/activity?limit={limit}{}{cursor}", filters.query()), context)
                .await
        }
        ActivityCommand::Show { id } => {
            let story = client.get(&format!("/api/v1/activity/{}", segment(&id))).await;
            story.and_then(|story| context.output.show(&story, |_| describe(&story)))
        }
        ActivityCommand::Export { file, format, filters } => {
            let format = if format == Format::Csv { "csv" } else { "jsonl" };
            let path = format!("/api/v1/activity/export?format={format}{}", filters.query());
            export(&client, &path, file, context).await
        }
    };
    client.close().await;
    done
}

async fn list(client: &ApiClient, path: &str, context: &Context) -> Outcome {
    let page = client.get(path).await?;
    context.output.show(&page, |_| {
        let requests: Vec<&Value> = page["items"].as_array().into_iter().flatten().collect();
        if requests.is_empty() {
            return "no requests".to_owned();
        }
        let rows = requests.iter().map(|request| {
            let reason = request["reason"].as_str().unwrap_or_default();
            let decision = text(&request["decision"]);
            vec![
                text(&request["at"]).chars().take(19).collect::<String>().replace('T', " ") + "Z",
                text(&request["who"]),
                text(&request["connection"]),
                request["summary"].as_str().map_or_else(|| text(&request["operation"]), str::to_owned),
                if reason.is_empty() { decision } else { format!("{decision}: {reason}") },
                request["status"].as_u64().map(|status| status.to_string()).unwrap_or_default(),
                text(&request["request"]),
            ]
        });
        let heading = ["TIME", "WHO", "CONNECTION", "WHAT", "DECISION", "STATUS", "REQUEST"];
        let mut lines = table::columns(&heading, rows);
        if let Some(next) = page["next_cursor"].as_str() {
            lines += &format!("more: --cursor {next}\n");
        }
        lines
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn describe(story: &Value) -> String {
    let request = &story["request"];
    let names = [
        ("what", "summary"),
        ("operation", "operation"),
        ("target", "target"),
        ("who", "who"),
        ("connection", "connection"),
        ("came", "at"),
        ("from", "network"),
        ("decision", "decision"),
        ("reason", "reason"),
        ("message", "message"),
        ("alpaca", "state"),
        ("order", "order_id"),
        ("client order id", "client_order_id"),
    ];
    let pairs = names.iter().filter_map(|(label, name)| Some((*label, request[*name].as_str()?.to_owned())));
    let mut pairs: Vec<(&str, String)> = pairs.collect();
    pairs.extend(request["status"].as_u64().map(|status| ("status", status.to_string())));
    pairs.extend(story["order"]["status"].as_str().map(|status| ("order now", status.replace('_', " "))));
    if let Some(reserved) = story["reserved"].as_object() {
        let worth = reserved.get("notional").map(text).unwrap_or_default();
        pairs.push((
            "took from caps",
            format!("{} orders, ${worth}", reserved.get("orders").unwrap_or(&Value::Null)),
        ));
    }
    let records: Vec<String> = story["records"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|record| format!("{} {}", record["seq"], text(&record["event"]["event"])))
        .collect();
    pairs.push(("audit", records.join(", ")));
    table::pairs(pairs)
}

async fn export(client: &ApiClient, path: &str, file: Option<PathBuf>, context: &Context) -> Outcome {
    let mut body = client.stream(Method::GET, path).await?;
    let cannot = || Failure::cannot::<std::io::Error>("write the export");
    let mut target = match &file {
        None => None,
        Some(path) => Some(
            File::options()
                .write(true)
                .create_new(true)
                .open(path)
                .map_err(Failure::cannot(format!("make {}", path.display())))?,
        ),
    };
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failure::cannot("read the export to its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len() as u64;
        match &mut target {
            Some(file) => file.write_all(&data).map_err(cannot())?,
            None => context.output.bytes(&data)?,
        }
    }
    match (target, file) {
        (Some(target), Some(path)) => {
            target.sync_all().map_err(cannot())?;
            let done = json!({ "file": path, "bytes": bytes });
            context.output.show(&done, |_| format!("wrote {}: {bytes} bytes", path.display()))
        }
        _ => Ok(()),
    }
}
