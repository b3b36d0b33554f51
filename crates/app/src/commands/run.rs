//! `paddock run`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use clap::Args;

use crate::client_settings;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::secrets;

#[derive(Debug, Args)]
#[command(after_help = "\
The program takes this command's place, so that signals and its exit status are its own. It gets the access key and the gateway's
address in the variables that Alpaca's clients read. The Secret Key comes from standard input with --secret-stdin, from
APCA_API_SECRET_KEY, or is asked for at a terminal.")]
pub(crate) struct RunArgs {
    /// The access key's name
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Read the Secret Key from standard input, all of which it then is
    #[arg(long)]
    secret_stdin: bool,
    /// Lead its HTTPS requests through Paddock's proxy, for clients whose hosts cannot be changed; it then reaches Alpaca and
    /// nothing else by HTTPS
    #[arg(long)]
    proxy: bool,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<std::ffi::OsString>,
}

pub(crate) async fn run(args: &RunArgs, context: &Context) -> Outcome {
    let settings = client_settings::of(&args.key, context).await?;
    if args.proxy {
        settings.through_proxy()?;
    }
    let Some(secret_key) = secrets::obtain_secret_key(args.secret_stdin)? else {
        return Err(Failure::usage(
            "the access key's Secret Key is missing, and there is no terminal to ask at",
        )
        .hint("pipe it in with `--secret-stdin`, or set APCA_API_SECRET_KEY"));
    };
    let variables =
        if args.proxy { settings.all(secret_key.expose()) } else { settings.direct(secret_key.expose()) };
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::usage("there is no program to start"));
    };
    let error = Command::new(program).args(arguments).envs(variables).exec();
    Err(Failure::new(format!("cannot start {}: {error}", program.display()))
        .hint("see that it is installed and on PATH"))
}
