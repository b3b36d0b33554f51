//! A request that changes nothing: waits for its turn, is forwarded, and is asked again only if Alpaca refused it for the sake of the rate, or
//! because the pair has been replaced meanwhile.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use paddock_alpaca::Credential;
use paddock_core::Permit;
use tokio::time::Instant;

use crate::answer::{AnswerBody, Fault};
use crate::authenticate::Grant;
use crate::budget::{Priority, Ticket};
use crate::door::{Arrival, first_decision, open_credential};
use crate::halt::rotation;
use crate::lane::Lane;
use crate::meter::Entered;
use crate::observe::pass_on;
use crate::stop::Stop;
use crate::target::Target;
use crate::upstream::NoAnswer;

/// A request that changes nothing, on its way.
pub(crate) struct Reading {
    pub(crate) arrival: Arrival,
    pub(crate) grant: Grant,
    pub(crate) target: Target,
    /// The program's headers.
    pub(crate) headers: HeaderMap,
    pub(crate) entered: Entered,
}

impl Reading {
    /// Takes it to its answer. Its permit charges nothing, so nothing is reserved.
    pub(crate) async fn run(mut self, lane: &Lane, permit: Permit) -> Result<Response<AnswerBody>, Stop> {
        let shared = &lane.shared;
        let budget = Arc::clone(self.entered.meter().budget(self.target.operation.api, self.arrival.at));
        let asker = self.entered.meter().asker(Priority::Read);
        let begun = Instant::now();
        let mut patience = budget.patience(asker.priority);
        let mut permit = Some(permit);
        loop {
            let ticket = budget.acquire(&shared.clock, asker, patience).await?;
            let permit = match permit.take() {
                Some(permit) if !ticket.was_waited_for() => permit,
                _ => self.decide_again(lane).await?,
            };
            let credential = open_credential(shared, &self.grant)?;
            let response = self.send(lane, permit, ticket, &credential).await?;
            patience = patience.saturating_sub(begun.elapsed());
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                // Refused for certain, so asking again is not asking twice.
                let pause = budget.retry_after(asker.priority, shared.clock.now());
                if Duration::from_secs(pause) < patience {
                    continue;
                }
            }
            if response.status() == StatusCode::UNAUTHORIZED {
                let refused = Arc::clone(&self.grant.entry().connection);
                shared.refused.note(&refused);
                // Refused for certain, likewise; and each credential is asked with once.
                if rotation::another_credential(shared, &refused).await? {
                    patience = budget.patience(asker.priority);
                    continue;
                }
            }
            let connection = &self.grant.entry().connection;
            let answer = pass_on(response, &credential, connection, shared, self.arrival.request).await?;
            return Ok(self.entered.hold(answer));
        }
    }

    async fn send(
        &self,
        lane: &Lane,
        _permit: Permit,
        mut ticket: Ticket,
        credential: &Credential,
    ) -> Result<Response<Incoming>, Fault> {
        let url = self.target.url(&lane.shared, self.grant.entry().connection.connection.environment);
        let sent_at = ticket.sent();
        lane.shared.metrics.decide_read.observe(self.arrival.micros_until(sent_at));
        match lane.upstream.send(&url, Method::GET, Bytes::new(), &self.headers, credential).await {
            Ok(response) => {
                ticket.answered(response.status(), response.headers());
                Ok(response)
            }
            Err(NoAnswer::NotSent) => Err(Fault::upstream_unreachable()),
            Err(NoAnswer::Broken) => Err(Fault::upstream_failed()),
            Err(NoAnswer::Timeout) => Err(Fault::upstream_timeout()),
        }
    }

    /// While it waited, the key may have been frozen, changed or revoked.
    async fn decide_again(&mut self, lane: &Lane) -> Result<Permit, Stop> {
        let shared = &lane.shared;
        self.grant = self.grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
        let act = self.target.reading();
        match first_decision(shared, self.arrival, &self.grant, &self.target, act) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                Err(lane.record_refusal(self.arrival, &self.grant, Some(&self.target), refusal.into()).await)
            }
        }
    }
}
