//! The cookie by which a browser is known again.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use paddock_core::SecretText;
use paddock_store::Session;

use super::People;
use super::step::LIFETIME;

/// Its name where pages are encrypted: a browser takes it from this host alone, for all of it, and sends it encrypted only.
const SECURE: &str = "__Host-paddock";
/// Its name elsewhere.
const PLAIN: &str = "paddock";
/// The names of the one between the two steps of signing in.
const SECURE_STEP: &str = "__Host-paddock-step";
const PLAIN_STEP: &str = "paddock-step";

impl People {
    fn is_secure(&self) -> bool {
        self.origin.as_ref().is_some_and(super::WebOrigin::is_https)
    }

    fn cookie_name(&self) -> &'static str {
        if self.is_secure() { SECURE } else { PLAIN }
    }

    fn step_cookie_name(&self) -> &'static str {
        if self.is_secure() { SECURE_STEP } else { PLAIN_STEP }
    }

    /// The token of the session, if the browser sent one.
    pub(crate) fn cookie(&self, headers: &HeaderMap) -> Option<SecretText> {
        sent(headers, self.cookie_name())
    }

    /// The ticket for the second step of signing in, if the browser sent one.
    pub(crate) fn step_cookie(&self, headers: &HeaderMap) -> Option<SecretText> {
        sent(headers, self.step_cookie_name())
    }

    /// The header that has the browser keep a ticket for the second step, for as long as it is good.
    pub(crate) fn set_step_cookie(&self, ticket: &SecretText) -> Option<HeaderValue> {
        let seconds = LIFETIME.as_secs();
        self.header(&format!("{}={}; Max-Age={seconds}", self.step_cookie_name(), ticket.expose()))
    }

    /// The header that has the browser forget it.
    pub(crate) fn forget_step_cookie(&self) -> Option<HeaderValue> {
        self.header(&format!("{}=; Max-Age=0", self.step_cookie_name()))
    }

    /// The header that has the browser keep a token for as long as a session may last.
    pub(crate) fn set_cookie(&self, token: &SecretText) -> Option<HeaderValue> {
        let seconds = Session::LIFETIME.as_secs();
        self.header(&format!("{}={}; Max-Age={seconds}", self.cookie_name(), token.expose()))
    }

    /// The header that has the browser forget it.
    pub(crate) fn forget_cookie(&self) -> Option<HeaderValue> {
        self.header(&format!("{}=; Max-Age=0", self.cookie_name()))
    }

    fn header(&self, cookie: &str) -> Option<HeaderValue> {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let mut value =
            HeaderValue::from_str(&format!("{cookie}; Path=/; HttpOnly; SameSite=Lax{secure}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// What the browser sent under a name, if anything. Of two cookies of the name neither counts: one of them was planted.
fn sent(headers: &HeaderMap, name: &str) -> Option<SecretText> {
    let lists = headers.get_all(COOKIE).iter().filter_map(|list| list.to_str().ok());
    let pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut own = pairs.filter(|(sent, _)| *sent == name);
    match (own.next(), own.next()) {
        (Some((_, value)), None) => Some(SecretText::new(value.to_owned())),
        _ => None,
    }
}
