//! `paddock factor`: for somebody who has lost their second factor and their recovery codes.

use clap::Subcommand;

use crate::api::segment;
use crate::context::Context;
use crate::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum FactorCommand {
    /// Turn a person's second factor off, and sign them out everywhere
    Off {
        /// The name by which they sign in
        name: String,
    },
}

pub(crate) async fn run(command: FactorCommand, context: &Context) -> Outcome {
    let FactorCommand::Off { name } = command;
    let client = context.client().await?;
    let done = client.delete(&format!("/api/v1/people/{}/second-factor", segment(&name))).await;
    client.close().await;
    context.output.show(&done?, |_| {
        format!("the second factor of {name} is off: they sign in with the password alone and should turn it on again")
    })
}
