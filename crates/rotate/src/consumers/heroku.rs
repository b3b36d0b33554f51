//! Heroku: config vars of one or several apps.
//!
//! Both halves change in one request, which makes one release and restarts the app (<https://devcenter.heroku.com/articles/platform-api-reference>).

mod release;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderMap, HeaderValue, Method, header};
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};

use self::release::{Dyno, Release};
use super::api::{self, Api, segment};
use super::in_use::UrlCheck;
use super::{Settings, drift, names};
use crate::{
    Answer, Consumer, Delivery, Fault, FaultKind, Held, InUse, Looked, Means, Outbound, Outcome, PairNames,
    Proof, Put, SettingsFault, Stored, Writable,
};

/// Apps on Heroku. The secret is a token: `heroku authorizations:create --scope read,write-protected` makes one that can do no more than this needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HerokuSettings {
    /// The apps' names, at most 20. They are written one after the other.
    pub apps: Vec<String>,
    /// The names of the config vars.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that tells whether programs there work with the new pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
    /// The API's address.
    #[serde(default = "default_api")]
    pub api: String,
}

fn default_api() -> String {
    "https://api.heroku.com".to_owned()
}

impl Settings for HerokuSettings {
    const SECRET: Option<&'static str> = Some("an API token of Heroku");

    fn check(&self) -> Result<(), SettingsFault> {
        let fault = |problem: &str| Err(SettingsFault { field: "apps", problem: problem.to_owned() });
        if self.apps.is_empty() || self.apps.len() > 20 {
            return fault("name 1 to 20 apps");
        }
        for (place, app) in self.apps.iter().enumerate() {
            api::check_part("apps", app)?;
            let plain =
                |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
            if !app.chars().all(plain) {
                return fault("an app's name has small letters, digits and dashes");
            }
            if self.apps.iter().take(place).any(|earlier| earlier == app) {
                return fault("an app is named twice");
            }
        }
        self.names.check()?;
        api::check_address("api", &self.api)?;
        self.in_use.as_ref().map_or(Ok(()), UrlCheck::check)
    }

    fn keep_place(&mut self) {
        self.apps.sort_unstable();
        self.in_use = None;
    }

    fn connect(self, secret: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        let api = Api::new(&means.outbound, &self.api)
            .with(header::ACCEPT, "application/vnd.heroku+json; version=3")
            .with_bearer(&secret)?;
        Ok(Box::new(Heroku { settings: self, api, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Heroku {
    settings: HerokuSettings,
    api: Api,
    outbound: Outbound,
}

#[derive(Deserialize)]
struct Account {
    email: String,
}

/// One app, looked at.
struct AppLook {
    held: Held,
    release: u64,
    /// What the token may do, if Heroku tells.
    scope: Option<String>,
}

impl Heroku {
    async fn vars(&self, app: &str) -> Result<(Held, Answer), Fault> {
        let answer = self.api.get(&format!("/apps/{}/config-vars", segment(app))).await?;
        let answer = self.api.succeeded(answer).map_err(|fault| about(fault, app))?;
        let held = names::pick(&answer.body, &self.settings.names).ok_or_else(|| self.api.unexpected())?;
        Ok((held, answer))
    }

    /// The newest releases, newest first.
    async fn releases(&self, app: &str) -> Result<Vec<Release>, Fault> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static("version ..; order=desc,max=10"));
        let answer = self.api.get_with(&format!("/apps/{}/releases", segment(app)), headers).await?;
        self.api.read(answer).map_err(|fault| about(fault, app))
    }

    async fn look_at(&self, app: &str) -> Result<AppLook, Fault> {
        let (held, answer) = self.vars(app).await?;
        let release = self.newest(app).await?;
        let scope = answer.headers.get("oauth-scope").and_then(|scope| scope.to_str().ok());
        Ok(AppLook { held, release, scope: scope.map(str::to_owned) })
    }

    async fn newest(&self, app: &str) -> Result<u64, Fault> {
        Ok(self.releases(app).await?.first().map_or(0, |release| release.version))
    }

    /// Writes one app unless it has the pair. Tells the least number that the release of a write can have; `None` when nothing was written.
    async fn put_into(
        &self,
        app: &str,
        delivery: &Delivery,
        seen: Option<&str>,
    ) -> Result<Option<u64>, Fault> {
        if self.vars(app).await?.0.is(delivery) {
            return Ok(None);
        }
        // Heroku cannot compare, so the release is compared just before; what happens in between is not seen.
        let before = self.newest(app).await?;
        if seen.and_then(|seen| mark_of(seen, app)).is_some_and(|seen| seen != before) {
            let message = format!("{app} has another release than the one that was looked at");
            return Err(Fault::new(FaultKind::Conflict, message, "It is looked at again."));
        }
        let values = std::collections::BTreeMap::from([
            (self.settings.names.key_id.as_str(), delivery.key_id.expose()),
            (self.settings.names.secret_key.as_str(), delivery.secret_key.expose()),
        ]);
        let path = format!("/apps/{}/config-vars", segment(app));
        let answer = self.api.change(Method::PATCH, &path, &values).await?;
        let answer = self.api.succeeded(answer).map_err(|fault| about(fault, app))?;
        let held = names::pick(&answer.body, &self.settings.names);
        if held.is_some_and(|held| held.is(delivery)) {
            return Ok(Some(before + 1));
        }
        Err(self.api.unexpected().perhaps_applied())
    }

    async fn prove_at(&self, app: &str, delivery: &Delivery, put: &Put) -> Result<u64, Fault> {
        let ours = put.version.as_deref().and_then(|seen| mark_of(seen, app)).unwrap_or_default();
        let has = self.vars(app).await?.0.is(delivery);
        let releases = self.releases(app).await?;
        if !has {
            // A read may be behind. One that comes after a later release than ours, and has another pair, tells of somebody else's.
            let later = releases.first().is_some_and(|newest| newest.version > ours);
            let theirs = later && !self.vars(app).await?.0.is(delivery);
            return Err(if theirs { drift::overwritten(app) } else { drift::not_yet(app) });
        }
        let current = release::settled(app, &releases, ours)?;
        let answer = self.api.get(&format!("/apps/{}/dynos", segment(app))).await?;
        let dynos: Vec<Dyno> = self.api.read(answer).map_err(|fault| about(fault, app))?;
        release::all_run(app, &dynos, ours.max(1))?;
        Ok(current)
    }
}

/// `app=v12`, as a part of the version that is told of all apps.
fn mark(app: &str, release: u64) -> String {
    format!("{app}=v{release}")
}

fn mark_of(versions: &str, app: &str) -> Option<u64> {
    versions.split(' ').find_map(|mark| mark.strip_prefix(app)?.strip_prefix("=v")?.parse().ok())
}

/// The fault with the app in it: several are asked one after the other.
fn about(fault: Fault, app: &str) -> Fault {
    Fault { message: format!("{app}: {}", fault.message), ..fault }
}

/// Whether a token of this scope may write config vars.
fn may_write(scope: &str) -> bool {
    scope.split([' ', ',']).any(|one| matches!(one, "global" | "write-protected"))
}

impl Consumer for Heroku {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        async move {
            let answer = self.api.get("/account").await?;
            // A token that may only do what is needed may not see its account.
            let login = if answer.status == 403 {
                format!("a token at {}", self.api.host())
            } else {
                format!("{} at {}", self.api.read::<Account>(answer)?.email, self.api.host())
            };
            let (mut places, mut marks) = (Vec::new(), Vec::new());
            for app in &self.settings.apps {
                let look = self.look_at(app).await?;
                if look.scope.as_deref().is_some_and(|scope| !may_write(scope)) {
                    let next_step =
                        "Make a token with `heroku authorizations:create --scope read,write-protected`.";
                    let message = "the token may read config vars and not write them";
                    return Err(Fault::new(FaultKind::Forbidden, message, next_step));
                }
                marks.push(mark(app, look.release));
                places.push((app.clone(), look.held));
            }
            let held = match places.len() {
                1 => places.remove(0).1,
                _ => Held::Several(places),
            };
            let seen =
                "the config vars can be read; whether they can be written, Heroku tells only when it is done";
            let writable = Writable::Likely(seen.to_owned());
            Ok(Looked { login, version: Some(marks.join(" ")), held, writable })
        }
        .boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        async move {
            let (mut written, mut marks) = (false, Vec::new());
            for app in &self.settings.apps {
                // An earlier app may have it already.
                let lost = |fault: Fault| if written { fault.perhaps_applied() } else { fault };
                let least = self.put_into(app, delivery, seen).await.map_err(lost)?;
                written |= least.is_some();
                let lost = |fault: Fault| if written { fault.perhaps_applied() } else { fault };
                // A list that is older than the write does not know its release.
                let release = self.newest(app).await.map_err(lost)?.max(least.unwrap_or_default());
                marks.push(mark(app, release));
            }
            let version = Some(marks.join(" "));
            let outcome = if written { Outcome::Written } else { Outcome::AlreadyThere };
            Ok(Put { version, outcome })
        }
        .boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, put: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let mut words = Vec::new();
            for app in &self.settings.apps {
                let release = self.prove_at(app, delivery, put).await?;
                words.push(format!("{app} runs release v{release}"));
            }
            let check = self.settings.in_use.as_ref();
            if let Some(InUse(told)) = UrlCheck::ask_if_set(check, &self.outbound, delivery).await? {
                words.push(told);
            }
            Ok(Proof { stored: Stored::ReadBack, in_use: Some(InUse(words.join("; "))) })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_by_the_whole_name() {
        let versions = format!("{} {}", mark("bot", 4), mark("bot-two", 9));
        assert_eq!(mark_of(&versions, "bot"), Some(4));
        assert_eq!(mark_of(&versions, "bot-two"), Some(9));
        assert_eq!(mark_of(&versions, "bo"), None);
    }

    #[test]
    fn scopes_are_judged() {
        assert!(may_write("global"));
        assert!(may_write("read write-protected"));
        assert!(!may_write("read-protected write"));
    }
}
