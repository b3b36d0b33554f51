//! The commands: one file each, with its options and its deed.

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod ca;
pub(crate) mod check_in;
pub(crate) mod connection;
pub(crate) mod consumer;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod env;
pub(crate) mod factor;
pub(crate) mod freeze;
pub(crate) mod key;
pub(crate) mod metrics;
pub(crate) mod paper;
pub(crate) mod person;
pub(crate) mod restore;
pub(crate) mod rotation;
pub(crate) mod run;
pub(crate) mod scan;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod trading;
pub(crate) mod vault;

use crate::cli::Command;
use crate::context::Context;
use crate::failure::Outcome;

/// Runs a command to its end.
pub(crate) async fn run(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(args, context).await,
        Command::Serve(args) => serve::run(args, context).await,
        Command::Connection(command) => connection::run(command, context).await,
        Command::Consumer(command) => consumer::run(command, context).await,
        Command::Rotation(command) => rotation::run(*command, context).await,
        Command::Key(command) => key::run(command, context).await,
        Command::Env(args) => env::run(&args, context).await,
        Command::Run(args) => run::run(&args, context).await,
        Command::Scan(args) => scan::run(args, context).await,
        Command::Ca(command) => ca::run(command, context),
        Command::Person(command) => person::run(command, context).await,
        Command::Account(command) => account::run(command, context).await,
        Command::Activity(command) => activity::run(command, context).await,
        Command::Trading(command) => trading::run(command, context).await,
        Command::Approval(command) => approval::run(command, context).await,
        Command::Factor(command) => factor::run(command, context).await,
        Command::Token(command) => token::run(command, context).await,
        Command::Freeze(args) => freeze::freeze_everything(args, context).await,
        Command::CheckIn => check_in::run(context).await,
        Command::Unfreeze => freeze::unfreeze_everything(context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Vault(command) => vault::run(command, context).await,
        Command::Backup(args) => backup::run(&args, context).await,
        Command::Restore(args) => restore::run(&args, context).await,
        Command::Metrics => metrics::run(context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Paper(command) => paper::run(command, context).await,
    }
}
