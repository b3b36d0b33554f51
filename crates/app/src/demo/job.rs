//! The main job, over real HTTP through the gateway, with nothing but the access key.

use std::time::Duration;

use paddock_core::ReasonCode;
use paddock_core::money::{format_usd, parse_decimal};
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::time::interval;

use super::report::{Report, Step};
use super::stage::Stage;
use super::story::Story;
use super::{MAX_NOTIONAL, OTHER_SYMBOL, SYMBOL};
use crate::failure::{Failure, Outcome};

/// How often an order is asked for until it is filled, and how many times.
const FILL_EVERY: Duration = Duration::from_millis(100);
const FILL_TRIES: u32 = 100;

/// A program with an access key, as any Alpaca client is one.
struct Bot<'a> {
    http: reqwest::Client,
    stage: &'a Stage,
}

/// What the gateway answered.
struct Answer {
    status: u16,
    body: Value,
}

impl Bot<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Answer> {
        let lost = |error: reqwest::Error| Failure::new(format!("the gateway did not answer: {error}"));
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.stage.gateway))
            .header("APCA-API-KEY-ID", &self.stage.key_id)
            .header("APCA-API-SECRET-KEY", self.stage.secret_key.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(lost)?;
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(Method::GET, path, None).await
    }

    async fn order(&self, order: &Value) -> Outcome<Answer> {
        self.send(Method::POST, "/v2/orders", Some(order)).await
    }
}

/// Does the job and shows each step as it is done.
pub(super) async fn run(stage: &Stage, story: &Story) -> Outcome<Report> {
    story.heading("The bot at work, through the gateway, with its access key")?;
    let bot = Bot { http: http_client()?, stage };
    let mut steps: Vec<Step> = Vec::new();
    let mut show = |step: Step| -> Outcome {
        story.step(steps.len() + 1, &step)?;
        steps.push(step);
        Ok(())
    };
    show(account(&bot).await?)?;
    let (quote, ask) = quote(&bot).await?;
    show(quote)?;
    show(buy_that_fills(&bot, ask).await?)?;
    let other = order(OTHER_SYMBOL, "1");
    show(refused(&bot, &other, "buy 1 MSFT".to_owned(), ReasonCode::SymbolNotAllowed).await?)?;
    let quantity = too_many(ask);
    let name = format!("buy {quantity} {SYMBOL}, over ${}", format_usd(MAX_NOTIONAL.into()));
    let large = order(SYMBOL, &quantity.to_string());
    show(refused(&bot, &large, name, ReasonCode::OrderNotionalExceeded).await?)?;
    let positions = bot.get("/v2/positions").await?;
    let (records, chain_is_whole) = stage.records().await?;
    let positions = positions.body.as_array().cloned().unwrap_or_default();
    Ok(Report { steps, positions, records, names: stage.names().await?, chain_is_whole })
}

fn http_client() -> Outcome<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(Failure::cannot("set up the HTTP client"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

fn dollars(value: &Value) -> String {
    let amount = value.as_str().and_then(|text| parse_decimal(text).ok());
    amount.map_or_else(|| "unknown".to_owned(), |amount| format!("${}", format_usd(amount)))
}

async fn account(bot: &Bot<'_>) -> Outcome<Step> {
    let answer = bot.get("/v2/account").await?;
    let account = &answer.body;
    let happened = if answer.status == 200 {
        format!(
            "{} {}, {} in cash",
            text(&account["account_number"]),
            text(&account["status"]),
            dollars(&account["cash"])
        )
    } else {
        unexpected(&answer)
    };
    Ok(Step {
        name: "ask for the account".to_owned(),
        request: "GET /v2/account".to_owned(),
        happened,
        status: Some(answer.status),
        ok: answer.status == 200 && account["account_number"] == bot.stage.account_number.as_str(),
    })
}

async fn quote(bot: &Bot<'_>) -> Outcome<(Step, Option<Decimal>)> {
    let path = format!("/v2/stocks/{SYMBOL}/quotes/latest");
    let answer = bot.get(&path).await?;
    // Prices are JSON numbers here; their text is read exactly.
    let price = |field: &str| {
        parse_decimal(&answer.body["quote"][field].to_string()).ok().filter(|p| *p > Decimal::ZERO)
    };
    let (bid, ask) = (price("bp"), price("ap"));
    let happened = match (bid, ask) {
        (Some(bid), Some(ask)) => format!("bid ${}, ask ${}", format_usd(bid), format_usd(ask)),
        _ => unexpected(&answer),
    };
    let ok = answer.status == 200 && ask.is_some();
    let step = Step {
        name: format!("ask for a quote of {SYMBOL}"),
        request: format!("GET {path}"),
        happened,
        status: Some(answer.status),
        ok,
    };
    Ok((step, ask))
}

fn order(symbol: &str, quantity: &str) -> Value {
    json!({ "symbol": symbol, "qty": quantity, "side": "buy", "type": "market", "time_in_force": "day" })
}

async fn buy_that_fills(bot: &Bot<'_>, ask: Option<Decimal>) -> Outcome<Step> {
    // One share, unless a share alone might be worth more than the key allows.
    let one_share = ask.is_none_or(|ask| ask < Decimal::from(MAX_NOTIONAL) * Decimal::new(8, 1));
    let (mut order, name) =
        (order(SYMBOL, "1"), format!("buy {} {SYMBOL}", if one_share { "1" } else { "$500 of" }));
    if !one_share && let Some(fields) = order.as_object_mut() {
        fields.remove("qty");
        fields.insert("notional".to_owned(), json!("500"));
    }
    let mut answer = bot.order(&order).await?;
    let mut ok = answer.status == 200;
    if ok {
        let id = text(&answer.body["id"]).to_owned();
        // The broker fills a market order in its own time, and REST has no event for it.
        let mut ticks = interval(FILL_EVERY);
        for _ in 0..FILL_TRIES {
            ticks.tick().await;
            answer = bot.get(&format!("/v2/orders/{id}")).await?;
            if answer.body["status"] == "filled" {
                break;
            }
        }
        ok = answer.body["status"] == "filled";
    }
    let happened = if ok {
        format!(
            "filled: {} at {}",
            text(&answer.body["filled_qty"]),
            dollars(&answer.body["filled_avg_price"])
        )
    } else {
        unexpected(&answer)
    };
    Ok(Step { name, request: format!("POST /v2/orders {order}"), happened, status: Some(answer.status), ok })
}

async fn refused(bot: &Bot<'_>, order: &Value, name: String, reason: ReasonCode) -> Outcome<Step> {
    let answer = bot.order(order).await?;
    let ok = answer.status == 403 && answer.body["code"] == reason.number();
    let happened =
        if ok { format!("refused: {}", text(&answer.body["message"])) } else { unexpected(&answer) };
    Ok(Step { name, request: format!("POST /v2/orders {order}"), happened, status: Some(answer.status), ok })
}

/// A whole number of shares that is worth well over the limit.
fn too_many(ask: Option<Decimal>) -> Decimal {
    let limit = Decimal::from(MAX_NOTIONAL);
    let just_over = ask.and_then(|ask| limit.checked_div(ask)).map_or(limit, |shares| shares.floor());
    just_over + Decimal::TWO
}

fn unexpected(answer: &Answer) -> String {
    let said = match (&answer.body["message"], &answer.body["status"]) {
        (Value::String(message), _) => message.clone(),
        (_, Value::String(status)) => format!("the order is {status}"),
        _ => "an answer that was not expected".to_owned(),
    };
    format!("{said} (status {})", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_shares_are_over_the_limit_at_any_price() {
        for ask in ["0.5", "271.31", "500", "1000", "4000.01"] {
            let ask: Decimal = ask.parse().unwrap();
            assert!(too_many(Some(ask)) * ask > Decimal::from(MAX_NOTIONAL), "{ask}");
        }
    }
}
