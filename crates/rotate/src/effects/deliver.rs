//! The consumers: looked at, given the new pair, asked to prove it.

use paddock_core::id::ConsumerId;
use paddock_core::rotation::{Delivered, Effect, Event, Failure, Proven, Rotation, Seen};
use paddock_store::{ConsumerRow, Delivery as Attempt, DeliveryOutcome, PairOf};
use sha2::{Digest as _, Sha256};

use super::ownership::{Expected, judge};
use crate::consumer::{Consumer, Delivery, Looked, Outcome, Proof, Put, Stored};
use crate::crash::{Doing, Point};
use crate::pairs::{Pair, Prints};
use crate::{Applied, Fault, FaultKind, RotateError, Rotations};

const REHEARSED: &str = "not written: rehearsal";

impl Rotations {
    /// Looks at a consumer before anything is changed.
    pub(crate) async fn look_at(&self, rotation: &Rotation, id: ConsumerId) -> Result<Event, RotateError> {
        let (row, made) = match self.consumer(id).await? {
            Ok(found) => found,
            Err(failure) => return Ok(Event::LookFailed { consumer: id, seen: None, failure }),
        };
        let looked = match made.look().await {
            Ok(looked) => looked,
            Err(fault) => {
                return Ok(Event::LookFailed { consumer: id, seen: None, failure: failure_of(&fault) });
            }
        };
        let seen = seen(&looked);
        Ok(match self.against(rotation, &row, &looked).await? {
            Some(failure) => Event::LookFailed { consumer: id, seen: Some(seen), failure },
            None => Event::Looked { consumer: id, seen },
        })
    }

    /// Looks once more, notes the attempt, puts the pair there, and notes what came of it.
    pub(crate) async fn deliver(&self, rotation: &Rotation, id: ConsumerId) -> Result<Event, RotateError> {
        let failed = |failure| Event::DeliveryFailed { consumer: id, failure };
        let (row, made) = match self.consumer(id).await? {
            Ok(found) => found,
            Err(failure) => return Ok(failed(failure)),
        };
        let looked = match made.look().await {
            Ok(looked) => looked,
            Err(fault) => {
                return Ok(Event::LookFailed { consumer: id, seen: None, failure: failure_of(&fault) });
            }
        };
        let new = self.options.committed(rotation).await?;
        let prints = self.options.prints(&new)?;
        if let Some(failure) = self.against(rotation, &row, &looked).await? {
            return Ok(Event::LookFailed { consumer: id, seen: Some(seen(&looked)), failure });
        }
        if rotation.rehearsal {
            let delivered = Delivered { how: REHEARSED.to_owned(), version: looked.version };
            return Ok(Event::Delivered { consumer: id, delivered });
        }
        let delivery = delivery(rotation, id, new, prints);
        let mut attempt = Attempt {
            rotation: rotation.id,
            consumer: id,
            attempt: 0,
            token: delivery.token.to_string(),
            settings: row.settings.to_string(),
            key_id_fingerprint: prints.key_id.as_bytes().to_vec(),
            secret_fingerprint: prints.secret_key.as_bytes().to_vec(),
            seen_version: looked.version.clone(),
            outcome: DeliveryOutcome::Begun,
            version: None,
            detail: None,
            begun_at: self.options.clock.now(),
            ended_at: None,
        };
        attempt.attempt = self.options.store.begin_delivery(&attempt).await?;
        let (state, doing) = (rotation.state, Doing::Effect(Effect::Deliver(id)));
        self.deaths.reached(state, doing, Point::Noted)?;
        let put = made.put(&delivery, looked.version.as_deref()).await;
        self.deaths.reached(state, doing, Point::Sent)?;
        let event = self.after_put(id, put, &mut attempt);
        self.options.store.end_delivery(&attempt, self.options.clock.now()).await?;
        Ok(event)
    }

    fn after_put(&self, id: ConsumerId, put: Result<Put, Fault>, attempt: &mut Attempt) -> Event {
        let failed = |failure| Event::DeliveryFailed { consumer: id, failure };
        let put = match put {
            Ok(put) => put,
            Err(fault) => {
                attempt.outcome = match fault.applied {
                    Applied::No => DeliveryOutcome::Failed,
                    Applied::Unknown => DeliveryOutcome::Unknown,
                };
                attempt.detail = Some(format!("{}: {}", fault.kind.code(), fault.message));
                return failed(failure_of(&fault));
            }
        };
        attempt.version.clone_from(&put.version);
        let how = match put.outcome {
            Outcome::Written => {
                attempt.outcome = DeliveryOutcome::Written;
                "written"
            }
            Outcome::AlreadyThere => {
                attempt.outcome = DeliveryOutcome::There;
                "was there already"
            }
            Outcome::Pending(words) => {
                attempt.outcome = DeliveryOutcome::Pending;
                attempt.detail = Some(words.clone());
                let message = "the pair waits there for somebody's approval";
                return failed(Failure::new("approval_pending", message, format!("{words}; then resume")));
            }
        };
        let delivered = Delivered { how: how.to_owned(), version: put.version };
        Event::Delivered { consumer: id, delivered }
    }

    /// Has a consumer prove the pair.
    pub(crate) async fn prove(&self, rotation: &Rotation, id: ConsumerId) -> Result<Event, RotateError> {
        if rotation.rehearsal {
            return Ok(Event::Proven {
                consumer: id,
                proven: Proven("looked at only: rehearsal".to_owned()),
            });
        }
        let (_, made) = match self.consumer(id).await? {
            Ok(found) => found,
            Err(failure) => return Ok(Event::ProofFailed { consumer: id, failure }),
        };
        let new = self.options.committed(rotation).await?;
        let prints = self.options.prints(&new)?;
        let delivery = delivery(rotation, id, new, prints);
        let version = rotation.consumer(id).and_then(|consumer| consumer.version_after.clone());
        Ok(match made.prove(&delivery, &Put { version, outcome: Outcome::Written }).await {
            Ok(proof) => Event::Proven { consumer: id, proven: Proven(words(&proof)) },
            Err(fault) => Event::ProofFailed { consumer: id, failure: failure_of(&fault) },
        })
    }

    /// What stands against writing there, unless a person took it over.
    async fn against(
        &self,
        rotation: &Rotation,
        row: &ConsumerRow,
        looked: &Looked,
    ) -> Result<Option<Failure>, RotateError> {
        if rotation.consumer(row.id).is_some_and(|consumer| consumer.taken_over.is_some()) {
            return Ok(None);
        }
        let ownership = self.options.store.ownership(row.id).await?;
        let pairs = self.known(rotation).await?;
        judge(&self.options, looked, &Expected { pairs, ownership })
    }

    /// The pairs that a consumer may hold with our knowledge, besides what the ledger says: the connection's, and the one that it replaces. A
    /// rehearsal plays with another account, whose pairs no consumer has.
    async fn known(&self, rotation: &Rotation) -> Result<Vec<Prints>, RotateError> {
        let options = &self.options;
        let missing = paddock_store::StoreError::NotFound { what: "credential" };
        let newest = options.store.credential(rotation.connection).await?.ok_or(missing)?;
        let mut known = vec![options.prints(&options.of_connection(rotation.team, &newest).await?)?];
        if !rotation.rehearsal && rotation.state.has_committed() {
            known.push(options.prints(&options.of_rotation(rotation, PairOf::Retiring).await?)?);
        }
        Ok(known)
    }

    /// The consumer as it is now, made; or why there is none, in words for a person.
    pub(crate) async fn consumer(
        &self,
        id: ConsumerId,
    ) -> Result<Result<(ConsumerRow, Box<dyn Consumer>), Failure>, RotateError> {
        let Some(row) = self.options.store.consumer(id).await? else {
            let message = "the consumer was removed since the rotation was planned";
            return Ok(Err(Failure::new("removed", message, "leave it out")));
        };
        let secret = self.options.secret_of(&row).await?;
        Ok(match (self.options.registry)(&row, secret) {
            Ok(made) => Ok((row, made)),
            Err(fault) => Err(failure_of(&fault)),
        })
    }
}

fn seen(looked: &Looked) -> Seen {
    Seen { login: looked.login.clone(), version: looked.version.clone() }
}

/// The same token for the same pair, rotation and consumer.
fn delivery(rotation: &Rotation, consumer: ConsumerId, pair: Pair, prints: Prints) -> Delivery {
    let mut hasher = Sha256::new();
    hasher.update(b"paddock delivery v1\0");
    hasher.update(rotation.id.as_uuid().as_bytes());
    hasher.update(consumer.as_uuid().as_bytes());
    hasher.update(prints.key_id.as_bytes());
    hasher.update(prints.secret_key.as_bytes());
    let hash: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Delivery {
        token: uuid::Builder::from_custom_bytes(bytes).into_uuid(),
        environment: rotation.environment,
        key_id: pair.key_id,
        secret_key: pair.secret_key,
    }
}

fn words(proof: &Proof) -> String {
    let stored = match &proof.stored {
        Stored::ReadBack => "read back and equal".to_owned(),
        Stored::Moved(version) => format!("cannot be read; its version moved to {version}"),
        Stored::Acknowledged => "the receiver acknowledged it".to_owned(),
        Stored::Notified => "a notice without any value was received".to_owned(),
    };
    match &proof.in_use {
        Some(in_use) => format!("{stored}; in use: {}", in_use.0),
        None => stored,
    }
}

pub(crate) fn failure_of(fault: &Fault) -> Failure {
    let failure = Failure::new(fault.kind.code(), fault.message.clone(), fault.next_step.clone());
    match fault.kind {
        FaultKind::Limited(wait) => Failure { wait, ..failure.passing() },
        kind if kind.may_pass() => failure.passing(),
        _ => failure,
    }
}
