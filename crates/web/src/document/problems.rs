//! The codes of problems: with which status each is answered, and what it says.

use http::StatusCode as S;

/// What is wrong with a pair of keys or its account.
pub(crate) const PAIR: &[&str] = &[
    "credentials_missing",
    "fields_swapped",
    "key_id_twice",
    "secret_key_twice",
    "halves_of_two_pairs",
    "key_id_malformed",
    "secret_key_malformed",
    "token_malformed",
    "paper_key_in_live",
    "live_key_in_paper",
    "invalid_credentials",
    "account_inactive",
    "account_restricted",
    "account_blocked",
    "host_unreachable",
    "tls_failure",
    "clock_skew",
    "timeout",
    "rate_limited",
    "server_error",
    "unexpected_answer",
];

/// What is wrong with the fields of a body.
pub(crate) const FIELDS: &[&str] = &["invalid_field", "missing_field"];

/// What is wrong with the limits of an access key.
pub(crate) const SCOPE: &[&str] =
    &["invalid_field", "missing_field", "contradiction", "unknown_operation", "money_out_by_name_only"];

/// What stands in the way of a freeze.
pub(crate) const FREEZE: &[&str] =
    &["invalid_field", "frozen_in_memory", "wind_down_not_begun", "gateway_not_reloaded", "gateway"];

/// What stands between a change and the gateway.
pub(crate) const RELOAD: &[&str] = &["gateway_not_reloaded", "gateway"];

/// What stands in the way of looking at an account.
pub(crate) const LOOK: &[&str] = &[
    "unknown_connection",
    "not_at_alpaca",
    "alpaca_busy",
    "alpaca_refused",
    "alpaca_unreachable",
    "credential_refused",
    "credential_unusable",
];

/// What stands in the way of what a person does to orders and positions.
pub(crate) const BY_HAND: &[&str] = &[
    "unknown_connection",
    "not_at_alpaca",
    "alpaca_refused",
    "close_under_way",
    "failed_before",
    "gateway",
    "idempotency_key_reused",
    "malformed_idempotency_key",
    "not_sent",
    "outcome_unknown",
    "refused",
    "under_way",
];

/// What stands in the way of what a person says to a rotation.
pub(crate) const SAY: &[&str] =
    &["unknown_rotation", "rotation_refuses", "role_too_low", "changed_meanwhile", "not_found"];

/// What the vault may say.
pub(crate) const VAULT: &[&str] = &["vault", "vault_locked"];

/// What any request may meet.
pub(super) const ANY: &[&str] = &[
    "malformed_query",
    "unknown_parameter",
    "not_signed_in",
    "token_not_good",
    "token_from_elsewhere",
    "cross_origin",
    "too_many_requests",
    "internal_error",
    "database",
];

/// What a POST with an `Idempotency-Key` may meet besides.
pub(super) const KEYED: &[&str] =
    &["answer_not_kept", "bad_idempotency_key", "key_of_another_request", "request_unfinished", "under_way"];

/// What a request with parameters in its query may meet besides.
pub(super) const WITH_QUERY: &[&str] = &["invalid_parameter"];

/// What a request with a name in its path may meet besides: an empty name is no route.
pub(super) const WITH_PATH: &[&str] = &["malformed_path", "unknown_route"];

/// What a change may meet besides.
pub(super) const CHANGE: &[&str] =
    &["malformed_body", "body_too_large", "unsupported_media_type", "unknown_field", "cut_short"];

/// Every code, its status and what it says; by name.
pub(super) const CODES: &[(&str, S, &str)] = &[
    ("account_blocked", S::UNPROCESSABLE_ENTITY, "Alpaca has blocked the account"),
    ("account_inactive", S::UNPROCESSABLE_ENTITY, "the account exists and is not active"),
    ("account_restricted", S::UNPROCESSABLE_ENTITY, "the account is active and may not trade"),
    ("alpaca_busy", S::SERVICE_UNAVAILABLE, "programs use the requests that alpaca allows the account"),
    ("alpaca_refused", S::UNPROCESSABLE_ENTITY, "alpaca refuses, in its own words"),
    ("alpaca_unreachable", S::BAD_GATEWAY, "alpaca does not answer"),
    ("already_connected", S::CONFLICT, "this account is connected already"),
    ("ambiguous_connection", S::CONFLICT, "several connections of that name were removed"),
    ("answer_not_kept", S::CONFLICT, "it was done already, and the answer held a secret that is not kept"),
    ("approval_over", S::CONFLICT, "the request waits no longer"),
    ("approval_still_pending", S::SERVICE_UNAVAILABLE, "nothing was sent, and it still waits"),
    ("approved_not_sent", S::CONFLICT, "the yes is recorded, and the request may not be sent any more"),
    ("at_the_machine_only", S::FORBIDDEN, "this is done on the machine that runs Paddock, and nowhere else"),
    ("attestation_changed", S::CONFLICT, "the text that was signed is not the one that is shown now"),
    ("attestation_incomplete", S::UNPROCESSABLE_ENTITY, "not all statements are ticked"),
    ("attestation_missing", S::UNPROCESSABLE_ENTITY, "a live account is connected with a signature"),
    ("audit_fault", S::CONFLICT, "the audit chain is broken"),
    ("backup_not_written", S::SERVICE_UNAVAILABLE, "the backup cannot be gathered"),
    ("bad_idempotency_key", S::BAD_REQUEST, "this is no Idempotency-Key"),
    ("body_too_large", S::PAYLOAD_TOO_LARGE, "the body is too large"),
    ("changed_meanwhile", S::CONFLICT, "somebody else changed it meanwhile"),
    ("clock_skew", S::BAD_GATEWAY, "this machine's clock does not fit the host's certificate"),
    ("close_under_way", S::CONFLICT, "another close of the position has no answer yet"),
    ("connected_elsewhere", S::CONFLICT, "another team has the account"),
    ("contradiction", S::UNPROCESSABLE_ENTITY, "two limits contradict each other"),
    ("credential_refused", S::BAD_GATEWAY, "alpaca refuses the connection's credential"),
    ("credential_unusable", S::SERVICE_UNAVAILABLE, "the credential cannot be opened or sent"),
    ("credentials_missing", S::UNPROCESSABLE_ENTITY, "a half of the pair is missing"),
    ("cross_origin", S::FORBIDDEN, "a page of another origin sent the request"),
    ("cut_short", S::INTERNAL_SERVER_ERROR, "the change was cut short"),
    ("database", S::SERVICE_UNAVAILABLE, "the database does not do what it is asked"),
    ("failed_before", S::CONFLICT, "it was sent under this key before, and not done"),
    ("fields_swapped", S::UNPROCESSABLE_ENTITY, "the two halves of the pair are swapped"),
    ("first_team_only", S::FORBIDDEN, "only the team that runs this Paddock may"),
    (
        "fresh_factor_needed",
        S::FORBIDDEN,
        "it asks for a proof of who you are that is at most five minutes old",
    ),
    ("frozen_by_file", S::CONFLICT, "a file holds everything frozen"),
    ("frozen_in_memory", S::SERVICE_UNAVAILABLE, "it is frozen until a restart only"),
    ("gateway", S::SERVICE_UNAVAILABLE, "the gateway does not do what it is asked"),
    (
        "gateway_not_reloaded",
        S::SERVICE_UNAVAILABLE,
        "the change is stored, and the gateway does not know it yet",
    ),
    ("halves_of_two_pairs", S::UNPROCESSABLE_ENTITY, "the halves are of two pairs"),
    ("host_unreachable", S::SERVICE_UNAVAILABLE, "Alpaca's host cannot be reached"),
    ("idempotency_key_reused", S::CONFLICT, "the key was used for something else"),
    ("internal_error", S::INTERNAL_SERVER_ERROR, "a defect of Paddock's"),
    ("invalid_credentials", S::UNPROCESSABLE_ENTITY, "Alpaca does not accept the pair"),
    ("invalid_field", S::UNPROCESSABLE_ENTITY, "a field holds what it may not"),
    ("invalid_parameter", S::BAD_REQUEST, "a parameter of the query holds what it may not"),
    ("key_id_malformed", S::UNPROCESSABLE_ENTITY, "this is no Key ID"),
    ("key_id_twice", S::UNPROCESSABLE_ENTITY, "the Key ID stands in both fields"),
    (
        "key_of_another_request",
        S::UNPROCESSABLE_ENTITY,
        "the Idempotency-Key came with another request before",
    ),
    ("last_owner", S::CONFLICT, "the team would have no owner"),
    ("link_gone", S::NOT_FOUND, "the link was used, was withdrawn or has expired"),
    (
        "live_accounts",
        S::UNPROCESSABLE_ENTITY,
        "the team has live accounts, and it is not said that this is done knowingly",
    ),
    ("live_key_in_paper", S::UNPROCESSABLE_ENTITY, "the pair is of the live environment"),
    ("malformed_body", S::BAD_REQUEST, "the body is no JSON object, or not whole"),
    ("malformed_idempotency_key", S::BAD_REQUEST, "the `Idempotency-Key` is not as it should be"),
    ("malformed_order_id", S::BAD_REQUEST, "this is no order's identifier"),
    ("malformed_path", S::BAD_REQUEST, "the path is not text"),
    ("malformed_query", S::BAD_REQUEST, "the query cannot be read, or names a parameter twice"),
    ("malformed_symbol", S::BAD_REQUEST, "this is no symbol"),
    ("method_not_allowed", S::METHOD_NOT_ALLOWED, "the address does not take this method"),
    ("missing_field", S::UNPROCESSABLE_ENTITY, "a field is missing"),
    (
        "money_out_by_name_only",
        S::UNPROCESSABLE_ENTITY,
        "operations that move money out are allowed by name only",
    ),
    ("name_looks_like_key", S::UNPROCESSABLE_ENTITY, "the name has the form of a key"),
    ("name_taken", S::CONFLICT, "something else has the name"),
    ("no_authority", S::NOT_FOUND, "there is no certificate authority"),
    ("no_form", S::UNSUPPORTED_MEDIA_TYPE, "a page takes forms only"),
    ("no_rehearsal", S::CONFLICT, "there is no paper broker to rehearse with"),
    ("no_session", S::INTERNAL_SERVER_ERROR, "a session could not be begun"),
    (
        "no_session_here",
        S::CONFLICT,
        "a proof is noted in the session of a browser, and the request has none",
    ),
    ("nobody_in_particular", S::CONFLICT, "this is about one person, and the admin socket acts for a team"),
    ("nobody_yet", S::CONFLICT, "nobody can sign in yet"),
    ("not_at_alpaca", S::NOT_FOUND, "alpaca has no such order or position"),
    ("not_attested", S::NOT_FOUND, "nothing was signed for the connection"),
    ("not_found", S::NOT_FOUND, "it is not there, or not any more"),
    ("not_sent", S::SERVICE_UNAVAILABLE, "nothing was sent"),
    ("not_signed_in", S::UNAUTHORIZED, "the request does not say who asks"),
    ("oauth_not_registered", S::CONFLICT, "this Paddock is not registered as an app at Alpaca"),
    (
        "oauth_other_address",
        S::CONFLICT,
        "Alpaca would send the browser back to another address than it is signed in at",
    ),
    (
        "oauth_other_environment",
        S::UNPROCESSABLE_ENTITY,
        "the token opens an account of the other environment",
    ),
    ("oauth_too_late", S::UNPROCESSABLE_ENTITY, "Alpaca sent the browser back after more than ten minutes"),
    (
        "oauth_unknown_attempt",
        S::BAD_REQUEST,
        "the browser has begun nothing that Alpaca's answer belongs to",
    ),
    ("oauth_used_attempt", S::CONFLICT, "Alpaca's answer was taken before"),
    ("other_request", S::CONFLICT, "another request waits under this identifier than the one that was shown"),
    ("outcome_unknown", S::BAD_GATEWAY, "alpaca did not answer: it is not known whether it acted"),
    ("paddock_key", S::UNPROCESSABLE_ENTITY, "this is an access key of Paddock's"),
    ("paper_key_in_live", S::UNPROCESSABLE_ENTITY, "the pair is of the paper environment"),
    ("passwords_differ", S::UNPROCESSABLE_ENTITY, "the two passwords are not the same"),
    (
        "positions_are_the_accounts",
        S::UNPROCESSABLE_ENTITY,
        "which positions are an access key's cannot be told",
    ),
    ("rate_limited", S::SERVICE_UNAVAILABLE, "Alpaca answers no more requests for now"),
    ("refused", S::CONFLICT, "a freeze stands in the way"),
    (
        "request_unfinished",
        S::CONFLICT,
        "it cannot be told whether the request was done before Paddock stopped",
    ),
    ("role_too_low", S::FORBIDDEN, "your role may not"),
    ("rotation_is_open", S::CONFLICT, "the connection has a rotation that is not over"),
    ("rotation_refuses", S::CONFLICT, "the rotation cannot do this now"),
    ("same_pair", S::CONFLICT, "the connection uses this pair already"),
    ("second_factor_is_off", S::CONFLICT, "no second factor is on"),
    ("second_factor_is_on", S::CONFLICT, "a second factor is on already"),
    ("second_factor_needed", S::FORBIDDEN, "real money takes a second factor"),
    ("second_factor_not_begun", S::CONFLICT, "there is no second factor to confirm"),
    ("secret_key_malformed", S::UNPROCESSABLE_ENTITY, "this is no Secret Key"),
    ("secret_key_twice", S::UNPROCESSABLE_ENTITY, "the Secret Key stands in both fields"),
    ("server_error", S::SERVICE_UNAVAILABLE, "Alpaca failed"),
    ("several_tokens", S::CONFLICT, "several people have a token of that name"),
    ("signed_for_good", S::UNPROCESSABLE_ENTITY, "whether requests are signed does not change"),
    ("timeout", S::SERVICE_UNAVAILABLE, "Alpaca did not answer in time"),
    ("tls_failure", S::BAD_GATEWAY, "no trusted connection to Alpaca came to be"),
    ("token_from_elsewhere", S::FORBIDDEN, "the API token may not be used from this network"),
    ("token_malformed", S::UNPROCESSABLE_ENTITY, "this is no token"),
    ("token_not_good", S::UNAUTHORIZED, "the API token is none, or expired or revoked"),
    ("token_refused", S::UNPROCESSABLE_ENTITY, "Alpaca does not take the token any more"),
    ("too_many_attempts", S::TOO_MANY_REQUESTS, "too many attempts to sign in"),
    ("too_many_requests", S::TOO_MANY_REQUESTS, "too many requests; `Retry-After` says when to go on"),
    ("too_many_sign_ins", S::SERVICE_UNAVAILABLE, "too many people sign in at once"),
    ("under_way", S::CONFLICT, "it was sent under this key, and alpaca has not answered yet"),
    ("unexpected_answer", S::BAD_GATEWAY, "the host does not answer as Alpaca does"),
    ("unknown_approval", S::NOT_FOUND, "there is no such approval"),
    ("unknown_connection", S::NOT_FOUND, "there is no such connection"),
    ("unknown_consumer", S::NOT_FOUND, "the connection has no such consumer"),
    ("unknown_field", S::UNPROCESSABLE_ENTITY, "a field is not known here"),
    ("unknown_invitation", S::NOT_FOUND, "there is no such invitation, or it was used"),
    ("unknown_key", S::NOT_FOUND, "there is no such access key, or it is revoked"),
    ("unknown_operation", S::UNPROCESSABLE_ENTITY, "Alpaca has no such operation"),
    ("unknown_parameter", S::BAD_REQUEST, "a parameter of the query is not known here"),
    ("unknown_person", S::NOT_FOUND, "there is nobody of that name"),
    ("unknown_request", S::NOT_FOUND, "there is no such request, or it is not kept"),
    ("unknown_rotation", S::NOT_FOUND, "there is no such rotation"),
    ("unknown_route", S::NOT_FOUND, "there is nothing at this address"),
    ("unknown_session", S::NOT_FOUND, "there is no such session, or it has ended"),
    ("unknown_token", S::NOT_FOUND, "there is no such API token, or it is revoked"),
    ("unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "the body is not said to be JSON"),
    ("vault", S::SERVICE_UNAVAILABLE, "the vault does not do what it is asked"),
    ("vault_locked", S::SERVICE_UNAVAILABLE, "the vault is locked"),
    ("weak_password", S::UNPROCESSABLE_ENTITY, "another password is needed"),
    (
        "wind_down_not_begun",
        S::SERVICE_UNAVAILABLE,
        "it is frozen, and nothing was done yet about what is open",
    ),
    ("wrong_code", S::UNPROCESSABLE_ENTITY, "this is not the code of now, or it was used"),
    ("wrong_name_or_password", S::UNPROCESSABLE_ENTITY, "name or password is wrong"),
    ("wrong_password", S::UNPROCESSABLE_ENTITY, "this is not the present password"),
];
