//! The checks of `paddock doctor`. Each stands for itself: one that fails does not keep the others from looking.

mod broker;
mod chain;
mod connections;
mod places;

use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use serde::Serialize;

use crate::anchor::{self, Anchor, Comparison};
use crate::api::{self, ApiClient};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::context::Context;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::instance::{Instance, open_store};
use crate::lock::DirLock;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Worth a look.
    Warn,
    /// Wrong.
    Fail,
}

/// What one check found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Checkup {
    /// What was looked at.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) finding: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_step: Option<String>,
}

impl Checkup {
    fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, finding: finding.into(), next_step: None }
    }

    fn warn(name: &'static str, finding: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, finding: finding.into(), next_step: Some(next_step.into()) }
    }

    fn fail(name: &'static str, failure: &Failure) -> Self {
        let next_step = failure.next_step().map(str::to_owned);
        Self { name, verdict: Verdict::Fail, finding: failure.message().to_owned(), next_step }
    }
}

/// Looks at everything.
pub(crate) async fn examine(dir: &DataDir, context: &Context) -> Vec<Checkup> {
    let mut found = places::directory(dir);
    let config = match context.config(dir) {
        Ok(config) => {
            found.push(places::configuration(dir, context.global.config.as_deref()));
            config
        }
        Err(failure) => {
            found.push(Checkup::fail("configuration", &failure));
            return found;
        }
    };
    found.push(places::key_file(dir));
    if dir.require(config.database.is_some()).is_ok() {
        if api::is_served(dir).await {
            found.push(Checkup::ok("server", format!("running, and answers on {}", dir.socket().display())));
            connections::through(&ApiClient::Socket(dir.socket()), &mut found).await;
        } else {
            found.push(Checkup::ok("server", "not running: `paddock serve` starts it"));
            found.extend(places::ports(&config).await);
            at_rest(dir, &config, &mut found).await;
        }
    }
    found.extend(broker::clocks(&config).await);
    found
}

/// Looks into a data directory that no server uses.
async fn at_rest(dir: &DataDir, config: &Config, found: &mut Vec<Checkup>) {
    let lock = match DirLock::try_take(dir) {
        Ok(Ok(lock)) => lock,
        Ok(Err(held)) => return found.push(Checkup::fail("lock", &held.failure(dir))),
        Err(failure) => return found.push(Checkup::fail("lock", &failure)),
    };
    match open_store(dir, config).await {
        Err(failure) => return found.push(Checkup::fail("database", &failure)),
        Ok(store) => {
            found.push(Checkup::ok(
                "database",
                if config.database.is_some() { "PostgreSQL, opens" } else { "SQLite, opens" },
            ));
            found.push(chain::anchor(dir, &store).await);
            found.push(chain::verify(&store).await);
            store.close().await;
        }
    }
    if found.iter().any(|checkup| checkup.verdict == Verdict::Fail) {
        return;
    }
    match Instance::open(dir.clone(), config, lock).await {
        Ok(instance) => {
            let client = ApiClient::InProcess(Box::new(instance));
            connections::each(&client, found).await;
            client.close().await;
        }
        Err(failure) => found.push(Checkup::fail("gateway", &failure)),
    }
}

/// Takes the database as it is: leaves a record of that in the audit chain, and notes the chain's head anew.
pub(crate) async fn accept_rollback(dir: &DataDir, config: &Config) -> Outcome<String> {
    dir.require(config.database.is_some())?;
    if api::is_served(dir).await {
        return Err(Failure::usage("a server runs on this data directory, so nothing is rolled back")
            .hint("run `paddock doctor` without `--accept-rollback`"));
    }
    let _lock = DirLock::try_take(dir)?.map_err(|held| held.failure(dir))?;
    let store = open_store(dir, config).await?;
    let anchor = Anchor::of(dir);
    let accepted = match anchor.compare(&store).await? {
        Comparison::RolledBack(seen) => {
            let now = SystemClock.now();
            store.append_audit(&Actor::Operator, &anchor::acceptance(seen), now).await?;
            anchor.write(&store, now).await?;
            format!("accepted: the database goes on without record {} of {}", seen.seq, seen.at)
        }
        Comparison::Holds | Comparison::NothingSeen => {
            "nothing to accept: the database was not rolled back".to_owned()
        }
    };
    store.close().await;
    Ok(accepted)
}
