//! The token of the broker's admin interface: chosen in an environment variable, or made by the broker and kept in a file of
//! its owner's alone. Never on a command line.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use clap::Args;
use paddock_core::SecretText;
use paddock_paper::faults::check_token;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::files::replace_private;

/// The variable that holds a chosen token.
pub(super) const VARIABLE: &str = "PADDOCK_PAPER_ADMIN_TOKEN";

/// Where the token is kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenArgs {
    /// The file of the admin token [default: admin-token.PORT among the broker's files, or in ~/.local/state/paddock without
    /// a data directory; PADDOCK_PAPER_ADMIN_TOKEN chooses the token itself]
    #[arg(long, value_name = "FILE", env = "PADDOCK_PAPER_ADMIN_TOKEN_FILE", hide_env_values = true)]
    admin_token_file: Option<PathBuf>,
}

/// The token that was chosen, if one was.
pub(super) fn chosen() -> Outcome<Option<SecretText>> {
    let Some(token) = std::env::var(VARIABLE).ok().filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let token = SecretText::new(token);
    check_token(&token).map_err(|bad| {
        Failure::usage(format!("{VARIABLE} cannot be used: {bad}"))
            .hint("set another one, or unset it so that the broker makes its own")
    })?;
    Ok(Some(token))
}

impl TokenArgs {
    /// Writes the token of a broker that listens on `port`, and tells where.
    pub(super) fn keep(&self, context: &Context, port: u16, token: &SecretText) -> Outcome<Option<PathBuf>> {
        let file = self.file(context, port)?;
        let cannot = |error: io::Error| {
            Failure::new(format!("cannot keep the admin token in {}: {error}", file.display())).hint(format!(
                "name another file with `--admin-token-file FILE`, or choose a token in {VARIABLE}"
            ))
        };
        if let Some(directory) = file.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(cannot)?;
        }
        replace_private(&file, token.expose().as_bytes()).map_err(cannot)?;
        Ok(Some(file))
    }

    /// The token of the broker at `url`.
    pub(super) fn find(&self, context: &Context, url: &str) -> Outcome<SecretText> {
        if let Some(token) = chosen()? {
            return Ok(token);
        }
        let port =
            reqwest::Url::parse(url).ok().and_then(|url| url.port_or_known_default()).unwrap_or_default();
        let file = self.file(context, port)?;
        let text = fs::read_to_string(&file).map_err(|error| {
            Failure::new(format!("cannot read the admin token of the paper broker from {}: {error}", file.display()))
                .hint(format!(
                    "start the broker with the same `--data-dir`, name the file that it told with `--admin-token-file FILE`, or set {VARIABLE}"
                ))
        })?;
        Ok(SecretText::new(text.trim().to_owned()))
    }

    fn file(&self, context: &Context, port: u16) -> Outcome<PathBuf> {
        if let Some(named) = &self.admin_token_file {
            return Ok(named.clone());
        }
        let directory = match &context.global.data_dir {
            Some(_) => context.data_dir()?.paper(),
            None => state_directory()?,
        };
        Ok(directory.join(format!("admin-token.{port}")))
    }
}

/// `$XDG_STATE_HOME/paddock`, else `~/.local/state/paddock`.
fn state_directory() -> Outcome<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    base.map(|base| base.join("paddock")).ok_or_else(|| {
        Failure::usage("there is no home directory to keep the admin token in")
            .hint(format!("name a file with `--admin-token-file FILE`, or choose a token in {VARIABLE}"))
    })
}
