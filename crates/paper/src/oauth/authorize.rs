//! `/oauth/authorize`: a person says yes or no to what a program asks for.

use askama::Template;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use paddock_alpaca::path::Query;
use paddock_core::Environment;
use uuid::Uuid;

use super::ask::{Ask, Unfit};
use super::field;
use super::memory::Consent;
use super::redirect_uri::policy_source;
use crate::broker::{Account, Broker};
use crate::http::Served;
use crate::pages::guard::policy_with_form_to;
use crate::pages::html::{Frame, page, trouble};
use crate::pages::{dollars, form, in_words};

#[derive(Template)]
#[template(path = "broker_consent.html")]
struct ConsentPage {
    frame: Frame,
    token: String,
    name: String,
    /// Where the person will be sent.
    destination: String,
    powers: Vec<&'static str>,
    may_trade: bool,
    worlds: Vec<World>,
    parameters: Vec<(&'static str, String)>,
    /// What was wrong with the last answer.
    problem: Option<&'static str>,
}

/// The accounts of one environment.
struct World {
    environment: &'static str,
    name: &'static str,
    choices: Vec<Choice>,
    /// Whether the person may leave this environment out.
    optional: bool,
}

struct Choice {
    number: String,
    cash: String,
    checked: bool,
}

/// `GET`: the page that asks.
pub(super) async fn show(State(served): State<Served>, uri: Uri) -> Response {
    let Ok(query) = Query::parse(uri.query().unwrap_or_default()) else {
        return unfit(Unfit::Here("its address has a parameter twice, or cannot be read"));
    };
    match Ask::read(&served.broker, &query) {
        Ok(ask) => asking(&served, ask, None).await,
        Err(reason) => unfit(reason),
    }
}

/// `POST`: the person's answer. Everything that was asked is read and checked again, and must be what the page showed.
pub(super) async fn decide(State(served): State<Served>, request: Request) -> Response {
    let form = match form::read(request, &served).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let ask = match Ask::read(&served.broker, &form) {
        Ok(ask) => ask,
        Err(reason) => return unfit(reason),
    };
    let token = field(&form, "token").unwrap_or_default();
    if !served.broker.page_memory().is_form_token(&ask.purpose(), token) {
        return form::stale();
    }
    match field(&form, "decision") {
        Some("allow") => allowed(&served, ask, &form).await,
        _ => see_other(&ask.answered(&[("error", "access_denied")])),
    }
}

async fn allowed(served: &Served, ask: Ask, form: &Query) -> Response {
    let chosen = served.broker.view(|broker| chosen_accounts(broker, &ask, form)).await;
    let accounts = match chosen {
        Ok(Some(accounts)) if !accounts.is_empty() => accounts,
        Ok(Some(_)) => return asking(served, ask, Some("Choose an account first.")).await,
        Ok(None) => return asking(served, ask, Some("That account is not there any more.")).await,
        Err(_) => return failed(),
    };
    let code = served.broker.new_id().to_string();
    let consent = Consent {
        client_id: ask.client_id.clone(),
        redirect_uri: ask.redirect_uri.clone(),
        accounts,
        scopes: ask.scopes,
    };
    served.broker.oauth_memory().keep_code(&code, consent, served.broker.wall_now());
    see_other(&ask.answered(&[("code", &code)]))
}

/// The accounts that the form names, at most one of each environment that is asked for; `None` if one of them is not such an account.
fn chosen_accounts(broker: &Broker, ask: &Ask, form: &Query) -> Option<Vec<Uuid>> {
    let mut chosen = Vec::new();
    for environment in asked_environments(ask) {
        let Some(number) = field(form, field_name(environment)) else { continue };
        let account = broker
            .accounts()
            .find(|account| account.environment == environment && account.number == number)?;
        chosen.push(account.id);
    }
    Some(chosen)
}

fn asked_environments(ask: &Ask) -> impl Iterator<Item = Environment> {
    let asked = ask.environment;
    [Environment::Paper, Environment::Live]
        .into_iter()
        .filter(move |environment| asked.is_none_or(|asked| asked == *environment))
}

const fn field_name(environment: Environment) -> &'static str {
    match environment {
        Environment::Paper => "paper_account",
        Environment::Live => "live_account",
    }
}

async fn asking(served: &Served, ask: Ask, problem: Option<&'static str>) -> Response {
    let Ok(worlds) = served.broker.view(|broker| worlds(broker, &ask)).await else { return failed() };
    let source = policy_source(&ask.redirect_uri);
    let destination = ask.redirect_uri.split('?').next().map(ToOwned::to_owned).unwrap_or_default();
    let shown = ConsentPage {
        frame: Frame::new(),
        token: served.broker.page_memory().form_token(&ask.purpose()),
        may_trade: ask.scopes.has(paddock_alpaca::oauth::OAuthScope::Trading),
        powers: in_words(ask.scopes),
        name: ask.name,
        destination,
        worlds,
        parameters: ask.parameters,
        problem,
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut response = page(status, &shown);
    let headers = response.headers_mut();
    if let Some(policy) = policy_with_form_to(&source) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Programs open this page in a window of their own and want to hear from it when it comes back to them.
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("unsafe-none"),
    );
    response
}

fn worlds(broker: &Broker, ask: &Ask) -> Vec<World> {
    let world = |environment| {
        let mut accounts: Vec<&Account> =
            broker.accounts().filter(|account| account.environment == environment).collect();
        accounts.sort_by_key(|account| (account.created_at, account.id));
        let (word, name) = match environment {
            Environment::Paper => ("paper", "Paper account"),
            Environment::Live => ("live", "Live-like account"),
        };
        // The only paper account is meant unless it is said otherwise. A live one is never given away by a default.
        let only = accounts.len() == 1 && environment == Environment::Paper;
        let choice = |account: &&Account| Choice {
            number: account.number.clone(),
            cash: dollars(account.cash),
            checked: only,
        };
        World {
            environment: word,
            name,
            choices: accounts.iter().map(choice).collect(),
            optional: ask.environment.is_none(),
        }
    };
    asked_environments(ask).map(world).collect()
}

fn see_other(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response()
}

fn unfit(reason: Unfit) -> Response {
    match reason {
        Unfit::Back(address) => see_other(&address),
        Unfit::Here(why) => {
            let text = format!(
                "The request for access is refused: {why}. Nothing was granted, and you were not sent anywhere. Programs are registered \
                 on the dashboard."
            );
            trouble(StatusCode::BAD_REQUEST, "This program cannot be let in", &text)
        }
    }
}

fn failed() -> Response {
    let text = "The journal cannot be written: look at the broker's output, and start it again.";
    trouble(StatusCode::INTERNAL_SERVER_ERROR, "The broker has failed", text)
}
