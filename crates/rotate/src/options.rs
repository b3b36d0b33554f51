//! What rotations are made of.

use std::fmt;
use std::sync::Arc;

use paddock_alpaca::AlpacaClient;
use paddock_core::{Clock, Entropy, SecretText};
use paddock_store::{ConsumerRow, Store, StoreError};
use paddock_vault::{Opener, Sealer, VaultError};

use crate::consumers::ConsumerSettings;
use crate::{Consumer, Fault, FaultKind, Gate, Means, RehearsalBroker};

/// Makes a consumer from its row and the secret that Paddock logs in with.
pub type Registry =
    Arc<dyn Fn(&ConsumerRow, Option<SecretText>) -> Result<Box<dyn Consumer>, Fault> + Send + Sync>;

/// Makes consumers of the kinds that Paddock has.
#[must_use]
pub fn registry(means: Means) -> Registry {
    Arc::new(move |row, secret| {
        let unusable = |problem: String| {
            let next_step = "Change the consumer's settings, then resume.";
            Fault::new(FaultKind::Settings, format!("its settings cannot be used: {problem}"), next_step)
        };
        let settings: ConsumerSettings =
            serde_json::from_value(row.settings.clone()).map_err(|error| unusable(error.to_string()))?;
        settings.connect(secret, &means).map_err(|fault| unusable(fault.to_string()))
    })
}

/// What rotations are made of.
#[derive(Clone)]
pub struct RotationsOptions {
    /// The database.
    pub store: Store,
    /// Seals what is pasted.
    pub sealer: Sealer,
    /// Opens pairs and secrets, one use at a time.
    pub opener: Opener,
    /// Asks Alpaca.
    pub client: AlpacaClient,
    /// Asks the paper broker, for rehearsals; while there is none, there are none.
    pub rehearsal: RehearsalBroker,
    /// Steers the gateway.
    pub gate: Arc<dyn Gate>,
    /// Makes consumers.
    pub registry: Registry,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Names this process among those that share the database; another one at every start.
    pub node: String,
}

impl fmt::Debug for RotationsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationsOptions").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Why something could not be done with a rotation.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// It cannot happen now, or this person may not do it.
    #[error(transparent)]
    Refused(#[from] paddock_core::rotation::StepRefusal),
    /// The plan cannot be.
    #[error(transparent)]
    Plan(#[from] paddock_core::rotation::PlanFault),
    /// The database cannot take part, or there is no such rotation or connection.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault cannot take part.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A rehearsal needs the paper broker, and a pair of one of its accounts.
    #[error("a rehearsal runs against the paper broker: start it, and give the pair of one of its accounts")]
    NoRehearsal,
    /// The pasted text is empty or far too long. Nothing was kept.
    #[error("{0}: paste both halves as Alpaca shows them")]
    NotAPair(&'static str),
    /// A test stopped the process here.
    #[error("the process died here, as a test wanted")]
    Died,
}
