//! `paddock audit`: what happened, and whether the record of it is whole.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use http::Method;
use http_body_util::BodyExt as _;
use paddock_core::audit_file::VerifiedFile;
use paddock_core::checkpoint::PublicKey;
use serde_json::{Value, json};

use crate::api::ApiClient;
use crate::audit_file;
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
    /// Check every record, link and signature of the chain, and that the newest credentials are those that it witnessed
    Verify {
        /// An export to check instead, which needs no data directory
        file: Option<PathBuf>,
        /// The public key that you trust, from `paddock audit key` at an earlier time
        #[arg(long, value_name = "HEX", requires = "file")]
        public_key: Option<PublicKey>,
    },
    /// Write the records as they were hashed, with signatures, one JSON object a line
    Export {
        /// The file to write; standard output when absent
        file: Option<PathBuf>,
        /// Only from that day (of UTC) or instant on, and as many before as lead to a signature
        #[arg(long, value_name = "WHEN")]
        from: Option<String>,
        /// Only until the end of that day (of UTC) or that instant, and as many after as lead to a signature
        #[arg(long, value_name = "WHEN")]
        to: Option<String>,
    },
    /// Show the public key with which the chain is signed, for auditors to note down
    Key {
        /// Have a new key sign from now on, which the present one signs
        #[arg(long)]
        rotate: bool,
    },
    /// Remove the records that were signed before a day; the chain stays verifiable from there on
    Prune {
        /// The day (of UTC) or instant
        #[arg(long, value_name = "WHEN")]
        before: String,
        /// Write everything up to now into that file first
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
    },
}

pub(crate) async fn run(command: AuditCommand, context: &Context) -> Outcome {
    if let AuditCommand::Verify { file: Some(file), public_key } = command {
        return verify_file(&file, public_key, context);
    }
    let client = context.client().await?;
    let done = match command {
        AuditCommand::List { limit, before, after, event } => {
            list(&client, &query(limit, before, after, event.as_deref()), context).await
        }
        AuditCommand::Verify { .. } => verify(&client, context).await,
        AuditCommand::Export { file, from, to } => {
            let path = export_path(from.as_deref(), to.as_deref());
            export(&client, &path, file, context).await
        }
        AuditCommand::Key { rotate } => key(&client, rotate, context).await,
        AuditCommand::Prune { before, export } => prune(&client, &before, export, context).await,
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
    let mut page = client.get(path).await?;
    let found = page["items"].take();
    let names = Names::of(client).await?;
    context.output.show(&found, |_| {
        let mut records: Vec<&Value> = found.as_array().into_iter().flatten().collect();
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
        let signed = verified["signed"].as_u64().unwrap_or(0);
        let mut text = format!("{seal}: {records} records, head {head}");
        if valid {
            text += &format!(", signed up to record {signed}");
        }
        if let Some(removed) = verified["removed"].as_u64().filter(|removed| *removed > 0) {
            text += &format!(", the first {removed} were removed");
        }
        text
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

/// Checks an export. It needs no data directory and asks nobody.
fn verify_file(file: &Path, trusted: Option<PublicKey>, context: &Context) -> Outcome {
    let verified = audit_file::verify(file, trusted)?.map_err(|fault| {
        let message = fault.to_string();
        let message = message.rsplit_once(": ").map_or(message.as_str(), |(message, _)| message);
        Failure::refused(format!("{} does not verify: {message}", file.display())).code("audit_fault").hint(
            "compare it with another copy; if it was made with this Paddock, export again and keep both files",
        )
    })?;
    let mut value = serde_json::to_value(verified).map_err(Failure::cannot("write the result"))?;
    value["valid"] = true.into();
    value["trusted"] = trusted.is_some().into();
    context.output.show(&value, |paint| {
        let VerifiedFile { after, last, records, checkpoints, .. } = verified;
        let mut lines = vec![format!(
            "{}: {records} records, {} to {}, and {checkpoints} checkpoints",
            paint.good("the export is whole"),
            after.seq + 1,
            last.seq,
        )];
        lines.push(format!(
            "written and signed on {} with key {}; what happened later is not in it",
            table::instant(verified.written_at),
            verified.key
        ));
        if after.seq > 0 {
            lines.push(if verified.start_is_signed {
                format!("it begins after record {}, whose hash is signed", after.seq)
            } else {
                format!("it begins after record {}, for which the file itself has no signature that you trust", after.seq)
            });
        }
        if trusted.is_none() {
            lines.push(
                "the key was taken from the file: give the one that you noted down with --public-key, or whoever made the file \
                 could have made the key too"
                    .to_owned(),
            );
        }
        lines.join("\n")
    })
}

async fn key(client: &ApiClient, rotate: bool, context: &Context) -> Outcome {
    let keys = if rotate {
        client.post_empty("/api/v1/audit/key/rotate").await?
    } else {
        client.get("/api/v1/audit/key").await?
    };
    context.output.show(&keys, |paint| {
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        let checkpoint = &keys["checkpoint"];
        let signed = match checkpoint["seq"].as_u64() {
            Some(seq) => format!("record {seq} of {}, on {}", keys["records"], text(&checkpoint["at"])),
            None => "nothing yet".to_owned(),
        };
        let older = keys["keys"].as_array().map_or(0, |keys| keys.len().saturating_sub(1));
        table::pairs([
            ("public key", paint.bold(&text(&keys["public_key"]))),
            ("signed up to", signed),
            ("keys before it", older.to_string()),
        ])
    })
}

async fn prune(client: &ApiClient, before: &str, file: Option<PathBuf>, context: &Context) -> Outcome {
    if let Some(path) = &file {
        let records = write_export(client, &export_path(None, None), Some(path), context).await?;
        audit_file::verify(path, None)?.map_err(|fault| {
            Failure::refused(format!("the export does not verify, so nothing was removed: {fault}"))
                .hint("run `paddock audit verify`")
        })?;
        tracing::info!(records, file = %path.display(), "exported");
    }
    let pruned: Value = client.post("/api/v1/audit/prune", &json!({ "before": before })).await?;
    context.output.show(&pruned, |_| match pruned["through"].as_u64() {
        None => "nothing was signed before then, so nothing was removed".to_owned(),
        Some(through) => format!(
            "{} records were removed; the chain begins after record {through}, whose hash is signed",
            pruned["removed"]
        ),
    })
}

fn export_path(from: Option<&str>, to: Option<&str>) -> String {
    let given = [("from", from), ("to", to)];
    let parts: Vec<String> = given
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name}={}", crate::api::segment(value))))
        .collect();
    format!("/api/v1/audit/export?{}", parts.join("&"))
}

async fn export(client: &ApiClient, path: &str, file: Option<PathBuf>, context: &Context) -> Outcome {
    let lines = write_export(client, path, file.as_deref(), context).await?;
    let Some(path) = file else { return Ok(()) };
    let value = json!({ "file": path, "lines": lines });
    context.output.show(&value, |_| {
        format!(
            "wrote {lines} lines to {}: check it anywhere with `paddock audit verify FILE`",
            path.display()
        )
    })
}

/// Writes an export into a new file, or to standard output. Gives the number of lines.
async fn write_export(
    client: &ApiClient,
    path: &str,
    file: Option<&Path>,
    context: &Context,
) -> Outcome<usize> {
    let mut body = client.stream(Method::GET, path).await?;
    let mut target = match file {
        None => None,
        Some(path) => {
            let opened = File::options().write(true).create_new(true).open(path);
            Some(opened.map_err(|error| {
                Failure::new(format!("cannot write {}: {error}", path.display()))
                    .hint("name a file that does not exist yet")
            })?)
        }
    };
    let mut lines = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failure::cannot("read the records"))?;
        let Ok(piece) = frame.into_data() else { continue };
        lines += piece.iter().filter(|byte| **byte == b'\n').count();
        match &mut target {
            None => context.output.bytes(&piece)?,
            Some(target) => target.write_all(&piece).map_err(Failure::cannot("write the records"))?,
        }
    }
    if let Some(target) = target {
        target.sync_all().map_err(Failure::cannot("write the records"))?;
    }
    Ok(lines)
}
