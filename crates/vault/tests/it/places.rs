//! A sealed secret opens in its own place and unchanged, or not at all.

use paddock_vault::{
    Binding, Field, MAX_SECRET_BYTES, OsEntropy, SEALS_PER_DEK, Sealed, SecretText, VaultError, WrappedDek,
};
use proptest::prelude::*;

use crate::{Fixture, NOW, connection, secret, user};

#[test]
fn what_was_sealed_opens_after_a_restart() {
    let Fixture { directory, vault, dek, binding, sealed } = Fixture::new();
    drop(vault);
    let vault = paddock_vault::Vault::open(paddock_vault::KeyFile::new(directory.path().join("paddock.key")));
    let dek = WrappedDek::from_bytes(&dek.to_bytes()).unwrap();
    let sealed = Sealed::from_bytes(&sealed.to_bytes()).unwrap();
    assert_eq!(sealed.dek(), dek.id());
    assert_eq!(vault.opener().open(&dek, &binding, &sealed).unwrap(), secret());
}

#[test]
fn a_ciphertext_moved_elsewhere_does_not_open() {
    let Fixture { vault, dek, binding, sealed, directory: _directory } = Fixture::new();
    let (sealer, opener) = (vault.sealer(), vault.opener());
    for moved in [
        Binding { connection: connection(), ..binding },
        Binding { field: Field::KeyId, ..binding },
        Binding { field: Field::OauthToken, ..binding },
        Binding { field: Field::SigningKey(access_key()), ..binding },
        Binding { version: 0, ..binding },
        Binding { version: 2, ..binding },
        Binding { version: binding.version << 8, ..binding },
    ] {
        assert_eq!(opener.open(&dek, &moved, &sealed), Err(VaultError::DoesNotOpen("secret")), "{moved:?}");
    }

    // Another user, with the first user's key and with a key of their own.
    let other = Binding { user: user(), ..binding };
    assert_eq!(opener.open(&dek, &other, &sealed), Err(VaultError::WrongDek));
    let other_dek = sealer.new_dek(other.user, NOW, &OsEntropy).unwrap();
    assert_eq!(opener.open(&other_dek, &other, &sealed), Err(VaultError::WrongDek));
    assert_eq!(sealer.seal(&dek, 0, &other, &secret(), &OsEntropy), Err(VaultError::WrongDek));

    // Another key of the same user, also when the ciphertext is relabelled as that key's.
    let second_dek = sealer.new_dek(binding.user, NOW, &OsEntropy).unwrap();
    assert_eq!(opener.open(&second_dek, &binding, &sealed), Err(VaultError::WrongDek));
    let mut relabelled = sealed.to_bytes();
    relabelled[1..17].copy_from_slice(second_dek.id().as_uuid().as_bytes());
    let relabelled = Sealed::from_bytes(&relabelled).unwrap();
    assert_eq!(opener.open(&second_dek, &binding, &relabelled), Err(VaultError::DoesNotOpen("secret")));
}

#[test]
fn a_wrapped_key_given_to_another_user_does_not_unwrap() {
    let fixture = Fixture::new();
    let other = Binding { user: user(), ..fixture.binding };
    let mut stolen = fixture.dek.to_bytes();
    stolen[17..33].copy_from_slice(other.user.as_uuid().as_bytes());
    let stolen = WrappedDek::from_bytes(&stolen).unwrap();
    assert_eq!(stolen.user(), other.user);
    let opened = fixture.vault.opener().open(&stolen, &other, &fixture.sealed);
    assert_eq!(opened, Err(VaultError::DoesNotOpen("data-encryption key")));
}

#[test]
fn no_single_flipped_bit_goes_unnoticed() {
    let fixture = Fixture::new();
    let opener = fixture.vault.opener();
    let (dek, sealed) = (fixture.dek.to_bytes(), fixture.sealed.to_bytes());
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = Sealed::from_bytes(&flipped)
            .and_then(|sealed| opener.open(&fixture.dek, &fixture.binding, &sealed));
        assert!(opened.is_err(), "bit {bit} of the sealed secret");
    }
    for bit in 0..dek.len() * 8 {
        let mut flipped = dek.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = WrappedDek::from_bytes(&flipped)
            .and_then(|dek| opener.open(&dek, &fixture.binding, &fixture.sealed));
        assert!(opened.is_err(), "bit {bit} of the wrapped key");
    }
}

#[test]
fn no_other_length_goes_unnoticed() {
    let fixture = Fixture::new();
    let opener = fixture.vault.opener();
    let mut sealed = fixture.sealed.to_bytes();
    sealed.push(0);
    for length in (0..=sealed.len()).filter(|length| *length != sealed.len() - 1) {
        let opened = Sealed::from_bytes(&sealed[..length])
            .and_then(|sealed| opener.open(&fixture.dek, &fixture.binding, &sealed));
        assert!(opened.is_err(), "{length} bytes");
    }
    let mut dek = fixture.dek.to_bytes();
    dek.push(0);
    for length in (0..=dek.len()).filter(|length| *length != dek.len() - 1) {
        let parsed = WrappedDek::from_bytes(&dek[..length]);
        assert_eq!(parsed, Err(VaultError::Malformed("data-encryption key")), "{length} bytes");
    }
}

#[test]
fn a_key_seals_as_often_as_is_safe_and_no_more() {
    let Fixture { vault, dek, binding, directory: _directory, .. } = Fixture::new();
    let seal = |so_far| vault.sealer().seal(&dek, so_far, &binding, &secret(), &OsEntropy);
    assert!(seal(SEALS_PER_DEK - 1).is_ok());
    assert_eq!(seal(SEALS_PER_DEK), Err(VaultError::SealLimit));
    assert_eq!(seal(u64::MAX), Err(VaultError::SealLimit));
}

#[test]
fn nothing_longer_than_a_credential_is_sealed() {
    let Fixture { vault, dek, binding, directory: _directory, .. } = Fixture::new();
    let seal = |length| {
        vault.sealer().seal(&dek, 0, &binding, &SecretText::new("x".repeat(length)), &OsEntropy).map(|_| ())
    };
    assert_eq!(seal(MAX_SECRET_BYTES), Ok(()));
    assert_eq!(seal(MAX_SECRET_BYTES + 1), Err(VaultError::SecretTooLong));
}

#[test]
fn fingerprints_recognise_a_secret_within_one_vault_only() {
    let (one, other) = (Fixture::new(), Fixture::new());
    let fingerprint = |vault: &Fixture, text: &str| {
        vault.vault.sealer().fingerprint(&SecretText::new(text.to_owned())).unwrap()
    };
    assert_eq!(fingerprint(&one, "PKAB"), fingerprint(&one, "PKAB"));
    assert_ne!(fingerprint(&one, "PKAB"), fingerprint(&one, "PKAC"));
    assert_ne!(fingerprint(&one, "PKAB"), fingerprint(&other, "PKAB"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_comes_back_and_no_two_seals_look_alike(text in any::<String>(), version: u32) {
        let Fixture { vault, dek, binding, directory: _directory, .. } = Fixture::new();
        let binding = Binding { version, ..binding };
        let secret = SecretText::new(text);
        let seal = || vault.sealer().seal(&dek, 0, &binding, &secret, &OsEntropy).unwrap();
        let (first, second) = (seal(), seal());
        prop_assert_ne!(&first, &second);
        prop_assert_eq!(&vault.opener().open(&dek, &binding, &first).unwrap(), &secret);
        prop_assert_eq!(&vault.opener().open(&dek, &binding, &second).unwrap(), &secret);
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let fixture = Fixture::new();
        let opener = fixture.vault.opener();
        if let Ok(sealed) = Sealed::from_bytes(&bytes) {
            prop_assert_eq!(sealed.to_bytes(), bytes.clone());
            prop_assert!(opener.open(&fixture.dek, &fixture.binding, &sealed).is_err());
        }
        if let Ok(dek) = WrappedDek::from_bytes(&bytes) {
            prop_assert_eq!(dek.to_bytes(), bytes);
            prop_assert!(opener.open(&dek, &fixture.binding, &fixture.sealed).is_err());
        }
    }
}

fn access_key() -> paddock_core::id::AccessKeyId {
    paddock_core::id::AccessKeyId::generate(NOW, &OsEntropy)
}

#[test]
fn a_signing_key_signs_for_its_own_access_key_only() {
    let Fixture { vault, dek, binding, directory: _directory, .. } = Fixture::new();
    let place = Binding { field: Field::SigningKey(access_key()), ..binding };
    let sealed =
        vault.sealer().seal(&dek, 0, &place, &SecretText::new("Jefe".to_owned()), &OsEntropy).unwrap();
    let fits = |place: &Binding, message: &[u8]| {
        let signature =
            hex::decode("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        vault.opener().is_signature(&dek, place, &sealed, message, &signature)
    };
    assert_eq!(fits(&place, b"what do ya want for nothing?"), Ok(true));
    assert_eq!(fits(&place, b"what do ya want for something?"), Ok(false));
    for moved in [Field::SigningKey(access_key()), Field::SecretKey] {
        let moved = Binding { field: moved, ..place };
        let opened = fits(&moved, b"what do ya want for nothing?");
        assert_eq!(opened, Err(VaultError::DoesNotOpen("secret")), "{moved:?}");
    }
}
