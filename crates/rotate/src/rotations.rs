//! What people and pages do with rotations.

use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::audit::Actor;
use paddock_core::id::{ConnectionId, ConsumerId, RotationId, UserId};
use paddock_core::paste::{Repair, repair};
use paddock_core::rotation::{
    Ask, By, Cause, ChosenFault, Due, Event, NewRotation, Plan, RehearsedFault, Rotation, RotationConsumer,
    asks, due, step,
};
use paddock_core::{CredentialKind, SecretText};
use paddock_store::{
    Connection, ConsumerRow, PairChange, PairOf, RotationRow, SealedPair, StoreError, Transition,
};
use tokio::sync::Notify;

use crate::crash::{Deaths, Doing, Point};
use crate::pairs::Pair;
use crate::{RotateError, RotationsOptions};

/// How often a person's word is tried again when the rotation moves at the same moment.
const TRIES: u32 = 20;

/// The longest text that is taken for half a pair, in bytes: many times any key.
const MAX_HALF: usize = 1024;

/// All rotations of one Paddock. Cheap to clone; clones are the same.
///
/// A person's word is one transition and returns at once; the work is done by [`Rotations::serve`], or step by step by [`Rotations::run`].
/// Every function takes who does it and when; it is the caller's to have found out who that is.
#[derive(Clone, Debug)]
pub struct Rotations {
    pub(crate) options: Arc<RotationsOptions>,
    pub(crate) bell: Arc<Notify>,
    pub(crate) deaths: Deaths,
}

/// What is to be planned.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The connection.
    pub connection: ConnectionId,
    /// Why.
    pub cause: Cause,
    /// How. [`Plan::of`] has what is right for an environment.
    pub plan: Plan,
    /// Makes it a rehearsal against the paper broker.
    pub rehearsal: Option<RehearsalPair>,
}

/// The account of the paper broker that a rehearsal plays with.
#[derive(Clone, Debug)]
pub struct RehearsalPair {
    /// The Key ID of its present pair.
    pub key_id: SecretText,
    /// The Secret Key of its present pair.
    pub secret_key: SecretText,
    /// The account's identifier.
    pub account_id: String,
    /// The account's number.
    pub account_number: String,
}

/// How a rotation stands.
#[derive(Clone, Debug)]
pub struct Status {
    /// The rotation, and its version.
    pub row: RotationRow,
    /// What a person is asked to do.
    pub asks: Vec<Ask>,
    /// What is being done, or will be.
    pub dues: Vec<Due>,
    /// Where exactly to click, while a new pair is waited for.
    pub where_to_click: Vec<&'static str>,
}

/// What came of pasting a pair. It is kept; whether it is good shows in the state.
#[derive(Clone, Debug)]
pub struct Pasted {
    /// The rotation from then on.
    pub row: RotationRow,
    /// What was taken off the Key ID.
    pub key_id_repairs: Vec<Repair>,
    /// What was taken off the Secret Key.
    pub secret_key_repairs: Vec<Repair>,
}

impl Status {
    /// How a rotation stands that was read.
    #[must_use]
    pub fn of(row: RotationRow) -> Self {
        let (asks, dues) = (asks(&row.rotation), due(&row.rotation));
        let where_to_click = crate::clicks::clicks(&row.rotation);
        Self { row, asks, dues, where_to_click }
    }
}

impl Rotations {
    /// Rotations made of these. Nothing runs until [`Rotations::serve`] or [`Rotations::run`].
    #[must_use]
    pub fn new(options: RotationsOptions) -> Self {
        Self { options: Arc::new(options), bell: Arc::default(), deaths: Deaths::default() }
    }

    /// The same, which die where a test says so.
    #[must_use]
    pub fn with_deaths(self, deaths: Deaths) -> Self {
        Self { deaths, ..self }
    }

    /// Plans a rotation of a team's connection with the consumers that it has now.
    ///
    /// # Errors
    /// [`RotateError`]: the plan cannot be, or the connection has a rotation that is not over.
    pub async fn plan(
        &self,
        team: UserId,
        request: PlanRequest,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        self.plan_with_faults(team, request, Vec::new(), by, at).await
    }

    /// Plans a rehearsal in which these failures are met at these consumers; a rotation has none.
    ///
    /// # Errors
    /// [`RotateError`], as for [`Rotations::plan`].
    pub async fn plan_with_faults(
        &self,
        team: UserId,
        request: PlanRequest,
        faults: Vec<(ConsumerId, RehearsedFault)>,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let connection = self.connection(team, request.connection).await?;
        request.plan.check(connection.environment)?;
        let mut new = self.begin(&connection, request.cause, request.plan, at).await?;
        let Some(pair) = request.rehearsal else {
            let rotation = Rotation::planned(new, by.actor.clone(), at);
            return self.open(&rotation, None, &by.actor, at).await;
        };
        if self.options.rehearsal.client().is_none() {
            return Err(RotateError::NoRehearsal);
        }
        new.rehearsal = true;
        (new.account_id, new.account_number) = (pair.account_id, pair.account_number);
        let mut rotation = Rotation::planned(new, by.actor.clone(), at);
        let chosen = |(consumer, fault)| ChosenFault { consumer, fault, met: false };
        rotation.faults = faults.into_iter().map(chosen).collect();
        let pair = Pair { key_id: pair.key_id, secret_key: pair.secret_key };
        let sealed = self.options.seal_for_rotation(&rotation, PairOf::Retiring, 0, &pair).await?;
        self.open(&rotation, Some(&sealed), &by.actor, at).await
    }

    /// Opens a rotation because the pair is dead: trading is paused from this moment, and another pair is waited for.
    ///
    /// # Errors
    /// [`RotateError`]: [`StoreError::RotationIsOpen`] when there is one already.
    pub async fn force(
        &self,
        team: UserId,
        connection: ConnectionId,
        cause: Cause,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let connection = self.connection(team, connection).await?;
        let plan = Plan::of(connection.environment);
        let new = self.begin(&connection, cause, plan, at).await?;
        self.open(&Rotation::forced(new, actor.clone(), at), None, actor, at).await
    }

    /// Starts what was planned, with the consumers that the connection has now: they may be others than when it was planned.
    ///
    /// # Errors
    /// [`RotateError::Refused`] outside its window, without the role or the fresh proof that a live pair needs.
    pub async fn start(&self, id: RotationId, by: &By, at: Timestamp) -> Result<RotationRow, RotateError> {
        let row = self.row(id).await?;
        // Nothing is changed by who may not start it.
        step(&row.rotation, Event::Start(by.clone()), at)?;
        if let Some(event) = self.other_consumers(&row.rotation, Some(by)).await? {
            self.say(id, at, |_| Ok(event.clone())).await?;
        }
        self.say(id, at, |_| Ok(Event::Start(by.clone()))).await
    }

    /// What has changed about the connection's consumers since the rotation was told of them, if anything has.
    pub(crate) async fn other_consumers(
        &self,
        rotation: &Rotation,
        by: Option<&By>,
    ) -> Result<Option<Event>, RotateError> {
        let now = self.options.store.consumers_of(rotation.connection).await?;
        let now: Vec<RotationConsumer> = now.into_iter().map(consumer).collect();
        let names = |some: &[RotationConsumer], others: &[RotationConsumer]| -> Vec<String> {
            let lacking = |one: &&RotationConsumer| others.iter().all(|other| other.id != one.id);
            some.iter().filter(lacking).map(|one| one.name.clone()).collect()
        };
        let (came, went) = (names(&now, &rotation.consumers), names(&rotation.consumers, &now));
        let told = [("taken in", came), ("removed meanwhile", went)];
        let told = told.iter().filter(|(_, names)| !names.is_empty());
        let what: Vec<String> = told.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect();
        Ok((!what.is_empty()).then(|| Event::Consumers { by: by.cloned(), now, what: what.join("; ") }))
    }

    /// Goes on where a person was waited for.
    ///
    /// # Errors
    /// [`RotateError::Refused`] when nothing stands in the way.
    pub async fn resume(&self, id: RotationId, by: &By, at: Timestamp) -> Result<RotationRow, RotateError> {
        self.say(id, at, |_| Ok(Event::Resume(by.clone()))).await
    }

    /// Goes on although orders are open, knowingly.
    ///
    /// # Errors
    /// [`RotateError::Refused`] unless open orders are waited for.
    pub async fn go_on_with_open_orders(
        &self,
        id: RotationId,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        self.say(id, at, |_| Ok(Event::GoOnWithOpenOrders(by.clone()))).await
    }

    /// Calls a rotation off.
    ///
    /// # Errors
    /// [`RotateError::Refused`] once a new pair was asked for: nothing brings the old one back.
    pub async fn abort(
        &self,
        id: RotationId,
        why: &str,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        self.say(id, at, |_| Ok(Event::Abort { by: by.clone(), why: why.to_owned() })).await
    }

    /// Leaves a consumer out, by its name.
    ///
    /// # Errors
    /// [`RotateError::Refused`] when it has no such consumer, or that one is done.
    pub async fn leave_out(
        &self,
        id: RotationId,
        consumer: &str,
        why: &str,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let (by, why) = (by.clone(), why.to_owned());
        self.say_of(id, at, consumer, |consumer| Event::LeaveOut {
            by: by.clone(),
            consumer,
            why: why.clone(),
        })
        .await
    }

    /// Says that what is at a consumer may be overwritten in this rotation, by the consumer's name.
    ///
    /// # Errors
    /// [`RotateError::Refused`] when it has no such consumer, or that one has the pair.
    pub async fn take_over(
        &self,
        id: RotationId,
        consumer: &str,
        why: &str,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let (by, why) = (by.clone(), why.to_owned());
        self.say_of(id, at, consumer, |consumer| Event::TakeOver {
            by: by.clone(),
            consumer,
            why: why.clone(),
        })
        .await
    }

    /// Goes without the test order.
    ///
    /// # Errors
    /// [`RotateError::Refused`] when none is due.
    pub async fn skip_test_order(
        &self,
        id: RotationId,
        by: &By,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        self.say(id, at, |_| Ok(Event::SkipTestOrder(by.clone()))).await
    }

    /// Takes the pair that a person has made. It is sealed into the rotation before anything else happens with it; what is wrong with it,
    /// if anything, is told by [`Rotations::status`] a moment later, and another one may be pasted then.
    ///
    /// # Errors
    /// [`RotateError::NotAPair`] for what is empty or far too long; [`RotateError::Refused`] when no pair is waited for. Nothing was kept
    /// then.
    pub async fn paste(
        &self,
        id: RotationId,
        key_id: &SecretText,
        secret_key: &SecretText,
        by: &By,
        at: Timestamp,
    ) -> Result<Pasted, RotateError> {
        let halves = [(key_id, "the Key ID is empty"), (secret_key, "the Secret Key is empty")];
        for (half, empty) in halves {
            if half.expose().trim().is_empty() {
                return Err(RotateError::NotAPair(empty));
            }
            if half.expose().len() > MAX_HALF {
                return Err(RotateError::NotAPair("the pasted text is far longer than a key"));
            }
        }
        let (key_id, secret_key) = (repair(key_id), repair(secret_key));
        let pair = Pair { key_id: key_id.text, secret_key: secret_key.text };
        let event = Event::Pasted(by.clone());
        for _ in 0..TRIES {
            let row = self.row(id).await?;
            let (next, _) = step(&row.rotation, event.clone(), at)?;
            let number = next.candidate.as_ref().map_or(1, |candidate| candidate.number);
            let sealed = self.options.seal_for_rotation(&next, PairOf::Candidate, number, &pair).await?;
            match self.keep(&row, &next, &event, PairChange::Pasted(&sealed), at).await {
                Ok(row) => {
                    let (key_id_repairs, secret_key_repairs) = (key_id.repairs, secret_key.repairs);
                    return Ok(Pasted { row, key_id_repairs, secret_key_repairs });
                }
                // The data-encryption key may have been replaced meanwhile, too.
                Err(RotateError::Store(StoreError::RotationMoved | StoreError::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::RotationMoved.into())
    }

    /// How a rotation stands.
    ///
    /// # Errors
    /// [`RotateError`] when there is none.
    pub async fn status(&self, id: RotationId) -> Result<Status, RotateError> {
        Ok(Status::of(self.row(id).await?))
    }

    /// A team's newest rotations, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, team: UserId, limit: u32) -> Result<Vec<RotationRow>, RotateError> {
        Ok(self.options.store.rotations(team, limit).await?)
    }

    /// What a rotation was, for an auditor.
    ///
    /// # Errors
    /// [`RotateError`] when there is none.
    pub async fn report(&self, id: RotationId) -> Result<crate::Report, RotateError> {
        let row = self.row(id).await?;
        let store = &self.options.store;
        Ok(crate::Report::of(row, store.rotation_events(id).await?, store.deliveries(id).await?))
    }

    pub(crate) async fn row(&self, id: RotationId) -> Result<RotationRow, RotateError> {
        let missing = StoreError::NotFound { what: "rotation" };
        Ok(self.options.store.rotation(id).await?.ok_or(missing)?)
    }

    /// One transition by a person's word. Whoever moves the rotation at the same moment goes first.
    pub(crate) async fn say(
        &self,
        id: RotationId,
        at: Timestamp,
        event: impl Fn(&Rotation) -> Result<Event, RotateError>,
    ) -> Result<RotationRow, RotateError> {
        for _ in 0..TRIES {
            let row = self.row(id).await?;
            let event = event(&row.rotation)?;
            let (next, _) = step(&row.rotation, event.clone(), at)?;
            match self.keep(&row, &next, &event, PairChange::Keep, at).await {
                Err(RotateError::Store(StoreError::RotationMoved)) => {}
                kept => return kept,
            }
        }
        Err(StoreError::RotationMoved.into())
    }

    /// The same about one of its consumers, by the consumer's name.
    async fn say_of(
        &self,
        id: RotationId,
        at: Timestamp,
        consumer: &str,
        event: impl Fn(ConsumerId) -> Event,
    ) -> Result<RotationRow, RotateError> {
        self.say(id, at, |rotation| named(rotation, consumer).map(&event)).await
    }

    async fn keep(
        &self,
        before: &RotationRow,
        after: &Rotation,
        event: &Event,
        pairs: PairChange<'_>,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let (state, doing) = (before.rotation.state, Doing::Word(event.name()));
        self.deaths.reached(state, doing, Point::Before)?;
        let actor = event.by().map_or(&Actor::System, |by| &by.actor);
        let transition = Transition {
            before,
            after,
            step: event.name(),
            consumer: event.consumer(),
            detail: event.detail(),
            pairs,
            actor,
            node: None,
            at,
        };
        let kept = self.options.store.step_rotation(&transition).await;
        self.bell.notify_one();
        let kept = kept?;
        self.deaths.reached(state, doing, Point::Kept)?;
        Ok(kept)
    }

    async fn open(
        &self,
        rotation: &Rotation,
        pair: Option<&SealedPair>,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<RotationRow, RotateError> {
        let (state, doing) = (rotation.state, Doing::Word("plan"));
        self.deaths.reached(state, doing, Point::Before)?;
        let row = self.options.store.open_rotation(rotation, pair, actor, at).await?;
        self.bell.notify_one();
        self.deaths.reached(state, doing, Point::Kept)?;
        Ok(row)
    }

    async fn connection(&self, team: UserId, id: ConnectionId) -> Result<Connection, RotateError> {
        let found = self.options.store.connection(id).await?;
        let own = found.filter(|connection| connection.user == team && connection.removed_at.is_none());
        Ok(own.ok_or(StoreError::NotFound { what: "connection" })?)
    }

    async fn begin(
        &self,
        connection: &Connection,
        cause: Cause,
        plan: Plan,
        at: Timestamp,
    ) -> Result<NewRotation, RotateError> {
        let credential = self.options.store.credential(connection.id).await?;
        if credential.is_some_and(|credential| credential.secret.kind() == CredentialKind::OauthToken) {
            return Err(no_pair(&connection.name).into());
        }
        let consumers = self.options.store.consumers_of(connection.id).await?;
        Ok(NewRotation {
            id: RotationId::generate(at, &*self.options.entropy),
            team: connection.user,
            connection: connection.id,
            connection_name: connection.name.clone(),
            environment: connection.environment,
            account_id: connection.account_id.clone(),
            account_number: connection.account_number.clone(),
            cause,
            rehearsal: false,
            plan,
            consumers: consumers.into_iter().map(consumer).collect(),
        })
    }
}

fn consumer(row: ConsumerRow) -> RotationConsumer {
    RotationConsumer::new(row.id, row.name, row.kind)
}

fn no_pair(name: &str) -> paddock_core::rotation::StepRefusal {
    paddock_core::rotation::StepRefusal {
        code: "connected_by_oauth",
        message: format!("{name} is connected by OAuth, and a token has no key pair to replace"),
        next_step: "connect it again on its page, or put a key pair in the token's place there".to_owned(),
    }
}

fn named(rotation: &Rotation, name: &str) -> Result<ConsumerId, RotateError> {
    let found = rotation.consumers.iter().find(|consumer| consumer.name == name);
    let missing = || paddock_core::rotation::StepRefusal {
        code: "no_such_consumer",
        message: format!("the rotation has no consumer with the name {name}"),
        next_step: "look at its list of consumers".to_owned(),
    };
    Ok(found.ok_or_else(missing)?.id)
}
