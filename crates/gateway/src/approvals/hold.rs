//! Holding a request.

use jiff::{SignedDuration, Timestamp};
use paddock_core::Refusal;
use paddock_core::decide::{Quote, ReasonCode};
use paddock_core::id::ApprovalId;
use paddock_core::scope::approval;
use paddock_store::{Held, NewApproval};
use sha2::{Digest, Sha256};

use crate::answer::Fault;
use crate::change::Change;
use crate::crash::CrashPoint;
use crate::door::actor;
use crate::meter::Entered;
use crate::shared::Shared;
use crate::stop::Stop;
use crate::target::{Intention, summary};

/// How many requests of one access key may wait at once. More than a person can look at is no approval.
const MOST: u32 = 20;

/// A request that was held, for the program that sent it.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) id: ApprovalId,
    /// Its place among the requests of its key.
    pub(crate) place: Option<Entered>,
    /// How long the program may wait for the answer.
    pub(crate) wait: u32,
    /// What the program is told while nobody has answered.
    pub(crate) refusal: Refusal,
}

impl Change {
    /// Keeps the request until a person has looked at it. `refusal` says why it needs one.
    pub(crate) async fn hold(&self, shared: &Shared, refusal: Refusal, quote: Option<Quote>) -> Stop {
        let now = shared.clock.now();
        let scope = &self.grant.entry().key.scope;
        let lasts = scope.approval_expiry.unwrap_or(approval::USUAL_EXPIRY);
        let held = NewApproval {
            id: ApprovalId::generate(now, &*shared.entropy),
            request: self.arrival.request,
            key: self.grant.entry().key.id,
            connection: self.grant.entry().connection.connection.id,
            request_hash: self.hash(),
            operation: self.target.operation.id.to_owned(),
            method: self.target.operation.method.to_string(),
            target: self.target.written(),
            body: self.body.to_vec(),
            network: self.arrival.network,
            summary: match &self.intention {
                Intention::Order(order) => summary(&order.request),
                _ => self.target.label(),
            },
            notional: refusal.numbers.get("notional").and_then(|text| text.parse().ok()),
            market_price: quote.map(|quote| quote.price),
            price_band: scope.approval_price_band.unwrap_or(approval::USUAL_BAND),
            requested_at: now,
            expires_at: now.saturating_add(SignedDuration::from_secs(lasts.into())).unwrap_or(now),
        };
        let wait = scope.approval_wait.unwrap_or(0);
        match shared.store.hold(held, &actor(&self.grant), MOST).await {
            Ok(Held::Waits { id, expires_at }) => {
                CrashPoint::Held.reached();
                shared.bell.ring();
                Stop::Held(Box::new(Pending {
                    id,
                    place: None,
                    wait,
                    refusal: waits(refusal, id, expires_at),
                }))
            }
            Ok(Held::TooMany) => Stop::Refusal(Refusal::new(
                ReasonCode::TooManyApprovals,
                format!(
                    "{MOST} requests of this access key wait for a person already: have them answered first"
                ),
                &[("waiting", MOST.to_string())],
            )),
            Err(error) => {
                tracing::error!(%error, "a request could not be held");
                Fault::not_recorded(&error).into()
            }
        }
    }

    /// All that makes it this request: whose, where to, and what is sent, in its one spelling. A name that Paddock gave the order is left
    /// out, so that a program that asks again without one asks for the same.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let given = self.arrival.request.to_string();
        let body = match &self.intention {
            Intention::Order(order) if order.request.client_order_id.as_deref() == Some(&given) => {
                let mut unnamed = (**order).clone();
                unnamed.request.client_order_id = None;
                unnamed.to_json_bytes()
            }
            _ => self.body.to_vec(),
        };
        let entry = self.grant.entry();
        let mut hasher = Sha256::new();
        hasher.update(b"paddock approval v1\0");
        for part in [
            entry.key.id.as_uuid().as_bytes().as_slice(),
            entry.connection.connection.id.as_uuid().as_bytes().as_slice(),
            self.target.operation.id.as_bytes(),
            self.target.operation.method.to_string().as_bytes(),
            self.target.written().as_bytes(),
            &body,
        ] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

/// The refusal that a program gets while its request waits.
fn waits(refusal: Refusal, id: ApprovalId, expires_at: Timestamp) -> Refusal {
    let until = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let message = format!(
        "{}; it is held as approval {id} until {until} and is sent when a person approves it: do not send it again, look at your orders",
        refusal.message
    );
    let mut numbers = refusal.numbers;
    numbers.insert("approval_id".to_owned(), id.to_string());
    numbers.insert("expires_at".to_owned(), expires_at.to_string());
    Refusal { message, numbers, ..refusal }
}
