//! `paddock person`: who may sign in.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::api::{ApiClient, segment};
use crate::context::Context;
use crate::failure::Outcome;
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// List the people of the first team and the invitations that nobody has used
    List,
    /// Make a link that works once, for somebody to join the team or to found one of their own
    Invite {
        /// What they may do [default: viewer, or owner of the team that they found]
        #[arg(long, value_enum, value_name = "ROLE", hide_possible_values = true)]
        role: Option<RoleWord>,
        /// For whom, as a note
        #[arg(long = "for", value_name = "WORDS")]
        label: Option<String>,
        /// Found a team of this name instead of joining; neither team sees anything of the other
        #[arg(long, value_name = "NAME")]
        team: Option<String>,
    },
    /// Withdraw an invitation
    Withdraw {
        /// The invitation's identifier
        id: String,
    },
    /// Change what a person may do: viewer, operator or owner
    Role {
        /// The person
        name: String,
        /// What they may do from now on
        #[arg(value_enum, hide_possible_values = true)]
        role: RoleWord,
    },
    /// Remove a person; their sessions end, and what they did stays recorded
    Remove {
        /// The person
        name: String,
    },
    /// Make a link with which a person sets another password; it works once, for an hour
    Reset {
        /// The person, of whatever team
        name: String,
    },
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    Viewer,
    Operator,
    Owner,
}

impl RoleWord {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

pub(crate) async fn run(command: PersonCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = ask(command, &client).await;
    client.close().await;
    let (value, text) = done?;
    context.output.show(&value, |_| text)
}

async fn ask(command: PersonCommand, client: &ApiClient) -> Outcome<(Value, String)> {
    let person = |name: &str| format!("/api/v1/people/{}", segment(name));
    Ok(match command {
        PersonCommand::List => {
            let people = client.list("/api/v1/people").await?;
            let invitations = client.list("/api/v1/invitations").await?;
            let text = describe(&people, &invitations);
            (json!({ "people": people, "invitations": invitations }), text)
        }
        PersonCommand::Invite { role, label, team } => {
            let role = role.unwrap_or(if team.is_some() { RoleWord::Owner } else { RoleWord::Viewer });
            let wish = json!({ "role": role.as_str(), "for": label, "team": team });
            let made = client.post("/api/v1/invitations", &wish).await?;
            let text = format!(
                "{}\nworks once, until {}: pass it on as you would a key",
                field(&made, "link"),
                instant(&made["invitation"], "expires_at")
            );
            (made, text)
        }
        PersonCommand::Withdraw { id } => {
            let done = client.delete(&format!("/api/v1/invitations/{}", segment(&id))).await?;
            (done, "withdrawn; its link does not work any more".to_owned())
        }
        PersonCommand::Role { name, role } => {
            let done = client.patch(&person(&name), &json!({ "role": role.as_str() })).await?;
            let text = format!("{} is {} from the next click on", field(&done, "name"), role.as_str());
            (done, text)
        }
        PersonCommand::Remove { name } => {
            let done = client.delete(&person(&name)).await?;
            let text = format!("{} is removed and signed out everywhere", field(&done, "removed"));
            (done, text)
        }
        PersonCommand::Reset { name } => {
            let done = client.post_empty(&format!("{}/reset", person(&name))).await?;
            let text = format!(
                "{}\nsets another password for {}, once, until {}; their sessions and API tokens end with it",
                field(&done, "link"),
                field(&done, "name"),
                instant(&done, "expires_at")
            );
            (done, text)
        }
    })
}

fn field(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn instant(value: &Value, name: &str) -> String {
    let text = field(value, name);
    text.parse().map_or(text, table::instant)
}

fn describe(people: &Value, invitations: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (people, invitations) = (list(people), list(invitations));
    if people.is_empty() {
        return "nobody can sign in yet: start `paddock serve`, which prints a set-up link".to_owned();
    }
    let rows = people
        .iter()
        .map(|person| vec![field(person, "name"), field(person, "role"), instant(person, "created_at")]);
    let mut text = table::columns(&["NAME", "ROLE", "JOINED"], rows);
    if !invitations.is_empty() {
        let rows = invitations.iter().map(|one| {
            let what = match one["founds"].as_str() {
                Some(team) => format!("founds {team}"),
                None => field(one, "role"),
            };
            vec![field(one, "id"), field(one, "label"), what, instant(one, "expires_at")]
        });
        text += &format!("\n\n{}", table::columns(&["INVITATION", "FOR", "WHAT", "EXPIRES"], rows));
    }
    text
}
