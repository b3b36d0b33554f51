//! A person's authenticator app, which knows nothing but the secret that it was shown.

use jiff::Timestamp;

/// The code that it shows at an instant (RFC 6238, with HMAC by RFC 2104).
pub(crate) fn code(secret: &str, now: Timestamp) -> String {
    let mut bits = 0_u64;
    let mut key = Vec::new();
    for (count, letter) in (1..).zip(secret.bytes()) {
        let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
        bits = (bits << 5) | u64::from(value);
        if count % 8 == 0 {
            key.extend_from_slice(&bits.to_be_bytes()[3..]);
            bits = 0;
        }
    }
    key.resize(64, 0);
    let padded = |byte: u8| key.iter().map(|own| own ^ byte).collect::<Vec<u8>>();
    let step = (now.as_second() / 30).to_be_bytes();
    let inner = sha1([padded(0x36), step.to_vec()].concat());
    let hash = sha1([padded(0x5c), inner.to_vec()].concat());
    let offset = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn sha1(bytes: Vec<u8>) -> [u8; 20] {
    sha1_smol::Sha1::from(bytes).digest().bytes()
}
