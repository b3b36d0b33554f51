//! `paddock connection`: which Alpaca accounts are connected.

use std::io::IsTerminal as _;

use clap::{Args, Subcommand};
use paddock_core::{CredentialKind, Environment};
use paddock_web::ConnectionView;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::{ApiClient, segment};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::paint::Paint;
use crate::secrets;
use crate::table;

use super::freeze::{self, FreezeArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// Connect an Alpaca account: its key pair is checked first and stored only if it works
    #[command(after_help = "\
The Secret Key is asked for, or comes from standard input with --secret-stdin, or from APCA_API_SECRET_KEY. The Key ID
comes from --key-id, from the first line of standard input, from APCA_API_KEY_ID, or is asked for. With --oauth there is no
pair: the address to open in a browser is printed, and you connect there.")]
    Add(Box<AddArgs>),
    /// List the connections
    List,
    /// Ask Alpaca whether the credential still works
    Check {
        /// The connection's name; all connections when absent
        name: Option<String>,
    },
    /// Give a connection another name; its access keys and its history stay
    Rename {
        /// The connection's name
        name: String,
        /// The new name
        new_name: String,
    },
    /// Make this the connection to which new trades go
    Activate {
        /// The connection's name
        name: String,
    },
    /// Stop a connection at once; cancels still pass, or what you say
    Freeze {
        /// The connection's name
        name: String,
        #[command(flatten)]
        how: FreezeArgs,
    },
    /// Let a connection go on
    Unfreeze {
        /// The connection's name
        name: String,
    },
    /// Forget a connection's credential and revoke its access keys; its history stays
    Remove {
        /// The connection's name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A name of your choice for the connection
    name: String,
    /// Alpaca's world that the key pair belongs to: paper or live
    #[arg(long, value_name = "paper|live")]
    environment: Environment,
    /// The Key ID
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// Without a key pair: print the address of the page from which you connect by OAuth, where that is set up
    #[arg(long, conflicts_with_all = ["key_id", "secret_stdin", "signed_by"])]
    oauth: bool,
    /// Read the Secret Key from standard input; without --key-id the Key ID is the first line
    #[arg(long)]
    secret_stdin: bool,
    /// If the account is connected already, replace its credential and keep its history
    #[arg(long)]
    replace: bool,
    /// For a live account: sign what connecting it means with your name, without being asked for each statement
    #[arg(long, value_name = "NAME")]
    signed_by: Option<String>,
}

/// The API's request. It has no `Debug`, since it holds the pair in the clear.
#[derive(Serialize)]
pub(crate) struct Addition<'a> {
    pub(crate) name: &'a str,
    pub(crate) environment: Environment,
    pub(crate) key_id: &'a str,
    pub(crate) secret_key: &'a str,
    pub(crate) replace: bool,
    /// What is signed, for a live account.
    #[serde(flatten)]
    pub(crate) signature: Option<Signature>,
}

/// A signature under what connecting a live account means.
#[derive(Serialize)]
pub(crate) struct Signature {
    statements: Vec<String>,
    signed_name: String,
    text_sha256: String,
}

/// What there is to sign.
#[derive(Deserialize)]
struct ToSign {
    text: String,
    text_sha256: String,
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    code: String,
    text: String,
}

pub(crate) async fn run(command: ConnectionCommand, context: &Context) -> Outcome {
    match command {
        ConnectionCommand::Add(args) if args.oauth => by_oauth(&args, context).await,
        ConnectionCommand::Add(args) => add(*args, context).await,
        ConnectionCommand::List => list(context).await,
        ConnectionCommand::Check { name } => check(name, context).await,
        ConnectionCommand::Activate { name } => {
            let say = format!("new trades go to connection `{name}`");
            act(&name, "activate", say, context).await
        }
        ConnectionCommand::Rename { name, new_name } => rename(&name, &new_name, context).await,
        ConnectionCommand::Freeze { name, how } => {
            let path = format!("/api/v1/connections/{}/freeze", segment(&name));
            let (what, way_back) =
                (format!("connection `{name}`"), format!("paddock connection unfreeze {name}"));
            freeze::freeze(&path, how, &what, &way_back, context).await
        }
        ConnectionCommand::Unfreeze { name } => {
            let path = format!("/api/v1/connections/{}/unfreeze", segment(&name));
            freeze::unfreeze(&path, format!("connection `{name}` goes on"), context).await
        }
        ConnectionCommand::Remove { name, yes } => remove(&name, yes, context).await,
    }
}

async fn add(args: AddArgs, context: &Context) -> Outcome {
    let pair = secrets::obtain_pair(args.key_id.clone(), args.secret_stdin)?;
    let client = context.client_or_new().await?;
    let signature = match signature(&args, &client, context.output).await {
        Ok(signature) => signature,
        Err(failure) => {
            client.close().await;
            return Err(failure);
        }
    };
    let addition = Addition {
        name: &args.name,
        environment: args.environment,
        key_id: pair.key_id.expose(),
        secret_key: pair.secret_key.expose(),
        replace: args.replace,
        signature,
    };
    let added = client.post("/api/v1/connections", &addition).await;
    client.close().await;
    let added = added.map_err(offer_replacement)?;
    context.output.show(&added, |paint| describe_addition(&added, paint))
}

/// Says where a person begins. It goes on in their browser, which alone can end it.
async fn by_oauth(args: &AddArgs, context: &Context) -> Outcome {
    let client = context.client().await?;
    let told = client.get("/api/v1/oauth").await;
    client.close().await;
    let told = told?;
    let page = match args.environment {
        Environment::Paper => &told["connect_paper"],
        Environment::Live => &told["connect_live"],
    };
    let Some(page) = page.as_str() else {
        return Err(Failure::refused("this Paddock is not registered as an app at Alpaca").hint(
            "connect with a key pair (leave `--oauth` out), or set [oauth] in the configuration: docs/connections.md says how",
        ));
    };
    let address = match page.split_once("/connections/new/") {
        Some((place, _)) if args.replace => format!("{place}/connections/{}/replace", segment(&args.name)),
        _ => format!("{page}?name={}", segment(&args.name)),
    };
    context.output.show(&json!({ "open": address }), |_| {
        format!("open this page, sign in if you are asked to, and choose Connect with Alpaca:\n{address}\n")
    })
}

/// Has what connecting a live account means signed: by the option, or by whoever is at the terminal, statement by statement. A script
/// that does neither has made up its mind.
async fn signature(args: &AddArgs, client: &ApiClient, output: Output) -> Outcome<Option<Signature>> {
    if args.environment == Environment::Paper || args.replace {
        return Ok(None);
    }
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !output.is_json();
    if args.signed_by.is_none() && !somebody {
        return Ok(None);
    }
    let to_sign: ToSign = serde_json::from_value(client.get("/api/v1/attestation").await?)
        .map_err(Failure::cannot("understand the server's answer"))?;
    let signed_name = match &args.signed_by {
        Some(name) => name.clone(),
        None => sign(&to_sign)?,
    };
    Ok(Some(Signature {
        statements: to_sign.statements.into_iter().map(|statement| statement.code).collect(),
        signed_name,
        text_sha256: to_sign.text_sha256,
    }))
}

/// Shows the text and asks for each statement and the name.
fn sign(to_sign: &ToSign) -> Outcome<String> {
    let not_signed = || {
        Failure::new("it was not signed, and nothing was changed")
            .hint("connect a paper account first: `paddock connection add NAME --environment paper`")
    };
    crate::output::note(&to_sign.text);
    for statement in &to_sign.statements {
        match inquire::Confirm::new(&statement.text).with_default(false).prompt() {
            Ok(true) => {}
            _ => return Err(not_signed()),
        }
    }
    inquire::Text::new("Your name, as a signature:").prompt().map_err(|_| not_signed())
}

async fn rename(name: &str, new_name: &str, context: &Context) -> Outcome {
    let client = context.client().await?;
    let path = format!("/api/v1/connections/{}/rename", segment(name));
    let renamed = client.post(&path, &json!({ "name": new_name })).await;
    client.close().await;
    context.output.show(&renamed?, |_| format!("connection `{name}` is `{new_name}` from now on"))
}

/// The API's next step speaks of its own field.
fn offer_replacement(failure: Failure) -> Failure {
    if failure.has_code("already_connected") {
        return failure.hint("add `--replace` to replace that connection's credential; its history is kept");
    }
    failure
}

fn describe_addition(added: &Value, paint: Paint) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let connection = &added["connection"];
    let mut lines = String::new();
    for repair in added["repairs"].as_array().into_iter().flatten() {
        let removed: Vec<String> = repair["removed"].as_array().into_iter().flatten().map(text).collect();
        lines += &format!(
            "repaired the {}: removed {}\n",
            text(&repair["field"]).replace('_', " "),
            removed.join(", ")
        );
    }
    let account = &added["account"];
    lines += &format!(
        "{} `{}`: {} account {}, {}\n",
        paint.good("connected"),
        text(&connection["name"]),
        text(&connection["environment"]),
        text(&connection["account_number"]),
        text(&connection["status"]),
    );
    if account.is_object() {
        lines += &format!(
            "equity {} {}, cash {}\n",
            text(&account["equity"]),
            text(&account["currency"]),
            text(&account["cash"])
        );
    }
    lines += &format!(
        "next: `paddock key create NAME --connection {} --preset trader`\n",
        text(&connection["name"])
    );
    lines
}

async fn list(context: &Context) -> Outcome {
    let client = context.client().await?;
    let connections = client.list("/api/v1/connections").await;
    client.close().await;
    let connections = connections?;
    let views = views(&connections)?;
    context.output.show(&connections, |_| {
        if views.is_empty() {
            return "no connections yet: `paddock connection add NAME --environment paper`".to_owned();
        }
        let heading =
            ["NAME", "ENVIRONMENT", "ACCOUNT", "STATUS", "STATE", "CREDENTIAL", "CHECKED", "HEALTH"];
        table::columns(&heading, views.into_iter().map(row))
    })
}

fn views(connections: &Value) -> Outcome<Vec<ConnectionView>> {
    Vec::deserialize(connections).map_err(Failure::cannot("understand the server's answer"))
}

fn row(view: ConnectionView) -> Vec<String> {
    let state = match (view.frozen, view.active) {
        (true, true) => "frozen, active",
        (true, false) => "frozen",
        (false, true) => "active",
        (false, false) => "",
    };
    let kind = match view.credential {
        CredentialKind::KeyPair => "key pair",
        CredentialKind::OauthToken => "token",
    };
    let version = format!("{kind}, version {}", view.credential_version);
    let (health, checked_at) = match view.fault {
        None => ("works".to_owned(), view.checked_at),
        Some(fault) => (fault.title, fault.at),
    };
    vec![
        view.name,
        view.environment.to_string(),
        view.account_number,
        view.status,
        state.to_owned(),
        version,
        table::instant(checked_at),
        health,
    ]
}

async fn check(name: Option<String>, context: &Context) -> Outcome {
    let client = context.client().await?;
    let checked = check_each(name, &client).await;
    client.close().await;
    let checked = checked?;
    let unhealthy = checked.iter().filter(|one| one["healthy"] != true).count();
    context.output.show(&checked, |paint| checked.iter().map(|one| describe_check(one, paint)).collect())?;
    match unhealthy {
        0 => Ok(()),
        1 => Err(Failure::refused("a connection does not work").hint("see above for what to do about it")),
        count => Err(Failure::refused(format!("{count} connections do not work"))
            .hint("see above for what to do about them")),
    }
}

async fn check_each(name: Option<String>, client: &ApiClient) -> Outcome<Vec<Value>> {
    let names = match name {
        Some(name) => vec![name],
        None => {
            views(&client.list("/api/v1/connections").await?)?.into_iter().map(|view| view.name).collect()
        }
    };
    let mut checked = Vec::new();
    for name in names {
        checked.push(client.post_empty(&format!("/api/v1/connections/{}/check", segment(&name))).await?);
    }
    Ok(checked)
}

fn describe_check(checked: &Value, paint: Paint) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let name = text(&checked["connection"]["name"]);
    if checked["healthy"] == true {
        let status = text(&checked["connection"]["status"]);
        return format!(
            "{}    {name}: account {}, {status}\n",
            paint.good("ok"),
            text(&checked["connection"]["account_number"])
        );
    }
    let problem = &checked["problem"];
    format!(
        "{}  {name}: {}: {}\n      hint: {}\n",
        paint.bad("fail"),
        text(&problem["title"]),
        text(&problem["detail"]),
        text(&problem["next_step"])
    )
}

async fn act(name: &str, verb: &str, say: String, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = client.post_empty(&format!("/api/v1/connections/{}/{verb}", segment(name))).await;
    client.close().await;
    context.output.show(&done?, |_| say)
}

async fn remove(name: &str, yes: bool, context: &Context) -> Outcome {
    if !yes {
        confirm(&format!("Forget the credential of `{name}` and revoke its access keys?"), context.output)?;
    }
    let client = context.client().await?;
    let done = client.delete(&format!("/api/v1/connections/{}", segment(name))).await;
    client.close().await;
    done?;
    context.output.show(&json!({ "removed": name }), |_| {
        format!("removed `{name}`: its credential is forgotten and its access keys are revoked; at Alpaca it still works")
    })
}

/// Asks for a yes where there is somebody to ask. A script has made up its mind.
pub(super) fn confirm(question: &str, output: Output) -> Outcome {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() || output.is_json() {
        return Ok(());
    }
    match inquire::Confirm::new(question).with_default(false).prompt() {
        Ok(true) => Ok(()),
        _ => Err(Failure::new("it was not confirmed, and nothing was changed")
            .hint("`--yes` does it without a question")),
    }
}
