//! `paddock rotation rehearse`: the whole thing against the paper broker, with chosen failures.

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use paddock_core::rotation::RotationState;
use paddock_core::{Clock as _, Environment, SecretText};
use paddock_web::{ConnectionView, RotationView};
use reqwest::Method;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::{Pair, Planned, show, view};
use crate::api::{ApiClient, segment};
use crate::clock::SystemClock;
use crate::commands::paper::dashboard::Dashboard;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// How often it is looked at, and for how long at most.
const LOOK: Duration = Duration::from_millis(300);
const MOST_LOOKS: u32 = 2000;

#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// The connection whose rotation is played
    connection: String,
    /// A slip to play before the right pair is pasted; may be said several times
    #[arg(long = "fail", value_name = "SLIP", value_enum)]
    slips: Vec<Slip>,
    /// Leave consumers out that cannot take a pair, and go on without them
    #[arg(long)]
    keep_going: bool,
    /// The address of the paper broker, where it is another than the server's
    #[arg(long, value_name = "URL", env = "PADDOCK_PAPER_URL", hide_env_values = true)]
    url: Option<String>,
}

/// What a person may do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Slip {
    /// The new Key ID with the old Secret Key
    TornPair,
    /// The pair that is in use already
    SamePair,
    /// The pair of another account
    OtherAccount,
}

/// An account of the paper broker.
struct Account {
    number: String,
    key_id: String,
    secret_key: SecretText,
}

/// Plays it.
pub(super) async fn rehearse(args: &RehearseArgs, client: &ApiClient, context: &Context) -> Outcome {
    let connections = client.list("/api/v1/connections").await?;
    let connections: Vec<ConnectionView> =
        Vec::deserialize(&connections).map_err(Failure::cannot("understand the server's answer"))?;
    let connection = connections.into_iter().find(|one| one.name == args.connection).ok_or_else(|| {
        Failure::new(format!("there is no connection named `{}`", args.connection))
            .hint("look at `paddock connection list`")
    })?;
    client.run_rotations();
    let dashboard = match &args.url {
        Some(url) => Dashboard::at(url)?,
        None => {
            let broker = client.post("/api/v1/rehearsal-broker", &json!({})).await?;
            Dashboard::at(broker["address"].as_str().unwrap_or_default())?
        }
    };
    let mut stage =
        Stage { args, client, context, dashboard, environment: connection.environment, opened: Vec::new() };
    let played = stage.play().await;
    stage.clear().await;
    played
}

struct Stage<'a> {
    args: &'a RehearseArgs,
    client: &'a ApiClient,
    context: &'a Context,
    dashboard: Dashboard,
    environment: Environment,
    /// The numbers of the accounts that were opened for it.
    opened: Vec<String>,
}

impl Stage<'_> {
    async fn play(&mut self) -> Outcome {
        let account = self.open().await?;
        let id = self.plan(&account).await?;
        let played = self.go(&id, &account).await;
        if played.is_err() {
            // What is left open would stand in the way of the next rehearsal.
            let content = json!({ "reason": "the rehearsal failed" });
            _ = self.client.post(&format!("/api/v1/rotations/{id}/abort"), &content).await;
        }
        let view = played?;
        let rotation = self.client.get(&format!("/api/v1/rotations/{id}")).await?;
        self.context.output.show(&rotation, |paint| {
            let left_out: Vec<&str> =
                view.consumers.iter().filter(|one| one.left_out.is_some()).map(|one| one.name.as_str()).collect();
            let left_out = if left_out.is_empty() { String::new() } else { format!("; left out: {}", left_out.join(", ")) };
            let said = paint.good("rehearsed");
            let count = view.consumers.len();
            format!("{said}: {count} consumers were looked at and nothing was written{left_out}\nreport: paddock rotation report {id}\n")
        })
    }

    async fn go(&mut self, id: &str, account: &Account) -> Outcome<RotationView> {
        self.client.post_empty(&format!("/api/v1/rotations/{id}/start")).await?;
        let (mut shown, mut pasted) = (0, false);
        let mut looks = tokio::time::interval(LOOK);
        for _ in 0..MOST_LOOKS {
            looks.tick().await;
            let view = view(&self.client.get(&format!("/api/v1/rotations/{id}")).await?)?;
            for step in view.steps.iter().filter(|step| step.number > shown) {
                self.context.output.text(&show::step(step))?;
            }
            shown = view.steps.last().map_or(shown, |step| step.number);
            if view.over {
                return Ok(view);
            }
            if view.state == RotationState::AwaitingMint && !pasted {
                self.slip(id, account).await?;
                let new = self.regenerate(&account.number).await?;
                self.paste(id, &new.key_id, &new.secret_key).await?;
                pasted = true;
            } else if view.dues.is_empty() && !view.asks.is_empty() {
                self.answer(id, &view).await?;
            }
        }
        Err(Failure::new("the rehearsal does not end")
            .hint(format!("look at `paddock rotation status {id}`")))
    }

    /// Plays the slips that were asked for; each must be found out.
    async fn slip(&mut self, id: &str, account: &Account) -> Outcome {
        for slip in &self.args.slips.clone() {
            let (key_id, secret_key, expected) = match slip {
                Slip::SamePair => (account.key_id.clone(), account.secret_key.clone(), "same_pair"),
                Slip::TornPair => {
                    let new = self.regenerate(&account.number).await?;
                    (new.key_id, account.secret_key.clone(), "torn_pair")
                }
                Slip::OtherAccount => {
                    let other = self.open().await?;
                    (other.key_id, other.secret_key, "account_mismatch")
                }
            };
            self.paste(id, &key_id, &secret_key).await?;
            let ask = self.first_ask(id).await?;
            if ask.code != expected {
                return Err(Failure::refused(format!(
                    "the slip was taken for `{}`: {}",
                    ask.code, ask.message
                ))
                .hint("please report it"));
            }
            self.context.output.text(&format!("found out: {}\n", ask.message))?;
        }
        Ok(())
    }

    async fn first_ask(&self, id: &str) -> Outcome<paddock_web::AskView> {
        let mut looks = tokio::time::interval(LOOK);
        for _ in 0..MOST_LOOKS {
            looks.tick().await;
            let view = view(&self.client.get(&format!("/api/v1/rotations/{id}")).await?)?;
            if view.state != RotationState::Candidate && view.state != RotationState::AwaitingMint {
                return Err(Failure::refused("the slip was not found out").hint("please report it"));
            }
            if view.dues.is_empty()
                && view.state == RotationState::Candidate
                && let Some(ask) = view.asks.into_iter().next()
            {
                return Ok(ask);
            }
        }
        Err(Failure::new("the pasted pair is not checked")
            .hint(format!("look at `paddock rotation status {id}`")))
    }

    /// Does what a person would: leaves out what cannot take the pair, if that was said.
    async fn answer(&self, id: &str, view: &RotationView) -> Outcome {
        for ask in &view.asks {
            match &ask.consumer {
                Some(consumer) if self.args.keep_going => {
                    self.context.output.text(&format!("left out: {consumer}: {}\n", ask.message))?;
                    let content =
                        json!({ "consumer": consumer, "reason": format!("rehearsal: {}", ask.code) });
                    self.client.post(&format!("/api/v1/rotations/{id}/leave-out"), &content).await?;
                }
                about => {
                    let about = about.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
                    return Err(Failure::refused(format!(
                        "a rotation would stop here: {about}{}",
                        ask.message
                    ))
                    .hint(ask.next_step.clone()));
                }
            }
        }
        Ok(())
    }

    async fn plan(&self, account: &Account) -> Outcome<String> {
        let now = SystemClock.now();
        let live = self.environment == Environment::Live;
        let at = |minutes| now.checked_add(SignedDuration::from_mins(minutes)).ok().filter(|_| live);
        let content = Planned {
            window_from: at(-1),
            window_until: at(60),
            ticket: live.then_some("rehearsal"),
            test_order: !live,
            rehearsal: true,
            key_id: Some(&account.key_id),
            secret_key: Some(account.secret_key.expose()),
            ..Planned::default()
        };
        let path = format!("/api/v1/connections/{}/rotations", segment(&self.args.connection));
        let planned = self.client.post(&path, &content).await?;
        Ok(planned["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn open(&mut self) -> Outcome<Account> {
        let content = json!({ "environment": self.environment, "cash": "100000", "key_format": "new" });
        let account = read(&self.dashboard.send(Method::POST, "/accounts", Some(&content)).await?)?;
        self.opened.push(account.number.clone());
        Ok(account)
    }

    async fn regenerate(&self, number: &str) -> Outcome<Account> {
        let path = format!("/accounts/{}/keys", segment(number));
        read(&self.dashboard.send(Method::POST, &path, Some(&json!({ "key_format": "new" }))).await?)
    }

    async fn paste(&self, id: &str, key_id: &str, secret_key: &SecretText) -> Outcome {
        let content = Pair { key_id, secret_key: secret_key.expose() };
        self.client.post(&format!("/api/v1/rotations/{id}/paste"), &content).await.map(drop)
    }

    /// Deletes the accounts that were opened for it.
    async fn clear(&self) {
        for number in &self.opened {
            let deleted =
                self.dashboard.send(Method::DELETE, &format!("/accounts/{}", segment(number)), None).await;
            if deleted.is_err() {
                crate::output::note(&format!(
                    "the account {number} of the paper broker could not be deleted"
                ));
            }
        }
    }
}

fn read(account: &Value) -> Outcome<Account> {
    let text = |name: &str| account[name].as_str().map(str::to_owned);
    let read = || {
        Some(Account {
            number: text("account_number")?,
            key_id: text("key_id")?,
            secret_key: SecretText::new(text("secret_key")?),
        })
    };
    read().ok_or_else(|| Failure::new("the paper broker's answer has no pair"))
}
