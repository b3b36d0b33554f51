//! The dead-man switch: freezes when a sign of life does not come.
//!
//! It fires once. What it froze a person unfreezes; after that it waits for the sign to come again before it can fire again, and that
//! a person unfroze counts as the operator's own sign.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use paddock_core::audit::{Actor, WindDown};
use paddock_core::decide::Passing;
use paddock_store::{CHECK_IN, Freezing, Sign, StoreError, Subject};

use crate::shared::{GatewayError, Shared};

/// How old what is stored of a heartbeat may become while it beats.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// What the switch waits for, and what it does.
#[derive(Clone, Debug)]
pub struct DeadmanOptions {
    /// What it freezes.
    pub subject: Subject,
    /// What passes then.
    pub passing: Passing,
    /// What is to be done about open orders and positions.
    pub wind_down: Option<WindDown>,
    /// How often the operator has to check in, if at all.
    pub check_in: Option<SignedDuration>,
    /// How long a Paddock that was down gives the operator after its start.
    pub grace: SignedDuration,
    /// The heartbeats: each with its name, and how many misses in a row fire.
    pub heartbeats: Vec<(String, u32)>,
}

/// The switch.
#[derive(Debug)]
pub struct Deadman {
    shared: Arc<Shared>,
    options: DeadmanOptions,
    started: Timestamp,
    /// What was last known of the operator's sign, for when the database cannot be read.
    check_in: Option<Sign>,
    /// Misses in a row of each heartbeat, and when it was last noted to beat.
    heartbeats: Vec<(u32, Option<Timestamp>)>,
}

impl Deadman {
    pub(crate) async fn begin(shared: Arc<Shared>, options: DeadmanOptions) -> Result<Self, GatewayError> {
        let started = shared.clock.now();
        let mut check_in = None;
        if options.check_in.is_some() {
            check_in = Some(shared.store.await_sign(CHECK_IN, started).await?);
        }
        for (name, _) in &options.heartbeats {
            shared.store.await_sign(&sign_of(name), started).await?;
        }
        let heartbeats = vec![(0, None); options.heartbeats.len()];
        Ok(Self { shared, options, started, check_in, heartbeats })
    }

    /// Looks whether the operator's sign is overdue, and fires if so. To be called every second or so. Tells whether it fired.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part; if it is overdue, it is frozen in memory all the same.
    pub async fn look(&mut self) -> Result<bool, GatewayError> {
        let Some(period) = self.options.check_in else { return Ok(false) };
        let read = self.shared.store.signs().await;
        if let Ok(signs) = &read {
            self.check_in = signs.iter().find(|sign| sign.name == CHECK_IN).cloned();
        }
        let Some(sign) = self.check_in.clone().filter(|sign| sign.armed) else {
            return read.map(|_| false).map_err(GatewayError::from);
        };
        let mut due = sign.last_at + period;
        let grace = self.started + self.options.grace;
        if sign.last_at < self.started && due < grace {
            // It ran out while nobody could check in, or soon after. A Paddock that starts again and again gives no more than one grace.
            due = due.max(sign.grace_until.unwrap_or(grace));
            if sign.grace_until.is_none() && read.is_ok() {
                self.shared.store.grant_grace(CHECK_IN, grace).await?;
            }
        }
        if self.shared.clock.now() < due {
            return read.map(|_| false).map_err(GatewayError::from);
        }
        let reason = format!("nobody checked in since {}", sign.last_at);
        self.fire(CHECK_IN.to_owned(), reason).await
    }

    /// Takes note of a heartbeat's answer, or why there was none. Tells whether it fired.
    ///
    /// # Errors
    /// [`GatewayError`] when the database cannot take part; if it was to fire, it is frozen in memory all the same.
    pub async fn heard(
        &mut self,
        heartbeat: usize,
        answer: Result<(), String>,
    ) -> Result<bool, GatewayError> {
        let (Some((name, most)), Some((misses, noted))) =
            (self.options.heartbeats.get(heartbeat), self.heartbeats.get_mut(heartbeat))
        else {
            return Ok(false);
        };
        let (name, now) = (sign_of(name), self.shared.clock.now());
        let Err(why) = answer else {
            let recovered = std::mem::take(misses) > 0;
            if recovered || noted.is_none_or(|noted| now.duration_since(noted) >= NOTE_EVERY) {
                self.shared.store.hear_sign(&name, now).await?;
                *noted = Some(now);
            }
            return Ok(false);
        };
        *misses = misses.saturating_add(1);
        if *misses < *most {
            return Ok(false);
        }
        // It may have to be armed again as soon as it beats.
        *noted = None;
        let reason = format!("{name} failed {misses} times in a row: {why}");
        self.fire(name, reason).await
    }

    async fn fire(&self, sign: String, reason: String) -> Result<bool, GatewayError> {
        let DeadmanOptions { subject, passing, wind_down, .. } = self.options;
        let shared = &self.shared;
        let freezing = Freezing { subject, passing, reason: Some(reason), wind_down, tripped_by: Some(sign) };
        match shared.store.freeze(&freezing, &Actor::System, shared.clock.now()).await {
            Ok(false) => Ok(false),
            Ok(true) => {
                tracing::error!(
                    reason = freezing.reason,
                    "the dead-man switch has frozen {:?}",
                    subject.what()
                );
                shared.reload().await?;
                shared.emergency.let_go(subject);
                super::wind_down::resume(shared).await?;
                Ok(true)
            }
            Err(error @ StoreError::NotFound { .. }) => Err(error.into()),
            Err(error) => {
                // It is tried again at the next look.
                shared.emergency.hold(subject, passing);
                shared.tell_of_change();
                Err(error.into())
            }
        }
    }
}

fn sign_of(heartbeat: &str) -> String {
    format!("heartbeat {heartbeat}")
}
