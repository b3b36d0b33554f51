//! Whatever form the secret comes in and however it is cut, it does not come out, and all else does.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use paddock_core::SecretText;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const SECRET: &str = "aaabSECRETaaabSECRETaaabSECRETaaabSECRET99";
const ID: &str = "PKIDIDIDIDIDIDIDIDID";
/// With letters that base64 writes in two ways and that URLs and JSON escape.
const TOKEN: &str = "a1b2c3d4-e5f6~7890/abcd>?ef=1234567890+x";

fn pair() -> Credential {
    let text = |text: &str| SecretText::new(text.to_owned());
    Credential::KeyPair { key_id: text(ID), secret_key: text(SECRET) }
}

fn token() -> Credential {
    Credential::OauthToken(SecretText::new(TOKEN.to_owned()))
}

fn scrub(credential: &Credential, pieces: &[&[u8]]) -> Vec<u8> {
    let mut scrubber = Scrubber::new(credential);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(piece)).unwrap());
    }
    out.extend_from_slice(&scrubber.finish().unwrap());
    out
}

fn percent(text: &str, lower: bool) -> String {
    text.bytes().map(|byte| if lower { format!("%{byte:02x}") } else { format!("%{byte:02X}") }).collect()
}

fn json(text: &str, backslashes: usize) -> String {
    text.bytes().map(|byte| format!("{}u{byte:04x}", "\\".repeat(backslashes))).collect()
}

/// The number of letters that base64 of `text` shares with its neighbours is at most one at each end.
fn base64_behind(before: &str, text: &str, url_safe: bool) -> String {
    let whole = format!("{before}{text}~and more");
    if url_safe { URL_SAFE.encode(whole) } else { STANDARD.encode(whole) }
}

#[rstest]
#[case::plain(|text: &str| text.to_owned())]
#[case::hex(|text: &str| hex::encode(text))]
#[case::hex_in_capitals(|text: &str| hex::encode_upper(text))]
#[case::url(|text: &str| percent(text, false))]
#[case::url_in_small_letters(|text: &str| percent(text, true))]
#[case::url_twice(|text: &str| percent(text, false).replace('%', "%25"))]
#[case::url_only_what_must_be(|text: &str| text.replace('/', "%2F").replace('+', "%2b").replace('=', "%3D"))]
#[case::url_of_url(|text: &str| text.replace('/', "%252F").replace('+', "%252525252b").replace('=', "%253d"))]
#[case::json(|text: &str| json(text, 1))]
#[case::json_in_capitals(|text: &str| json(text, 1).replace('a', "A"))]
#[case::json_in_json(|text: &str| json(text, 2))]
#[case::json_in_json_in_json(|text: &str| json(text, 4))]
#[case::a_slash_as_php_writes_it(|text: &str| text.replace('/', "\\/"))]
#[case::mixed(|text: &str| text.char_indices().map(|(place, letter)| match place % 4 {
    0 => json(&letter.to_string(), 1),
    1 => percent(&letter.to_string(), place % 8 == 1),
    2 => format!("\\x{:02x}", u32::from(letter)),
    _ => letter.to_string(),
}).collect())]
#[case::in_the_middle_of_a_word(|text: &str| format!("aa{text}aa"))]
fn every_form_is_masked(#[case] write: fn(&str) -> String) {
    for (credential, texts) in [(pair(), vec![SECRET, ID]), (token(), vec![TOKEN])] {
        for text in texts {
            let written = write(text);
            // A doubled percent sign of five levels is beyond what is looked for.
            if written.contains("%25252525") && text == TOKEN {
                continue;
            }
            let masked =
                String::from_utf8(scrub(&credential, &[format!("\"{written}\"").as_bytes()])).unwrap();
            let expected = format!("\"{}\"", "*".repeat(written.len()));
            let expected =
                if write("x") == "aaxaa" { format!("\"aa{}aa\"", "*".repeat(text.len())) } else { expected };
            assert_eq!(masked, expected, "{written}");
        }
    }
}

#[rstest]
fn base64_in_each_place(
    #[values("", "x", "xy", "xyz", "PKIDIDIDIDIDIDIDIDID:")] before: &str,
    #[values(false, true)] url_safe: bool,
) {
    for (credential, text) in [(pair(), SECRET), (pair(), ID), (token(), TOKEN)] {
        let written = base64_behind(before, text, url_safe);
        let masked = String::from_utf8(scrub(&credential, &[written.as_bytes()])).unwrap();
        let whole = text.len() * 4 / 3;
        let hidden = masked.matches('*').count();
        assert!(hidden >= whole - 2, "{hidden} of {whole}: {masked}");
        let (start, end) = (before.len() * 8 / 6, ((before.len() + text.len()) * 8).div_ceil(6));
        if !before.contains(ID) {
            assert_eq!(masked[..start], written[..start]);
        }
        assert_eq!(masked[end..], written[end..]);
    }
}

#[test]
fn basic_authentication_is_masked_but_for_a_letter_at_the_seam() {
    let basic = format!("Basic {}", STANDARD.encode(format!("{ID}:{SECRET}")));
    let masked = String::from_utf8(scrub(&pair(), &[basic.as_bytes()])).unwrap();
    let shown = masked.trim_start_matches("Basic ").replace('*', "");
    assert!(shown.trim_end_matches('=').len() <= 4, "{masked}");
}

#[test]
fn an_innocent_body_passes_without_delay_and_without_a_copy() {
    let body = Bytes::from_static(
        b"{\"id\":\"61e69015-8549-4bfd-b9c3-01e75843f47d\",\"at\":\"2026-11-20T15:00:00.123456789Z\"}",
    );
    let pair = pair();
    let passed = Scrubber::new(&pair).push(body.clone()).unwrap();
    assert_eq!(passed.as_ptr(), body.as_ptr());
}

#[test]
fn an_event_is_never_held_back() {
    let pair = pair();
    let mut scrubber = Scrubber::new(&pair);
    for event in [&b"data: {\"price\":1}\n\n"[..], b": ping\n", b"data: aaab\n\n"] {
        assert_eq!(scrubber.push(Bytes::from_static(event)).unwrap(), event);
    }
}

#[test]
fn what_is_held_back_is_bounded() {
    let pair = pair();
    let mut scrubber = Scrubber::new(&pair);
    let mut passed = 0;
    for piece in 1..=4000 {
        passed += scrubber.push(Bytes::from_static(b"aaabSECRET%61\\u0061")).unwrap().len();
        assert!(piece * 19 - passed <= SECRET.len() * 2 * 13);
    }
}

#[test]
fn overlapping_forms_are_all_masked() {
    // The secret repeats itself every ten letters, so that its end is another beginning.
    let body = format!("{}aaabSECRET99", &SECRET[..40]);
    let masked = String::from_utf8(scrub(&pair(), &[body.as_bytes()])).unwrap();
    assert_eq!(masked, format!("aaabSECRET{}", "*".repeat(42)));
}

#[test]
fn a_header_name_counts_too() {
    let pair = pair();
    let scrubber = Scrubber::new(&pair);
    assert_eq!(scrubber.finds_in_name(&format!("x-{}", SECRET.to_ascii_lowercase())), Ok(true));
    assert_eq!(scrubber.finds_in_name("x-ratelimit-remaining-of-something"), Ok(false));
}

fn writings() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(SECRET.to_owned()),
        Just(percent(SECRET, true)),
        Just(json(SECRET, 1)),
        Just(json(SECRET, 2)),
        Just(hex::encode(SECRET)),
        "[a-c]{0,3}".prop_map(|before| base64_behind(&before, SECRET, false)),
    ]
}

proptest! {
    /// Between echoes lies what is most easily confused with them: their own beginnings and endings.
    #[test]
    fn no_split_lets_the_secret_through(
        parts in prop::collection::vec((".{0,12}", 0_usize..20, writings()), 1..4),
        cuts in prop::collection::vec(0_usize..3000, 0..12),
    ) {
        let mut body = String::new();
        for (between, beginning, echo) in &parts {
            body.push_str(between);
            body.push_str(&SECRET[..*beginning]);
            body.push('"');
            body.push_str(echo);
            body.push('"');
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
        cuts.sort_unstable();
        cuts.push(body.len());
        let (mut pieces, mut start) = (Vec::new(), 0);
        for cut in cuts {
            pieces.push(&body.as_bytes()[start..cut]);
            start = cut;
        }
        let (out, at_once) = (scrub(&pair(), &pieces), scrub(&pair(), &[body.as_bytes()]));
        prop_assert_eq!(&out, &at_once, "it does not matter where it is cut");
        prop_assert_eq!(out.len(), body.len());
        let text = String::from_utf8(out.clone()).unwrap();
        for (_, _, echo) in &parts {
            // All but the letters at the ends, which base64 shares with what is around.
            prop_assert!(!text.contains(&echo[4..echo.len() - 16]), "{}", text);
        }
        // What is not masked is as it was.
        let unchanged = out.iter().zip(body.as_bytes()).all(|(now, was)| now == was || *now == MASK);
        prop_assert!(unchanged);
    }

    /// Nothing is masked where there is nothing.
    #[test]
    fn all_else_passes_unchanged(body in prop::collection::vec(any::<u8>(), 0..2000), step in 1_usize..300) {
        let pieces: Vec<&[u8]> = body.chunks(step).collect();
        prop_assert_eq!(scrub(&pair(), &pieces), body);
    }

    #[test]
    fn texts_like_it_pass_unchanged(body in "[aabSECRET9PKID%u0-9\\\\+/ ]{0,400}", step in 1_usize..50) {
        prop_assume!(!body.contains(SECRET) && !body.contains(ID));
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(step).collect();
        prop_assert_eq!(scrub(&pair(), &pieces), body.as_bytes());
    }
}
