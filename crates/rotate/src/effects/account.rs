//! What is asked of the account: how it is, what is open, whether the old pair is dead, whether the new one trades.

use paddock_alpaca::client::AccountClient;
use paddock_alpaca::connect_fault::OtherHost;
use paddock_alpaca::test_order::{NoTestOrder, test_order};
use paddock_alpaca::wire::{Order, Position};
use paddock_alpaca::{AlpacaClient, ClientError, ConnectFault, probe};
use paddock_core::rotation::{AccountSnapshot, Event, Failure, Rotation};
use paddock_store::PairOf;

use crate::pairs::Pair;
use crate::{RotateError, Rotations};

impl Rotations {
    /// Whom a rotation asks: Alpaca, or the paper broker in a rehearsal.
    pub(crate) fn broker(&self, rotation: &Rotation) -> Result<&AlpacaClient, RotateError> {
        match rotation.rehearsal {
            true => self.options.rehearsal.client().ok_or(RotateError::NoRehearsal),
            false => Ok(&self.options.client),
        }
    }

    fn asking(&self, rotation: &Rotation, pair: &Pair) -> Result<AccountClient<'_>, RotateError> {
        let client = self.broker(rotation)?;
        // What is in the vault could be sent when it was put there.
        client
            .with_credential(rotation.environment, &pair.credential())
            .map_err(|_| RotateError::NotAPair("the pair cannot be sent"))
    }

    /// Reads the account with the present pair. That the pair is dead is believed only when both environments refuse it.
    pub(crate) async fn look_at_account(&self, rotation: &Rotation) -> Result<Event, RotateError> {
        let pair = self.options.present(rotation).await?;
        let account = match probe(self.broker(rotation)?, &pair.credential(), rotation.environment).await {
            Ok(account) => account,
            Err(ConnectFault::InvalidCredentials { other: OtherHost::Refused, .. }) => {
                return Ok(Event::PairRefused);
            }
            Err(ConnectFault::InvalidCredentials { other: OtherHost::NotHeard, .. }) => {
                let message = "Alpaca refuses the present pair, and the other environment could not be heard";
                let failure =
                    Failure::new("invalid_credentials", message, "wait, or check this machine's network");
                return Ok(Event::AccountUnseen(failure.passing()));
            }
            Err(fault) => return Ok(Event::AccountUnseen(failure_of(&fault))),
        };
        let asking = self.asking(rotation, &pair)?;
        let read = async { Ok((asking.open_orders().await?, asking.positions().await?)) };
        let (orders, positions) = match read.await {
            Ok(read) => read,
            Err(error) => return Ok(Event::AccountUnseen(unheard(&error))),
        };
        Ok(Event::AccountSeen(AccountSnapshot {
            at: self.options.clock.now(),
            account_id: account.id.to_string(),
            account_number: account.account_number.clone(),
            status: account.status.clone(),
            equity: account.equity,
            cash: account.cash,
            open_orders: orders.iter().map(order_line).collect(),
            positions: positions.iter().map(position_line).collect(),
        }))
    }

    /// Cancels the open orders: of a connection on the gateway's way, of a rehearsal's account at the paper broker.
    pub(crate) async fn cancel_orders(&self, rotation: &Rotation) -> Result<Event, RotateError> {
        if !rotation.rehearsal {
            let canceled = self.options.gate.cancel_orders(rotation.connection).await;
            return Ok(canceled.map_or_else(Event::AccountUnseen, Event::OrdersCanceled));
        }
        let pair = self.options.present(rotation).await?;
        let asking = self.asking(rotation, &pair)?;
        let orders = match asking.open_orders().await {
            Ok(orders) => orders,
            Err(error) => return Ok(Event::AccountUnseen(unheard(&error))),
        };
        let mut canceled = 0;
        for order in &orders {
            match asking.cancel_order(order.id).await {
                Ok(()) => canceled += 1,
                // It ended by itself.
                Err(ClientError::Api(error)) if matches!(error.status, 404 | 422) => {}
                Err(error) => return Ok(Event::AccountUnseen(unheard(&error))),
            }
        }
        Ok(Event::OrdersCanceled(canceled))
    }

    /// Asks with the old pair. Only a refusal says that it is dead.
    pub(crate) async fn prove_old_pair_dead(&self, rotation: &Rotation) -> Result<Event, RotateError> {
        let old = self.options.of_rotation(rotation, PairOf::Retiring).await?;
        Ok(match self.asking(rotation, &old)?.account().await {
            Ok(_) => Event::OldPairAlive,
            Err(ClientError::Api(error)) if error.refuses_credential() => Event::OldPairDead(error.status),
            Err(error) => Event::OldPairUnheard(unheard(&error)),
        })
    }

    /// Places one share at half the bid, sees it and cancels it: of a connection on the gateway's way, of a rehearsal's account at the paper broker.
    pub(crate) async fn place_test_order(&self, rotation: &Rotation) -> Result<Event, RotateError> {
        if !rotation.rehearsal {
            let placed = self.options.gate.test_order(rotation.connection, rotation.id).await;
            return Ok(placed.map_or_else(Event::TestOrderFailed, Event::TestOrderDone));
        }
        let pair = self.options.committed(rotation).await?;
        let placed = rehearse_order(&self.asking(rotation, &pair)?, rotation).await;
        Ok(placed.map_or_else(Event::TestOrderFailed, Event::TestOrderDone))
    }
}

/// The test order at the paper broker. Its client order id is the rotation's, so that it is placed once.
async fn rehearse_order(asking: &AccountClient<'_>, rotation: &Rotation) -> Result<String, Failure> {
    let name = format!("paddock-rotation-{}", rotation.id);
    let placed = match asking.order_by_client_order_id(&name).await {
        Ok(order) => order,
        Err(ClientError::Api(error)) if error.status == 404 => {
            let order = test_order(asking, name).await.map_err(|why| match why {
                NoTestOrder::Client(error) => unheard(&error),
                NoTestOrder::NoPrice => no_price(&why),
            })?;
            asking.place_order(&order).await.map_err(|error| unheard(&error))?
        }
        Err(error) => return Err(unheard(&error)),
    };
    let seen = asking.order(placed.id).await.map_err(|error| unheard(&error))?;
    match asking.cancel_order(placed.id).await {
        Ok(()) => {}
        Err(ClientError::Api(error)) if error.status == 422 => {}
        Err(error) => return Err(unheard(&error)),
    }
    Ok(format!("{}, seen and canceled", order_line(&seen)))
}

fn no_price(why: &NoTestOrder) -> Failure {
    let next_step = "try again when the market is open, or skip the test order";
    Failure::new("no_quote", why.to_string(), next_step)
}

pub(crate) fn order_line(order: &Order) -> String {
    let side = order.side.map_or("order of", |side| side.as_str());
    let amount = match (order.qty, order.notional) {
        (Some(quantity), _) => quantity.normalize().to_string(),
        (None, Some(dollars)) => format!("${}", dollars.normalize()),
        (None, None) => String::new(),
    };
    let symbol = order.symbol.as_deref().unwrap_or("several symbols");
    let limit = order.limit_price.map_or_else(String::new, |limit| format!(" limit {}", limit.normalize()));
    format!("{side} {amount} {symbol}{limit} ({})", order.id)
}

fn position_line(position: &Position) -> String {
    format!("{} {}", position.qty.normalize(), position.symbol)
}

/// What Alpaca did not say.
pub(crate) fn unheard(error: &ClientError) -> Failure {
    let failure = |code| Failure::new(code, error.to_string(), "wait, or check this machine's network");
    match error {
        ClientError::Unreachable => failure("host_unreachable").passing(),
        ClientError::Timeout => failure("timeout").passing(),
        ClientError::Server { .. } => failure("server_error").passing(),
        ClientError::Tls { .. } => failure("tls_failure").passing(),
        ClientError::RateLimited { retry_after } => {
            Failure { wait: *retry_after, ..failure("rate_limited").passing() }
        }
        ClientError::Api(_) => Failure {
            next_step: "look at the account in Alpaca's dashboard, then resume".to_owned(),
            ..failure("refused")
        },
        // A proxy or a captive portal stands on the way, which comes and goes.
        ClientError::Unreadable => failure("unexpected_answer").passing(),
    }
}

/// What is wrong with a pair or an account, in the words that connecting one has for it.
pub(crate) fn failure_of(fault: &ConnectFault) -> Failure {
    let failure = Failure::new(fault.code(), fault.sentence(), fault.next_step());
    match fault {
        ConnectFault::RateLimited { retry_after } => Failure { wait: *retry_after, ..failure.passing() },
        // What answers in Alpaca's place, comes and goes.
        ConnectFault::UnexpectedAnswer { .. } => failure.passing(),
        fault if fault.is_temporary() => failure.passing(),
        _ => failure,
    }
}
