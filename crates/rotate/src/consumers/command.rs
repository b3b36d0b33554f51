//! A program of the operator's own that takes the pair further. The pair comes on its standard input and nowhere else.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::in_use::UrlCheck;
use super::{Settings, api};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Held, InUse, Looked, Means, Outbound, Outcome, PairNames, Proof,
    Put, SettingsFault, Stored, Writable,
};

/// The status with which a program says that it is worth trying again (`EX_TEMPFAIL` of sysexits.h).
const TRY_AGAIN: i32 = 75;

/// A program. Each word of a command line is given as it is written: no shell reads it, and nothing is put into it. The program must be among
/// those that the operator allows.
///
/// It runs with an empty environment but for `PATH`, `PADDOCK_ACTION` (`look`, `put` or `prove`), `PADDOCK_ENVIRONMENT` and `PADDOCK_DELIVERY`. What it prints is
/// thrown away, because it may hold the pair. Status 0 is yes, 75 is not now, anything else is no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSettings {
    /// The program, with its whole path, and its arguments: takes the pair. Called again with the same pair, it must do what it did before.
    pub put: Vec<String>,
    /// What tells by its status, without changing anything, that the pair could be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Vec<String>>,
    /// What tells by its status that programs work with the new pair. It gets the pair's input too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prove: Option<Vec<String>>,
    /// How the pair is written on standard input.
    #[serde(default)]
    pub input: Input,
    /// The names of the two halves there.
    #[serde(default)]
    pub names: PairNames,
    /// How long a program may take, in seconds, from 1 to 600. Then it and what it started is killed.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// A URL that tells whether programs work with the new pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

/// How the pair is written on standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A JSON object of the two names and values.
    #[default]
    Json,
    /// Two lines `NAME=value`, without quotes.
    Env,
}

const fn default_timeout() -> u64 {
    60
}

impl CommandSettings {
    fn lines(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let others = [("look", self.look.as_ref()), ("prove", self.prove.as_ref())];
        std::iter::once(("put", &self.put))
            .chain(others.into_iter().filter_map(|(field, line)| Some((field, line?))))
    }
}

impl Settings for CommandSettings {
    const SECRET: Option<&'static str> = None;

    fn check(&self) -> Result<(), SettingsFault> {
        for (field, line) in self.lines() {
            let fault = |problem: &str| Err(SettingsFault { field, problem: problem.to_owned() });
            if !line.first().is_some_and(|program| Path::new(program).is_absolute()) {
                return fault("a command line starts with the whole path of a program");
            }
            if line.len() > 100 || line.iter().any(|word| word.len() > 4096 || word.contains('\0')) {
                return fault("a command line has at most 100 words of 4096 bytes");
            }
        }
        if !(1..=600).contains(&self.timeout_seconds) {
            let problem = "a program may take 1 to 600 seconds".to_owned();
            return Err(SettingsFault { field: "timeout_seconds", problem });
        }
        self.names.check()?;
        self.in_use.as_ref().map_or(Ok(()), UrlCheck::check)
    }

    fn keep_place(&mut self) {
        self.look = None;
        self.prove = None;
        self.timeout_seconds = default_timeout();
        self.in_use = None;
    }

    fn connect(self, _: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        for (field, line) in self.lines() {
            let program = line.first().map_or("", String::as_str);
            if !means.machine.allows_program(Path::new(program)) {
                let problem = format!(
                    "{program} is not among the programs that this Paddock may run: name it under [rotation] \
                     allowed_programs in the configuration"
                );
                return Err(SettingsFault { field, problem });
            }
        }
        Ok(Box::new(Program { settings: self, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Program {
    settings: CommandSettings,
    outbound: Outbound,
}

impl Program {
    fn input(&self, delivery: &Delivery) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let pair = [
            (self.settings.names.key_id.as_str(), delivery.key_id.expose()),
            (self.settings.names.secret_key.as_str(), delivery.secret_key.expose()),
        ];
        match self.settings.input {
            Input::Json => api::json(&std::collections::BTreeMap::from(pair)),
            Input::Env => {
                let mut lines = Zeroizing::new(Vec::with_capacity(4096));
                for (name, value) in pair {
                    if value.contains(['\n', '\r']) {
                        let message = "the pair has a line break, which lines cannot hold";
                        return Err(Fault::new(FaultKind::Settings, message, "Take JSON as its input."));
                    }
                    for part in [name, "=", value, "\n"] {
                        lines.extend_from_slice(part.as_bytes());
                    }
                }
                Ok(lines)
            }
        }
    }

    async fn run(
        &self,
        action: &'static str,
        line: &[String],
        delivery: Option<&Delivery>,
    ) -> Result<(), Fault> {
        let (program, arguments) = line.split_first().ok_or_else(|| not_started(action))?;
        let input = delivery.map_or(Ok(Zeroizing::default()), |delivery| self.input(delivery))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("PADDOCK_ACTION", action).current_dir("/");
        if let Some(delivery) = delivery {
            command.env("PADDOCK_ENVIRONMENT", delivery.environment.as_str());
            command.env("PADDOCK_DELIVERY", delivery.token.to_string());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child =
            command.process_group(0).kill_on_drop(true).spawn().map_err(|_| not_started(action))?;
        let mut group = Group(child.id());
        let patience = Duration::from_secs(self.settings.timeout_seconds);
        let ended = tokio::time::timeout(patience, finish(&mut child, &input)).await;
        if ended.is_ok() {
            // Its number may be another's from now on.
            group.0 = None;
        }
        drop(group);
        let (read, status) = ended
            .map_err(|_| {
                let message = format!("the program took longer than {} seconds", patience.as_secs());
                let next_step = "Run it by hand, or allow it more time.";
                Fault::new(FaultKind::Timeout, message, next_step).perhaps_applied()
            })?
            .map_err(|_| not_started(action).perhaps_applied())?;
        judge(action, read, status)
    }
}

/// Writes the input and waits for the end. Tells whether the input was read as well.
async fn finish(child: &mut Child, input: &[u8]) -> std::io::Result<(bool, ExitStatus)> {
    let pipe = child.stdin.take();
    let written = async move {
        match pipe {
            // Dropped at the end, so that the program sees the end of its input.
            Some(mut pipe) => pipe.write_all(input).await.is_ok(),
            None => false,
        }
    };
    let (read, status) = tokio::join!(written, child.wait());
    Ok((read, status?))
}

/// A program that runs and what it has started: killed when nobody waits for it any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(leader) = leader {
            // An error says that none is left.
            _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

fn judge(action: &str, read: bool, status: ExitStatus) -> Result<(), Fault> {
    let fault = |kind, what: String| {
        let next_step = "Run it by hand to see what it prints: Paddock throws that away.";
        let fault = Fault::new(kind, format!("the program for {action} {what}"), next_step);
        Err(if action == "put" { fault.perhaps_applied() } else { fault })
    };
    match status.code() {
        Some(0) if read => Ok(()),
        Some(0) => fault(FaultKind::Unexpected, "ended well and has not read its input".to_owned()),
        Some(TRY_AGAIN) => fault(FaultKind::NotYet, "says that it is worth trying again".to_owned()),
        Some(code) => fault(FaultKind::Unexpected, format!("ended with status {code}")),
        None => fault(FaultKind::Unexpected, "was killed".to_owned()),
    }
}

fn not_started(action: &str) -> Fault {
    let next_step = "See that it exists and that the user that Paddock runs as may run it.";
    Fault::new(FaultKind::NotFound, format!("the program for {action} could not be started"), next_step)
}

impl Consumer for Program {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let writable = match &self.settings.look {
                Some(line) => {
                    self.run("look", line, None).await?;
                    Writable::Likely("its program for looking says yes".to_owned())
                }
                None => Writable::Likely("it was not asked: it has no program for looking".to_owned()),
            };
            Ok(Looked { login: "this machine".to_owned(), version: None, held: Held::Unseen, writable })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, _: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            self.run("put", &self.settings.put, Some(delivery)).await?;
            Ok(Put { version: None, outcome: Outcome::Written })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, _: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let mut words = Vec::new();
            if let Some(line) = &self.settings.prove {
                self.run("prove", line, Some(delivery)).await?;
                words.push("its program for proving says yes".to_owned());
            }
            let check = self.settings.in_use.as_ref();
            if let Some(InUse(told)) = UrlCheck::ask_if_set(check, &self.outbound, delivery).await? {
                words.push(told);
            }
            let in_use = (!words.is_empty()).then(|| InUse(words.join("; ")));
            Ok(Proof { stored: Stored::Acknowledged, in_use })
        }
        .boxed()
    }
}
