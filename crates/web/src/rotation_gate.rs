//! What a rotation needs of the gateway, done by the gateway's control handle.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use paddock_alpaca::client::Pacer;
use paddock_core::audit::Actor;
use paddock_core::id::{ConnectionId, RotationId};
use paddock_core::rotation::Failure;
use paddock_gateway::{Control, GatewayError, HandAct, HandOrder, HandOutcome, Unanswered};
use paddock_rotate::Gate;

/// The gateway of this process, as rotations steer it. Which connections are held back and with what is sent stands in the database; the
/// gateway reads it and says that it holds.
#[derive(Clone, Debug)]
pub struct ControlGate(Control);

impl ControlGate {
    /// Steers this gateway.
    #[must_use]
    pub const fn new(control: Control) -> Self {
        Self(control)
    }

    async fn reload(&self) -> Result<(), Failure> {
        self.0.reload().await.map_err(|error| unread(&error))
    }
}

fn unread(error: &GatewayError) -> Failure {
    let next_step = "look at the server's log and at the database; it is tried again by itself";
    Failure::new("gateway", error.to_string(), next_step).passing()
}

impl Gate for ControlGate {
    fn hold(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let unanswered = self.0.confirm_pause(connection).await.map_err(|error| unread(&error))?;
            let message = match unanswered {
                Unanswered { here: 0, elsewhere: 0 } => return Ok(()),
                Unanswered { here, elsewhere: 0 } => {
                    format!("{here} requests that were being sent have no answer yet")
                }
                Unanswered { here, elsewhere } => format!(
                    "{} requests that were being sent have no answer yet, {elsewhere} of them by other nodes",
                    here.saturating_add(elsewhere)
                ),
            };
            Err(Failure::new("unanswered", message, "wait for the broker's answers").passing())
        })
    }

    fn release(&self, _: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.reload())
    }

    fn swap(&self, _: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.reload())
    }

    fn pacer(&self, connection: ConnectionId) -> Option<Arc<dyn Pacer>> {
        Some(self.0.pacer(connection))
    }

    fn test_order(
        &self,
        connection: ConnectionId,
        rotation: RotationId,
    ) -> BoxFuture<'_, Result<String, Failure>> {
        Box::pin(self.0.test_order(connection, rotation))
    }

    fn cancel_orders(&self, connection: ConnectionId) -> BoxFuture<'_, Result<u32, Failure>> {
        Box::pin(async move {
            let order = HandOrder {
                connection,
                act: HandAct::CancelAll,
                actor: Actor::System,
                network: None,
                once: None,
            };
            let outcome = self.0.act_by_hand(order).await.map_err(|error| unread(&error))?;
            let failure = |message: String| {
                Failure::new("not_canceled", message, "cancel them yourself, or go on knowingly")
            };
            Err(match outcome {
                HandOutcome::Done(done) if done.failed == 0 => return Ok(done.canceled),
                HandOutcome::Done(done) => failure(format!("{} orders could not be canceled", done.failed)),
                HandOutcome::Refused(refusal) => failure(refusal.message),
                HandOutcome::Alpaca(error) => failure(error.message.to_string()),
                HandOutcome::NotSent(why) => failure(why).passing(),
                HandOutcome::Unknown(_) | HandOutcome::Busy(_) => {
                    failure("it is not known whether the broker canceled them".to_owned()).passing()
                }
                HandOutcome::Repeated(_) | HandOutcome::NameTaken | HandOutcome::NoSuchConnection => {
                    failure("the gateway does not know this connection".to_owned())
                }
            })
        })
    }
}
