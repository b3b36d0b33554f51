//! Whether a pair still works: Alpaca says. Only when it was asked for, since it sends the pair there.

use paddock_alpaca::client::{AlpacaClient, ClientOptions};
use paddock_alpaca::connect_fault::{ConnectFault, OtherHost};
use paddock_alpaca::credential::Credential;
use paddock_alpaca::probe;
use paddock_core::Environment;

use super::finding::Finding;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// What Alpaca says of a pair.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It opens an account there.
    Works(Environment),
    /// It opens nothing.
    Refused,
    /// Nobody knows; the code says why.
    Unknown(&'static str),
}

impl Verdict {
    /// For people.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Works(environment) => {
                format!("Alpaca accepts it on {environment}: generate a new pair on its dashboard at once")
            }
            Self::Refused => "Alpaca refuses it: it opens nothing any more".to_owned(),
            Self::Unknown(code) => format!("Alpaca could not say whether it works ({code})"),
        }
    }

    /// For programs.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Works(Environment::Paper) => "works_on_paper",
            Self::Works(Environment::Live) => "works_on_live",
            Self::Refused => "refused",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Asks for each whole pair, one after the other.
pub(super) async fn ask(findings: &mut [Finding], context: &Context) -> Outcome {
    let config = context.config(&context.data_dir()?)?;
    let client = AlpacaClient::new(config.endpoints.clone(), &ClientOptions::default())
        .map_err(Failure::cannot("ask Alpaca"))?;
    for finding in findings {
        let (Some(key_id), Some(secret_key)) = (&finding.leak.key_id, &finding.leak.secret_key) else {
            continue;
        };
        let pair = Credential::KeyPair { key_id: key_id.value.clone(), secret_key: secret_key.value.clone() };
        finding.verdict = Some(verdict(&client, &pair).await);
    }
    Ok(())
}

async fn verdict(client: &AlpacaClient, pair: &Credential) -> Verdict {
    match probe(client, pair, Environment::Paper).await {
        Ok(_) => Verdict::Works(Environment::Paper),
        Err(ConnectFault::WrongEnvironment { .. }) => Verdict::Works(Environment::Live),
        // The pair opened an account, whatever that may do.
        Err(
            ConnectFault::AccountInactive { .. }
            | ConnectFault::AccountRestricted
            | ConnectFault::AccountBlocked,
        ) => Verdict::Works(Environment::Paper),
        Err(ConnectFault::InvalidCredentials { other: OtherHost::Refused, .. }) => Verdict::Refused,
        Err(fault) => Verdict::Unknown(fault.code()),
    }
}
