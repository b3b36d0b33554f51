//! The dead-man switch: its configuration, and asking the heartbeats.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use paddock_core::audit::WindDown;
use paddock_core::decide::Passing;
use paddock_gateway::{Deadman, DeadmanOptions};
use paddock_store::Subject;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::failure::{Failure, Outcome};
use crate::instance::Instance;

/// How often the operator's sign is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a heartbeat may take to answer, at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// `[deadman]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeadmanSection {
    check_in: Option<String>,
    grace: Option<String>,
    connection: Option<String>,
    allow: Option<Vec<String>>,
    cancel_all: bool,
    flatten: bool,
    heartbeats: Vec<HeartbeatSection>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeartbeatSection {
    name: String,
    url: String,
    every: Option<String>,
    misses: Option<u32>,
}

/// What the switch waits for and does.
#[derive(Clone, Debug)]
pub(crate) struct DeadmanConfig {
    check_in: Option<SignedDuration>,
    grace: SignedDuration,
    /// The connection that it freezes; everything when absent.
    connection: Option<String>,
    passing: Passing,
    wind_down: Option<WindDown>,
    heartbeats: Vec<Heartbeat>,
}

#[derive(Clone, Debug)]
struct Heartbeat {
    name: String,
    url: reqwest::Url,
    every: Duration,
    misses: u32,
}

impl DeadmanSection {
    /// What it means; nothing when there is nothing to wait for.
    pub(crate) fn resolve(self) -> Outcome<Option<DeadmanConfig>> {
        let heartbeats: Vec<Heartbeat> =
            self.heartbeats.into_iter().map(HeartbeatSection::resolve).collect::<Outcome<_>>()?;
        let mut names: Vec<&str> = heartbeats.iter().map(|heartbeat| heartbeat.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(wrong(
                "two heartbeats have the same name",
                "give each of [[deadman.heartbeats]] its own `name`",
            ));
        }
        let check_in =
            self.check_in.map(|text| time("check_in", &text, SignedDuration::from_mins(1))).transpose()?;
        if check_in.is_none() && heartbeats.is_empty() {
            let is_bare =
                self.connection.is_none() && self.allow.is_none() && !self.cancel_all && !self.flatten;
            return if is_bare {
                Ok(None)
            } else {
                Err(wrong("[deadman] waits for nothing", "set `check_in`, or add [[deadman.heartbeats]]"))
            };
        }
        let grace = match (self.grace, check_in) {
            (Some(text), _) => time("grace", &text, SignedDuration::from_secs(1))?,
            (None, check_in) => check_in.unwrap_or(SignedDuration::MAX).min(SignedDuration::from_mins(15)),
        };
        let passing = match self.allow {
            None => Passing::default(),
            Some(words) => words.join(",").parse().map_err(|_| {
                wrong(
                    "`allow` of [deadman] is not understood",
                    "use a list of reads, cancels and closes, or [\"nothing\"]",
                )
            })?,
        };
        let wind_down = match (self.cancel_all, self.flatten) {
            (_, true) => Some(WindDown::Flatten),
            (true, false) => Some(WindDown::CancelAll),
            (false, false) => None,
        };
        Ok(Some(DeadmanConfig {
            check_in,
            grace,
            connection: self.connection,
            passing,
            wind_down,
            heartbeats,
        }))
    }
}

impl HeartbeatSection {
    fn resolve(self) -> Outcome<Heartbeat> {
        let name = self.name;
        let url = reqwest::Url::parse(&self.url).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        // The address may hold a token, so it is not repeated.
        let url = url.ok_or_else(|| {
            wrong(
                &format!("the url of heartbeat `{name}` is none"),
                "use http://HOST/PATH or https://HOST/PATH, without a login",
            )
        })?;
        let every = self.every.as_deref().unwrap_or("30s");
        let every = time("every", every, SignedDuration::from_secs(1))?.unsigned_abs();
        let misses = self.misses.unwrap_or(3);
        if misses == 0 {
            return Err(wrong(
                &format!("heartbeat `{name}` may be missed 0 times"),
                "set `misses` to 1 or more",
            ));
        }
        Ok(Heartbeat { name, url, every, misses })
    }
}

fn time(name: &str, text: &str, least: SignedDuration) -> Outcome<SignedDuration> {
    match text.parse::<SignedDuration>() {
        Ok(time) if time >= least && time <= SignedDuration::from_hours(24 * 366) => Ok(time),
        _ => Err(wrong(
            &format!("`{name}` of [deadman] is no time that it can be"),
            &format!("use for example 30s, 15m or 24h, at least {least:#}"),
        )),
    }
}

fn wrong(message: &str, hint: &str) -> Failure {
    Failure::usage(message.to_owned()).hint(hint.to_owned())
}

/// Runs the switch until the instance closes.
pub(crate) async fn run(instance: Arc<Instance>, config: DeadmanConfig) -> &'static str {
    const NAME: &str = "dead-man switch";
    let closing = instance.closing().clone();
    let (told, mut heard) = mpsc::channel(16);
    let mut asking = JoinSet::new();
    for (number, heartbeat) in config.heartbeats.iter().cloned().enumerate() {
        asking.spawn(ask(number, heartbeat, told.clone()));
    }
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut switch: Option<Deadman> = None;
    let mut complained = false;
    loop {
        let looked = tokio::select! {
            () = closing.cancelled() => return NAME,
            _ = ticks.tick() => match &mut switch {
                Some(switch) => switch.look().await.map_err(|error| error.to_string()),
                None => match begin(&instance, &config).await {
                    Ok(begun) => {
                        switch = Some(begun);
                        Ok(false)
                    }
                    Err(why) => Err(why),
                },
            },
            Some((number, answer)) = heard.recv() => match &mut switch {
                Some(switch) => switch.heard(number, answer).await.map_err(|error| error.to_string()),
                None => Ok(false),
            },
        };
        // Said once, not every second.
        if let Err(error) = &looked
            && !complained
        {
            tracing::error!(%error, "the dead-man switch cannot do its work");
        }
        complained = looked.is_err();
    }
}

async fn begin(instance: &Instance, config: &DeadmanConfig) -> Result<Deadman, String> {
    let subject = match &config.connection {
        None => Subject::Everything,
        Some(name) => {
            let id = instance.connection_named(name).await.map_err(|error| error.to_string())?;
            Subject::Connection(id.ok_or_else(|| format!("there is no connection `{name}`"))?)
        }
    };
    let options = DeadmanOptions {
        subject,
        passing: config.passing,
        wind_down: config.wind_down,
        check_in: config.check_in,
        grace: config.grace,
        heartbeats: config.heartbeats.iter().map(|one| (one.name.clone(), one.misses)).collect(),
    };
    instance.gateway().control().deadman(options).await.map_err(|error| error.to_string())
}

/// Asks one heartbeat again and again. Only the status of the answer is looked at.
async fn ask(number: usize, heartbeat: Heartbeat, told: mpsc::Sender<(usize, Result<(), String>)>) {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE.min(heartbeat.every))
        .no_proxy()
        .build();
    let mut ticks = interval(heartbeat.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let answer = match &client {
            Ok(client) => match client.get(heartbeat.url.clone()).send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(format!("it answered {}", answer.status().as_u16())),
                Err(error) if error.is_timeout() => Err("it did not answer in time".to_owned()),
                Err(_) => Err("it cannot be reached".to_owned()),
            },
            Err(_) => Err("no HTTPS can be spoken on this machine".to_owned()),
        };
        if told.send((number, answer)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Outcome<Option<DeadmanConfig>> {
        toml::from_str::<DeadmanSection>(text).unwrap().resolve()
    }

    #[test]
    fn what_is_not_configured_waits_for_nothing() {
        assert!(resolve("").unwrap().is_none());
        assert!(resolve("flatten = true").is_err());
    }

    #[test]
    fn times_and_choices_are_read() {
        let text = "check_in = \"24h\"\nallow = [\"cancels\", \"closes\"]\nflatten = true\n\
                    [[heartbeats]]\nname = \"cron\"\nurl = \"http://10.0.0.1/live\"\n";
        let config = resolve(text).unwrap().unwrap();
        assert_eq!(config.check_in, Some(SignedDuration::from_hours(24)));
        assert_eq!(
            (config.grace, config.wind_down),
            (SignedDuration::from_mins(15), Some(WindDown::Flatten))
        );
        assert_eq!(config.passing.to_string(), "cancels,closes");
        assert_eq!((config.heartbeats[0].every, config.heartbeats[0].misses), (Duration::from_secs(30), 3));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_no_token_is_repeated() {
        for wrong in [
            "check_in = \"soon\"",
            "check_in = \"5s\"",
            "check_in = \"1h\"\nallow = [\"orders\"]",
            "[[heartbeats]]\nname = \"a\"\nurl = \"ftp://host/hunter2\"",
            "[[heartbeats]]\nname = \"a\"\nurl = \"http://user:hunter2@host/\"",
            "[[heartbeats]]\nname = \"a\"\nurl = \"http://h/\"\nmisses = 0",
            "[[heartbeats]]\nname = \"a\"\nurl = \"http://h/\"\n[[heartbeats]]\nname = \"a\"\nurl = \"http://h/\"",
        ] {
            let failure = resolve(wrong).unwrap_err();
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
        }
    }
}
