//! The consumers: looked at, given the new pair, asked to prove it.

use paddock_core::id::ConsumerId;
use paddock_core::rotation::{Delivered, Effect, Event, Failure, Proven, Rotation, Seen};
use paddock_store::{ConsumerRow, Delivery as Attempt, DeliveryOutcome, Ownership, PairOf};
use sha2::{Digest as _, Sha256};

use super::ownership::{Expected, judge, of_this_place};
use super::vault::unreadable;
use crate::consumer::{Consumer, Delivery, Held, Looked, Outcome, Proof, Put, Stored};
use crate::crash::{Doing, Point};
use crate::pairs::{Pair, Prints};
use crate::{Applied, Fault, FaultKind, RotateError, Rotations};

const REHEARSED: &str = "not written: rehearsal";

impl Rotations {
    /// Looks at a consumer before anything is changed.
    pub(crate) async fn look_at(&self, rotation: &Rotation, id: ConsumerId) -> Result<Event, RotateError> {
        if let Some(failure) = rotation.chosen_fault(id, true) {
            return Ok(Event::LookFailed { consumer: id, seen: None, failure });
        }
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
        if let Some(pending) = self.pending(rotation, &row, &looked, prints).await? {
            return Ok(failed(pending));
        }
        if rotation.rehearsal {
            if let Some(failure) = rotation.chosen_fault(id, false) {
                return Ok(failed(failure));
            }
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
                return failed(waits(&words));
            }
        };
        let delivered = Delivered { how: how.to_owned(), version: put.version };
        Event::Delivered { consumer: id, delivered }
    }

    /// What somebody there must approve still. It is not asked for again, since every request is one more that somebody has to deal with, unless a
    /// person says so by taking the consumer over: the request may have been refused.
    async fn pending(
        &self,
        rotation: &Rotation,
        row: &ConsumerRow,
        looked: &Looked,
        prints: Prints,
    ) -> Result<Option<Failure>, RotateError> {
        let ownership = self.ownership(row).await?;
        let last = ownership.attempts.last().filter(|last| {
            last.rotation == rotation.id
                && last.outcome == DeliveryOutcome::Pending
                && last.key_id_fingerprint == prints.key_id.as_bytes()
                && last.secret_fingerprint == prints.secret_key.as_bytes()
        });
        let Some(last) = last else { return Ok(None) };
        if is_taken_over(rotation, row.id, &ownership) || self.holds(&looked.held, prints)? {
            return Ok(None);
        }
        let words = last.detail.as_deref().unwrap_or("it must be approved there");
        Ok(Some(waits(words)))
    }

    /// Whether exactly this pair is there.
    fn holds(&self, held: &Held, prints: Prints) -> Result<bool, RotateError> {
        let Held::Values { key_id: Some(key_id), secret_key: Some(secret_key) } = held else {
            return Ok(false);
        };
        let there = Pair { key_id: key_id.clone(), secret_key: secret_key.clone() };
        Ok(self.options.prints(&there)? == prints)
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
            Err(fault) if fault.kind == FaultKind::Overwritten => {
                Event::Overwritten { consumer: id, failure: failure_of(&fault) }
            }
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
        let ownership = self.ownership(row).await?;
        if is_taken_over(rotation, row.id, &ownership) {
            return Ok(None);
        }
        let pairs = self.known(rotation).await?;
        judge(&self.options, looked, &Expected { pairs, ownership })
    }

    /// What Paddock wrote to the place to which the consumer's settings lead now. What was written elsewhere, before somebody changed them, says
    /// nothing of this place.
    pub(crate) async fn ownership(&self, row: &ConsumerRow) -> Result<Ownership, RotateError> {
        let all = self.options.store.ownership(row.id).await?;
        Ok(of_this_place(all, &row.settings))
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
        let secret = match self.options.secret_of(&row).await {
            Ok(secret) => secret,
            Err(error) => {
                let failure = unreadable(error, "what Paddock logs in there with")?;
                let next_step = match failure.may_pass {
                    true => failure.next_step,
                    false => "give the consumer its secret again, then resume; or leave it out".to_owned(),
                };
                return Ok(Err(Failure { next_step, ..failure }));
            }
        };
        Ok(match (self.options.registry)(&row, secret) {
            Ok(made) => Ok((row, made)),
            Err(fault) => Err(failure_of(&fault)),
        })
    }
}

/// Whether a person said that what is there may be overwritten, and nothing was put there since: each word is for one delivery. What is found after
/// that is somebody else's once more.
fn is_taken_over(rotation: &Rotation, id: ConsumerId, ownership: &Ownership) -> bool {
    let said = rotation.consumer(id).and_then(|consumer| consumer.taken_over.as_ref());
    said.is_some_and(|said| {
        !ownership.attempts.iter().any(|attempt| {
            let put = matches!(
                attempt.outcome,
                DeliveryOutcome::Written | DeliveryOutcome::There | DeliveryOutcome::Pending
            );
            attempt.rotation == rotation.id && put && attempt.begun_at > said.at
        })
    })
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

fn waits(words: &str) -> Failure {
    let message = "the pair waits there for somebody's approval";
    let next_step =
        format!("{words}; then resume. If it was refused there, take the consumer over, which asks again");
    Failure::new("approval_pending", message, next_step)
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
        FaultKind::NotYet => failure.under_way(),
        kind if kind.may_pass() => failure.passing(),
        _ => failure,
    }
}
