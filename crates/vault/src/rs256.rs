//! Signing with somebody's RSA key as RS256 (RFC 7518, section 3.3): how a service account at Google says who it is.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A text holds no RSA key with which RS256 can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no RSA key in PKCS #8 form: paste the whole key")]
pub struct NotAnRsaKey;

/// An RSA key of 2048 bits or more that signs and is never shown.
pub struct Rs256Key(KeyPair);

impl Rs256Key {
    /// Reads a key from a PEM text with a PKCS #8 key in it, as services write it.
    ///
    /// # Errors
    /// [`NotAnRsaKey`] when there is none, or it is of another kind.
    pub fn from_pem(pem: &str) -> Result<Self, NotAnRsaKey> {
        pkcs8(pem).and_then(|der| KeyPair::from_pkcs8(&der).ok()).map(Self).ok_or(NotAnRsaKey)
    }

    /// Signs a message. The same message has the same signature always.
    ///
    /// # Errors
    /// [`NotAnRsaKey`] when the library cannot sign with it.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, NotAnRsaKey> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        // The padding is fixed: no randomness is drawn.
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| signature).map_err(|_| NotAnRsaKey)
    }

    /// Whether a signature is this key's.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.0.public_key());
        public.verify(message, signature).is_ok()
    }
}

impl fmt::Debug for Rs256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rs256Key({} bits)", self.0.public_modulus_len() * 8)
    }
}

/// The key between the lines of a PEM text.
fn pkcs8(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;

    use super::*;

    #[test]
    fn a_key_signs_as_it_verifies() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let key = Rs256Key::from_pem(&pem).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(signature.len(), 256);
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"another", &signature));
        assert_eq!(format!("{key:?}"), "Rs256Key(2048 bits)");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(Rs256Key::from_pem("").is_err());
        assert!(Rs256Key::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err());
    }
}
