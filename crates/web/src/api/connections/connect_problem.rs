//! What can be wrong with a pair or its account, each with its own name, sentence and next step.

use http::StatusCode;
use paddock_alpaca::connect_fault::{ConnectFault, OtherHost};
use paddock_alpaca::oauth::OauthFault;
use paddock_core::paste::{PairFault, pair_fault};
use paddock_core::{Environment, SecretText};
use paddock_store::Connection;

use crate::api::keys::issue::{KEY_ID_PREFIX, SECRET_PREFIX};
use crate::desk::Desk;
use crate::problem::Problem;

/// How to get a new pair, since a Secret Key is shown only once.
const NEW_PAIR: &str = "generate a new pair in Alpaca's dashboard and copy both keys from there";

/// Looks at a repaired pair that replaces one which is dead by now: only what cannot be a pair is refused without asking Alpaca.
pub(crate) fn check_minted(key_id: &SecretText, secret_key: &SecretText) -> Result<(), Problem> {
    match pair_fault(key_id, secret_key) {
        Some(fault) if fault.may_be_a_newer_form(key_id, secret_key) => check_whose(key_id, secret_key),
        _ => check_shape(key_id, secret_key),
    }
}

/// Looks at a repaired pair before anyone is asked.
pub(crate) fn check_shape(key_id: &SecretText, secret_key: &SecretText) -> Result<(), Problem> {
    check_whose(key_id, secret_key)?;
    let Some(fault) = pair_fault(key_id, secret_key) else { return Ok(()) };
    let problem = of_fault(&ConnectFault::Pair(fault));
    Err(match fault {
        PairFault::Missing if key_id.expose().is_empty() => problem.with("field", "key_id"),
        PairFault::Missing | PairFault::KeyIdTwice | PairFault::SecretMalformed => {
            problem.with("field", "secret_key")
        }
        PairFault::SecretTwice | PairFault::KeyIdMalformed => problem.with("field", "key_id"),
        PairFault::Swapped | PairFault::HalvesOfTwoPairs => problem,
    })
}

fn check_whose(key_id: &SecretText, secret_key: &SecretText) -> Result<(), Problem> {
    if key_id.expose().starts_with(KEY_ID_PREFIX) || secret_key.expose().starts_with(SECRET_PREFIX) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "paddock_key",
            "An access key of Paddock's",
            "this is an access key that Paddock issued, not a pair of Alpaca's",
            "paste the pair that Alpaca's dashboard shows; access keys are for programs",
        ));
    }
    Ok(())
}

/// What Alpaca's two hosts had to say. 503 where trying again may help, 502 where the host is not as it should be.
pub(crate) fn of_fault(fault: &ConnectFault) -> Problem {
    let status = match fault {
        ConnectFault::AlreadyConnected { .. } | ConnectFault::NameTaken { .. } => StatusCode::CONFLICT,
        ConnectFault::Oauth(OauthFault::AppRefused)
        | ConnectFault::TlsFailure { .. }
        | ConnectFault::ClockSkew { .. }
        | ConnectFault::UnexpectedAnswer { .. } => StatusCode::BAD_GATEWAY,
        fault if fault.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let problem = Problem::new(status, fault.code(), fault.label(), fault.sentence(), fault.next_step());
    match fault {
        ConnectFault::WrongEnvironment { expected, account_number } => problem
            .with("field", "environment")
            .with("found", expected.other().as_str())
            .with("account_number", account_number.as_str()),
        ConnectFault::Oauth(OauthFault::OtherEnvironment { expected, account_number }) => {
            problem.with("found", expected.other().as_str()).with("account_number", account_number.as_str())
        }
        ConnectFault::AccountInactive { status } => problem.with("account_status", status.as_str()),
        ConnectFault::RateLimited { retry_after: Some(wait) } => problem.with("retry_after", wait.as_secs()),
        _ => problem,
    }
}

/// What they say of a credential that is stored already.
pub(super) fn of_stored(fault: &ConnectFault) -> Problem {
    let mut problem = of_fault(fault);
    problem.detail = fault.sentence_when_stored().into();
    problem.next_step = fault.next_step_when_stored().into();
    problem
}

/// The same as [`of_fault`], and where a broker on this machine stands in for Alpaca, that it does not know the pairs of Alpaca's own dashboard.
pub(super) fn of_probe(desk: &Desk, fault: &ConnectFault) -> Problem {
    let mut problem = of_fault(fault);
    let both = [Environment::Paper, Environment::Live];
    let stands_in = both.into_iter().all(|environment| desk.own_broker(environment).is_some());
    if stands_in && matches!(fault, ConnectFault::InvalidCredentials { other: OtherHost::Refused, .. }) {
        problem.detail = "the broker on this machine, which this Paddock uses in the place of Alpaca, does not know this pair, and \
                          nobody else was asked"
            .into();
        problem.next_step = format!(
            "copy both fields again from that broker's dashboard; to connect an account at Alpaca itself, start another Paddock with `{}`",
            desk.beside()
        )
        .into();
    }
    problem
}

/// One half or each half belongs to a pair that is known, and they do not belong together. At least one name is given.
pub(super) fn torn_pair(key_id_of: Option<&str>, secret_of: Option<&str>) -> Problem {
    let mut problem = of_fault(&ConnectFault::Pair(PairFault::HalvesOfTwoPairs));
    let detail = match (key_id_of, secret_of) {
        (Some(one), Some(other)) if one == other => {
            format!(
                "the Key ID and the Secret Key are of two different pairs that connection `{one}` has had"
            )
        }
        (Some(one), Some(other)) => {
            format!("the Key ID belongs to connection `{one}` and the Secret Key to connection `{other}`")
        }
        (Some(one), None) => {
            format!(
                "the Key ID belongs to connection `{one}`, and the Secret Key is not the one that goes with it"
            )
        }
        (None, Some(other)) => format!(
            "the Secret Key belongs to connection `{other}`, and the Key ID is not the one that goes with it"
        ),
        (None, None) => problem.detail.to_string(),
    };
    problem.detail = detail.into();
    problem.next_step = format!("copy both keys of the same pair, or {NEW_PAIR}").into();
    if let Some(name) = key_id_of {
        problem = problem.with("key_id_of", name);
    }
    if let Some(name) = secret_of {
        problem = problem.with("secret_key_of", name);
    }
    problem
}

/// The account is connected.
pub(super) fn already_connected(known: &Connection) -> Problem {
    let mut problem = of_fault(&ConnectFault::AlreadyConnected { name: known.name.clone() });
    problem.detail = format!(
        "this {} account ({}) is connected already, as `{}`",
        known.environment, known.account_number, known.name
    )
    .into();
    problem.with("connection", known.name.as_str())
}

/// The credential is to replace that of one connection, and opens the account of another one of the team.
pub(super) fn of_another_connection(owner: &Connection) -> Problem {
    let mut problem = already_connected(owner);
    problem.detail = format!(
        "this opens {} account {}, which is connection `{}`, and not the connection that you are at: nothing was stored",
        owner.environment, owner.account_number, owner.name
    )
    .into();
    problem
}

/// The pair is to replace that of one connection, and opens an account that the team has not connected.
pub(super) fn another_account(known: &Connection, found: String) -> Problem {
    let expected = known.account_number.clone();
    let mut problem =
        of_fault(&OauthFault::OtherAccount { expected: expected.clone(), found: found.clone() }.into());
    problem.detail =
        format!("this pair opens account {found}, and `{}` is account {expected}", known.name).into();
    problem.next_step =
        format!("paste a pair of account {expected}, or connect the other account by itself").into();
    problem
}

/// The connection was removed meanwhile.
pub(super) fn gone() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "Not found",
        "the connection was removed meanwhile",
        "connect the account anew",
    )
}

/// The pair is the one that is in use.
pub(super) fn same_pair(known: &Connection) -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "same_pair",
        "Same pair",
        format!("this is the pair that connection `{}` uses already", known.name),
        format!("there is nothing to replace; for a new pair, {NEW_PAIR}"),
    )
    .with("connection", known.name.as_str())
}

/// Another account has the name.
pub(super) fn name_taken(known: &Connection, account_number: &str) -> Problem {
    let mut problem = of_fault(&ConnectFault::NameTaken { name: known.name.clone() });
    problem.detail = format!(
        "`{}` is the {} account {}, and this is account {account_number}",
        known.name, known.environment, known.account_number
    )
    .into();
    problem.next_step = format!(
        "choose another name, or remove that connection with `paddock connection remove {}`",
        known.name
    )
    .into();
    problem.with("connection", known.name.as_str())
}
