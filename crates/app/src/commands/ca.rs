//! `paddock ca`: the local certificate authority, by which clients know the TLS and proxy entrances.

use std::path::PathBuf;

use clap::Subcommand;
use paddock_core::Clock as _;
use serde_json::json;

use crate::authority;
use crate::clock::SystemClock;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Write the authority's certificate, for clients to trust; it is made if there is none
    Export {
        /// Where to; standard output when absent
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The system's authorities as well, for clients that take one file for all
        #[arg(long)]
        bundle: bool,
    },
    /// Make a new authority; servers use it from their next start on, and clients must be given its certificate
    Renew,
}

pub(crate) fn run(command: CaCommand, context: &Context) -> Outcome {
    let dir = context.data_dir()?;
    let now = SystemClock.now();
    match command {
        CaCommand::Export { out, bundle } => {
            dir.create()?;
            let mut text = authority::certificate(&dir, now)?;
            if bundle {
                let path = authority::write_bundle(&dir, &text)?;
                text = std::fs::read_to_string(&path)
                    .map_err(Failure::cannot(format!("read {}", path.display())))?;
            }
            match out {
                None => context.output.show(&json!({ "certificate": text }), |_| text.trim_end().to_owned()),
                Some(path) => {
                    std::fs::write(&path, &text)
                        .map_err(Failure::cannot(format!("write {}", path.display())))?;
                    context.output.show(&json!({ "path": path }), |_| {
                        format!(
                            "wrote {}\nnext: `paddock env KEY --for CLIENT` says how a client is told to trust it",
                            path.display()
                        )
                    })
                }
            }
        }
        CaCommand::Renew => {
            let certificate = authority::replace(&dir, now)?;
            authority::write_bundle(&dir, &certificate)?;
            context.output.show(&json!({ "path": dir.authority() }), |_| {
                format!(
                    "made a new authority: {}\nnext: restart `paddock serve`, and give the certificate to your clients",
                    dir.authority().display()
                )
            })
        }
    }
}
