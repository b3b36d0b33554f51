//! The key that signs checkpoints of the audit chain (Ed25519, RFC 8032). Its private half never leaves this crate: it is made,
//! sealed, used and sealed anew in here.

use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use paddock_core::Entropy;
use paddock_core::checkpoint::{PublicKey, Signature};
use paddock_core::id::{DekId, UserId};

use crate::cipher::{self, NONCE_LEN};
use crate::key::Key;
use crate::vault::Shared;
use crate::{Rotator, SEALS_PER_DEK, Sealed, VaultError, WrappedDek};

const WHAT: &str = "signing key of the audit";
const LABEL: &[u8; 18] = b"paddock signer v1\0";

/// Makes and uses signing keys. It opens no credential.
#[derive(Clone, Debug)]
pub struct Signer(pub(crate) Arc<Shared>);

/// A signing key as the database keeps it: the public half, and the private half sealed and bound to it and to its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSigner {
    /// The public half.
    pub public: PublicKey,
    /// The private half, sealed.
    pub sealed: Sealed,
}

impl Signer {
    /// Makes a signing key. `seals_so_far` is how often the data-encryption key has sealed before; the caller counts.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`]; [`VaultError::SealLimit`]; [`VaultError::UnknownKek`] and [`VaultError::DoesNotOpen`] if the
    /// data-encryption key cannot be unwrapped.
    pub fn generate(
        &self,
        dek: &WrappedDek,
        seals_so_far: u64,
        entropy: &dyn Entropy,
    ) -> Result<SealedSigner, VaultError> {
        let sealing = dek.unwrap_key(&*self.0.keys()?)?;
        let seed = Key::generate(entropy);
        let public = public_of(&seed)?;
        Ok(SealedSigner { public, sealed: seal(&sealing, dek, seals_so_far, public, &seed, entropy)? })
    }

    /// Signs a message.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`]; [`VaultError::WrongDek`] if it was sealed under another key; [`VaultError::DoesNotOpen`] if anything
    /// was changed or moved.
    pub fn sign(
        &self,
        dek: &WrappedDek,
        signer: &SealedSigner,
        message: &[u8],
    ) -> Result<Signature, VaultError> {
        let seed = open(&dek.unwrap_key(&*self.0.keys()?)?, dek, signer)?;
        let pair = pair_of(&seed)?;
        let mut signature = [0; Signature::LEN];
        signature.copy_from_slice(pair.sign(message).as_ref());
        Ok(Signature::from_bytes(signature))
    }
}

impl Rotator {
    /// Seals the same signing key under another data-encryption key of the same user. `seals_so_far` counts the new key's seals.
    ///
    /// # Errors
    ///
    /// Those of [`Signer::sign`] for the old key and of [`Signer::generate`] for the new.
    pub fn reseal_signer(
        &self,
        old: &WrappedDek,
        new: &WrappedDek,
        seals_so_far: u64,
        signer: &SealedSigner,
        entropy: &dyn Entropy,
    ) -> Result<SealedSigner, VaultError> {
        let keys = self.0.keys()?;
        if old.user() != new.user() {
            return Err(VaultError::WrongDek);
        }
        let seed = open(&old.unwrap_key(&keys)?, old, signer)?;
        let sealed = seal(&new.unwrap_key(&keys)?, new, seals_so_far, signer.public, &seed, entropy)?;
        Ok(SealedSigner { public: signer.public, sealed })
    }
}

/// Whether the signature is that key's of that message. Needs no vault.
#[must_use]
pub fn verify_signature(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, key.as_bytes()).verify(message, signature.as_bytes()).is_ok()
}

fn pair_of(seed: &Key) -> Result<Ed25519KeyPair, VaultError> {
    Ed25519KeyPair::from_seed_unchecked(seed.bytes()).map_err(|_| VaultError::Malformed(WHAT))
}

fn public_of(seed: &Key) -> Result<PublicKey, VaultError> {
    let pair = pair_of(seed)?;
    let bytes = pair.public_key().as_ref().try_into().map_err(|_| VaultError::Malformed(WHAT))?;
    Ok(PublicKey::from_bytes(bytes))
}

fn seal(
    sealing: &Key,
    dek: &WrappedDek,
    seals_so_far: u64,
    public: PublicKey,
    seed: &Key,
    entropy: &dyn Entropy,
) -> Result<Sealed, VaultError> {
    if seals_so_far >= SEALS_PER_DEK {
        return Err(VaultError::SealLimit);
    }
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let ciphertext =
        cipher::encrypt(sealing, nonce, &additional_data(dek.id(), dek.user(), public), seed.bytes())
            .map_err(|_| VaultError::SecretTooLong)?;
    Ok(Sealed { dek: dek.id(), nonce, ciphertext })
}

/// Opens the private half and checks that it belongs to the public one.
fn open(sealing: &Key, dek: &WrappedDek, signer: &SealedSigner) -> Result<Key, VaultError> {
    let SealedSigner { public, sealed } = signer;
    if sealed.dek != dek.id() {
        return Err(VaultError::WrongDek);
    }
    let data = additional_data(dek.id(), dek.user(), *public);
    let seed = cipher::decrypt(sealing, sealed.nonce, &data, &sealed.ciphertext)
        .ok()
        .and_then(|bytes| Key::from_bytes(&bytes))
        .ok_or(VaultError::DoesNotOpen(WHAT))?;
    if public_of(&seed)? == *public { Ok(seed) } else { Err(VaultError::DoesNotOpen(WHAT)) }
}

/// Every part has a fixed length, so two different keys never look the same; the label keeps it apart from credentials.
fn additional_data(dek: DekId, user: UserId, public: PublicKey) -> Vec<u8> {
    [&LABEL[..], dek.as_uuid().as_bytes(), user.as_uuid().as_bytes(), public.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, tests 1 and 3: secret key, public key, message, signature.
    #[test]
    fn vectors_of_the_standard() {
        let vectors = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (secret, public, message, signature) in vectors {
            let seed = Key::from_hex(secret.as_bytes()).unwrap();
            assert_eq!(public_of(&seed).unwrap().to_string(), public);
            let message = hex::decode(message).unwrap();
            let made = pair_of(&seed).unwrap().sign(&message);
            assert_eq!(hex::encode(made.as_ref()), signature);
            let public: PublicKey = public.parse().unwrap();
            let signature: Signature = signature.parse().unwrap();
            assert!(verify_signature(&public, &message, &signature));
            assert!(!verify_signature(&public, b"another message", &signature));
        }
    }
}
