//! `paddock token`: personal API tokens, with which scripts use the JSON API of the web listener.

use clap::{Args, Subcommand};
use paddock_web::TokenView;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use crate::api::segment;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token that acts for a person; it is shown this once
    Create(CreateArgs),
    /// List the tokens of everybody in the team
    List,
    /// End a token for good
    Revoke {
        /// The token's name or identifier
        name: String,
    },
}

#[derive(Debug, Args, Serialize)]
pub(crate) struct CreateArgs {
    /// A name of your choice for the token
    name: String,
    /// For whom it acts [default: the owner, if there is one]
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    /// What it may do at most: viewer, operator or owner [default: the person's role]
    #[arg(long, value_name = "ROLE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// How long it opens anything: 12h, 30d, 52w [default: 30d]
    #[arg(long, value_name = "30d")]
    #[serde(rename = "expires_in", skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    /// Use from this network only; may be given more than once
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    #[serde(rename = "networks", skip_serializing_if = "Vec::is_empty")]
    network: Vec<String>,
    /// Let it do what asks a person for a fresh second factor; people, factors and tokens stay closed to it
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    may_without_factor: bool,
}

pub(crate) async fn run(command: TokenCommand, context: &Context) -> Outcome {
    match command {
        TokenCommand::Create(args) => create(&args, context).await,
        TokenCommand::List => list(context).await,
        TokenCommand::Revoke { name } => {
            let client = context.client().await?;
            let done = client.delete(&format!("/api/v1/tokens/{}", segment(&name))).await;
            client.close().await;
            context.output.show(&done?, |_| format!("token `{name}` is revoked and opens nothing any more"))
        }
    }
}

async fn create(args: &CreateArgs, context: &Context) -> Outcome {
    let client = context.client().await?;
    let created: Outcome<Value> = client.post("/api/v1/tokens", args).await;
    client.close().await;
    let created = created?;
    let token = TokenView::deserialize(&created["token"])
        .map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&created, |paint| {
        let made = paint.good("made token");
        let once = paint.bold("It is shown this once and kept nowhere. Send it as a header:");
        format!(
            "{made} `{}` for {}, who may do at most what the role {} may, until {}\n{once}\n\nAuthorization: Bearer {}",
            token.name,
            token.person,
            token.role,
            table::instant(token.expires_at),
            created["secret"].as_str().unwrap_or("unknown"),
        )
    })
}

async fn list(context: &Context) -> Outcome {
    let client = context.client().await?;
    let listed = client.list("/api/v1/tokens").await;
    client.close().await;
    let listed = listed?;
    let views =
        Vec::<TokenView>::deserialize(&listed).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&listed, |_| {
        if views.is_empty() {
            return "no API tokens yet: `paddock token create NAME`".to_owned();
        }
        let rows = views.into_iter().map(|view| {
            let role = if view.may_without_factor {
                format!("{}, without a fresh factor", view.role)
            } else {
                view.role.to_string()
            };
            vec![
                view.name,
                view.person,
                role,
                view.last_used_at.map_or_else(|| "never".to_owned(), table::instant),
                table::instant(view.expires_at),
                view.id.to_string(),
            ]
        });
        table::columns(&["NAME", "PERSON", "ROLE", "LAST USED", "EXPIRES", "TOKEN"], rows)
    })
}
