//! The token that opens the admin interface.

use paddock_core::entropy::random_text;
use paddock_core::{Entropy, SecretText};

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// 262 bits.
const LENGTH: usize = 44;
/// The shortest that may be chosen by hand, and the longest.
const CHOSEN: std::ops::RangeInclusive<usize> = 16..=256;

/// A token that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the admin token must be 16 to 256 characters, ASCII without spaces")]
pub struct BadToken;

/// The token that opens the admin interface. It is compared in constant time, and never printed.
#[derive(Clone, Debug)]
pub(crate) struct AdminToken(SecretText);

impl AdminToken {
    /// The one that was chosen, or a new one.
    pub fn chosen_or_new(chosen: Option<SecretText>, entropy: &dyn Entropy) -> Result<Self, BadToken> {
        match chosen {
            Some(token) => check_token(&token).map(|()| Self(token)),
            None => Ok(Self(SecretText::new(random_text(entropy, ALPHABET, LENGTH)))),
        }
    }

    /// Whether `offered` is it.
    pub fn is(&self, offered: &SecretText) -> bool {
        self.0 == *offered
    }

    /// The token itself, for whoever hands it on.
    pub const fn text(&self) -> &SecretText {
        &self.0
    }
}

/// Looks whether a token that was chosen by hand can be used.
///
/// # Errors
/// [`BadToken`] if not.
pub fn check_token(token: &SecretText) -> Result<(), BadToken> {
    let text = token.expose();
    let usable = CHOSEN.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    usable.then_some(()).ok_or(BadToken)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::keys::tests::Seeded;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[rstest]
    #[case("0123456789abcdef", true)]
    #[case("0123456789abcde", false)]
    #[case("0123456789 abcdef", false)]
    #[case("0123456789abcdé?", false)]
    #[case("", false)]
    fn a_chosen_token_must_be_usable(#[case] token: &str, #[case] expected: bool) {
        let chosen = AdminToken::chosen_or_new(Some(secret(token)), &Seeded::new(1));
        assert_eq!(chosen.is_ok(), expected);
    }

    #[test]
    fn a_new_token_is_long_and_its_own() {
        let token = AdminToken::chosen_or_new(None, &Seeded::new(1)).unwrap();
        assert!(check_token(token.text()).is_ok() && token.text().expose().len() == LENGTH);
        assert!(token.is(token.text()) && !token.is(&secret("")) && !token.is(&secret("0123456789abcdef")));
        assert!(!format!("{token:?}").contains(token.text().expose()));
    }
}
