//! What can be wrong when an account is connected by OAuth, each with its own code, sentence and next step.

use paddock_core::Environment;

use super::OAuthScopes;
use crate::connect_fault::OtherHost;

/// Why an account was not connected by OAuth, or why its token opens nothing any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OauthFault {
    /// The person said no.
    Denied,
    /// Alpaca sent the person back without a code, for another reason.
    Refused {
        /// Its word for it, of letters and underscores, for example `invalid_scope`.
        error: String,
    },
    /// Alpaca does not take the code: it has expired, was used, or is none.
    CodeRefused,
    /// Alpaca does not take the program's client id and secret.
    AppRefused,
    /// The person did not allow to trade, so that access keys would be good for nothing.
    TradingNotGranted {
        /// What was granted instead.
        granted: OAuthScopes,
    },
    /// Another account was chosen than the one that the connection is to.
    OtherAccount {
        /// The number of the account that the connection is to.
        expected: String,
        /// The number of the one that was chosen.
        found: String,
    },
    /// The token opens an account of the other environment.
    OtherEnvironment {
        /// The environment that was asked for.
        expected: Environment,
        /// The number of the account that the token opens.
        account_number: String,
    },
    /// No host takes the token: its person has taken it back.
    TokenRefused {
        /// The environment that was asked for.
        environment: Environment,
        /// Whether the other environment was heard as well.
        other: OtherHost,
    },
}

impl OauthFault {
    /// What Alpaca says when it sends a person back without a code. Nothing of what it says besides is kept.
    #[must_use]
    pub fn of_redirect(error: &str) -> Self {
        if error == "access_denied" {
            return Self::Denied;
        }
        let is_word = !error.is_empty()
            && error.len() <= 40
            && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Self::Refused { error: if is_word { error } else { "unknown_error" }.to_owned() }
    }

    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Denied => "oauth_denied",
            Self::Refused { .. } => "oauth_refused",
            Self::CodeRefused => "oauth_code_refused",
            Self::AppRefused => "oauth_app_refused",
            Self::TradingNotGranted { .. } => "oauth_without_trading",
            Self::OtherAccount { .. } => "oauth_other_account",
            Self::OtherEnvironment { .. } => "oauth_other_environment",
            Self::TokenRefused { .. } => "token_refused",
        }
    }

    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Denied => "Not allowed at Alpaca",
            Self::Refused { .. } => "Alpaca refused",
            Self::CodeRefused => "Code not accepted",
            Self::AppRefused => "App not accepted",
            Self::TradingNotGranted { .. } => "May not trade",
            Self::OtherAccount { .. } => "Another account",
            Self::OtherEnvironment { .. } => "Paper mode mismatch",
            Self::TokenRefused { .. } => "Token not accepted",
        }
    }

    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Denied => "at Alpaca the answer was no, so nothing was connected".to_owned(),
            Self::Refused { error } => format!("Alpaca sent you back without letting Paddock in: `{error}`"),
            Self::CodeRefused => {
                "Alpaca does not take its own code any more: it is good once, and for ten minutes".to_owned()
            }
            Self::AppRefused => "Alpaca does not take the client id and secret of this Paddock".to_owned(),
            Self::TradingNotGranted { granted } if *granted == OAuthScopes::default() => {
                "Alpaca let Paddock read the account and do nothing else, so no program could trade"
                    .to_owned()
            }
            Self::TradingNotGranted { granted } => {
                format!("Alpaca granted `{granted}` without `trading`, so no program could trade")
            }
            Self::OtherAccount { expected, found } => {
                format!("account {found} was chosen at Alpaca, and this connection is to account {expected}")
            }
            Self::OtherEnvironment { expected, account_number } => {
                let found = expected.other();
                format!("account {account_number} is a {found} account, and a {expected} one was asked for")
            }
            Self::TokenRefused { other: OtherHost::Refused, .. } => {
                "Alpaca does not take the token of this connection any more: it was revoked there".to_owned()
            }
            Self::TokenRefused { environment, other: OtherHost::NotHeard } => {
                let other = environment.other();
                format!(
                    "Alpaca does not take the token for {environment}, and the {other} host could not be asked"
                )
            }
        }
    }

    pub(crate) fn next_step(&self) -> String {
        match self {
            Self::Denied => {
                "choose Connect with Alpaca again and allow it there, or paste a key pair instead".to_owned()
            }
            Self::Refused { .. } => {
                "see that the app at Alpaca has the redirect address that `GET /api/v1/oauth` \
                                     answers and may ask for trading, then try again"
                    .to_owned()
            }
            Self::CodeRefused => "choose Connect with Alpaca again, and answer within ten minutes".to_owned(),
            Self::AppRefused => {
                "whoever runs this Paddock sets `client_id` and the secret under [oauth] in the \
                                 configuration as the page of the app at Alpaca shows them"
                    .to_owned()
            }
            Self::TradingNotGranted { .. } => {
                "choose Connect with Alpaca again, and allow trading there".to_owned()
            }
            Self::OtherAccount { expected, .. } => {
                format!("choose account {expected} at Alpaca, or connect the other account by itself")
            }
            Self::OtherEnvironment { expected, .. } => {
                let found = expected.other();
                format!("connect it as {found}, or choose a {expected} account at Alpaca")
            }
            Self::TokenRefused { .. } => {
                "connect it with Alpaca again, or replace the token by a key pair".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("access_denied", "oauth_denied", "the answer was no")]
    #[case("invalid_scope", "oauth_refused", "`invalid_scope`")]
    #[case("", "oauth_refused", "`unknown_error`")]
    #[case("<script>", "oauth_refused", "`unknown_error`")]
    #[case("7e1d0bff", "oauth_refused", "`unknown_error`")]
    fn of_what_comes_back_only_words_are_shown(#[case] error: &str, #[case] code: &str, #[case] words: &str) {
        let fault = OauthFault::of_redirect(error);
        assert_eq!(fault.code(), code);
        assert!(fault.sentence().contains(words), "{}", fault.sentence());
    }
}
