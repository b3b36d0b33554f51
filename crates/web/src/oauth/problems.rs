//! What can be wrong around an attempt to connect by OAuth. What Alpaca has to say is in `paddock_alpaca::oauth`.

use http::StatusCode;
use paddock_alpaca::oauth::OauthApp;

use crate::problem::Problem;

/// No app is registered.
pub(super) fn not_registered() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "oauth_not_registered",
        "Not set up",
        "this Paddock is not registered as an app at Alpaca",
        "connect with a key pair, or have whoever runs this Paddock register it: docs/connections.md says how",
    )
}

/// Whoever asks has no browser to come back in.
pub(super) fn no_browser() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "no_session_here",
        "No browser",
        "what is begun at Alpaca ends in the browser in which it was begun, and the request has none",
        "sign in on the pages, and connect there",
    )
}

/// The answer belongs to nothing that this browser began.
pub(super) fn unknown_attempt() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "oauth_unknown_attempt",
        "Not begun here",
        "this answer of Alpaca's belongs to nothing that was begun in this browser, so nothing was connected",
        "begin again at Connections, Connect an account; if you came here by a link of somebody's, do not use it",
    )
}

/// The answer came before.
pub(super) fn used_attempt() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "oauth_used_attempt",
        "Taken already",
        "this answer of Alpaca's was taken before, and is good for once",
        "see at Connections whether the account is connected, and begin again if it is not",
    )
}

/// The visitor was away for too long.
pub(super) fn too_late() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "oauth_too_late",
        "Too late",
        "more than ten minutes went by before Alpaca sent you back, so nothing was connected",
        "choose Connect with Alpaca again, and answer within ten minutes",
    )
}

/// Refuses to begin where the visitor would not be signed in when they come back: a cookie belongs to one host.
pub(super) fn check_origin(app: &OauthApp, origin: Option<&str>) -> Result<(), Problem> {
    let uri = app.redirect_uri();
    let host = |text: &str| text.split_once("://").map(|(_, rest)| rest.split('/').next().map(str::to_owned));
    let Some(origin) = origin.filter(|origin| origin.contains("://")) else { return Ok(()) };
    if host(origin) == host(uri) {
        return Ok(());
    }
    let place = uri.strip_suffix(super::OAUTH_CALLBACK).unwrap_or(uri);
    Err(Problem::new(
        StatusCode::CONFLICT,
        "oauth_other_address",
        "Another address",
        format!("Alpaca sends you back to {place}, and in this browser you are signed in at another address"),
        format!("open {place}, sign in there, and connect from there"),
    )
    .with("address", place))
}

#[cfg(test)]
mod tests {
    use paddock_alpaca::oauth::OauthSettings;
    use paddock_core::SecretText;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, true)]
    #[case(Some("null"), true)]
    #[case(Some("http://127.0.0.1:7878"), true)]
    #[case(Some("http://localhost:7878"), false)]
    #[case(Some("http://127.0.0.1:7879"), false)]
    #[case(Some("https://paddock.example"), false)]
    fn one_must_be_signed_in_where_one_comes_back(#[case] origin: Option<&str>, #[case] fine: bool) {
        let app = OauthApp::new(OauthSettings {
            client_id: "client".to_owned(),
            secret: SecretText::new("secret".to_owned()),
            redirect_uri: "http://127.0.0.1:7878/oauth/callback".to_owned(),
            consent_url: None,
            token_url: None,
        })
        .unwrap();
        let checked = check_origin(&app, origin);
        assert_eq!(checked.is_ok(), fine);
        if let Err(problem) = checked {
            assert!(problem.next_step.starts_with("open http://127.0.0.1:7878, "), "{problem:?}");
        }
    }
}
