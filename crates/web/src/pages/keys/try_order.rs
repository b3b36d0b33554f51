//! `POST /keys/{name}/try`: what would become of an order. Nothing is reserved, recorded or sent.

use std::net::{IpAddr, Ipv4Addr};

use axum::response::Response;
use http::StatusCode;
use paddock_gateway::Explanation;
use serde_json::{Map, Value};

use crate::api::keys::explain::try_order;
use crate::api::keys::named;
use crate::complaints::Complaints;
use crate::desk::Desk;
use crate::fields::{Fields, FormFields};
use crate::name::PathName;
use crate::pages::form::FormView;
use crate::pages::numbers::told;
use crate::pages::rows;
use crate::pages::text::{dollars, price};
use crate::problem::Problem;

/// The fields of the form.
const NAMES: [&str; 12] = [
    "symbol",
    "side",
    "amount",
    "amount_in",
    "type",
    "limit_price",
    "stop_price",
    "trail_percent",
    "time_in_force",
    "extended_hours",
    "from",
    "position_intent",
];

/// What would become of the order.
#[derive(Debug)]
pub(super) struct Tried {
    /// `permitted`, `held`, `refused` or `failed`: the class that gives its colour.
    pub(super) class: &'static str,
    pub(super) verdict: &'static str,
    /// The order in one line, where it can be read.
    pub(super) order: Option<String>,
    pub(super) message: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) numbers: Vec<(String, String)>,
    /// The body as the broker would get it.
    pub(super) would_send: Option<String>,
}

/// An empty form, as it is usual.
pub(super) fn blank() -> FormView {
    FormView::blank()
        .with("side", "buy")
        .with("amount_in", "qty")
        .with("type", "market")
        .with("time_in_force", "day")
}

pub(super) async fn submit(
    desk: Desk,
    PathName(name): PathName,
    form: FormFields,
) -> Result<Response, Problem> {
    let key = named(&desk, &name).await?;
    let view = FormView::keep(&form, &NAMES);
    match read(form.0) {
        Ok((order, from)) => {
            let explanation = try_order(&desk, key.id, order, from).await?;
            super::show::page_of(&desk, key, StatusCode::OK, view, Some(Tried::of(explanation))).await
        }
        Err(complaints) => {
            let (status, view) = (StatusCode::UNPROCESSABLE_ENTITY, view.refused_for(complaints));
            super::show::page_of(&desk, key, status, view, None).await
        }
    }
}

/// The body of `POST /v2/orders`, and from where it would come. What the order may be is for the gateway to say, in the words that a
/// program gets; here only amounts are read as people write them.
fn read(mut fields: Fields) -> Result<(String, IpAddr), Complaints> {
    let mut complaints = Complaints::default();
    let mut order = Map::new();
    let symbol = complaints.hear(fields.need_text("symbol", "a symbol, for example `AAPL`"));
    order.insert("symbol".to_owned(), symbol.trim().to_ascii_uppercase().into());
    for (name, expected) in
        [("side", "`buy` or `sell`"), ("type", "an order type"), ("time_in_force", "a time in force")]
    {
        let text = complaints.hear(fields.need_text(name, expected));
        order.insert(name.to_owned(), text.into());
    }
    let amount_in = complaints.hear(fields.text("amount_in"));
    let unit = if amount_in.as_deref() == Some("notional") { "notional" } else { "qty" };
    match complaints.hear(fields.amount("amount", "an amount above zero, for example 10 or 99.50")) {
        Some(amount) => _ = order.insert(unit.to_owned(), amount.normalize().to_string().into()),
        None if complaints.is_empty() => {
            complaints.add(Problem::missing("amount", "how many units, or how many dollars"));
        }
        None => {}
    }
    for name in ["limit_price", "stop_price", "trail_percent"] {
        if let Some(price) = complaints.hear(fields.amount(name, "an amount above zero, for example 187.50"))
        {
            order.insert(name.to_owned(), price.normalize().to_string().into());
        }
    }
    if complaints.hear(fields.flag("extended_hours")) {
        order.insert("extended_hours".to_owned(), true.into());
    }
    let from = complaints.hear(fields.text("from"));
    let from = from
        .map(|text| text.trim().parse().map_err(|_| Problem::field("from", "an address like `10.1.2.3`")));
    let from = complaints.hear(from.transpose()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    complaints.hear(fields.finish(&NAMES));
    complaints.unless_any((Value::Object(order).to_string(), from))
}

impl Tried {
    fn of(explanation: Explanation) -> Self {
        let (class, verdict) = match rows::decision(&explanation.outcome) {
            "permitted" => ("permitted", "It would be sent"),
            "held" => ("held", "It would wait for a person"),
            "failed" => ("failed", "It would fail"),
            _ => ("refused", "It would be refused"),
        };
        let (reason, message) = rows::told(explanation.outcome);
        let mut numbers: Vec<(String, String)> = Vec::new();
        let mut tell =
            |name: &str, value: Option<String>| numbers.extend(value.map(|value| (name.to_owned(), value)));
        tell("Market price", explanation.market_price.map(price));
        tell("Worth", explanation.notional.map(dollars));
        tell(
            "Used of its caps today",
            Some(format!("{} in {}", dollars(explanation.notional_today), orders(explanation.orders_today))),
        );
        tell("The account has at stake", explanation.open_exposure.map(dollars));
        tell("The account has lost today", explanation.daily_loss.map(dollars));
        tell("Requests left this minute", explanation.requests_left.map(|left| left.to_string()));
        numbers.extend(explanation.numbers.iter().map(|(name, value)| told(name, value)));
        Self {
            class,
            verdict,
            order: explanation.order,
            message,
            reason,
            numbers,
            would_send: explanation.would_send,
        }
    }
}

fn orders(count: u32) -> String {
    if count == 1 { "1 order".to_owned() } else { format!("{count} orders") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Fields {
        let mut form = FormFields(Fields::default());
        for (name, value) in pairs {
            form.set(name, Some((*value).to_owned()));
        }
        form.0
    }

    #[test]
    fn the_form_becomes_the_body_that_a_program_sends() {
        let fields = form(&[
            ("symbol", " aapl "),
            ("side", "buy"),
            ("type", "limit"),
            ("time_in_force", "day"),
            ("amount_in", "notional"),
            ("amount", "100.50"),
            ("limit_price", "187"),
        ]);
        let (order, from) = read(fields).unwrap();
        let order: Value = serde_json::from_str(&order).unwrap();
        let expected = serde_json::json!({
            "symbol": "AAPL", "side": "buy", "type": "limit", "time_in_force": "day", "notional": "100.5", "limit_price": "187",
        });
        assert_eq!(order, expected);
        assert!(from.is_loopback());
    }

    #[test]
    fn each_field_has_its_complaint() {
        let fields = form(&[
            ("side", "buy"),
            ("type", "market"),
            ("time_in_force", "day"),
            ("amount", "x"),
            ("from", "home"),
        ]);
        let at: Vec<String> = read(fields)
            .unwrap_err()
            .iter()
            .map(|problem| problem.extra["field"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(at, ["symbol", "amount", "from"]);
    }
}
