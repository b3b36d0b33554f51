//! Paddock as Alpaca knows it: a program that its operator has registered there, and that people may let into their accounts.

use std::fmt::{self, Write as _};

use paddock_core::{Environment, SecretText};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::OAuthScopes;
use crate::endpoints::{BaseUrl, BaseUrlFault};
use crate::path::Query;

/// Where people are asked.
const CONSENT: &str = "https://app.alpaca.markets";

/// Where codes become tokens.
const TOKENS: &str = "https://api.alpaca.markets";

/// The longest client id and secret, in bytes; Alpaca's have 32 and 40.
const LONGEST: usize = 128;

/// How the program is registered.
#[derive(Clone, Debug)]
pub struct OauthSettings {
    /// Its client id.
    pub client_id: String,
    /// Its secret.
    pub secret: SecretText,
    /// Where Alpaca sends people back to, exactly as it is registered.
    pub redirect_uri: String,
    /// The host of the page that asks people; Alpaca's own when absent.
    pub consent_url: Option<String>,
    /// The host that gives tokens; Alpaca's own when absent.
    pub token_url: Option<String>,
}

/// Why a registration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OauthSettingsFault {
    /// The client id is none.
    #[error("the client id is not one of Alpaca's: copy it from the page of the app there")]
    ClientId,
    /// The secret is none. It is not shown.
    #[error(
        "the client secret is empty or has characters that no secret has: copy it from the page of the app there"
    )]
    Secret,
    /// The address to come back to is not written as browsers write it, so that it could not be compared.
    #[error("the redirect address must be written as `{0}`, here and at Alpaca")]
    RedirectSpelling(String),
    /// An address is none.
    #[error(transparent)]
    Address(#[from] BaseUrlFault),
}

/// A registered program.
#[derive(Clone)]
pub struct OauthApp {
    client_id: String,
    secret: SecretText,
    redirect_uri: BaseUrl,
    consent: BaseUrl,
    tokens: BaseUrl,
}

impl fmt::Debug for OauthApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OauthApp")
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl OauthApp {
    /// Takes a registration that can be used.
    ///
    /// # Errors
    /// [`OauthSettingsFault`].
    pub fn new(settings: OauthSettings) -> Result<Self, OauthSettingsFault> {
        let is_plain = |text: &str| {
            !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_plain(&settings.client_id) {
            return Err(OauthSettingsFault::ClientId);
        }
        if !is_plain(settings.secret.expose()) {
            return Err(OauthSettingsFault::Secret);
        }
        let redirect_uri = BaseUrl::http(&settings.redirect_uri)?;
        if redirect_uri.as_str() != settings.redirect_uri {
            return Err(OauthSettingsFault::RedirectSpelling(redirect_uri.to_string()));
        }
        let host = |text: Option<String>, own| BaseUrl::http(text.as_deref().unwrap_or(own));
        Ok(Self {
            client_id: settings.client_id,
            secret: settings.secret,
            redirect_uri,
            consent: host(settings.consent_url, CONSENT)?,
            tokens: host(settings.token_url, TOKENS)?,
        })
    }

    /// The client id.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Where Alpaca sends people back to.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        self.redirect_uri.as_str()
    }

    /// The address of the page at Alpaca that asks a person for access to accounts of that environment. `state` comes back with the
    /// answer.
    #[must_use]
    pub fn consent_address(&self, state: &str, environment: Environment) -> String {
        let scope = OAuthScopes::ALL.to_string();
        let query = Query::of(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", self.redirect_uri()),
            ("state", state),
            ("scope", &scope),
            ("env", environment.as_str()),
        ]);
        format!("{}/oauth/authorize?{}", self.consent, query.to_upstream())
    }

    /// What a page's policy must name so that a form of it may lead to that page. A policy has no way of naming an IPv6 address: then it
    /// is the scheme.
    #[must_use]
    pub fn consent_source(&self) -> String {
        let scheme = self.consent.as_str().split("://").next().unwrap_or("https");
        match self.consent.authority() {
            authority if authority.starts_with('[') => format!("{scheme}:"),
            authority => format!("{scheme}://{authority}"),
        }
    }

    /// The host that gives tokens.
    #[must_use]
    pub const fn tokens(&self) -> &BaseUrl {
        &self.tokens
    }

    /// The form that asks for a token, which holds the code and the app's secret.
    pub(crate) fn exchange(&self, code: &str) -> Zeroizing<String> {
        // As long as it can become, so that growing leaves no copy behind.
        let mut form = Zeroizing::new(String::with_capacity(16 * 1024));
        for (name, value) in [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.client_id),
            ("client_secret", self.secret.expose()),
            ("redirect_uri", self.redirect_uri()),
        ] {
            let joint = if form.is_empty() { "" } else { "&" };
            _ = write!(form, "{joint}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        form
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn settings() -> OauthSettings {
        OauthSettings {
            client_id: "0123456789abcdef0123456789abcdef".to_owned(),
            secret: SecretText::new("CANARYSECRETCANARYSECRETCANARYSECRET1234".to_owned()),
            redirect_uri: "https://paddock.example/oauth/callback".to_owned(),
            consent_url: None,
            token_url: None,
        }
    }

    #[test]
    fn people_are_asked_for_what_paddock_does_in_one_environment() {
        let app = OauthApp::new(settings()).unwrap();
        assert_eq!(
            app.consent_address("abc", Environment::Paper),
            "https://app.alpaca.markets/oauth/authorize?response_type=code&client_id=0123456789abcdef0123456789abcdef\
             &redirect_uri=https%3A%2F%2Fpaddock.example%2Foauth%2Fcallback&state=abc\
             &scope=account%3Awrite%20trading%20data&env=paper"
        );
        assert_eq!(app.consent_source(), "https://app.alpaca.markets");
        assert_eq!(app.tokens().as_str(), "https://api.alpaca.markets");
        assert!(!format!("{app:?}").contains("CANARY"));
    }

    #[rstest]
    #[case("http://127.0.0.1:7881", "http://127.0.0.1:7881")]
    #[case("http://[::1]:7881", "http:")]
    fn a_policy_names_another_consent_page(#[case] url: &str, #[case] source: &str) {
        let app = OauthApp::new(OauthSettings { consent_url: Some(url.to_owned()), ..settings() }).unwrap();
        assert_eq!(app.consent_source(), source);
    }

    #[rstest]
    #[case::no_client(OauthSettings { client_id: String::new(), ..settings() })]
    #[case::client_of_two_lines(OauthSettings { client_id: "a\nb".to_owned(), ..settings() })]
    #[case::no_secret(OauthSettings { secret: SecretText::new(String::new()), ..settings() })]
    #[case::secret_of_two_words(OauthSettings { secret: SecretText::new("CANARY x".to_owned()), ..settings() })]
    #[case::redirect_in_the_clear(OauthSettings { redirect_uri: "http://paddock.example/oauth/callback".to_owned(), ..settings() })]
    #[case::redirect_with_a_query(OauthSettings { redirect_uri: "https://paddock.example/oauth/callback?x=1".to_owned(), ..settings() })]
    #[case::redirect_with_a_slash(OauthSettings { redirect_uri: "https://paddock.example/oauth/callback/".to_owned(), ..settings() })]
    #[case::redirect_in_capitals(OauthSettings { redirect_uri: "https://Paddock.example/oauth/callback".to_owned(), ..settings() })]
    #[case::redirect_with_the_usual_port(OauthSettings { redirect_uri: "https://paddock.example:443/oauth/callback".to_owned(), ..settings() })]
    #[case::tokens_in_the_clear(OauthSettings { token_url: Some("http://api.example".to_owned()), ..settings() })]
    #[case::no_consent_page(OauthSettings { consent_url: Some("app.example".to_owned()), ..settings() })]
    fn what_cannot_be_used_is_refused(#[case] settings: OauthSettings) {
        let fault = OauthApp::new(settings).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains("CANARY"));
    }
}
