//! Plays a rehearsal: does what a person would, with the slips and failures that were chosen.

use std::time::Duration;

use paddock_core::SecretText;
use paddock_core::id::RotationId;
use paddock_core::rotation::{Ask, By, RehearsedFault, Rotation, RotationState};
use paddock_rotate::Status;

use crate::api::rotations::broker::{PaperAccount, RehearsalHost};
use crate::desk::Desk;
use crate::problem::Problem;

/// How often it is looked at, and how often at most: ten minutes.
const LOOK: Duration = Duration::from_millis(200);
const MOST_LOOKS: u32 = 3000;

/// What a person may do wrong when they paste a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// The new Key ID with the old Secret Key.
    TornPair,
    /// The pair that is in use already.
    SamePair,
    /// The pair of another account.
    OtherAccount,
}

impl Slip {
    /// All of them, with their words and what they are for people.
    pub(crate) const ALL: [(Self, &str, &str); 3] = [
        (Self::TornPair, "torn_pair", "The new Key ID is pasted with the old Secret Key"),
        (Self::SamePair, "same_pair", "The pair that is in use already is pasted"),
        (Self::OtherAccount, "other_account", "The pair of another account is pasted"),
    ];

    /// The code of the trouble that it must be taken for.
    const fn found_as(self) -> &'static str {
        match self {
            Self::TornPair => "torn_pair",
            Self::SamePair => "same_pair",
            Self::OtherAccount => "account_mismatch",
        }
    }
}

/// A rehearsal that is played.
pub(crate) struct Play {
    /// Whoever wanted it.
    pub(crate) desk: Desk,
    pub(crate) by: By,
    pub(crate) id: RotationId,
    /// The paper broker's address.
    pub(crate) broker: String,
    /// The account that it is played with.
    pub(crate) account: PaperAccount,
    pub(crate) slips: Vec<Slip>,
    /// Whether consumers that cannot take a pair are left out.
    pub(crate) keep_going: bool,
}

/// Why it stops: in words that go into the record.
struct Stopped(String);

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self(problem.detail.to_string())
    }
}

impl From<paddock_rotate::RotateError> for Stopped {
    fn from(error: paddock_rotate::RotateError) -> Self {
        Problem::from(error).into()
    }
}

impl Play {
    /// Plays it to its end. What stops it is the reason for which it is called off, so that it stands in nobody's way.
    pub(crate) async fn run(self) {
        let mut opened = vec![self.account.number.clone()];
        let played = tokio::select! {
            played = self.go(&mut opened) => played,
            () = self.desk.closing.cancelled() => Err(Stopped("Paddock was stopped meanwhile".to_owned())),
        };
        let rotations = &self.desk.rotations;
        if let Err(Stopped(why)) = played
            && let Err(error) = rotations.abort(self.id, &why, &self.by, self.desk.now()).await
        {
            tracing::warn!(%error, rotation = %self.id, "a rehearsal could not be called off");
        }
        for number in opened {
            if let Err(why) = self.host().delete(&self.broker, &number).await {
                tracing::warn!(%why, %number, "an account of the paper broker was not deleted after a rehearsal");
            }
        }
    }

    fn host(&self) -> &dyn RehearsalHost {
        &*self.desk.rehearsal_host
    }

    async fn go(&self, opened: &mut Vec<String>) -> Result<(), Stopped> {
        let mut looks = tokio::time::interval(LOOK);
        let mut pasted = false;
        for _ in 0..MOST_LOOKS {
            looks.tick().await;
            let status = self.desk.rotations.status(self.id).await?;
            let rotation = &status.row.rotation;
            if rotation.is_over() {
                return Ok(());
            }
            if rotation.state == RotationState::AwaitingMint && !pasted {
                self.slip(opened).await?;
                let new = self.regenerate().await?;
                self.paste(&new.key_id, &new.secret_key).await?;
                pasted = true;
            } else if status.dues.is_empty() && !status.asks.is_empty() {
                self.answer(&status).await?;
            }
        }
        Err(Stopped("the rehearsal does not end".to_owned()))
    }

    /// Makes the slips; each must be found out.
    async fn slip(&self, opened: &mut Vec<String>) -> Result<(), Stopped> {
        let old = &self.account;
        for slip in &self.slips {
            match slip {
                Slip::SamePair => self.paste(&old.key_id, &old.secret_key).await?,
                Slip::TornPair => {
                    let new = self.regenerate().await?;
                    self.paste(&new.key_id, &old.secret_key).await?;
                }
                Slip::OtherAccount => {
                    let environment = self.status().await?.row.rotation.environment;
                    let other = self.host().open(&self.broker, environment).await.map_err(Stopped)?;
                    opened.push(other.number.clone());
                    self.paste(&other.key_id, &other.secret_key).await?;
                }
            }
            let ask = self.found_out().await?;
            if ask.code != slip.found_as() {
                return Err(Stopped(format!("a slip was taken for `{}`: {}", ask.code, ask.message)));
            }
        }
        Ok(())
    }

    async fn found_out(&self) -> Result<Ask, Stopped> {
        let mut looks = tokio::time::interval(LOOK);
        for _ in 0..MOST_LOOKS {
            looks.tick().await;
            let status = self.status().await?;
            if status.row.rotation.state != RotationState::Candidate {
                return Err(Stopped("a slip was not found out".to_owned()));
            }
            if status.dues.is_empty()
                && let Some(ask) = status.asks.into_iter().next()
            {
                return Ok(ask);
            }
        }
        Err(Stopped("the pasted pair is not checked".to_owned()))
    }

    /// Does what a person would: mends what was chosen to fail, and leaves out what cannot take the pair if that was said.
    async fn answer(&self, status: &Status) -> Result<(), Stopped> {
        let (rotations, id, by) = (&self.desk.rotations, self.id, &self.by);
        let mut mended = false;
        for ask in &status.asks {
            let at = self.desk.now();
            let Some((_, name)) = &ask.consumer else {
                return Err(Stopped(format!("a rotation would stop here: {}", ask.message)));
            };
            match chosen(&status.row.rotation, ask) {
                Some(RehearsedFault::Drift) => {
                    rotations.take_over(id, name, "rehearsed: it may be overwritten", by, at).await?;
                }
                Some(_) => mended = true,
                None if self.keep_going => {
                    rotations.leave_out(id, name, &format!("rehearsal: {}", ask.code), by, at).await?;
                }
                None => {
                    return Err(Stopped(format!("a rotation would stop here: {name}: {}", ask.message)));
                }
            }
        }
        if mended {
            rotations.resume(id, by, self.desk.now()).await?;
        }
        Ok(())
    }

    async fn status(&self) -> Result<Status, Stopped> {
        Ok(self.desk.rotations.status(self.id).await?)
    }

    async fn regenerate(&self) -> Result<PaperAccount, Stopped> {
        self.host().regenerate(&self.broker, &self.account.number).await.map_err(Stopped)
    }

    async fn paste(&self, key_id: &SecretText, secret_key: &SecretText) -> Result<(), Stopped> {
        self.desk.rotations.paste(self.id, key_id, secret_key, &self.by, self.desk.now()).await?;
        Ok(())
    }
}

/// The chosen failure that is behind what a person is asked, if it is one.
fn chosen(rotation: &Rotation, ask: &Ask) -> Option<RehearsedFault> {
    let (consumer, _) = ask.consumer.as_ref()?;
    let is_it = |failure: &paddock_core::rotation::Failure| {
        failure.code == ask.code && failure.message == ask.message
    };
    let mut its = rotation.faults.iter().filter(|chosen| chosen.consumer == *consumer && chosen.met);
    its.find(|chosen| is_it(&chosen.fault.failure())).map(|chosen| chosen.fault)
}
