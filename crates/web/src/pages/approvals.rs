//! Approvals: what waits for a person, and what became of what waited.

mod answer;
mod list;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use paddock_store::ApprovalState;
use rust_decimal::Decimal;

use crate::WebState;
use crate::api::approvals::ApprovalView;
use crate::pages::text::{Moment, dollars, price};

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/approvals", get(list::show))
        .route("/approvals/{id}", get(show::show).post(answer::submit))
}

/// The sentences that are said after something was answered.
const DONE: [(&str, &str); 5] = [
    ("approved", "Approved. It was decided once more and sent, once, and Alpaca has taken it."),
    (
        "refused-by-alpaca",
        "Approved, and Alpaca refuses it: it was sent once, and there is no order. The status of its answer is below.",
    ),
    (
        "fate-unknown",
        "Approved and sent, once, and no clear answer came: whether Alpaca has it is being found out, and it is not sent again.",
    ),
    (
        "not-placed",
        "Approved, but there is no order: Alpaca was not reached, or does not take the connection’s credential. It is not tried again; a new order is held anew.",
    ),
    ("denied", "Denied. It is not sent, and its program is told so."),
];

/// What became of a request that was approved and forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Alpaca has it.
    Taken,
    /// Alpaca answered that it does not take it.
    Refused,
    /// Nobody knows yet: it is looked for.
    Unknown,
    /// Nothing came of it, and not by an answer of Alpaca's to it.
    NotPlaced,
}

impl Fate {
    /// By what is known of it at the broker, and the status of the broker's answer or of what was answered in its place, which is above 500.
    fn of(outcome: Option<&str>, status: Option<u16>) -> Self {
        match (outcome, status) {
            (Some("sent"), _) => Self::Taken,
            (Some("not_sent"), Some(400..500)) => Self::Refused,
            (Some("not_sent"), _) => Self::NotPlaced,
            _ => Self::Unknown,
        }
    }

    /// The code of its sentence.
    const fn code(self) -> &'static str {
        match self {
            Self::Taken => "approved",
            Self::Refused => "refused-by-alpaca",
            Self::Unknown => "fate-unknown",
            Self::NotPlaced => "not-placed",
        }
    }
}

/// A held request, as it stands on a page.
#[derive(Debug)]
struct Card {
    id: String,
    /// The order in words, with a capital.
    order: String,
    worth: String,
    /// The market's price when it was held, and between which prices it is sent.
    price: Option<Price>,
    key: Option<String>,
    connection: Option<String>,
    /// `paper` or `live`; live where it cannot be told.
    environment: &'static str,
    network: String,
    requested: Moment,
    expires: Moment,
    /// Whether it can still be answered.
    waits: bool,
    state: ApprovalState,
    /// What became of it.
    fate: String,
    ended: Option<Moment>,
    ended_by: Option<String>,
    reason: Option<String>,
    order_id: Option<String>,
    answer_status: Option<u16>,
    request: String,
    request_hash: String,
    target: String,
    body: String,
}

#[derive(Debug)]
struct Price {
    then: String,
    low: String,
    high: String,
    band: String,
}

impl Card {
    fn of(view: ApprovalView, now: Timestamp) -> Self {
        let fate = fate(&view);
        let environment = view.environment.map_or("live", |environment| environment.as_str());
        Self {
            id: view.id.to_string(),
            order: capital(&view.summary),
            worth: view.notional.map_or_else(|| "worth unknown".to_owned(), dollars),
            price: view.market_price.and_then(|then| Price::of(then, view.price_band)),
            key: view.key_name,
            connection: view.connection,
            environment,
            network: view.network,
            requested: Moment::ago(view.requested_at, now),
            expires: Moment::left(view.expires_at, now),
            waits: view.state == ApprovalState::Pending,
            state: view.state,
            fate,
            ended: view.ended_at.map(|at| Moment::ago(at, now)),
            ended_by: view.ended_by,
            reason: view.reason,
            order_id: view.order_id,
            answer_status: view.answer_status,
            request: view.request.to_string(),
            request_hash: view.request_hash,
            target: view.target,
            body: view.body,
        }
    }

    /// The state in a word, for a person.
    const fn state_word(&self) -> &'static str {
        match self.state {
            ApprovalState::Pending => "Waits",
            ApprovalState::Approved => "Approved",
            ApprovalState::Denied => "Denied",
            ApprovalState::Expired => "Expired",
            ApprovalState::Void => "Ended by a freeze",
            ApprovalState::Refused => "Approved, not sent",
        }
    }

    /// The class that gives its colour.
    const fn state_class(&self) -> &'static str {
        match self.state {
            ApprovalState::Pending => "waits",
            ApprovalState::Approved => "permitted",
            ApprovalState::Denied => "refused",
            ApprovalState::Refused => "failed",
            ApprovalState::Expired | ApprovalState::Void => "unauthenticated",
        }
    }

    fn is_live(&self) -> bool {
        self.environment == "live"
    }
}

impl Price {
    fn of(then: Decimal, band: Decimal) -> Option<Self> {
        let room = then.checked_mul(band)?.checked_div(Decimal::ONE_HUNDRED)?;
        Some(Self {
            then: price(then),
            low: price(then.checked_sub(room)?.max(Decimal::ZERO)),
            high: price(then.checked_add(room)?),
            band: band.normalize().to_string(),
        })
    }
}

/// What became of it, in a sentence without a full stop.
fn fate(view: &ApprovalView) -> String {
    match (view.state, view.outcome.as_deref(), view.answer_status) {
        (ApprovalState::Pending, ..) => "Waits for a person".to_owned(),
        (ApprovalState::Denied, ..) => "Not sent".to_owned(),
        (ApprovalState::Expired, ..) => "Not sent: nobody answered in time".to_owned(),
        (ApprovalState::Void, ..) => {
            "Not sent: its key, connection or everything was frozen or revoked".to_owned()
        }
        (ApprovalState::Refused, ..) => "Not sent: something stood in the way".to_owned(),
        (ApprovalState::Approved, Some("sent"), Some(status @ 200..300)) => {
            format!("Sent; the broker took it ({status})")
        }
        (ApprovalState::Approved, Some("sent"), _) => "Sent; the broker has it".to_owned(),
        (ApprovalState::Approved, Some("not_sent"), Some(status @ 400..500)) => {
            format!("No order came of it: the answer was {status}; what it took of the caps was given back")
        }
        (ApprovalState::Approved, Some("not_sent"), _) => {
            "No order came of it; what it took of the caps was given back".to_owned()
        }
        (ApprovalState::Approved, Some("on_its_way"), _) => "On its way to the broker".to_owned(),
        (ApprovalState::Approved, ..) => "Sent; whether the broker has it is being found out".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Some("sent"), Some(200), "approved")]
    #[case(Some("sent"), Some(504), "approved")]
    #[case(Some("not_sent"), Some(403), "refused-by-alpaca")]
    #[case(Some("not_sent"), Some(422), "refused-by-alpaca")]
    #[case(Some("not_sent"), Some(502), "not-placed")]
    #[case(Some("not_sent"), None, "not-placed")]
    #[case(Some("unknown"), Some(504), "fate-unknown")]
    #[case(Some("on_its_way"), None, "fate-unknown")]
    #[case(None, None, "fate-unknown")]
    fn what_is_said_is_what_became_of_it(
        #[case] outcome: Option<&str>,
        #[case] status: Option<u16>,
        #[case] code: &str,
    ) {
        assert_eq!(Fate::of(outcome, status).code(), code);
        assert!(DONE.iter().any(|(known, _)| *known == code));
    }

    #[rstest]
    #[case("187.5", "2", ("$187.50", "$183.75", "$191.25"))]
    #[case("0.0123", "10", ("$0.0123", "$0.01107", "$0.01353"))]
    #[case("1", "200", ("$1.00", "$0.00", "$3.00"))]
    #[case("0.00000812", "2", ("$0.00000812", "$0.000007958", "$0.000008282"))]
    fn prices_between_which_it_is_sent(
        #[case] then: &str,
        #[case] band: &str,
        #[case] expected: (&str, &str, &str),
    ) {
        let price = Price::of(then.parse().unwrap(), band.parse().unwrap()).unwrap();
        assert_eq!((price.then.as_str(), price.low.as_str(), price.high.as_str()), expected);
    }
}
