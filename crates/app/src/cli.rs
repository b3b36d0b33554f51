//! The tree of commands. Each command's own options and deeds are in `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::logging::LogFormat;

const EXIT_STATUS: &str = "\
Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused by a check.
Secrets are asked for, or come from standard input or the environment, and never from the command line.
Logs go to standard error; PADDOCK_LOG chooses them (for example `debug`).";

/// A door between your programs and your Alpaca account: it keeps the real keys and hands out scoped ones
#[derive(Debug, Parser)]
#[command(name = "paddock", version, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Where Paddock keeps its state [default: ~/.local/share/paddock]
    #[arg(long, global = true, env = "PADDOCK_DATA_DIR", value_name = "DIR", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file [default: config.toml in the data directory, if there is one]
    #[arg(long, global = true, env = "PADDOCK_CONFIG", value_name = "FILE", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Write the result as one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How log lines are written
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See it all work on the built-in paper broker, with real prices
    Demo(commands::demo::DemoArgs),
    /// Run the gateway and the pages
    Serve(commands::serve::ServeArgs),
    /// Connect Alpaca accounts
    #[command(subcommand)]
    Connection(commands::connection::ConnectionCommand),
    /// Say which places outside hold a connection's key pair
    #[command(subcommand)]
    Consumer(commands::consumer::ConsumerCommand),
    /// Replace a connection's key pair and take the new one to every consumer
    #[command(subcommand)]
    Rotation(Box<commands::rotation::RotationCommand>),
    /// Issue access keys and take them back
    #[command(subcommand)]
    Key(commands::key::KeyCommand),
    /// Print what a client needs to use an access key
    Env(commands::env::EnvArgs),
    /// Start a program with an access key in its environment
    Run(commands::run::RunArgs),
    /// Look after the local certificate authority of the TLS and proxy entrances
    #[command(subcommand)]
    Ca(commands::ca::CaCommand),
    /// Say who may sign in on the pages
    #[command(subcommand)]
    Person(commands::person::PersonCommand),
    /// See what an account holds and has ordered; cancel orders, close positions
    #[command(subcommand)]
    Account(commands::account::AccountCommand),
    /// See the requests and orders that came through the gateway
    #[command(subcommand)]
    Activity(commands::activity::ActivityCommand),
    /// Say who decides about new trades of the engine, and pause them
    #[command(subcommand)]
    Trading(commands::trading::TradingCommand),
    /// Answer orders that wait for a person
    #[command(subcommand)]
    Approval(commands::approval::ApprovalCommand),
    /// Help somebody who has lost their second factor
    #[command(subcommand)]
    Factor(commands::factor::FactorCommand),
    /// Make tokens with which scripts use the JSON API, and take them back
    #[command(subcommand)]
    Token(commands::token::TokenCommand),
    /// Stop everything at once; cancels still pass, or what you say
    Freeze(commands::freeze::FreezeAllArgs),
    /// Let everything go on again
    Unfreeze,
    /// Tell the dead-man switch that you are there
    CheckIn,
    /// Read and check the audit chain
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    /// Look after the keys that seal the credentials
    #[command(subcommand)]
    Vault(commands::vault::VaultCommand),
    /// Write everything into one file
    Backup(commands::backup::BackupArgs),
    /// Bring a backup back into a new data directory
    Restore(commands::restore::RestoreArgs),
    /// Print what is measured, as Prometheus reads it
    Metrics,
    /// Find out what is wrong, and what to do about it
    Doctor(commands::doctor::DoctorArgs),
    /// Find Alpaca keys in files and in git's history
    Scan(commands::scan::ScanArgs),
    /// Run the built-in paper broker, and use its key dashboard
    #[command(subcommand)]
    Paper(commands::paper::PaperCommand),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
