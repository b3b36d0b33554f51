//! `paddock paper`: the built-in paper broker, and its key dashboard and admin interface over HTTP.

mod account;
mod clock;
pub(crate) mod dashboard;
mod fault;
mod import;
mod key;
mod oauth;
mod serve;
mod token;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum PaperCommand {
    /// Run the paper broker: an Alpaca with real prices on this machine
    Serve(serve::ServeArgs),
    /// Fetch your own history into a folder of bars, for `paddock paper serve --bars`
    #[command(after_help = import::AFTER_HELP)]
    Import(import::ImportArgs),
    /// Open, list, reset and delete its accounts
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Exchange or revoke the key pair of an account
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Register programs that ask for access by OAuth, and revoke their tokens
    #[command(subcommand)]
    Oauth(oauth::OauthCommand),
    /// Look at its clock, move it and change its pace
    #[command(subcommand)]
    Clock(clock::ClockCommand),
    /// Have things go wrong: errors, lost answers, silent streams, halts
    #[command(subcommand)]
    Fault(fault::FaultCommand),
}

pub(crate) async fn run(command: PaperCommand, context: &Context) -> Outcome {
    match command {
        PaperCommand::Serve(args) => serve::run(args, context).await,
        PaperCommand::Import(args) => import::run(args, context).await,
        PaperCommand::Account(command) => account::run(command, context).await,
        PaperCommand::Key(command) => key::run(command, context).await,
        PaperCommand::Oauth(command) => oauth::run(command, context).await,
        PaperCommand::Clock(command) => clock::run(command, context).await,
        PaperCommand::Fault(command) => fault::run(command, context).await,
    }
}
