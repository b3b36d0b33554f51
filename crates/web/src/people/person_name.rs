//! The names by which people sign in: a short name or an address of electronic mail, to which nothing is sent.

use http::StatusCode;
use paddock_core::SecretText;
use paddock_core::paste::{Shape, shape};

use crate::problem::Problem;

const EXPECTED: &str = "2 to 80 letters, digits, `.`, `_`, `-`, `+` or `@`, a letter or digit first, for example `ada` or `ada@example.com`";

/// What was typed as it is compared: in small letters, without spaces around it. Nobody has a name that is not of this form.
pub(crate) fn normalise(typed: &str) -> String {
    typed.trim().to_lowercase()
}

/// Checks a name that somebody chooses, and gives it as it is kept.
pub(crate) fn choose(typed: &str) -> Result<String, Problem> {
    let name = normalise(typed);
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'@')
    };
    let begins_well = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if !begins_well || !(2..=80).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(Problem::field("name", EXPECTED));
    }
    // The actors that are no persons have these names in lists.
    if matches!(name.as_str(), "operator" | "paddock" | "system" | "nobody" | "invite" | "invitations") {
        return Err(Problem::field("name", "another name: this one is Paddock's own"));
    }
    if !matches!(shape(&SecretText::new(typed.trim().to_owned())), Shape::Other) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "name_looks_like_key",
            "Name looks like a key",
            "the name has the form of a Key ID or a Secret Key, and names are shown everywhere",
            "choose a name of your own",
        )
        .with("field", "name"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ada", Some("ada"))]
    #[case(" Ada@Example.COM ", Some("ada@example.com"))]
    #[case("a.b+c_d-e", Some("a.b+c_d-e"))]
    #[case("a", None)]
    #[case("", None)]
    #[case("@ada", None)]
    #[case("ada lovelace", None)]
    #[case("ädä", None)]
    #[case("ada\u{200b}", None)]
    #[case("operator", None)]
    #[case("PKAAAABBBBCCCCDDDDEEEE2345", None)]
    fn names(#[case] typed: &str, #[case] expected: Option<&str>) {
        assert_eq!(choose(typed).ok().as_deref(), expected);
    }
}
