//! Logs: to standard error, as text or JSON lines.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Starts logging. `PADDOCK_LOG` holds filters such as `debug` or `paddock_gateway=trace`; without it `default` applies.
pub(crate) fn start(default: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_env("PADDOCK_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    // A line that cannot be written, to a file on a full disk for instance, must not end what it was about.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours)
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => lines.compact().try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    // It can only fail when logging was started before, which is as good.
    _ = started;
}
