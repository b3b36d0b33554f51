//! Proves a credential before it is stored, by asking both environments about it.
//!
//! The prefix of a Key ID only hints at its environment; what Alpaca's two hosts answer proves it.

use std::sync::Arc;

use paddock_core::Environment;

use crate::client::{AlpacaClient, ClientError, Pacer};
use crate::connect_fault::{ConnectFault, OtherHost};
use crate::credential::Credential;
use crate::error::AlpacaError;
use crate::oauth::OauthFault;
use crate::wire::Account;

/// The account that the credential opens, or why there is none.
pub type ProbeResult = Result<Account, ConnectFault>;

/// Asks `GET /v2/account` of both environments at once, and says what the two answers mean together. Takes as long as the slower
/// host, at most the client's timeout.
///
/// # Errors
/// [`ConnectFault`] unless the environment asked for has an active account that may trade.
pub async fn probe(client: &AlpacaClient, credential: &Credential, environment: Environment) -> ProbeResult {
    let other = environment.other();
    let here = client.with_credential(environment, credential);
    let there = client.with_credential(other, credential);
    let (Ok(here), Ok(there)) = (here, there) else { return Err(unsendable(credential)) };
    let (here, there) = tokio::join!(here.account(), there.account());
    let host = client.endpoints().trading(environment).authority();
    judge(credential, environment, host, here, there)
}

/// Asks the environment's own host only, about a credential that is known to belong there, and in turn with what else is asked of the account.
/// When it is refused, the other host was not heard.
///
/// # Errors
/// As for [`probe`].
pub async fn probe_own_host(
    client: &AlpacaClient,
    credential: &Credential,
    environment: Environment,
    pacer: Option<Arc<dyn Pacer>>,
) -> ProbeResult {
    let Ok(here) = client.with_credential(environment, credential) else {
        return Err(unsendable(credential));
    };
    let here = match pacer {
        Some(pacer) => here.paced(pacer),
        None => here,
    };
    let host = client.endpoints().trading(environment).authority();
    judge(credential, environment, host, here.account().await, Err(ClientError::Unreachable))
}

/// What the answers of both hosts mean together. `here` is the answer of the environment asked for.
fn judge(
    credential: &Credential,
    environment: Environment,
    host: &str,
    here: Result<Account, ClientError>,
    there: Result<Account, ClientError>,
) -> ProbeResult {
    let fault = match here {
        // What the other host says is of no matter then.
        Ok(account) => return may_trade(account, environment),
        Err(fault) => fault,
    };
    // A pair belongs to one environment, so the other one's yes settles it even when this one could not be heard. A
    // token may belong to both.
    if let Ok(account) = &there
        && (fault.refuses_credential() || matches!(credential, Credential::KeyPair { .. }))
    {
        let (expected, account_number) = (environment, account.account_number.clone());
        return Err(match credential {
            Credential::KeyPair { .. } => ConnectFault::WrongEnvironment { expected, account_number },
            Credential::OauthToken(_) => OauthFault::OtherEnvironment { expected, account_number }.into(),
        });
    }
    Err(match fault {
        fault if fault.refuses_credential() => {
            let refused = there.as_ref().is_err_and(ClientError::refuses_credential);
            let other = if refused { OtherHost::Refused } else { OtherHost::NotHeard };
            match credential {
                Credential::KeyPair { .. } => ConnectFault::InvalidCredentials { environment, other },
                Credential::OauthToken(_) => OauthFault::TokenRefused { environment, other }.into(),
            }
        }
        ClientError::Api(AlpacaError { status: 403, .. }) => ConnectFault::AccountRestricted,
        fault => ConnectFault::of_host(fault, host),
    })
}

fn unsendable(credential: &Credential) -> ConnectFault {
    use paddock_core::paste::PairFault;
    match credential {
        Credential::KeyPair { key_id, .. }
            if key_id.expose().bytes().any(|byte| !byte.is_ascii_graphic()) =>
        {
            PairFault::KeyIdMalformed.into()
        }
        Credential::KeyPair { .. } => PairFault::SecretMalformed.into(),
        Credential::OauthToken(_) => ConnectFault::TokenMalformed,
    }
}

/// An account that a paper-only user has in the paper environment has its own word for being active.
fn may_trade(account: Account, environment: Environment) -> ProbeResult {
    let paper_only = environment == Environment::Paper && account.status == "PAPER_ONLY";
    if account.account_blocked {
        Err(ConnectFault::AccountBlocked)
    } else if !account.is_active() && !paper_only {
        Err(ConnectFault::AccountInactive { status: account.status })
    } else if account.trading_blocked {
        Err(ConnectFault::AccountRestricted)
    } else {
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use paddock_core::SecretText;
    use rstest::rstest;

    use super::*;

    fn pair() -> Credential {
        let secret = |text: &str| SecretText::new(text.to_owned());
        Credential::KeyPair { key_id: secret("PK"), secret_key: secret("S") }
    }

    fn token() -> Credential {
        Credential::OauthToken(SecretText::new("t".to_owned()))
    }

    fn account() -> Account {
        Account { account_number: "PA1".to_owned(), status: "ACTIVE".to_owned(), ..Account::default() }
    }

    fn refused() -> ClientError {
        ClientError::Api(AlpacaError::unauthorized())
    }

    fn code(result: &ProbeResult) -> &'static str {
        match result {
            Ok(_) => "connected",
            Err(fault) => fault.code(),
        }
    }

    #[rstest]
    #[case(Ok(account()), Err(refused()), "connected")]
    #[case(Ok(account()), Err(ClientError::Unreachable), "connected")]
    #[case(Ok(account()), Ok(account()), "connected")]
    #[case(Err(refused()), Ok(account()), "paper_key_in_live")]
    #[case(Err(ClientError::Unreachable), Ok(account()), "paper_key_in_live")]
    #[case(Err(refused()), Err(refused()), "invalid_credentials")]
    #[case(Err(refused()), Err(ClientError::Timeout), "invalid_credentials")]
    #[case(Err(ClientError::Unreachable), Err(refused()), "host_unreachable")]
    #[case(Err(ClientError::Timeout), Err(refused()), "timeout")]
    #[case(Err(ClientError::Tls { clock_skew_likely: true }), Err(refused()), "clock_skew")]
    #[case(Err(ClientError::Tls { clock_skew_likely: false }), Err(refused()), "tls_failure")]
    #[case(Err(ClientError::RateLimited { retry_after: None }), Err(refused()), "rate_limited")]
    #[case(Err(ClientError::Server { status: 502 }), Err(refused()), "server_error")]
    #[case(Err(ClientError::Unreadable), Err(refused()), "unexpected_answer")]
    #[case(Err(ClientError::Api(AlpacaError::endpoint_not_found())), Err(refused()), "unexpected_answer")]
    #[case(
        Err(ClientError::Api(AlpacaError::account_not_authorized())),
        Err(refused()),
        "account_restricted"
    )]
    #[case(
        Err(ClientError::Api(AlpacaError::without_code(403, "forbidden."))),
        Err(refused()),
        "invalid_credentials"
    )]
    fn two_answers_have_one_meaning(
        #[case] here: Result<Account, ClientError>,
        #[case] there: Result<Account, ClientError>,
        #[case] expected: &str,
    ) {
        assert_eq!(code(&judge(&pair(), Environment::Live, "host", here, there)), expected);
    }

    #[test]
    fn a_token_for_both_environments_is_not_misplaced_when_one_cannot_be_heard() {
        let result = judge(&token(), Environment::Live, "host", Err(ClientError::Unreachable), Ok(account()));
        assert_eq!(code(&result), "host_unreachable");
    }

    #[rstest]
    #[case(Ok(account()), Err(refused()), "connected")]
    #[case(Err(refused()), Err(refused()), "token_refused")]
    #[case(Err(refused()), Err(ClientError::Timeout), "token_refused")]
    #[case(Err(refused()), Ok(account()), "oauth_other_environment")]
    #[case(Err(ClientError::Server { status: 502 }), Ok(account()), "server_error")]
    fn a_token_is_told_of_as_a_token(
        #[case] here: Result<Account, ClientError>,
        #[case] there: Result<Account, ClientError>,
        #[case] expected: &str,
    ) {
        assert_eq!(code(&judge(&token(), Environment::Live, "host", here, there)), expected);
    }

    #[test]
    fn whether_the_other_host_was_heard_is_told() {
        let judge = |there| judge(&pair(), Environment::Paper, "host", Err(refused()), Err(there));
        let environment = Environment::Paper;
        assert_eq!(
            judge(ClientError::Unreachable),
            Err(ConnectFault::InvalidCredentials { environment, other: OtherHost::NotHeard })
        );
        assert_eq!(
            judge(refused()),
            Err(ConnectFault::InvalidCredentials { environment, other: OtherHost::Refused })
        );
    }

    #[rstest]
    #[case(Account { status: "ONBOARDING".to_owned(), ..account() }, "account_inactive")]
    #[case(Account { status: "PAPER_ONLY".to_owned(), ..account() }, "account_inactive")]
    #[case(Account { trading_blocked: true, ..account() }, "account_restricted")]
    #[case(Account { account_blocked: true, ..account() }, "account_blocked")]
    #[case(Account { trade_suspended_by_user: true, ..account() }, "connected")]
    fn an_account_must_be_able_to_trade(#[case] account: Account, #[case] expected: &str) {
        assert_eq!(code(&may_trade(account, Environment::Live)), expected);
    }
}
