//! What every command is given.

use crate::api::ApiClient;
use crate::cli::Global;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::instance::Opening;
use crate::output::Output;

/// The data directory's name under the user's data.
const DEFAULT_DIRECTORY: &str = "paddock";

/// The options of every command, and where results go.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) output: Output,
}

impl Context {
    /// The data directory that was named, or the user's own.
    pub(crate) fn data_dir(&self) -> Outcome<DataDir> {
        DataDir::named_or_default(self.global.data_dir.as_deref(), DEFAULT_DIRECTORY)
    }

    /// The configuration that holds for that data directory.
    pub(crate) fn config(&self, dir: &DataDir) -> Outcome<Config> {
        Config::load(self.global.config.as_deref(), dir)
    }

    /// A client of the JSON API for a Paddock that exists.
    pub(crate) async fn client(&self) -> Outcome<ApiClient> {
        self.open(Opening::MustExist).await
    }

    /// A client of the JSON API; sets the data directory up if there is none.
    pub(crate) async fn client_or_new(&self) -> Outcome<ApiClient> {
        self.open(Opening::CreateIfMissing).await
    }

    async fn open(&self, opening: Opening) -> Outcome<ApiClient> {
        let dir = self.data_dir()?;
        ApiClient::open(&dir, &self.config(&dir)?, opening).await
    }
}
