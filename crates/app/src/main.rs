//! `paddock`: the command line, the configuration and the wiring. The rules are in the other crates.

mod anchor;
mod api;
mod audit_file;
mod audit_line;
mod authority;
mod brake;
mod broker;
mod cli;
mod client_settings;
mod clock;
mod commands;
mod config;
mod context;
mod data_dir;
mod deadman;
mod demo;
mod doctor;
mod failure;
mod files;
mod hardening;
mod instance;
mod listen;
mod lock;
mod logging;
mod memory;
mod oauth;
mod output;
mod paint;
mod program;
mod rehearsal;
mod rotation;
mod running;
mod secrets;
mod signals;
mod table;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, note};

// A gateway allocates and frees on several threads for each request; this allocator does both without locks. What is freed is wiped
// first: secrets pass through buffers of libraries, which do not wipe them.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    logging::start(default_log(&command), global.log_format);
    // Even a short command may hold a secret.
    hardening::turn_core_dumps_off();
    let context = Context { output: Output::new(global.json), global };
    match run(command, &context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(&if context.output.is_json() { failure.to_json().to_string() } else { failure.to_string() });
            failure.exit_code()
        }
    }
}

fn run(command: Command, context: &Context) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::cannot("start threads"))?;
    runtime.block_on(commands::run(command, context))
}

/// What is logged unless `PADDOCK_LOG` says otherwise: a server tells what it does, a command only what is wrong.
const fn default_log(command: &Command) -> &'static str {
    if matches!(command, Command::Serve(_)) { "info" } else { "warn" }
}
