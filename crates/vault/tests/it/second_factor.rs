//! Second factors: sealed for one person and version, checked inside, and never seen again.

use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use paddock_core::id::PersonId;
use paddock_vault::{FactorPlace, NewFactor, OsEntropy, Purpose, SEALS_PER_DEK, SecretText, VaultError};

use crate::{Fixture, NOW, user};

fn place(fixture: &Fixture) -> FactorPlace {
    FactorPlace { user: fixture.binding.user, person: person(), version: 1 }
}

fn person() -> PersonId {
    PersonId::generate(NOW, &OsEntropy)
}

/// The code that an app shows, which knows nothing but the secret that it was shown (RFC 6238, section 4).
fn code_at(shown: &SecretText, now: Timestamp) -> SecretText {
    let mut bits = 0_u64;
    let mut secret = Vec::new();
    for (count, letter) in (1..).zip(shown.expose().bytes()) {
        let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
        bits = (bits << 5) | u64::from(value);
        if count % 8 == 0 {
            secret.extend_from_slice(&bits.to_be_bytes()[3..]);
            bits = 0;
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let hash = hmac::sign(&key, &(now.as_second() / 30).to_be_bytes());
    let hash = hash.as_ref();
    let offset = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    SecretText::new(format!("{:06}", number % 1_000_000))
}

#[test]
fn a_code_is_good_around_its_time_and_once() {
    let fixture = Fixture::new();
    let place = place(&fixture);
    let factors = fixture.vault.second_factor();
    let NewFactor { sealed, shown } = factors.make(&fixture.dek, 0, &place, &OsEntropy).unwrap();
    assert_eq!(shown.expose().len(), 32);
    let now: Timestamp = "2026-11-27T15:00:10Z".parse().unwrap();
    let code = code_at(&shown, now);
    let check = |seconds, last| {
        let at = now + SignedDuration::from_secs(seconds);
        factors.check(&fixture.dek, &place, &sealed, &code, at, last).unwrap()
    };
    let step = check(0, None).unwrap();
    assert_eq!(check(30, None), Some(step));
    assert_eq!(check(-30, None), Some(step));
    assert_eq!(check(0, Some(step - 1)), Some(step));
    assert_eq!(check(0, Some(step)), None);
    assert_eq!(check(30, Some(step)), None);
}

#[test]
fn it_is_good_in_its_own_place_only() {
    let fixture = Fixture::new();
    let place = place(&fixture);
    let factors = fixture.vault.second_factor();
    let sealed = factors.make(&fixture.dek, 0, &place, &OsEntropy).unwrap().sealed;
    let code = SecretText::new("000000".to_owned());
    for moved in [FactorPlace { person: person(), ..place }, FactorPlace { version: 2, ..place }] {
        let checked = factors.check(&fixture.dek, &moved, &sealed, &code, NOW, None);
        assert_eq!(checked, Err(VaultError::DoesNotOpen("second factor")), "{moved:?}");
    }
    let other = FactorPlace { user: user(), ..place };
    assert_eq!(factors.check(&fixture.dek, &other, &sealed, &code, NOW, None), Err(VaultError::WrongDek));
    assert!(matches!(factors.make(&fixture.dek, 0, &other, &OsEntropy), Err(VaultError::WrongDek)));
    let too_often = factors.make(&fixture.dek, SEALS_PER_DEK, &place, &OsEntropy);
    assert!(matches!(too_often, Err(VaultError::SealLimit)));
    // A credential is no factor, and a factor no credential.
    let checked = factors.check(&fixture.dek, &place, &fixture.sealed, &code, NOW, None);
    assert_eq!(checked, Err(VaultError::DoesNotOpen("second factor")));
    let opened = fixture.vault.opener().open(&fixture.dek, &fixture.binding, &sealed);
    assert_eq!(opened, Err(VaultError::DoesNotOpen("secret")));
}

#[test]
fn it_outlives_both_rotations() {
    let fixture = Fixture::new();
    let place = place(&fixture);
    let (factors, rotator) = (fixture.vault.second_factor(), fixture.vault.rotator());
    let NewFactor { sealed, shown } = factors.make(&fixture.dek, 0, &place, &OsEntropy).unwrap();
    let now: Timestamp = "2026-11-27T15:00:10Z".parse().unwrap();
    let code = code_at(&shown, now);

    rotator.begin(&OsEntropy).unwrap();
    let rewrapped = rotator.rewrap(&fixture.dek, &OsEntropy).unwrap();
    rotator.retire_previous([rewrapped.kek()]).unwrap();
    assert!(factors.check(&rewrapped, &place, &sealed, &code, now, None).unwrap().is_some());

    let fresh = fixture.vault.sealer().new_dek(place.user, NOW, &OsEntropy).unwrap();
    let anew = rotator.reseal_factor(&rewrapped, &fresh, 0, &place, &sealed, &OsEntropy).unwrap();
    let next = FactorPlace { version: 2, ..place };
    assert!(factors.check(&fresh, &next, &anew, &code, now, None).unwrap().is_some());
    assert_eq!(factors.check(&fresh, &next, &sealed, &code, now, None), Err(VaultError::WrongDek));
}

#[test]
fn nothing_of_it_is_printed() {
    let fixture = Fixture::new();
    let factors = fixture.vault.second_factor();
    let made = factors.make(&fixture.dek, 0, &place(&fixture), &OsEntropy).unwrap();
    let printed = format!("{made:?} {factors:?} {:?}", made.sealed);
    assert!(!printed.contains(made.shown.expose()), "{printed}");
}

#[test]
fn a_mark_is_for_one_purpose_and_outlives_rotations() {
    let fixture = Fixture::new();
    let sealer = fixture.vault.sealer();
    let mark = |purpose| sealer.mark(purpose, b"message").unwrap();
    let before = mark(Purpose::Request);
    assert_ne!(before, mark(Purpose::SignInStep));
    assert_ne!(before, sealer.mark(Purpose::Request, b"another").unwrap());
    let message = SecretText::new("message".to_owned());
    assert_ne!(before, *sealer.fingerprint(&message).unwrap().as_bytes());
    fixture.vault.rotator().begin(&OsEntropy).unwrap();
    assert_eq!(before, mark(Purpose::Request));
}
