//! The pasted pair: is it one, is it whole, is it new, does it open the same account; and its way into the vault.

use paddock_alpaca::{ConnectFault, probe};
use paddock_core::paste::pair_fault;
use paddock_core::rotation::{Event, Failure, Rotation};
use paddock_store::{FingerprintMatch, PairOf, StoreError};

use super::account::failure_of;
use crate::pairs::Pair;
use crate::run::Outcome;
use crate::{RotateError, Rotations};

impl Rotations {
    pub(crate) async fn check_candidate(&self, rotation: &Rotation) -> Result<Event, RotateError> {
        let pair = self.options.of_rotation(rotation, PairOf::Candidate).await?;
        let doubt = pair_fault(&pair.key_id, &pair.secret_key);
        if let Some(fault) = doubt
            && !fault.may_be_a_newer_form(&pair.key_id, &pair.secret_key)
        {
            return Ok(Event::CandidateFailed(failure_of(&ConnectFault::Pair(fault))));
        }
        if let Some(failure) = self.known_halves(rotation, &pair).await? {
            return Ok(Event::CandidateFailed(failure));
        }
        let client = self.broker(rotation)?;
        let account = match probe(client, &pair.credential(), rotation.environment).await {
            Ok(account) => account,
            // Its form says more than a refusal does.
            Err(ConnectFault::InvalidCredentials { environment, other }) => {
                let refused = ConnectFault::InvalidCredentials { environment, other };
                return Ok(Event::CandidateFailed(failure_of(&doubt.map_or(refused, ConnectFault::Pair))));
            }
            Err(fault) => return Ok(Event::CandidateFailed(failure_of(&fault))),
        };
        // A pair opens one environment. One that opens both is none that Alpaca makes.
        let other = match client.with_credential(rotation.environment.other(), &pair.credential()) {
            Ok(asking) => asking.account().await,
            Err(_) => return Err(RotateError::NotAPair("the pair cannot be sent")),
        };
        let other_host = match other {
            Ok(account) => {
                let message = format!(
                    "the pasted pair also opens {} account {}",
                    rotation.environment.other(),
                    account.account_number
                );
                let next_step = "check the addresses of Alpaca's hosts in the configuration, then resume";
                return Ok(Event::CandidateFailed(Failure::new(
                    "opens_both_environments",
                    message,
                    next_step,
                )));
            }
            Err(error) if error.refuses_credential() => "refused",
            Err(_) => "not heard",
        };
        Ok(Event::CandidateOpens {
            account_id: account.id.to_string(),
            account_number: account.account_number,
            other_host: other_host.to_owned(),
        })
    }

    /// Half of a known pair with another half is a slip that Alpaca could only answer with "unauthorized".
    async fn known_halves(&self, rotation: &Rotation, pair: &Pair) -> Result<Option<Failure>, RotateError> {
        let prints = self.options.prints(pair)?;
        let present = self.options.prints(&self.options.present(rotation).await?)?;
        let mut known = self
            .options
            .store
            .find_fingerprints(prints.key_id.as_bytes(), prints.secret_key.as_bytes())
            .await?;
        known.push(FingerprintMatch {
            connection: rotation.connection,
            version: 0,
            key_id_matches: prints.key_id == present.key_id,
            secret_matches: prints.secret_key == present.secret_key,
        });
        if prints == present {
            let message = "the pasted pair is the present one";
            let next_step = "make a new pair in Alpaca's dashboard and paste that one";
            return Ok(Some(Failure::new("same_pair", message, next_step)));
        }
        if known.iter().any(|known| known.key_id_matches && known.secret_matches) {
            // One that was used before: whether it is good, Alpaca says.
            return Ok(None);
        }
        let message = if known.iter().any(|known| known.secret_matches) {
            "the pasted Secret Key is of an earlier pair, and the Key ID is not"
        } else if known.iter().any(|known| known.key_id_matches) {
            "the pasted Key ID is of an earlier pair, and the Secret Key is not"
        } else {
            return Ok(None);
        };
        Ok(Some(Failure::new("torn_pair", message, "copy both halves of the new pair again and paste them")))
    }

    /// The new version of the credential, and the old pair, sealed for as long as it must be asked about. In a rehearsal the vault stays as
    /// it is.
    pub(crate) async fn commit(&self, rotation: &Rotation) -> Result<Outcome, RotateError> {
        if rotation.rehearsal {
            return Ok(Event::Committed(None).into());
        }
        let options = &self.options;
        let connection = options.store.connection(rotation.connection).await?;
        let connection = connection.ok_or(StoreError::NotFound { what: "connection" })?;
        let version = connection.credential_version.saturating_add(1);
        let old = options.present(rotation).await?;
        let new = options.of_rotation(rotation, PairOf::Candidate).await?;
        let retiring = options.seal_for_rotation(rotation, PairOf::Retiring, 0, &old).await?;
        let credential =
            options.seal_for_connection(rotation.team, rotation.connection, version, &new).await?;
        Ok(Outcome { event: Event::Committed(Some(version)), commit: Some(Box::new((credential, retiring))) })
    }
}
