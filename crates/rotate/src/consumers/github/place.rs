//! Whose secrets.

use serde::{Deserialize, Serialize};

use crate::SettingsFault;
use crate::consumers::api::{check_part, segment};

/// Whose secrets they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "of")]
pub enum Place {
    /// A repository's.
    Repository {
        /// Its owner: a user or an organisation.
        owner: String,
        /// Its name.
        repository: String,
    },
    /// Those of an environment of a repository.
    Environment {
        /// The repository's owner.
        owner: String,
        /// The repository's name.
        repository: String,
        /// The environment's name. It must exist.
        environment: String,
    },
    /// An organisation's.
    Organization {
        /// The organisation.
        organization: String,
        /// Who may use a secret that does not exist yet. One that exists keeps what it has.
        #[serde(default)]
        visibility: Visibility,
    },
}

/// Which repositories of an organisation may use a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// All.
    All,
    /// All that are private or internal.
    #[default]
    Private,
    /// Those that were chosen; a new secret is for none until somebody chooses.
    Selected,
}

/// With whom a secret is shared, as GitHub wants it said in every write.
#[derive(Serialize)]
pub(super) struct Sharing {
    pub(super) visibility: Visibility,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) selected_repository_ids: Option<Vec<u64>>,
}

impl Place {
    pub(super) fn check(&self) -> Result<(), SettingsFault> {
        match self {
            Self::Repository { owner, repository } => {
                check_part("place.owner", owner)?;
                check_part("place.repository", repository)
            }
            Self::Environment { owner, repository, environment } => {
                check_part("place.owner", owner)?;
                check_part("place.repository", repository)?;
                // An environment's name may have slashes; they are encoded.
                check_part("place.environment", &environment.replace('/', "-"))
            }
            Self::Organization { organization, .. } => check_part("place.organization", organization),
        }
    }

    /// The path under which the secrets are.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Repository { owner, repository } => {
                format!("/repos/{}/{}/actions/secrets", segment(owner), segment(repository))
            }
            Self::Environment { owner, repository, environment } => {
                let (owner, repository) = (segment(owner), segment(repository));
                format!("/repos/{owner}/{repository}/environments/{}/secrets", segment(environment))
            }
            Self::Organization { organization, .. } => {
                format!("/orgs/{}/actions/secrets", segment(organization))
            }
        }
    }

    /// The repository's path, if the secrets are one's.
    pub(super) fn repository_path(&self) -> Option<String> {
        match self {
            Self::Repository { owner, repository } | Self::Environment { owner, repository, .. } => {
                Some(format!("/repos/{}/{}", segment(owner), segment(repository)))
            }
            Self::Organization { .. } => None,
        }
    }

    /// The owner of what is here.
    pub(super) fn owner(&self) -> &str {
        match self {
            Self::Repository { owner, .. } | Self::Environment { owner, .. } => owner,
            Self::Organization { organization, .. } => organization,
        }
    }
}
