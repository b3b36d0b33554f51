//! What the store, the vault and the gateway report, as a person or a program reads it.

use http::StatusCode;
use paddock_gateway::GatewayError;
use paddock_store::StoreError;
use paddock_vault::VaultError;

use crate::problem::Problem;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // The store's sentences end with the next step.
        let sentence = error.to_string();
        let (detail, next_step) = sentence.rsplit_once(": ").unwrap_or((&sentence, "try again"));
        let problem = |status, code, title| Self::new(status, code, title, detail, next_step);
        match &error {
            StoreError::NameTaken { name } => {
                problem(StatusCode::CONFLICT, "name_taken", "Name taken").with("name", name.as_str())
            }
            StoreError::AlreadyConnected { name, .. } => Self::new(
                StatusCode::CONFLICT,
                "already_connected",
                "Already connected",
                format!("this account is connected already as `{name}`"),
                "replace its credential with `--replace`: its history is kept",
            )
            .with("connection", name.as_str()),
            StoreError::ConnectedElsewhere => {
                problem(StatusCode::CONFLICT, "connected_elsewhere", "Connected elsewhere")
            }
            StoreError::LastOwner => problem(StatusCode::CONFLICT, "last_owner", "The only owner"),
            StoreError::LinkGone => problem(StatusCode::NOT_FOUND, "link_gone", "This link does not work"),
            StoreError::NotFound { .. } => problem(StatusCode::NOT_FOUND, "not_found", "Not found"),
            StoreError::RotationIsOpen => {
                problem(StatusCode::CONFLICT, "rotation_is_open", "A rotation is under way")
            }
            StoreError::VersionConflict { .. } | StoreError::ScopeChanged | StoreError::RotationMoved => {
                problem(StatusCode::CONFLICT, "changed_meanwhile", "Changed meanwhile")
            }
            other => {
                tracing::error!(error = %other, "the database did not do what it was asked");
                problem(StatusCode::SERVICE_UNAVAILABLE, "database", "Database not available")
            }
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        tracing::error!(%error, "the vault did not do what it was asked");
        let (code, title) = match error {
            VaultError::Locked(_) => ("vault_locked", "Vault locked"),
            _ => ("vault", "Vault not available"),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, error.to_string(), error.hint())
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Store(error) => error.into(),
            GatewayError::Vault(error) => error.into(),
            other => {
                tracing::error!(error = %other, "the gateway did not do what it was asked");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "gateway",
                    "Gateway not available",
                    other.to_string(),
                    "run `paddock doctor`",
                )
            }
        }
    }
}
