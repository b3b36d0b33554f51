//! `paddock env`.

use clap::Args;
use paddock_web::SECRET_PLACE;
use serde_json::json;

use crate::client_settings::{self, ClientArg};
use crate::context::Context;
use crate::failure::Outcome;
use crate::secrets;

#[derive(Debug, Args)]
#[command(after_help = "\
Paddock keeps no Secret Key. It comes from standard input with --secret-stdin, from APCA_API_SECRET_KEY, or is asked for at a
terminal; without any of them a place to paste it is printed.")]
pub(crate) struct EnvArgs {
    /// The access key's name
    key: String,
    /// The client that will use it
    #[arg(long = "for", value_name = "CLIENT", value_enum)]
    client: ClientArg,
    /// Read the Secret Key from standard input
    #[arg(long)]
    secret_stdin: bool,
}

pub(crate) async fn run(args: &EnvArgs, context: &Context) -> Outcome {
    let settings = client_settings::of(&args.key, context).await?;
    // Before a secret is asked for, whether it is of any use.
    settings.printed(args.client.0, SECRET_PLACE)?;
    let secret_key = secrets::obtain_secret_key(args.secret_stdin)?;
    let secret_key = secret_key.as_ref().map_or(SECRET_PLACE, |secret| secret.expose());
    let text = settings.printed(args.client.0, secret_key)?;
    context.output.show(&json!({ "text": text }), |_| text.clone())
}
