//! `paddock audit`: what happened, and whether the record of it is whole.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::api::ApiClient;
use crate::audit_line::{self, Names};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List the newest records
    List {
        /// How many records
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Only records older than this one
        #[arg(long, value_name = "SEQ")]
        before: Option<u64>,
        /// Only records newer than this one
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
        /// Only events of this name, for example request_refused
        #[arg(long, value_name = "NAME")]
        event: Option<String>,
    },
    /// Check every record and every link of the chain, and that the newest credentials are those that it witnessed
    Verify,
    /// Write all records as they were hashed, one JSON object a line
    Export {
        /// The file to write; standard output when absent
        file: Option<PathBuf>,
    },
}

pub(crate) async fn run(command: AuditCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = match command {
        AuditCommand::List { limit, before, after, event } => {
            list(&client, &query(limit, before, after, event.as_deref()), context).await
        }
        AuditCommand::Verify => verify(&client, context).await,
        AuditCommand::Export { file } => export(&client, file, context).await,
    };
    client.close().await;
    done
}

fn query(limit: u32, before: Option<u64>, after: Option<u64>, event: Option<&str>) -> String {
    let mut path = format!("/api/v1/audit?limit={limit}");
    if let Some(before) = before {
        path += &format!("&before={before}");
    }
    if let Some(after) = after {
        path += &format!("&after={after}");
    }
    if let Some(event) = event {
        path += &format!("&event={}", crate::api::segment(event));
    }
    path
}

async fn list(client: &ApiClient, path: &str, context: &Context) -> Outcome {
    let page = client.get(path).await?;
    let names = Names::of(client).await?;
    context.output.show(&page, |_| {
        let mut records: Vec<&Value> = page["records"].as_array().into_iter().flatten().collect();
        if records.is_empty() {
            return "no records".to_owned();
        }
        // The API gives the newest first; a log is read downwards.
        records.sort_by_key(|record| record["seq"].as_u64());
        table::columns(
            &["SEQ", "TIME", "WHO", "EVENT", "WHAT"],
            records.into_iter().map(|record| audit_line::row(record, &names)),
        )
    })
}

async fn verify(client: &ApiClient, context: &Context) -> Outcome {
    let verified = client.get("/api/v1/audit/verify").await?;
    let valid = verified["valid"] == true;
    context.output.show(&verified, |paint| {
        let records = verified["records"].as_u64().unwrap_or(0);
        let head = verified["head"].as_str().unwrap_or("none");
        let seal = if valid {
            paint.good("the audit chain is whole")
        } else {
            paint.bad("the audit chain is broken")
        };
        format!("{seal}: {records} records, head {head}")
    })?;
    if valid {
        return Ok(());
    }
    // The sentence ends with the next step after a colon.
    let fault = verified["fault"].as_str().unwrap_or("the audit chain does not verify");
    let message = fault.rsplit_once(": ").map_or(fault, |(message, _)| message);
    Err(Failure::refused(message).code("audit_fault").hint(
        "stop the server and keep this data directory as evidence; `paddock restore` brings a backup into a new one",
    ))
}

async fn export(client: &ApiClient, file: Option<PathBuf>, context: &Context) -> Outcome {
    let mut body = client.stream(Method::GET, "/api/v1/audit/export").await?;
    let mut target = match &file {
        None => None,
        Some(path) => {
            let opened = File::options().write(true).create_new(true).open(path);
            Some(opened.map_err(|error| {
                Failure::new(format!("cannot write {}: {error}", path.display()))
                    .hint("name a file that does not exist yet")
            })?)
        }
    };
    let mut records = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failure::cannot("read the records"))?;
        let Ok(piece) = frame.into_data() else { continue };
        records += piece.iter().filter(|byte| **byte == b'\n').count();
        match &mut target {
            None => context.output.bytes(&piece)?,
            Some(target) => target.write_all(&piece).map_err(Failure::cannot("write the records"))?,
        }
    }
    let (Some(path), Some(target)) = (file, target) else { return Ok(()) };
    target.sync_all().map_err(Failure::cannot("write the records"))?;
    let value = json!({ "file": path, "records": records });
    context.output.show(&value, |_| format!("wrote {records} records to {}", path.display()))
}
