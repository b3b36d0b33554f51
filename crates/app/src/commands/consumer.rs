//! `paddock consumer`: which places outside hold a connection's key pair.

mod settings;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use paddock_web::{ConsumerCheckView, ConsumerView};
use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value, json};

use crate::api::{ApiClient, segment};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::secrets;
use crate::table;

use super::connection::confirm;

#[derive(Debug, Subcommand)]
pub(crate) enum ConsumerCommand {
    /// List what a consumer can be, with the settings of each kind
    Kinds,
    /// Add a place that gets each new pair of a connection from the next rotation on; nothing is sent there now
    #[command(after_help = "\
`paddock consumer kinds` lists the kinds and their settings. What Paddock logs in there with is asked for, or comes with
--secret-stdin or --secret-file; it is sealed and never shown again.")]
    Add(AddArgs),
    /// List the consumers of a connection
    List {
        /// The connection's name
        #[arg(long, value_name = "NAME")]
        connection: String,
    },
    /// Look at a consumer: log in, see whether writing is allowed, compare what is there; nothing is changed
    Check(Which),
    /// Change a consumer's name, settings or secret; what is not named stays
    Change(ChangeArgs),
    /// Forget a consumer and what Paddock logs in there with; what is there stays as it is
    Remove {
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which consumer.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The consumer's name
    name: String,
    /// The connection's name
    #[arg(long, value_name = "NAME")]
    connection: String,
}

impl Which {
    fn path(&self) -> String {
        format!("/api/v1/connections/{}/consumers/{}", segment(&self.connection), segment(&self.name))
    }
}

/// Its settings, one by one or from a file.
#[derive(Debug, Args)]
pub(crate) struct SettingArgs {
    /// One setting, for example `apps=my-bot,other-bot` or `names.key_id=ALPACA_KEY_ID`; may be said several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A file with all settings as one JSON object
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    settings_file: Option<PathBuf>,
}

/// Where the secret comes from.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// Read what Paddock logs in there with from standard input
    #[arg(long, conflicts_with = "secret_file")]
    secret_stdin: bool,
    /// Read it from this file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    which: Which,
    /// What kind of place it is
    #[arg(long, value_name = "KIND")]
    kind: String,
    #[command(flatten)]
    settings: SettingArgs,
    #[command(flatten)]
    secret: SecretArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    which: Which,
    /// Another name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    #[command(flatten)]
    settings: SettingArgs,
    /// Ask for another secret
    #[arg(long)]
    new_secret: bool,
    #[command(flatten)]
    secret: SecretArgs,
}

/// The API's request. It has no `Debug`, since it holds the secret in the clear.
#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

pub(crate) async fn run(command: ConsumerCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = match command {
        ConsumerCommand::Kinds => kinds(&client, context).await,
        ConsumerCommand::Add(args) => add(&args, &client, context).await,
        ConsumerCommand::List { connection } => list(&connection, &client, context).await,
        ConsumerCommand::Check(which) => check(&which, &client, context).await,
        ConsumerCommand::Change(args) => change(&args, &client, context).await,
        ConsumerCommand::Remove { which, yes } => remove(&which, yes, &client, context).await,
    };
    client.close().await;
    done
}

async fn kinds(client: &ApiClient, context: &Context) -> Outcome {
    let answer = client.get("/api/v1/consumer-kinds").await?;
    context.output.show(&answer["kinds"], |paint| {
        let kinds = answer["kinds"].as_array().into_iter().flatten();
        let one = |kind: &Value| settings::describe_kind(kind, paint);
        kinds.map(one).collect::<Vec<_>>().join("\n")
    })
}

async fn add(args: &AddArgs, client: &ApiClient, context: &Context) -> Outcome {
    let answer = client.get("/api/v1/consumer-kinds").await?;
    let kind = settings::named(&answer, &args.kind)?;
    let settings = args.settings.read(kind, None)?;
    let secret = match kind["secret"].as_str() {
        Some(what) => Some(args.secret.obtain(what)?),
        None => None,
    };
    let content = Content {
        name: Some(&args.which.name),
        kind: Some(&args.kind),
        settings: Some(settings),
        secret: secret.as_ref().map(paddock_core::SecretText::expose),
    };
    let path = format!("/api/v1/connections/{}/consumers", segment(&args.which.connection));
    let added = client.post(&path, &content).await?;
    let Which { name, connection } = &args.which;
    context.output.show(&added, |paint| {
        let then = added["left_behind"].as_str().unwrap_or("it gets each new pair");
        format!("{} `{name}` to `{connection}`: {then}\n", paint.good("added"))
    })
}

async fn list(connection: &str, client: &ApiClient, context: &Context) -> Outcome {
    let listed = client.list(&format!("/api/v1/connections/{}/consumers", segment(connection))).await?;
    let views: Vec<ConsumerView> =
        Vec::deserialize(&listed).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&listed, |_| {
        if views.is_empty() {
            return format!(
                "no consumers: nothing outside gets a new pair of `{connection}`. `paddock consumer add` adds one"
            );
        }
        let row = |view: ConsumerView| {
            vec![view.name, view.title, settings::one_line(&view.settings), table::instant(view.created_at)]
        };
        table::columns(&["NAME", "KIND", "SETTINGS", "ADDED"], views.into_iter().map(row))
    })
}

async fn check(which: &Which, client: &ApiClient, context: &Context) -> Outcome {
    let found = client.post_empty(&format!("{}/check", which.path())).await?;
    let view =
        ConsumerCheckView::deserialize(&found).map_err(Failure::cannot("understand the server's answer"))?;
    let none = || "unknown".to_owned();
    context.output.show(&found, |paint| {
        let verdict =
            if view.ready { paint.good("can take a new pair") } else { paint.bad("cannot take a new pair") };
        let mut pairs = vec![
            ("consumer", format!("{}: {verdict}", which.name)),
            ("logged in as", view.login.clone().unwrap_or_else(none)),
            ("version", view.version.clone().unwrap_or_else(none)),
            ("holds", view.held.clone().unwrap_or_else(none)),
            ("writing", view.writable.clone().unwrap_or_else(none)),
        ];
        if let Some(problem) = &view.problem {
            pairs.push(("problem", problem.message.clone()));
            pairs.push(("next", problem.next_step.clone()));
        }
        table::pairs(pairs)
    })?;
    match &view.problem {
        None => Ok(()),
        Some(problem) => {
            Err(Failure::refused(format!("`{}` cannot take a new pair: {}", which.name, problem.message))
                .hint(problem.next_step.clone()))
        }
    }
}

async fn change(args: &ChangeArgs, client: &ApiClient, context: &Context) -> Outcome {
    let path = args.which.path();
    let before = client.get(&path).await?;
    let answer = client.get("/api/v1/consumer-kinds").await?;
    let kind = settings::named(&answer, before["kind"].as_str().unwrap_or_default())?;
    let settings = match args.settings.is_given() {
        true => Some(args.settings.read(kind, before["settings"].as_object())?),
        false => None,
    };
    let secret = match kind["secret"].as_str() {
        Some(what) if args.new_secret || args.secret.is_given() => Some(args.secret.obtain(what)?),
        _ => None,
    };
    let content = Content {
        name: args.rename.as_deref(),
        kind: None,
        settings,
        secret: secret.as_ref().map(paddock_core::SecretText::expose),
    };
    let changed = client.patch(&path, &content).await?;
    context.output.show(&changed, |_| format!("changed `{}`", args.which.name))
}

async fn remove(which: &Which, yes: bool, client: &ApiClient, context: &Context) -> Outcome {
    if !yes {
        confirm(&format!("Forget `{}` and what Paddock logs in there with?", which.name), context.output)?;
    }
    client.delete(&which.path()).await?;
    context.output.show(&json!({ "removed": which.name }), |_| {
        format!("removed `{}`: the pair that is there stays, and the next one is not taken there", which.name)
    })
}

impl SettingArgs {
    fn is_given(&self) -> bool {
        !self.set.is_empty() || self.settings_file.is_some()
    }

    fn read(&self, kind: &Value, before: Option<&Map<String, Value>>) -> Outcome<Map<String, Value>> {
        match &self.settings_file {
            Some(path) => settings::from_file(path),
            None => settings::from_words(kind, &self.set, before),
        }
    }
}

impl SecretArgs {
    fn is_given(&self) -> bool {
        self.secret_stdin || self.secret_file.is_some()
    }

    fn obtain(&self, what: &str) -> Outcome<paddock_core::SecretText> {
        secrets::obtain_secret(what, self.secret_file.as_deref(), self.secret_stdin)
    }
}
