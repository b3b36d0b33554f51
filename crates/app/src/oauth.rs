//! `[oauth]`: this Paddock as an app that its operator has registered at Alpaca.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use paddock_alpaca::oauth::{OauthApp, OauthSettings};
use paddock_core::SecretText;
use paddock_web::{OAUTH_CALLBACK, WebOrigin};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};

/// More is no secret of Alpaca's.
const LARGEST_FILE: u64 = 4096;

/// What the configuration says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OauthSection {
    /// The app's client id. Without it there is no app.
    client_id: Option<String>,
    /// The file with its secret; `oauth-secret` in the data directory when absent.
    secret_file: Option<PathBuf>,
    /// Where Alpaca sends people back to; the address of the pages with `/oauth/callback` when absent.
    redirect_uri: Option<String>,
    /// The host of the consent page; Alpaca's own when absent.
    app_url: Option<String>,
    /// The host that gives tokens; Alpaca's own when absent.
    token_url: Option<String>,
}

/// An app, as it is configured. The secret is not in it.
#[derive(Clone, Debug)]
pub(crate) struct OauthConfig {
    client_id: String,
    secret_file: Option<PathBuf>,
    redirect_uri: Option<String>,
    app_url: Option<String>,
    token_url: Option<String>,
}

impl OauthSection {
    /// What holds, if an app is configured.
    pub(crate) fn resolve(self) -> Outcome<Option<OauthConfig>> {
        let Self { client_id, secret_file, redirect_uri, app_url, token_url } = self;
        let Some(client_id) = client_id else {
            let rest = [&redirect_uri, &app_url, &token_url].into_iter().any(Option::is_some);
            if rest || secret_file.is_some() {
                return Err(Failure::usage("[oauth] says something and no client_id").hint(
                    "set `client_id` as the page of the app at Alpaca shows it, or leave [oauth] out",
                ));
            }
            return Ok(None);
        };
        Ok(Some(OauthConfig { client_id, secret_file, redirect_uri, app_url, token_url }))
    }
}

impl OauthConfig {
    /// The host under which browsers come back, which the pages must answer to.
    pub(crate) fn host(&self) -> Option<String> {
        let uri = self.redirect_uri.as_deref()?;
        let origin = WebOrigin::parse(uri.strip_suffix(OAUTH_CALLBACK)?)?;
        Some(origin.host().to_owned())
    }

    /// Reads the secret and makes the app of it. `pages` is the address of the pages as browsers see it.
    pub(crate) fn app(&self, dir: &DataDir, pages: &str) -> Outcome<OauthApp> {
        let path = self.secret_file.clone().unwrap_or_else(|| dir.oauth_secret());
        let secret = read_secret(&path)?;
        let redirect_uri = self.redirect_uri.clone().unwrap_or_else(|| format!("{pages}{OAUTH_CALLBACK}"));
        if redirect_uri.strip_suffix(OAUTH_CALLBACK).and_then(WebOrigin::parse).is_none() {
            return Err(Failure::usage(format!("[oauth] redirect_uri = \"{redirect_uri}\" leads to no page"))
                .hint("write the address of the pages and `/oauth/callback`, for example `https://paddock.example/oauth/callback`"));
        }
        let settings = OauthSettings {
            client_id: self.client_id.clone(),
            secret,
            redirect_uri,
            consent_url: self.app_url.clone(),
            token_url: self.token_url.clone(),
        };
        OauthApp::new(settings).map_err(|fault| {
            Failure::usage(format!("[oauth] cannot be used: {fault}"))
                .hint("correct it in the configuration, or leave [oauth] out to connect with key pairs only")
        })
    }
}

/// Reads a secret that nobody but its owner can read.
fn read_secret(path: &Path) -> Outcome<SecretText> {
    let shown = path.display();
    let cannot = |error: &io::Error| {
        Failure::new(format!("cannot read the secret of the app in {shown}: {error}"))
            .hint("write the client secret that Alpaca shows into that file, readable by its owner only (`chmod 600`)")
    };
    let named = fs::metadata(path).map_err(|error| cannot(&error))?;
    // Before opening: opening a pipe would wait for a writer.
    if !named.is_file() {
        return Err(cannot(&io::Error::from(io::ErrorKind::InvalidInput)));
    }
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let mode = file.metadata().map_err(|error| cannot(&error))?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Failure::refused(format!(
            "the secret of the app in {shown} can be read by others (mode {mode:04o})"
        ))
        .hint(format!(
            "run `chmod 600 {shown}`, and make a new secret at Alpaca if somebody may have read it"
        )));
    }
    let mut text = Zeroizing::new(String::with_capacity(LARGEST_FILE as usize));
    file.take(LARGEST_FILE).read_to_string(&mut text).map_err(|error| cannot(&error))?;
    Ok(SecretText::new(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PAGES: &str = "http://127.0.0.1:7878";

    fn app(file: &str, mode: u32, section: &str) -> Outcome<OauthApp> {
        let directory = tempfile::tempdir().unwrap();
        let dir = DataDir::named_or_default(Some(directory.path()), "unused").unwrap();
        fs::write(dir.oauth_secret(), file).unwrap();
        fs::set_permissions(dir.oauth_secret(), fs::Permissions::from_mode(mode)).unwrap();
        let section: OauthSection = toml::from_str(section).unwrap();
        section.resolve()?.unwrap().app(&dir, PAGES)
    }

    #[test]
    fn without_a_client_id_there_is_no_app() {
        assert!(OauthSection::default().resolve().unwrap().is_none());
    }

    #[test]
    fn people_come_back_to_the_pages_unless_it_is_said_otherwise() {
        let usual = app("CANARY1234\n", 0o600, "client_id = \"abc\"").unwrap();
        assert_eq!(usual.redirect_uri(), "http://127.0.0.1:7878/oauth/callback");
        let section = "client_id = \"abc\"\nredirect_uri = \"https://paddock.example/oauth/callback\"";
        let other = app("CANARY1234", 0o400, section).unwrap();
        assert_eq!(other.redirect_uri(), "https://paddock.example/oauth/callback");
        let section: OauthSection = toml::from_str(section).unwrap();
        assert_eq!(section.resolve().unwrap().unwrap().host().as_deref(), Some("paddock.example"));
    }

    #[test]
    fn what_is_not_right_is_told_and_the_secret_is_not() {
        let client = "client_id = \"abc\"\n";
        let with = |line: &str| format!("{client}{line}");
        let (secret, one) = ("CANARY1234", client.to_owned());
        for (file, mode, section, words) in [
            (secret, 0o640, one.clone(), "can be read by others"),
            ("", 0o600, one.clone(), "the client secret is empty"),
            ("CANARY\n1234", 0o600, one, "the client secret is empty or has"),
            (secret, 0o600, with("redirect_uri = \"https://paddock.example/\""), "leads to no page"),
            (
                secret,
                0o600,
                with("redirect_uri = \"http://paddock.example/oauth/callback\""),
                "over the network in the clear",
            ),
            (secret, 0o600, with("token_url = \"http://api.example\""), "over the network in the clear"),
            (secret, 0o600, "client_id = \"\"".to_owned(), "the client id is not one"),
            (secret, 0o600, "secret_file = \"x\"".to_owned(), "no client_id"),
        ] {
            let failure = app(file, mode, &section).unwrap_err();
            let told = failure.to_string();
            assert!(told.contains(words) && !told.contains("CANARY"), "{told}");
            assert!(failure.next_step().is_some());
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let dir = DataDir::named_or_default(Some(directory.path()), "unused").unwrap();
        let section: OauthSection = toml::from_str("client_id = \"abc\"").unwrap();
        let failure = section.resolve().unwrap().unwrap().app(&dir, PAGES).unwrap_err();
        assert!(failure.to_string().contains("oauth-secret"), "{failure}");
    }
}
