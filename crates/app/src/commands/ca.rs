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
    /// Write the authority's certificate, for clients to trust, and the next one's if one is prepared; it is made if there is none
    Export {
        /// Where to; standard output when absent
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The system's authorities as well, for clients that take one file for all
        #[arg(long)]
        bundle: bool,
    },
    /// Make the next authority: from now on `export` writes both certificates, and servers go on with the present one
    Prepare,
    /// Put the prepared authority in the place of the present one, or a new one if none is prepared; servers use it from their next start on
    Renew,
}

pub(crate) fn run(command: CaCommand, context: &Context) -> Outcome {
    let dir = context.data_dir()?;
    let now = SystemClock.now();
    match command {
        CaCommand::Export { out, bundle } => {
            dir.create()?;
            let mut text = authority::trusted(&dir, now)?;
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
        CaCommand::Prepare => {
            authority::prepare(&dir, now)?;
            authority::write_bundle(&dir, &authority::trusted(&dir, now)?)?;
            context.output.show(&json!({ "path": dir.next_authority() }), |_| {
                format!(
                    "prepared the next authority: {}\nnext: give your clients what `paddock ca export` writes, which holds both certificates; \
                     when all of them have it, `paddock ca renew` and restart `paddock serve`",
                    dir.next_authority().display()
                )
            })
        }
        CaCommand::Renew => {
            let prepared = authority::renew(&dir, now)?;
            authority::write_bundle(&dir, &authority::trusted(&dir, now)?)?;
            context.output.show(&json!({ "path": dir.authority(), "prepared": prepared }), |_| {
                let next = if prepared {
                    "next: restart `paddock serve`; clients that were given both certificates go on"
                } else {
                    "next: restart `paddock serve`, and give the certificate to your clients, which trust no server until then"
                };
                format!("a new authority is in place: {}\n{next}", dir.authority().display())
            })
        }
    }
}
