//! Everything that can be wrong when a person connects an account, each with its own code, sentence and next step.

use std::fmt;
use std::time::Duration;

use paddock_core::Environment;
use paddock_core::paste::PairFault;

use crate::client::ClientError;
use crate::oauth::OauthFault;

/// Why an account was not connected. Nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// The pair itself shows it, before anyone is asked: swapped, missing, no key at all, halves of two pairs.
    Pair(PairFault),
    /// It has to do with Alpaca's consent page, or with the token that came of it.
    Oauth(OauthFault),
    /// A token was given, and it is empty or has characters that cannot be sent.
    TokenMalformed,
    /// The other environment's host accepts the pair.
    WrongEnvironment {
        /// The environment that was asked for.
        expected: Environment,
        /// The number of the account that the other environment has.
        account_number: String,
    },
    /// No host accepts the pair: it is unknown, revoked or regenerated, or its halves are of two pairs.
    InvalidCredentials {
        /// The environment that was asked for.
        environment: Environment,
        /// Whether the other environment was heard as well.
        other: OtherHost,
    },
    /// The account exists and is not active.
    AccountInactive {
        /// Alpaca's word for it, for example `ONBOARDING`.
        status: String,
    },
    /// The account is active and may not trade.
    AccountRestricted,
    /// The account is blocked altogether.
    AccountBlocked,
    /// The host cannot be reached.
    Unreachable {
        /// The host.
        host: String,
    },
    /// The host's certificate is not trusted, or no encrypted connection came to be.
    TlsFailure {
        /// The host.
        host: String,
    },
    /// The host's certificate is not valid at this machine's time.
    ClockSkew {
        /// The host.
        host: String,
    },
    /// The host did not answer in time.
    Timeout {
        /// The host.
        host: String,
    },
    /// Alpaca answers no more requests for now.
    RateLimited {
        /// When Alpaca said to try again.
        retry_after: Option<Duration>,
    },
    /// Alpaca itself failed.
    ServerError {
        /// The HTTP status, 500 or above.
        status: u16,
    },
    /// The host answers, but not as Alpaca does.
    UnexpectedAnswer {
        /// The host.
        host: String,
    },
    /// The account is connected already.
    AlreadyConnected {
        /// The name of the connection that has it.
        name: String,
    },
    /// Another connection has the name.
    NameTaken {
        /// The name.
        name: String,
    },
}

/// What is known of the environment that was not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherHost {
    /// It refused the pair too.
    Refused,
    /// It could not be asked.
    NotHeard,
}

impl From<PairFault> for ConnectFault {
    fn from(fault: PairFault) -> Self {
        Self::Pair(fault)
    }
}

impl From<OauthFault> for ConnectFault {
    fn from(fault: OauthFault) -> Self {
        Self::Oauth(fault)
    }
}

impl ConnectFault {
    /// Why a host had no good answer, where what it refused was not the credential.
    pub(crate) fn of_host(error: ClientError, host: &str) -> Self {
        let host = host.to_owned();
        match error {
            ClientError::Api(_) | ClientError::Unreadable => Self::UnexpectedAnswer { host },
            ClientError::Unreachable => Self::Unreachable { host },
            ClientError::Tls { clock_skew_likely: true } => Self::ClockSkew { host },
            ClientError::Tls { clock_skew_likely: false } => Self::TlsFailure { host },
            ClientError::Timeout => Self::Timeout { host },
            ClientError::RateLimited { retry_after } => Self::RateLimited { retry_after },
            ClientError::Server { status } => Self::ServerError { status },
        }
    }

    /// The stable name, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pair(PairFault::Missing) => "credentials_missing",
            Self::Pair(PairFault::Swapped) => "fields_swapped",
            Self::Pair(PairFault::KeyIdTwice) => "key_id_twice",
            Self::Pair(PairFault::SecretTwice) => "secret_key_twice",
            Self::Pair(PairFault::HalvesOfTwoPairs) => "halves_of_two_pairs",
            Self::Pair(PairFault::KeyIdMalformed) => "key_id_malformed",
            Self::Pair(PairFault::SecretMalformed) => "secret_key_malformed",
            Self::Oauth(fault) => fault.code(),
            Self::TokenMalformed => "token_malformed",
            Self::WrongEnvironment { expected: Environment::Live, .. } => "paper_key_in_live",
            Self::WrongEnvironment { expected: Environment::Paper, .. } => "live_key_in_paper",
            Self::InvalidCredentials { .. } => "invalid_credentials",
            Self::AccountInactive { .. } => "account_inactive",
            Self::AccountRestricted => "account_restricted",
            Self::AccountBlocked => "account_blocked",
            Self::Unreachable { .. } => "host_unreachable",
            Self::TlsFailure { .. } => "tls_failure",
            Self::ClockSkew { .. } => "clock_skew",
            Self::Timeout { .. } => "timeout",
            Self::RateLimited { .. } => "rate_limited",
            Self::ServerError { .. } => "server_error",
            Self::UnexpectedAnswer { .. } => "unexpected_answer",
            Self::AlreadyConnected { .. } => "already_connected",
            Self::NameTaken { .. } => "name_taken",
        }
    }

    /// The heading, for people; the first three as users of other tools for Alpaca know them.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::InvalidCredentials { .. } | Self::Pair(PairFault::HalvesOfTwoPairs) => {
                "Invalid Alpaca credentials"
            }
            Self::WrongEnvironment { .. } => "Paper mode mismatch",
            Self::AccountInactive { .. } => "Account inactive",
            Self::Pair(PairFault::Missing) => "Credentials missing",
            Self::Pair(PairFault::Swapped) => "Key ID and Secret Key swapped",
            Self::Pair(PairFault::KeyIdTwice) => "Secret Key missing",
            Self::Pair(PairFault::SecretTwice) => "Key ID missing",
            Self::Pair(PairFault::KeyIdMalformed) => "Not a Key ID",
            Self::Pair(PairFault::SecretMalformed) => "Not a Secret Key",
            Self::Oauth(fault) => fault.label(),
            Self::TokenMalformed => "Not a token",
            Self::AccountRestricted => "Account restricted",
            Self::AccountBlocked => "Account blocked",
            Self::Unreachable { .. } => "Alpaca unreachable",
            Self::TlsFailure { .. } => "No trusted connection",
            Self::ClockSkew { .. } => "Clock is wrong",
            Self::Timeout { .. } => "No answer in time",
            Self::RateLimited { .. } => "Too many requests",
            Self::ServerError { .. } => "Alpaca failed",
            Self::UnexpectedAnswer { .. } => "Not Alpaca",
            Self::AlreadyConnected { .. } => "Already connected",
            Self::NameTaken { .. } => "Name taken",
        }
    }

    /// What is wrong, as a sentence; lower case, no full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Pair(fault) => pair_sentence(*fault).to_owned(),
            Self::Oauth(fault) => fault.sentence(),
            Self::TokenMalformed => "the token is empty or has characters that no token has".to_owned(),
            Self::WrongEnvironment { expected, account_number } => {
                let found = expected.other();
                format!(
                    "this is a {found} key (account {account_number}), and a {expected} connection was asked for"
                )
            }
            Self::InvalidCredentials { environment, other } => {
                let refused = match other {
                    OtherHost::Refused => {
                        "Alpaca accepts this pair neither for paper nor for live".to_owned()
                    }
                    OtherHost::NotHeard => {
                        let other = environment.other();
                        format!(
                            "Alpaca does not accept this pair for {environment}, and the {other} host could not be asked"
                        )
                    }
                };
                format!("{refused}: it is unknown or revoked, or its halves are of two pairs")
            }
            Self::AccountInactive { status } => format!("Alpaca knows the account, and it is {status}"),
            Self::AccountRestricted => "Alpaca knows the account, and has stopped trading in it".to_owned(),
            Self::AccountBlocked => "Alpaca knows the account, and has blocked it".to_owned(),
            Self::Unreachable { host } => format!("{host} cannot be reached"),
            Self::TlsFailure { host } => format!("no trusted encrypted connection to {host} came to be"),
            Self::ClockSkew { host } => {
                format!("by this machine's clock the certificate of {host} is not valid")
            }
            Self::Timeout { host } => format!("{host} did not answer in time"),
            Self::RateLimited { .. } => "Alpaca answers no more requests for now".to_owned(),
            Self::ServerError { status } => format!("Alpaca failed with HTTP status {status}"),
            Self::UnexpectedAnswer { host } => format!("{host} answers, but not as Alpaca does"),
            Self::AlreadyConnected { name } => format!("this account is connected already, as {name}"),
            Self::NameTaken { name } => format!("another connection is named {name}"),
        }
    }

    /// What to do now, as a sentence; lower case, no full stop.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Pair(fault) => pair_next_step(*fault).to_owned(),
            Self::Oauth(fault) => fault.next_step(),
            Self::TokenMalformed => "copy the access token again, as a whole".to_owned(),
            Self::WrongEnvironment { expected, .. } => {
                let found = expected.other();
                format!("connect it as {found}, or generate a {expected} key in Alpaca's dashboard")
            }
            Self::InvalidCredentials { .. } => {
                "copy both fields again from one page of Alpaca's dashboard; if the Secret Key is gone, generate a new \
                 pair there"
                    .to_owned()
            }
            Self::AccountInactive { .. } => {
                "finish or reopen the account in Alpaca's dashboard, then connect it again".to_owned()
            }
            Self::AccountRestricted | Self::AccountBlocked => {
                "ask Alpaca's support what is open, then connect it again".to_owned()
            }
            Self::Unreachable { .. } => {
                "check the network, the firewall and the configured address, then try again".to_owned()
            }
            Self::TlsFailure { .. } => "check for a proxy or a virus scanner that opens encrypted connections, and the \
                 configured address, then try again"
                .to_owned(),
            Self::ClockSkew { .. } => "set this machine's date and time, then try again".to_owned(),
            Self::Timeout { .. } => "try again in a minute; see https://status.alpaca.markets".to_owned(),
            Self::RateLimited { retry_after: Some(wait) } => format!("try again in {} seconds", wait.as_secs()),
            Self::RateLimited { retry_after: None } => "try again in a minute".to_owned(),
            Self::ServerError { .. } => {
                "try again in a few minutes; see https://status.alpaca.markets".to_owned()
            }
            Self::UnexpectedAnswer { .. } => "check the configured address of this environment".to_owned(),
            Self::AlreadyConnected { name } => {
                format!("replace the credential of {name} instead; its history stays")
            }
            Self::NameTaken { .. } => "choose another name".to_owned(),
        }
    }

    /// What is wrong with a credential that is stored already and was good once.
    #[must_use]
    pub fn sentence_when_stored(&self) -> String {
        match self {
            Self::InvalidCredentials { environment, .. } => format!(
                "Alpaca does not accept this connection's pair for {environment}: it was probably regenerated or revoked, or the account \
                 was reset"
            ),
            _ => self.sentence(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn next_step_when_stored(&self) -> String {
        match self {
            Self::InvalidCredentials { .. } | Self::WrongEnvironment { .. } | Self::Pair(_) => {
                "generate a new pair in Alpaca's dashboard, and replace the key pair of this connection with it".to_owned()
            }
            Self::Oauth(_) | Self::TokenMalformed => {
                "connect it again, which gets a new token from Alpaca".to_owned()
            }
            Self::AccountInactive { .. } => {
                "finish or reopen the account in Alpaca's dashboard, then check again".to_owned()
            }
            Self::AccountRestricted | Self::AccountBlocked => {
                "ask Alpaca's support what is open, then check again".to_owned()
            }
            _ => self.next_step(),
        }
    }

    /// The account's status, where Alpaca gave one.
    #[must_use]
    pub fn account_status(&self) -> Option<&str> {
        match self {
            Self::AccountInactive { status } => Some(status),
            _ => None,
        }
    }

    /// Whether trying again later, unchanged, may succeed.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::RateLimited { .. }
                | Self::ServerError { .. }
        )
    }
}

const fn pair_sentence(fault: PairFault) -> &'static str {
    match fault {
        PairFault::Missing => "one of the two fields is empty",
        PairFault::Swapped => "the Secret Key stands in the field of the Key ID, and the Key ID in its",
        PairFault::KeyIdTwice => "both fields hold a Key ID",
        PairFault::SecretTwice => "both fields hold a Secret Key",
        PairFault::HalvesOfTwoPairs => "the Key ID and the Secret Key are of two different pairs",
        PairFault::KeyIdMalformed => {
            "the Key ID does not look like one: it has 20 or 26 capital letters and digits"
        }
        PairFault::SecretMalformed => {
            "the Secret Key does not look like one: it has 40 or 44 letters and digits"
        }
    }
}

const fn pair_next_step(fault: PairFault) -> &'static str {
    match fault {
        PairFault::Missing => "enter both the Key ID and the Secret Key",
        PairFault::Swapped => "swap the two fields",
        PairFault::KeyIdTwice => {
            "copy the Secret Key into its field; Alpaca shows it once, so generate a new pair if it is gone"
        }
        PairFault::SecretTwice => {
            "copy the Key ID into its field; it begins with PK for paper and AK for live"
        }
        PairFault::HalvesOfTwoPairs => {
            "copy both from the same page of Alpaca's dashboard, right after generating"
        }
        PairFault::KeyIdMalformed => "copy the Key ID again, as a whole",
        PairFault::SecretMalformed => "copy the Secret Key again, as a whole",
    }
}

impl fmt::Display for ConnectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl std::error::Error for ConnectFault {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::oauth::OAuthScopes;

    fn all() -> Vec<ConnectFault> {
        let host = || "paper-api.alpaca.markets".to_owned();
        let account_number = || "PA3ABCDEFGHI".to_owned();
        let (paper, live) = (Environment::Paper, Environment::Live);
        vec![
            ConnectFault::Pair(PairFault::Missing),
            ConnectFault::Pair(PairFault::Swapped),
            ConnectFault::Pair(PairFault::KeyIdTwice),
            ConnectFault::Pair(PairFault::SecretTwice),
            ConnectFault::Pair(PairFault::HalvesOfTwoPairs),
            ConnectFault::Pair(PairFault::KeyIdMalformed),
            ConnectFault::Pair(PairFault::SecretMalformed),
            OauthFault::Denied.into(),
            OauthFault::Refused { error: "invalid_scope".to_owned() }.into(),
            OauthFault::CodeRefused.into(),
            OauthFault::AppRefused.into(),
            OauthFault::TradingNotGranted { granted: OAuthScopes::default() }.into(),
            OauthFault::OtherAccount { expected: account_number(), found: "PA9".to_owned() }.into(),
            OauthFault::OtherEnvironment { expected: live, account_number: account_number() }.into(),
            OauthFault::TokenRefused { environment: paper, other: OtherHost::Refused }.into(),
            ConnectFault::TokenMalformed,
            ConnectFault::WrongEnvironment { expected: paper, account_number: account_number() },
            ConnectFault::WrongEnvironment { expected: live, account_number: account_number() },
            ConnectFault::InvalidCredentials { environment: paper, other: OtherHost::Refused },
            ConnectFault::AccountInactive { status: "ONBOARDING".to_owned() },
            ConnectFault::AccountRestricted,
            ConnectFault::AccountBlocked,
            ConnectFault::Unreachable { host: host() },
            ConnectFault::TlsFailure { host: host() },
            ConnectFault::ClockSkew { host: host() },
            ConnectFault::Timeout { host: host() },
            ConnectFault::RateLimited { retry_after: None },
            ConnectFault::ServerError { status: 503 },
            ConnectFault::UnexpectedAnswer { host: host() },
            ConnectFault::AlreadyConnected { name: "main".to_owned() },
            ConnectFault::NameTaken { name: "main".to_owned() },
        ]
    }

    #[test]
    fn each_fault_has_its_own_code_sentence_and_heading() {
        let faults = all();
        let codes: BTreeSet<_> = faults.iter().map(ConnectFault::code).collect();
        let sentences: BTreeSet<_> = faults.iter().map(ConnectFault::sentence).collect();
        assert_eq!((codes.len(), sentences.len()), (faults.len(), faults.len()));
    }

    #[test]
    fn sentences_and_steps_keep_the_house_style() {
        for fault in all() {
            for text in [
                fault.sentence(),
                fault.next_step(),
                fault.sentence_when_stored(),
                fault.next_step_when_stored(),
            ] {
                assert!(!text.ends_with('.') && !text.contains("  ") && !text.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn users_know_these_headings() {
        let labels: Vec<_> = all().iter().map(ConnectFault::label).collect();
        for known in ["Invalid Alpaca credentials", "Paper mode mismatch", "Account inactive"] {
            assert!(labels.contains(&known));
        }
    }

    #[test]
    fn a_wrong_environment_says_which_way() {
        let fault = ConnectFault::WrongEnvironment {
            expected: Environment::Live,
            account_number: "PA3ABCDEFGHI".to_owned(),
        };
        assert_eq!(fault.code(), "paper_key_in_live");
        assert_eq!(
            fault.sentence(),
            "this is a paper key (account PA3ABCDEFGHI), and a live connection was asked for"
        );
    }
}
