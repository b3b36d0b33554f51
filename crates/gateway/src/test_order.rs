//! The test order of a rotation: one share far from the market, placed, seen and canceled, to show that the new pair trades. On paper only.
//!
//! It takes the way of every request, under a scope of its own that allows this order and nothing else. Its client order id is the
//! rotation's, and is kept with it before it is sent: after a crash or a lost answer it is looked for under that name, and not sent again. Only an
//! order that the broker refused for certain is followed by another, under the next name.

use std::sync::Arc;

use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::order_body::ParsedOrder;
use paddock_alpaca::test_order::{NoTestOrder, SYMBOL, test_order};
use paddock_alpaca::wire::{Order, OrderStatus};
use paddock_core::audit::Actor;
use paddock_core::decide::{Act, Opens, OrderFacts};
use paddock_core::id::{ConnectionId, RotationId};
use paddock_core::order::{OrderClass, OrderType, Side, TimeInForce};
use paddock_core::rotation::Failure;
use paddock_core::{Environment, PermissionClass, Scope, Symbol};
use paddock_store::StepState;
use rust_decimal::Decimal;

use crate::budget::{Asker, Priority};
use crate::by_hand::{HandAct, HandOrder, HandOutcome, act};
use crate::shared::{GatewayError, Shared};
use crate::target::summary;

/// So many of them may be refused in one rotation.
const MOST: u32 = 100;

/// What is done about whatever stands in the way.
const NEXT: &str = "see to it and resume, or skip the test order";

/// A test order. Only this module makes one, which has looked that the account is a paper account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOrder(Box<ParsedOrder>);

impl TestOrder {
    pub(crate) fn body(&self) -> Vec<u8> {
        self.0.to_json_bytes()
    }

    /// What is decided.
    pub(crate) fn act(&self) -> Act {
        Act::Orders(vec![OrderFacts {
            order: self.0.request.clone(),
            quote: None,
            closes: false,
            already_charged: Decimal::ZERO,
            replaced_quantity: None,
            opens: Opens::All,
        }])
    }

    pub(crate) fn name(&self) -> &str {
        self.0.request.client_order_id.as_deref().unwrap_or_default()
    }
}

/// One share, bought at a limit, for the day.
pub(crate) fn scope() -> Scope {
    Scope {
        classes: [PermissionClass::Order].into(),
        symbols: Some(Symbol::parse(SYMBOL).into_iter().collect()),
        sides: Some([Side::Buy].into()),
        order_types: Some([OrderType::Limit].into()),
        times_in_force: Some([TimeInForce::Day].into()),
        order_classes: Some([OrderClass::Simple].into()),
        no_extended_hours: true,
        max_order_quantity: Some(Decimal::ONE),
        ..Scope::default()
    }
}

/// Places it, sees it and cancels it; whatever of this was done before is not done again. Gives the order in one line.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    connection: ConnectionId,
    rotation: RotationId,
) -> Result<String, Failure> {
    let entry = shared.directory.load().connection(connection).cloned();
    let entry =
        entry.ok_or_else(|| failure("no_such_connection", "the gateway does not know this connection"))?;
    if entry.connection.environment != Environment::Paper {
        return Err(failure("not_on_live", "a test order is placed on paper only"));
    }
    let credential = entry.open(&shared.opener).map_err(|error| failure("vault", error.to_string()))?;
    let asker = Asker { key: None, priority: Priority::Read };
    let asking = shared.asking(&entry, &credential, asker);
    let asking = asking.map_err(|_| failure("vault", "the credential cannot be sent"))?;
    let test = Test { shared, connection, asking };
    let placed = test.placed(rotation).await?;
    test.canceled(placed).await
}

struct Test<'a> {
    shared: &'a Arc<Shared>,
    connection: ConnectionId,
    asking: AccountClient<'a>,
}

impl Test<'_> {
    /// The order as the broker has it: the one that was sent before, or else a new one.
    async fn placed(&self, rotation: RotationId) -> Result<Order, Failure> {
        let first = format!("paddock-rotation-{rotation}");
        let names =
            std::iter::once(first.clone()).chain((2..=MOST).map(|number| format!("{first}-{number}")));
        for name in names {
            let known = self.shared.store.by_hand_named(self.connection, &name).await;
            match known.map_err(|error| unrecorded(error.into()))? {
                // It never was, for certain.
                Some(row) if row.state == StepState::Failed => {}
                Some(_) => return self.found(&name).await,
                None => return self.place(name).await,
            }
        }
        Err(failure("test_order_refused", format!("{MOST} test orders were refused")))
    }

    async fn place(&self, name: String) -> Result<Order, Failure> {
        let order = test_order(&self.asking, name.clone()).await.map_err(|why| match why {
            NoTestOrder::Client(error) => unheard(&error),
            NoTestOrder::NoPrice => failure("no_quote", why.to_string()),
        })?;
        let placing = self.act(HandAct::Test(TestOrder(Box::new(order))), Some(name.clone()));
        Err(match placing.await? {
            // Sent now or by another process: in both cases as the broker has it.
            HandOutcome::Done(_) | HandOutcome::Repeated(_) | HandOutcome::Unknown(_) => {
                return self.found(&name).await;
            }
            outcome => refused(outcome, "placed"),
        })
    }

    /// The order that was sent under that name. Right after a lost answer that there is none proves nothing: it is looked for again.
    async fn found(&self, name: &str) -> Result<Order, Failure> {
        match self.asking.order_by_client_order_id(name).await {
            Ok(order) => Ok(order),
            Err(ClientError::Api(error)) if error.status == 404 => {
                let message =
                    format!("the test order {name} was sent, and Alpaca knows of none: it is not sent again");
                let next_step = "look for it among the account's orders, then skip the test order";
                Err(Failure::new("test_order_lost", message, next_step).passing())
            }
            Err(error) => Err(unheard(&error)),
        }
    }

    /// Sees that it ends unfilled.
    async fn canceled(&self, placed: Order) -> Result<String, Failure> {
        if !placed.status.is_some_and(OrderStatus::is_terminal) {
            match self.act(HandAct::Cancel(placed.id), None).await? {
                HandOutcome::Done(_) => {}
                // It ended by itself, or is about to.
                HandOutcome::Alpaca(error) if matches!(error.status, 404 | 422) => {}
                outcome => return Err(refused(outcome, "canceled")),
            }
        }
        let ended = self.asking.order(placed.id).await.map_err(|error| unheard(&error))?;
        if ended.filled_qty.is_some_and(|filled| filled > Decimal::ZERO) {
            let message =
                format!("the test order {} was filled although it was far from the market", ended.id);
            let next_step =
                format!("close the position of one {SYMBOL} if you do not want it, then skip the test order");
            return Err(Failure::new("test_order_filled", message, next_step));
        }
        match ended.status {
            Some(OrderStatus::Canceled | OrderStatus::Expired) => {}
            Some(OrderStatus::Rejected) => {
                return Err(failure("test_order_rejected", "the test order was rejected by the market"));
            }
            _ => {
                let message = format!("the test order {} is not canceled yet", ended.id);
                return Err(failure("test_order_open", message).passing());
            }
        }
        let told = ended.to_request().map_or_else(|_| ended.id.to_string(), |order| summary(&order));
        Ok(format!("{told} ({}), seen and canceled", ended.id))
    }

    async fn act(&self, act_of: HandAct, once: Option<String>) -> Result<HandOutcome, Failure> {
        let (connection, actor) = (self.connection, Actor::System);
        let order = HandOrder { connection, act: act_of, actor, network: None, once };
        act(self.shared, order).await.map_err(unrecorded)
    }
}

fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure::new(code, message, NEXT)
}

fn unrecorded(error: GatewayError) -> Failure {
    failure("gateway", error.to_string()).passing()
}

fn unheard(error: &ClientError) -> Failure {
    let heard = failure("unheard", error.to_string());
    match error {
        ClientError::Api(_) | ClientError::Unreadable => heard,
        ClientError::RateLimited { retry_after } => Failure { wait: *retry_after, ..heard.passing() },
        ClientError::Unreachable
        | ClientError::Timeout
        | ClientError::Server { .. }
        | ClientError::Tls { .. } => heard.passing(),
    }
}

fn refused(outcome: HandOutcome, what: &str) -> Failure {
    match outcome {
        HandOutcome::Refused(refusal) => failure(&refusal.code.to_string(), refusal.message),
        HandOutcome::Alpaca(error) => failure("test_order_refused", error.message.to_string()),
        HandOutcome::NotSent(why) => failure("not_sent", why).passing(),
        HandOutcome::NoSuchConnection | HandOutcome::NameTaken => {
            failure("gateway", format!("the test order could not be {what}"))
        }
        HandOutcome::Done(_) | HandOutcome::Repeated(_) | HandOutcome::Unknown(_) | HandOutcome::Busy(_) => {
            failure("unknown", format!("it is not known whether the test order was {what}")).passing()
        }
    }
}
