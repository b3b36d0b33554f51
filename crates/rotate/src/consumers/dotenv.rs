//! A `.env` file on this machine. Comments, order, line ends, owner and mode stay.

mod file;
mod text;

use std::path::{Path, PathBuf};

use futures_util::future::{BoxFuture, FutureExt as _};
use paddock_core::SecretText;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use self::file::{Folder, changed};
use super::in_use::UrlCheck;
use super::{Settings, drift};
use crate::{
    Consumer, Delivery, Fault, FaultKind, Held, Looked, Means, Outbound, Outcome, PairNames, Proof, Put,
    SettingsFault, Stored, Writable,
};

/// The version of a file that does not exist.
const ABSENT: &str = "absent";

/// A `.env` file. Its folder must be among those that the operator allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DotenvSettings {
    /// The file's whole path, without links. A file that does not exist is made, readable by its owner only; its folder is not.
    pub path: PathBuf,
    /// The names of the variables.
    #[serde(default)]
    pub names: PairNames,
    /// A URL that tells whether a program works with the new pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<UrlCheck>,
}

impl Settings for DotenvSettings {
    const SECRET: Option<&'static str> = None;

    fn check(&self) -> Result<(), SettingsFault> {
        let fault = |problem: &str| Err(SettingsFault { field: "path", problem: problem.to_owned() });
        let text = self.path.to_string_lossy();
        let odd = text.chars().any(char::is_control) || text.ends_with('/');
        if !self.path.is_absolute() || self.path.file_name().is_none() || odd {
            return fault("write the whole path of a file, from the root on");
        }
        if self.path.components().collect::<PathBuf>().as_os_str() != self.path.as_os_str() {
            return fault("write the path without . and without doubled slashes");
        }
        self.names.check()?;
        self.in_use.as_ref().map_or(Ok(()), UrlCheck::check)
    }

    fn keep_place(&mut self) {
        self.in_use = None;
    }

    fn connect(self, _: SecretText, means: &Means) -> Result<Box<dyn Consumer>, SettingsFault> {
        if !means.machine.allows_folder(self.path.parent().unwrap_or(Path::new(""))) {
            let problem = "its folder is not among those that this Paddock may write in: name it under \
                           [rotation] allowed_folders in the configuration"
                .to_owned();
            return Err(SettingsFault { field: "path", problem });
        }
        Ok(Box::new(Dotenv { settings: self, outbound: means.outbound.clone() }))
    }
}

#[derive(Debug)]
struct Dotenv {
    settings: DotenvSettings,
    outbound: Outbound,
}

impl DotenvSettings {
    fn held(&self, text: &[u8]) -> Held {
        // Readers take the last assignment of a name.
        let value = |name: &str| {
            let all = text::assignments(text);
            let last = all.iter().rfind(|one| one.name == name.as_bytes())?;
            Some(SecretText::new(String::from_utf8_lossy(last.bare(text)).into_owned()))
        };
        Held::Values { key_id: value(&self.names.key_id), secret_key: value(&self.names.secret_key) }
    }

    fn look(&self) -> Result<Looked, Fault> {
        let folder = Folder::open(&self.path)?;
        let found = folder.read()?;
        folder.check_writable(found.as_ref())?;
        let text = found.as_ref().map_or(&[][..], |found| &found.text);
        Ok(Looked {
            login: "this machine".to_owned(),
            version: Some(found.as_ref().map_or(ABSENT, |found| &found.version).to_owned()),
            held: self.held(text),
            writable: Writable::Proven,
        })
    }

    fn put(&self, delivery: &Delivery, seen: Option<&str>) -> Result<Put, Fault> {
        let folder = Folder::open(&self.path)?;
        folder.lock()?;
        let found = folder.read()?;
        let text = found.as_ref().map_or(&[][..], |found| &found.text);
        let version = found.as_ref().map_or(ABSENT, |found| &found.version);
        if self.held(text).is(delivery) {
            return Ok(Put { version: Some(version.to_owned()), outcome: Outcome::AlreadyThere });
        }
        if seen.is_some_and(|seen| seen != version) {
            return Err(changed());
        }
        folder.check_writable(found.as_ref())?;
        let pair = [
            (self.names.key_id.as_str(), delivery.key_id.expose()),
            (self.names.secret_key.as_str(), delivery.secret_key.expose()),
        ];
        let new = text::set(text, pair).map(Zeroizing::new).ok_or_else(|| {
            let message = "the file cannot be changed so that every program reads it alike";
            let next_step = "Write the two names on lines of their own with plain values, then try again.";
            Fault::new(FaultKind::Settings, message, next_step)
        })?;
        let version = folder.replace(found.as_ref(), &new)?;
        Ok(Put { version: Some(version), outcome: Outcome::Written })
    }

    fn is_there(&self, delivery: &Delivery) -> Result<(), Fault> {
        let found = Folder::open(&self.path)?.read()?;
        if found.is_some_and(|found| self.held(&found.text).is(delivery)) {
            return Ok(());
        }
        Err(drift::overwritten("the file"))
    }
}

/// Runs what waits for a disk where waiting hurts nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        let message = "the work on the file broke off";
        Err(Fault::new(FaultKind::Unexpected, message, "Look at the file, then try again.").perhaps_applied())
    })
}

impl Consumer for Dotenv {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        let settings = self.settings.clone();
        blocking(move || settings.look()).boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        let (settings, delivery, seen) = (self.settings.clone(), delivery.clone(), seen.map(str::to_owned));
        blocking(move || settings.put(&delivery, seen.as_deref())).boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, _: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        async move {
            let (settings, wanted) = (self.settings.clone(), delivery.clone());
            blocking(move || settings.is_there(&wanted)).await?;
            let check = self.settings.in_use.as_ref();
            let in_use = UrlCheck::ask_if_set(check, &self.outbound, delivery).await?;
            Ok(Proof { stored: Stored::ReadBack, in_use })
        }
        .boxed()
    }
}
