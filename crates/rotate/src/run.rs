//! The work: does what is due, one effect after the other, and keeps each transition before the next effect begins.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_core::Role;
use paddock_core::audit::Actor;
use paddock_core::id::RotationId;
use paddock_core::rotation::{Authority, By, Effect, Event, RotationState, asks, due, step};
use paddock_store::{PairChange, RotationRow, SealedCredential, SealedPair, StoreError, Transition};
use tokio::task::{self, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::crash::{Doing, Point};
use crate::effects::vault::{or_told, unreadable};
use crate::{RotateError, Rotations};

/// For how long a rotation is taken. Whoever has nothing more to do lets go of it; the lease is for those who cannot.
const LEASE: SignedDuration = SignedDuration::from_secs(180);

/// After so long it is taken again before the next effect, however much is left of the lease.
const CLAIM_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// After so long it is taken again while an effect runs, which may take longer than the lease.
const RENEW: SignedDuration = SignedDuration::from_secs(60);

/// How long the database may take to renew the lease. What it has not done by then is tried again while the lease lasts.
const RENEWAL: Duration = Duration::from_secs(20);

/// How long an effect may take to its end when the work is to stop. After that it is cut off, and done again by whoever has the rotation
/// when the lease has lapsed.
const GRACE: Duration = Duration::from_secs(10);

/// How often the work looks for what has come due.
const LOOK: Duration = Duration::from_secs(1);

/// What steps need of the vault, in words for people.
const PAIR: &str = "a pair of this rotation";

/// The same, where it can be pasted again.
const PASTED: &str = "the pasted pair";

/// Why a rotation rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It is over.
    Over,
    /// Only a person can help it on.
    Person,
    /// Something is tried again at this instant.
    Until(Timestamp),
    /// Another process has it.
    Elsewhere,
}

/// What came of an effect.
pub(crate) struct Outcome {
    pub(crate) event: Event,
    /// What is kept with the transition, for a commit.
    pub(crate) commit: Option<Box<(SealedCredential, SealedPair)>>,
}

impl From<Event> for Outcome {
    fn from(event: Event) -> Self {
        Self { event, commit: None }
    }
}

impl Rotations {
    /// Does what is due in one rotation until nothing is, now. Whatever was under way when a process died is found again and done again.
    ///
    /// # Errors
    /// [`RotateError`] when the database or the vault cannot take part; it is the same rotation as before then, and may be run again.
    pub async fn run(&self, id: RotationId) -> Result<Rest, RotateError> {
        self.run_until(id, &CancellationToken::new()).await
    }

    /// The same, which begins no further effect after `stop`.
    async fn run_until(&self, id: RotationId, stop: &CancellationToken) -> Result<Rest, RotateError> {
        let rest = self.work_on(id, stop).await?;
        if rest != Rest::Elsewhere
            && let Err(error) = self.options.store.let_go_of_rotation(id, &self.options.node).await
        {
            tracing::warn!(%error, rotation = %id, "a rotation could not be let go of; its lease lapses");
        }
        Ok(rest)
    }

    async fn work_on(&self, id: RotationId, stop: &CancellationToken) -> Result<Rest, RotateError> {
        let mut held: Option<(RotationRow, Timestamp)> = None;
        loop {
            let now = self.options.clock.now();
            let (row, taken) = match held.take().filter(|(_, taken)| now.duration_since(*taken) < CLAIM_AGAIN)
            {
                Some(held) => held,
                None => match self.claim(id, now).await? {
                    Some(row) => (row, now),
                    None => {
                        let over = self.row(id).await?.rotation.is_over();
                        return Ok(if over { Rest::Over } else { Rest::Elsewhere });
                    }
                },
            };
            // Before they are looked at, and once more before the pair is taken to them: people add and remove consumers meanwhile.
            if matches!(row.rotation.state, RotationState::Preflight | RotationState::Committed)
                && let Some(event) = self.other_consumers(&row.rotation, None).await?
            {
                match self.keep_step(&row, event.into()).await {
                    Ok(row) => held = Some((row, taken)),
                    Err(RotateError::Store(StoreError::RotationMoved)) => {}
                    Err(error) => return Err(error),
                }
                continue;
            }
            let dues = due(&row.rotation);
            let is_ready = |at: Option<Timestamp>| at.is_none_or(|at| at <= now);
            let Some(next) = dues.iter().find(|due| is_ready(due.not_before)) else {
                let soonest = dues.iter().filter_map(|due| due.not_before).min();
                return Ok(match soonest {
                    Some(at) => Rest::Until(at),
                    None if asks(&row.rotation).is_empty() => Rest::Over,
                    None => Rest::Person,
                });
            };
            if stop.is_cancelled() {
                return Ok(Rest::Until(now));
            }
            match self.advance(&row, next.effect, taken).await {
                Ok(row) => held = Some((row, taken)),
                // A person, or another process, came between: what was done is done again, or is not due any more.
                Err(RotateError::Store(StoreError::RotationMoved | StoreError::VersionConflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn claim(&self, id: RotationId, now: Timestamp) -> Result<Option<RotationRow>, RotateError> {
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        Ok(self.options.store.claim_rotation(id, &self.options.node, now, until).await?)
    }

    /// Does something for a rotation that was taken at an instant, and keeps it taken meanwhile. When it is lost, or may be by now, the work is cut
    /// off as by a death: another process does it again.
    async fn keeping<T>(
        &self,
        id: RotationId,
        taken: Timestamp,
        work: impl Future<Output = Result<T, RotateError>>,
    ) -> Result<T, RotateError> {
        tokio::select! {
            done = work => done,
            () = self.lose(id, taken) => {
                tracing::warn!(rotation = %id, "a step of a rotation was cut off: another process may have the rotation by now");
                Err(StoreError::RotationMoved.into())
            }
        }
    }

    /// Renews the lease for as long as that works.
    async fn lose(&self, id: RotationId, mut taken: Timestamp) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let now = self.options.clock.now();
            if now.duration_since(taken) < RENEW {
                continue;
            }
            match timeout(RENEWAL, self.claim(id, now)).await {
                Ok(Ok(Some(_))) => taken = now,
                Ok(Ok(None)) => return,
                Ok(Err(_)) | Err(_) if self.options.clock.now().duration_since(taken) < LEASE => {
                    tracing::warn!(rotation = %id, "the lease of a rotation could not be renewed; it is tried again");
                }
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    /// Runs all rotations, those of before a restart first, each beside the others, until `stop`. Effects that are under way then are taken to
    /// their end, and the rotations let go of, so that another process goes on with them at once.
    pub async fn serve(&self, stop: CancellationToken) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if let Err(error) = self.end_orphans().await {
            tracing::error!(%error, "rehearsals of before the start could not be called off");
        }
        let mut work = JoinSet::new();
        let mut running: HashMap<task::Id, RotationId> = HashMap::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.bell.notified() => {}
                _ = looks.tick() => {}
                Some(ended) = work.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    running.remove(&id);
                    // What is left of it, or failed, waits for the next look.
                    continue;
                }
            }
            let due = match self.with_work().await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, "the open rotations could not be read; it is tried again");
                    continue;
                }
            };
            for id in due {
                if !running.values().any(|known| *known == id) {
                    let (rotations, stop) = (self.clone(), stop.clone());
                    let started = work.spawn(async move { rotations.run_noted(id, &stop).await });
                    running.insert(started.id(), id);
                }
            }
        }
        let ended = async { while work.join_next().await.is_some() {} };
        if timeout(GRACE, ended).await.is_err() {
            tracing::warn!(
                "a step of a rotation took too long for the stop and was cut off; it is done again"
            );
            work.shutdown().await;
        }
    }

    /// Calls off the rehearsals of before this start whose paper broker went with the process that ran it.
    async fn end_orphans(&self) -> Result<(), RotateError> {
        if self.options.rehearsal.client().is_some() {
            return Ok(());
        }
        let open = self.options.store.open_rotations().await?;
        for id in open.iter().filter(|row| row.rotation.rehearsal).map(|row| row.rotation.id) {
            let now = self.options.clock.now();
            // Another process that is at it may have the broker.
            if self.claim(id, now).await?.is_some() {
                let authority = Authority { role: Role::Owner, stepped_up: true };
                let by = By { actor: Actor::System, authority };
                self.abort(id, "its paper broker has gone with the process that ran it", &by, now).await?;
            }
        }
        Ok(())
    }

    /// The rotations that have work due, in the order in which they were opened. Rehearsals are for who has their paper broker.
    async fn with_work(&self) -> Result<Vec<RotationId>, RotateError> {
        let now = self.options.clock.now();
        let rehearses = self.options.rehearsal.client().is_some();
        let is_due = |row: &&RotationRow| {
            let mine = rehearses || !row.rotation.rehearsal || row.rotation.state == RotationState::Aborted;
            mine && due(&row.rotation).iter().any(|due| due.not_before.is_none_or(|at| at <= now))
        };
        let open = self.options.store.open_rotations().await?;
        Ok(open.iter().filter(is_due).map(|row| row.rotation.id).collect())
    }

    async fn run_noted(&self, id: RotationId, stop: &CancellationToken) {
        if let Err(error) = self.run_until(id, stop).await {
            tracing::error!(%error, rotation = %id, "a rotation could not be run; it is tried again");
        }
    }

    async fn advance(
        &self,
        row: &RotationRow,
        effect: Effect,
        taken: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let (state, doing) = (row.rotation.state, Doing::Effect(effect));
        self.deaths.reached(state, doing, Point::Before)?;
        let outcome = self.keeping(row.rotation.id, taken, self.perform(row, effect)).await?;
        self.deaths.reached(state, doing, Point::Done)?;
        let kept = self.keep_step(row, outcome).await?;
        self.deaths.reached(state, doing, Point::Kept)?;
        Ok(kept)
    }

    /// Keeps what came of a step.
    async fn keep_step(&self, row: &RotationRow, outcome: Outcome) -> Result<RotationRow, RotateError> {
        let at = self.options.clock.now();
        let (event, detail) = (&outcome.event, outcome.event.detail());
        let (after, _) = step(&row.rotation, event.clone(), at)?;
        let pairs = match outcome.commit.as_deref() {
            Some((credential, retiring)) => PairChange::Commit { credential, retiring },
            None => PairChange::Keep,
        };
        let transition = Transition {
            before: row,
            after: &after,
            step: event.name(),
            consumer: event.consumer(),
            detail,
            pairs,
            actor: &Actor::System,
            node: Some(&self.options.node),
            at,
        };
        Ok(self.options.store.step_rotation(&transition).await?)
    }

    async fn perform(&self, row: &RotationRow, effect: Effect) -> Result<Outcome, RotateError> {
        let rotation = &row.rotation;
        match effect {
            Effect::LookAtAccount => self.look_at_account(rotation).await.map(Outcome::from),
            Effect::LookAt(consumer) => {
                let failed = |failure| Event::LookFailed { consumer, seen: None, failure };
                or_told(self.look_at(rotation, consumer).await, PAIR, failed).map(Outcome::from)
            }
            Effect::ConfirmPause => Ok(self.confirm_pause(rotation).await.into()),
            Effect::CancelOrders => self.cancel_orders(rotation).await.map(Outcome::from),
            Effect::CheckCandidate => {
                let checked = self.check_candidate(rotation).await;
                or_told(checked, PASTED, Event::CandidateFailed).map(Outcome::from)
            }
            Effect::Commit => self.commit(rotation).await.or_else(|error| {
                unreadable(error, PASTED).map(|failure| Event::CommitFailed(failure).into())
            }),
            Effect::Swap => Ok(self.swap(rotation).await.into()),
            Effect::ConfirmResume => Ok(self.confirm_resume(rotation).await.into()),
            Effect::Deliver(consumer) => {
                let failed = |failure| Event::DeliveryFailed { consumer, failure };
                or_told(self.deliver(rotation, consumer).await, PAIR, failed).map(Outcome::from)
            }
            Effect::Prove(consumer) => {
                let failed = |failure| Event::ProofFailed { consumer, failure };
                or_told(self.prove(rotation, consumer).await, PAIR, failed).map(Outcome::from)
            }
            Effect::ProveOldPairDead => self.prove_old_pair_dead(rotation).await.map(Outcome::from),
            Effect::PlaceTestOrder => self.place_test_order(rotation).await.map(Outcome::from),
        }
    }
}
