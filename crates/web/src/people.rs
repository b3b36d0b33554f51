//! People: how somebody comes to be known here, and what the rest of this crate needs for it.

pub(crate) mod api_token;
pub(crate) mod cookie;
pub(crate) mod invite;
pub(crate) mod network;
pub(crate) mod password;
pub(crate) mod person_name;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod step;
pub(crate) mod throttle;
pub(crate) mod token;

use ipnet::IpNet;
use paddock_core::Entropy;
use paddock_vault::{PasswordCost, VaultError};

use password::Passwords;
use throttle::Throttle;

/// How people reach the pages, and what their passwords cost.
#[derive(Clone, Debug, Default)]
pub struct PeopleOptions {
    /// Where the web listener is, with its scheme and without a path.
    pub address: String,
    /// The address of the pages as browsers see it, where that is another than the web listener's own: of a TLS proxy, for example.
    pub origin: Option<WebOrigin>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
    /// Whether a password's hash costs next to nothing. For tests only.
    pub cheap_passwords: bool,
}

/// What is shared by everything that has to do with people.
#[derive(Debug)]
pub struct People {
    /// The address of the pages, for links.
    pub(crate) address: String,
    pub(crate) origin: Option<WebOrigin>,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
}

impl People {
    /// What is shared by everything that has to do with people.
    ///
    /// # Errors
    /// When passwords cannot be hashed at that cost.
    pub fn new(options: PeopleOptions, entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let cost = if options.cheap_passwords { PasswordCost::FOR_TESTS } else { PasswordCost::STANDARD };
        let address = options.origin.as_ref().map_or(options.address, |origin| origin.as_str().to_owned());
        Ok(Self {
            address,
            origin: options.origin,
            proxies: options.proxies,
            passwords: Passwords::new(cost, entropy)?,
            throttle: Throttle::default(),
        })
    }
}

/// The address of the pages without a path: `https://paddock.example`, for example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin {
    text: String,
    host: String,
    is_https: bool,
}

impl WebOrigin {
    /// Reads an address of the form `https://name` or `http://name:port`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri: http::Uri = text.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !plain || authority.as_str().contains('@') || !matches!(scheme, "http" | "https") {
            return None;
        }
        let usual = match scheme {
            "https" => 443,
            _ => 80,
        };
        let authority = match authority.port_u16() {
            Some(port) if port != usual => authority.as_str(),
            _ => authority.host(),
        };
        let text = format!("{scheme}://{authority}").to_ascii_lowercase();
        let host = uri.host()?.to_ascii_lowercase();
        Some(Self { text, host, is_https: scheme == "https" })
    }

    /// The address, as browsers write it in `Origin`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is encrypted.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://paddock.example", Some("https://paddock.example"))]
    #[case("https://Paddock.example/", Some("https://paddock.example"))]
    #[case("https://paddock.example:443", Some("https://paddock.example"))]
    #[case("https://paddock.example:8443", Some("https://paddock.example:8443"))]
    #[case("http://10.0.0.5:7878", Some("http://10.0.0.5:7878"))]
    #[case("paddock.example", None)]
    #[case("ftp://paddock.example", None)]
    #[case("https://paddock.example/pages", None)]
    #[case("https://me@paddock.example", None)]
    #[case("https://paddock.example?x", None)]
    fn origins(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(WebOrigin::parse(text).as_ref().map(WebOrigin::as_str), expected);
    }
}
