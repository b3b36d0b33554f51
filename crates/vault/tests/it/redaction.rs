//! Nothing that can be printed prints a secret or a key.

use std::fs;

use paddock_vault::{OsEntropy, Vault, VaultError};

use crate::{Fixture, SECRET, secret};

#[test]
fn neither_secrets_nor_keys_are_printed() {
    let fixture = Fixture::new();
    fixture.vault.rotator().begin(&OsEntropy).unwrap();
    let file = fs::read_to_string(fixture.key_file().path()).unwrap();
    let keys: Vec<&str> = file
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').nth(2))
        .filter(|word| word.len() == 64)
        .collect();
    assert_eq!(keys.len(), 3);

    let sealer = fixture.vault.sealer();
    let mut wrong = fixture.sealed.to_bytes();
    *wrong.last_mut().unwrap() ^= 1;
    let wrong = paddock_vault::Sealed::from_bytes(&wrong).unwrap();
    let does_not_open = fixture.vault.opener().open(&fixture.dek, &fixture.binding, &wrong).unwrap_err();
    fs::write(fixture.key_file().path(), file.replace("current", "courant")).unwrap();
    let malformed = fixture.vault.unlock().unwrap_err();
    let printed = [
        format!("{:?} {:#?}", fixture.vault, fixture.vault),
        format!("{sealer:?} {:?} {:?}", fixture.vault.opener(), fixture.vault.rotator()),
        format!("{:?} {:?}", Vault::open(fixture.key_file()), fixture.key_file()),
        format!("{:?} {:?} {:?}", fixture.dek, fixture.binding, fixture.sealed),
        format!("{:?} {:?} {OsEntropy:?}", secret(), sealer.fingerprint(&secret()).unwrap()),
        format!("{does_not_open:?} {does_not_open} {}", does_not_open.hint()),
        format!("{malformed:?} {malformed} {} {}", malformed.hint(), VaultError::Locked(malformed.clone())),
        format!("{:?}", fixture.vault.status().unwrap()),
    ]
    .join("\n");

    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let mut canaries = vec![SECRET.to_owned(), format!("{:?}", SECRET.as_bytes())];
    for key in keys {
        // In hexadecimal, in capitals, as a list of numbers; and a part of each, should it be cut.
        let list = format!("{:?}", bytes(key));
        canaries.extend([key[..16].to_owned(), key[..16].to_uppercase(), list[1..20].to_owned()]);
    }
    let ciphertext = fixture.sealed.to_bytes();
    canaries.push(format!("{:?}", &ciphertext[29..])[1..20].to_owned());
    for canary in canaries {
        assert!(!printed.contains(&canary), "{canary} is in:\n{printed}");
    }
    assert!(printed.contains(&format!("Sealed({} bytes)", ciphertext.len())));
}
