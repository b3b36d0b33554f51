//! `/connections`: which Alpaca accounts are connected, and connecting another one.

mod attestation;
mod list;
mod new;
mod oauth;
mod remove;
mod replace;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::rotation::Nearness;

pub(super) use self::list::cards;
use super::text::Moment;
use crate::WebState;
use crate::api::connections::{ConnectionView, RepairView};
use crate::problem::Problem;

/// The pages of this area.
pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/connections", get(list::show))
        .route("/connections/new", get(new::choose))
        .route("/connections/new/paper", get(new::paper).post(new::connect_paper))
        .route("/connections/new/live", get(new::live).post(new::connect_live))
        .route("/connections/new/paper/oauth", axum::routing::post(oauth::leave_for_paper))
        .route("/connections/new/live/oauth", axum::routing::post(oauth::leave_for_live))
        .route("/connections/{name}/oauth", axum::routing::post(oauth::leave_again))
        .route("/oauth/callback", get(oauth::come_back))
        .route("/connections/{name}", get(show::show))
        .route("/connections/{name}/rename", get(show::again).post(show::rename))
        .route("/connections/{name}/check", get(show::again).post(show::check))
        .route("/connections/{name}/activate", axum::routing::post(show::activate))
        .route("/connections/{name}/freeze", axum::routing::post(show::freeze))
        .route("/connections/{name}/unfreeze", axum::routing::post(show::unfreeze))
        .route("/connections/{name}/replace", get(replace::show).post(replace::replace))
        .route("/connections/{name}/remove", get(remove::show).post(remove::remove))
        .route("/connections/{name}/attestation", get(attestation::download))
}

/// A connection as it stands on a page.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) environment: &'static str,
    pub(super) account_number: String,
    pub(super) status: String,
    /// Whether the account was active when it was last seen.
    pub(super) well: bool,
    pub(super) active: bool,
    pub(super) frozen: bool,
    pub(super) version: u32,
    /// When it was last looked at.
    pub(super) checked: Moment,
    /// What that look found wrong.
    pub(super) fault: Option<Problem>,
    /// When its account was last seen, where that was not by the latest look.
    pub(super) seen: Option<Moment>,
    pub(super) connected: Moment,
    /// Since when it has its pair, and how old that is.
    pub(super) pair: Option<Moment>,
    pub(super) due: Option<Due>,
    /// What stands there in the place of a pair, if something does.
    pub(super) token: Option<Token>,
    pub(super) keys: usize,
}

/// When a pair should be replaced.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) at: Moment,
    /// Every how many days.
    pub(super) days: u32,
    /// `fine`, `soon` or `over`.
    pub(super) state: &'static str,
}

/// A token that Alpaca gave by OAuth.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) since: Moment,
    /// What was granted, in words.
    pub(super) powers: String,
}

impl Token {
    fn new(since: Timestamp, scopes: &[String], now: Timestamp) -> Self {
        let powers = scopes.iter().filter_map(|scope| match scope.as_str() {
            "account:write" => Some("change its settings"),
            "trading" => Some("trade"),
            "data" => Some("read prices"),
            _ => None,
        });
        let powers: Vec<&str> = std::iter::once("read the account").chain(powers).collect();
        let (last, first) = powers.split_last().unwrap_or((&"", &[]));
        let powers =
            if first.is_empty() { (*last).to_owned() } else { format!("{} and {last}", first.join(", ")) };
        Self { since: Moment::ago(since, now), powers }
    }
}

impl Card {
    fn new(view: ConnectionView, keys: usize, now: Timestamp) -> Self {
        Self {
            environment: view.environment.as_str(),
            well: view.status == "ACTIVE",
            status: view.status.replace('_', " ").to_lowercase(),
            checked: Moment::ago(view.fault.as_ref().map_or(view.checked_at, |fault| fault.at), now),
            seen: view
                .fault
                .as_ref()
                .filter(|fault| fault.at > view.checked_at)
                .map(|_| Moment::ago(view.checked_at, now)),
            fault: view.fault.map(Problem::from),
            connected: Moment::day(view.created_at),
            pair: view.pair_since.map(|since| Moment::ago(since, now)),
            due: view.next_due_at.zip(view.due_every_days).map(|(at, days)| Due {
                at: Moment::day(at),
                days,
                state: match Nearness::of(at, days, now) {
                    Some(Nearness::Overdue) => "over",
                    Some(_) => "soon",
                    None => "fine",
                },
            }),
            token: view
                .token_since
                .map(|since| Token::new(since, view.token_scopes.as_deref().unwrap_or_default(), now)),
            name: view.name,
            account_number: view.account_number,
            active: view.active,
            frozen: view.frozen,
            version: view.credential_version,
            keys,
        }
    }
}

/// The slips that can be taken off a pasted field: the word in an address and what is said.
const SLIPS: [(&str, &str); 5] = [
    ("spaces", "spaces"),
    ("breaks", "line breaks"),
    ("quotes", "quotation marks"),
    ("assignment", "a variable assignment in front"),
    ("invisible", "invisible characters"),
];

/// What was taken off the fields, for the address of the next page.
fn repairs_for_address(repairs: &[RepairView]) -> String {
    let words = repairs.iter().flat_map(|repair| {
        let field = if repair.field == "key_id" { "id" } else { "secret" };
        let known = |said: &String| SLIPS.iter().find(|(_, words)| words == said).map(|(word, _)| *word);
        repair.removed.iter().filter_map(known).map(move |word| format!("{field}-{word}"))
    });
    words.collect::<Vec<_>>().join(".")
}

/// What an address says was taken off the fields, as sentences. Nothing of the address itself is shown.
fn repairs_of_address(address: &str) -> Vec<String> {
    let said = |field: &str| -> Vec<&str> {
        let word =
            |part: &str| part.split_once('-').filter(|(of, _)| *of == field).map(|(_, word)| word.to_owned());
        let words: Vec<String> = address.split('.').filter_map(word).collect();
        SLIPS.iter().filter(|(word, _)| words.iter().any(|one| one == word)).map(|(_, said)| *said).collect()
    };
    sentences(&said("id"), &said("secret"))
}

/// The same of a problem that an attempt ended with.
fn repairs_of_problem(problem: &Problem) -> Vec<String> {
    let repairs: Vec<RepairView> = problem
        .extra
        .get("repairs")
        .and_then(|repairs| serde_json::from_value(repairs.clone()).ok())
        .unwrap_or_default();
    repairs_of_address(&repairs_for_address(&repairs))
}

fn sentences(of_id: &[&str], of_secret: &[&str]) -> Vec<String> {
    let sentence = |field: &str, said: &[&str]| {
        (!said.is_empty()).then(|| format!("Pasted with the {field} came {}: taken off.", said.join(" and ")))
    };
    [sentence("Key ID", of_id), sentence("Secret Key", of_secret)].into_iter().flatten().collect()
}

/// Puts a problem at the field of the page where a person mends it, with a next step for people at a page.
fn at_its_field(problem: Problem, environment: Environment) -> Problem {
    let field = match problem.code.as_ref() {
        "fields_swapped"
        | "paddock_key"
        | "invalid_credentials"
        | "live_key_in_paper"
        | "paper_key_in_live"
        | "already_connected"
        | "oauth_other_account"
        | "connected_elsewhere"
        | "same_pair" => "key_id",
        "halves_of_two_pairs" => "secret_key",
        "name_taken" => "name",
        _ => return problem,
    };
    let mut problem = problem.at(field);
    let name = problem.extra.get("connection").and_then(serde_json::Value::as_str).map(str::to_owned);
    problem.next_step = match (problem.code.as_ref(), name) {
        ("live_key_in_paper" | "paper_key_in_live", _) => format!(
            "connect it as a {} account, or paste a pair of the {environment} account",
            environment.other()
        )
        .into(),
        ("already_connected", Some(name)) => format!(
            "to give `{name}` this pair, open it and choose Replace the key pair: its history is kept"
        )
        .into(),
        ("name_taken", Some(_)) => "choose another name, or remove the connection that has it first".into(),
        _ => return problem,
    };
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_off_is_said_and_nothing_else_of_the_address() {
        let repairs = [RepairView {
            field: "key_id".to_owned(),
            removed: vec!["quotation marks".to_owned(), "spaces".to_owned()],
        }];
        let address = repairs_for_address(&repairs);
        assert_eq!(address, "id-quotes.id-spaces");
        assert_eq!(
            repairs_of_address(&address),
            ["Pasted with the Key ID came spaces and quotation marks: taken off."]
        );
        assert!(repairs_of_address("id-<script>.x-spaces").is_empty());
    }

    #[test]
    fn every_slip_that_is_repaired_has_its_words() {
        let pasted = paddock_core::paste::repair(&paddock_core::SecretText::new(
            "\u{feff}export KEY=\"PK AAAA\n\"".to_owned(),
        ));
        assert!(pasted.repairs.len() >= 4, "{:?}", pasted.repairs);
        for repair in pasted.repairs {
            assert!(SLIPS.iter().any(|(_, words)| *words == repair.describe()), "{repair}");
        }
    }
}
