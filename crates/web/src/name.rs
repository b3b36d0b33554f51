//! The names that people give to connections and access keys.

use axum::extract::{FromRequestParts, Path};
use http::StatusCode;
use http::request::Parts;
use paddock_core::SecretText;
use paddock_core::paste::{Shape, shape};

use crate::problem::Problem;

const EXPECTED: &str =
    "1 to 64 letters, digits, `.`, `_` or `-`, a letter or digit first, for example `my-paper`";

/// Checks a name. It stands in addresses, on the command line and in audit records, so it is kept plain; and it is shown
/// everywhere, so it must not be a key that was pasted into the wrong field.
pub(crate) fn check(name: &str) -> Result<(), Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let begins_well = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if !begins_well || name.len() > 64 || !name.bytes().all(plain) {
        return Err(Problem::field("name", EXPECTED));
    }
    // The pages that make new ones stand beside those that show them.
    if name == "new" {
        return Err(Problem::field("name", "another name than `new`, which is taken by the pages"));
    }
    if !matches!(shape(&SecretText::new(name.to_owned())), Shape::Other) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "name_looks_like_key",
            "Name looks like a key",
            "the name has the form of a Key ID or a Secret Key, and names are shown everywhere",
            "give it a name of your own, and put the key into its own field",
        )
        .with("field", "name"));
    }
    Ok(())
}

/// The name in a request's path, decoded. Whether anything has that name is for the endpoint to find out.
#[derive(Debug)]
pub(crate) struct PathName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|_| malformed())
    }
}

/// The two names in a request's path, decoded.
#[derive(Debug)]
pub(crate) struct PathPair(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathPair {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|Path((first, second))| Self(first, second)).map_err(|_| malformed())
    }
}

fn malformed() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed_path",
        "Malformed path",
        "the name in the path is not text",
        "encode the name as UTF-8",
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("my-paper")]
    #[case("a")]
    #[case("Bot_2.v1")]
    fn plain_names_pass(#[case] name: &str) {
        assert_eq!(check(name), Ok(()));
    }

    #[rstest]
    #[case("")]
    #[case("-x")]
    #[case("..")]
    #[case("new")]
    #[case("a/b")]
    #[case("a b")]
    #[case("é")]
    #[case("<script>")]
    fn others_do_not(#[case] name: &str) {
        assert_eq!(check(name).unwrap_err().code, "invalid_field");
    }

    #[test]
    fn a_pasted_key_is_no_name() {
        let problem = check("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP12").unwrap_err();
        assert_eq!(problem.code, "name_looks_like_key");
        assert!(!problem.detail.contains("abcdef"));
    }
}
