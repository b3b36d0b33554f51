//! What becomes of a change in whose way a rotation comes: an order that was decided waits for it, and a cancel that met the dead pair goes once
//! more.

use std::sync::Arc;

use http::Response;
use hyper::body::Incoming;
use paddock_alpaca::Credential;
use paddock_core::decide::{Act, Manner};
use paddock_core::{Permit, Refusal};
use paddock_store::Settlement;

use super::Change;
use crate::account::Reading;
use crate::answer::Fault;
use crate::authenticate::Grant;
use crate::budget::Ticket;
use crate::door::{first_decision, open_credential};
use crate::halt::{Sent, rotation};
use crate::lane::Lane;
use crate::shared::Shared;
use crate::stop::Stop;
use crate::upstream::NoAnswer;

/// What a cancel goes with that is asked again.
pub(crate) struct OnceMore {
    pub(crate) permit: Permit,
    pub(crate) ticket: Ticket,
    pub(crate) credential: Credential,
}

impl Change {
    /// Looks at freezes and rotations for the last time before it is sent. A rotation that came while it was decided is waited for once, as
    /// whoever comes later waits. What was reserved is released when it does not go after all.
    pub(crate) async fn last_look<'a>(
        &mut self,
        shared: &'a Shared,
        manner: Manner,
        credential: Credential,
    ) -> Result<(Sent<'a>, Credential), Stop> {
        let looked = self.look_and_wait(shared, manner, credential).await;
        if looked.is_err() {
            self.write(shared, Settlement::Released { status: None }).await;
        }
        looked
    }

    async fn look_and_wait<'a>(
        &mut self,
        shared: &'a Shared,
        manner: Manner,
        credential: Credential,
    ) -> Result<(Sent<'a>, Credential), Stop> {
        let class = self.target.operation.class;
        let connection = self.grant.entry().connection.connection.id;
        let request = self.arrival.request;
        let look =
            |grant: &Grant| shared.sending.last_look(shared, grant, request, manner).map_err(Stop::Refusal);
        let sent = look(&self.grant)?;
        if rotation::last_look(shared, connection, class).is_ok() {
            return Ok((sent, credential));
        }
        // The rotation waits for what is being sent.
        drop(sent);
        let credential = self.outlast(shared).await?;
        let sent = look(&self.grant)?;
        rotation::last_look(shared, connection, class)?;
        Ok((sent, credential))
    }

    /// Reserves. Where another node runs a rotation, the database may know of it, or of its new pair, before this one does: then it is waited
    /// for once, as whoever comes later waits. Nothing is reserved meanwhile.
    pub(super) async fn reserve_or_outlast(
        &mut self,
        shared: &Shared,
        act: Act,
        reading: Option<&Reading>,
        touched: Option<String>,
        credential: Credential,
    ) -> Result<(Result<Permit, Refusal>, Credential), Stop> {
        let reserved = self.reserve(shared, act.clone(), reading, touched.clone()).await;
        if !matches!(&reserved, Err(Stop::Fault(fault)) if *fault == rotation::refused()) {
            return Ok((reserved?, credential));
        }
        if let Err(error) = shared.reload().await {
            tracing::error!(%error, "the gateway could not read of a rotation that another node runs");
            return Err(rotation::refused().into());
        }
        let credential = self.outlast(shared).await?;
        Ok((self.reserve(shared, act, reading, touched).await?, credential))
    }

    /// Waits for the end of a rotation, for as long as whoever comes later, and takes the new pair. What was decided by a scope that has
    /// changed meanwhile does not go.
    async fn outlast(&mut self, shared: &Shared) -> Result<Credential, Stop> {
        let connection = self.grant.entry().connection.connection.id;
        tokio::select! {
            passed = rotation::pass(shared, connection, self.target.operation.class) => passed?,
            () = self.gone.cancelled() => return Err(Fault::program_gone().into()),
        }
        let grant = self.grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
        if grant.entry().key.scope != self.grant.entry().key.scope {
            return Err(rotation::refused().into());
        }
        self.grant = grant;
        open_credential(shared, &self.grant)
    }

    /// A cancel that the broker refused for its pair, which has died: goes once more with the next one, if there is to be one. Otherwise that
    /// was the answer.
    pub(super) async fn cancel_again(
        &mut self,
        lane: &Lane,
        manner: Manner,
        refused: Response<Incoming>,
        credential: Credential,
    ) -> Result<(Result<Response<Incoming>, NoAnswer>, Credential), Stop> {
        let shared = &*lane.shared;
        let stop = match self.once_more(lane).await {
            Ok(None) => return Ok((Ok(refused), credential)),
            Ok(Some(OnceMore { permit, ticket, credential })) => {
                match shared.sending.last_look(shared, &self.grant, self.arrival.request, manner) {
                    Ok(_sent) => {
                        let answer = self.forward(shared, permit, ticket, &credential).await;
                        return Ok((answer, credential));
                    }
                    Err(refusal) => Stop::Refusal(refusal),
                }
            }
            Err(stop) => stop,
        };
        self.write(shared, Settlement::Released { status: Some(refused.status().as_u16()) }).await;
        Err(self.record_refusal(lane, stop).await)
    }

    /// The broker has refused a cancel's pair. Waits for another one, and for the cancel's turn; `None` when there is none to be waited for.
    pub(crate) async fn once_more(&mut self, lane: &Lane) -> Result<Option<OnceMore>, Stop> {
        let shared = &*lane.shared;
        let used = Arc::clone(&self.grant.entry().connection);
        shared.refused.note(&used);
        if !rotation::another_credential(shared, &used).await? {
            return Ok(None);
        }
        let ticket = self.turn(shared).await?;
        // While it waited the key may have been frozen, changed or revoked.
        self.grant = self.grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
        let credential = open_credential(shared, &self.grant)?;
        let permit = first_decision(shared, self.arrival, &self.grant, &self.target, Act::Plain)?;
        Ok(Some(OnceMore { permit, ticket, credential }))
    }
}
