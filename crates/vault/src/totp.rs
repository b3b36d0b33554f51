//! Codes that follow from a secret and the time: TOTP (RFC 6238) with SHA-1, six digits and steps of 30 seconds, which is what every
//! authenticator app takes.

use jiff::Timestamp;

use crate::cipher;

/// Seconds that one code is for.
const STEP: i64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// How many steps a phone's clock may be ahead or behind (RFC 6238, section 5.2).
const WINDOW: u64 = 1;

/// The code of one step (RFC 4226, section 5.3).
fn code(secret: &[u8], step: u64) -> [u8; DIGITS] {
    let hash = cipher::hmac_sha1(secret, &step.to_be_bytes());
    let offset = usize::from(hash[19] & 0x0f);
    let mut number = hash
        .get(offset..offset + 4)
        .map_or(0, |four| four.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)))
        & 0x7fff_ffff;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // The remainder of ten is less than ten.
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    digits
}

/// The step that `typed` is the code of, if it is one of those around `now` and comes after the last that was used. Spaces within are no
/// matter, since apps show them. Takes as long for a wrong code as for a right one.
pub(crate) fn step_of(secret: &[u8], typed: &str, now: Timestamp, last_used: Option<u64>) -> Option<u64> {
    let mut digits = [0; DIGITS];
    let mut count = 0;
    for byte in typed.bytes().filter(|byte| *byte != b' ') {
        *digits.get_mut(count)? = byte;
        count += 1;
    }
    let current = u64::try_from(now.as_second().div_euclid(STEP)).ok()?;
    let mut found = None;
    for step in current.saturating_sub(WINDOW)..=current.saturating_add(WINDOW) {
        let is_it = cipher::is_equal(&code(secret, step), &digits);
        if is_it && last_used.is_none_or(|last| step > last) {
            found = Some(step);
        }
    }
    found.filter(|_| count == DIGITS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn text(secret: &[u8], step: u64) -> String {
        String::from_utf8(code(secret, step).to_vec()).unwrap()
    }

    /// RFC 4226, appendix D.
    #[test]
    fn codes_of_the_counter() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, expected) in (0..).zip(expected) {
            assert_eq!(text(b"12345678901234567890", step), expected);
        }
    }

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[rstest]
    #[case(59, "287082")]
    #[case(1_111_111_109, "081804")]
    #[case(1_111_111_111, "050471")]
    #[case(1_234_567_890, "005924")]
    #[case(2_000_000_000, "279037")]
    #[case(20_000_000_000, "353130")]
    fn codes_of_the_time(#[case] second: i64, #[case] expected: &str) {
        let step = u64::try_from(second / 30).unwrap();
        assert_eq!(text(b"12345678901234567890", step), expected);
        assert_eq!(step_of(b"12345678901234567890", expected, at(second), None), Some(step));
    }

    #[rstest]
    #[case("")]
    #[case("28708")]
    #[case("2870822")]
    #[case("0287082")]
    #[case("28708x")]
    #[case("287\u{660}82")]
    #[case("-87082")]
    fn what_is_no_code_is_none(#[case] typed: &str) {
        assert_eq!(step_of(b"12345678901234567890", typed, at(59), None), None);
    }

    #[test]
    fn spaces_are_no_matter() {
        assert_eq!(step_of(b"12345678901234567890", " 287 082 ", at(59), None), Some(1));
    }

    proptest! {
        #[test]
        fn a_code_is_good_one_step_around_and_never_again(
            secret in proptest::collection::vec(any::<u8>(), 20),
            step in 2_u64..100_000_000,
            away in -4_i64..=4,
        ) {
            let typed = text(&secret, step);
            let now = at((i64::try_from(step).unwrap() + away) * 30 + 7);
            let found = step_of(&secret, &typed, now, None);
            // Two steps may have the same code by chance, one in a million times.
            if let Some(found) = found {
                prop_assert_eq!(text(&secret, found), typed.clone());
                prop_assert_eq!(step_of(&secret, &typed, now, Some(found)), None);
            }
            if away.abs() <= 1 {
                prop_assert!(found.is_some());
                prop_assert_eq!(step_of(&secret, &typed, now, Some(step + 5)), None);
            }
        }
    }
}
