//! Whether a program may still have its stream.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use paddock_core::audit::AuditEvent;
use paddock_core::decide::{self, Act, Decision};
use paddock_core::scope;
use paddock_core::{Refusal, Usage, decide as decide_request};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use super::{Opening, Stream};
use crate::authenticate::Grant;
use crate::door::{actor, open_credential};
use crate::entrance::Reached;
use crate::lane::Lane;
use crate::meter::OpenStream;
use crate::metrics::streams;
use crate::requests::{Counted, Outcome, RequestLine};
use crate::shared::Shared;

/// How often the time is compared with the end of an access key.
const LOOK: Duration = Duration::from_secs(1);

/// An access key with an open stream.
pub(super) struct Standing {
    shared: Arc<Shared>,
    grant: Grant,
    network: IpAddr,
    stream: Stream,
    changes: watch::Receiver<u64>,
    ticks: Interval,
    /// Its place among the key's streams, which is free when this is dropped.
    place: Option<OpenStream>,
    counted: Option<streams::Counted>,
}

/// Why a program does not get a stream, or does not keep it.
#[derive(Debug)]
pub(super) enum Denied {
    /// The key is gone.
    Revoked,
    /// The scope, the end of the key or a freeze.
    Refused(Refusal),
    /// The scope lets less of this stream through than when it was opened.
    Narrowed,
    /// The program asked the wrong one of Alpaca's hosts.
    WrongHost,
    /// The key has so many streams open already.
    TooMany(u32),
    /// The connection's credential does not open.
    Sealed,
}

impl Denied {
    /// For the close frame.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Revoked => "the access key is no longer valid".to_owned(),
            Self::Refused(refusal) => refusal.message.clone(),
            Self::Narrowed => "what this access key may do was changed: connect again".to_owned(),
            Self::WrongHost => "this access key is of another environment than the host".to_owned(),
            Self::TooMany(most) => format!("this access key has {most} streams open: close one first"),
            Self::Sealed => "the stored credential of this connection does not open".to_owned(),
        }
    }
}

impl Standing {
    /// Decides whether a program that was recognised gets the stream that it asks for, and notes it.
    pub(super) async fn admit(opening: &Opening, grant: Grant) -> Result<Self, Denied> {
        let shared = &opening.lane.shared;
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut standing = Self {
            shared: Arc::clone(shared),
            changes: shared.directory_changes.subscribe(),
            grant,
            network: opening.arrival.network,
            stream: opening.stream,
            ticks,
            place: None,
            counted: None,
        };
        let verdict = standing
            .host(&opening.reached)
            .and_then(|()| standing.check())
            .and_then(|()| standing.opens())
            .and_then(|()| standing.take_a_place());
        let outcome = match &verdict {
            Ok(()) => Outcome::Permitted,
            Err(Denied::Refused(refusal)) => {
                standing.record(&opening.lane, opening, refusal).await;
                Outcome::Refused { reason: refusal.code.to_string(), message: refusal.message.clone() }
            }
            Err(denied) => Outcome::Failed { reason: "stream_denied".to_owned(), message: denied.reason() },
        };
        standing.note(opening, outcome);
        verdict.map(|()| standing)
    }

    /// The right to trade events, which was decided as that to a request.
    pub(super) fn of_events(lane: &Lane, network: IpAddr, grant: Grant, place: OpenStream) -> Self {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shared = Arc::clone(&lane.shared);
        let changes = shared.directory_changes.subscribe();
        let stream = Stream::TradeEvents;
        let connection = grant.entry().connection.connection.id;
        let counted = Some(streams::Counted::new(&shared.metrics, connection, stream.path()));
        Self { shared, grant, network, stream, changes, ticks, place: Some(place), counted }
    }

    pub(super) const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Waits until something may have changed, and looks again.
    pub(super) async fn lost(&mut self) -> Denied {
        loop {
            tokio::select! {
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                _ = self.ticks.tick() => {}
            }
            if let Err(denied) = self.check() {
                return denied;
            }
        }
    }

    fn take_a_place(&mut self) -> Result<(), Denied> {
        let meter = self.shared.meters.of(self.grant.entry());
        self.place = Some(meter.open_stream().ok_or(Denied::TooMany(meter.streams_at_once()))?);
        let connection = self.grant.entry().connection.connection.id;
        self.counted = Some(streams::Counted::new(&self.shared.metrics, connection, self.stream.path()));
        Ok(())
    }

    fn host(&self, reached: &Reached) -> Result<(), Denied> {
        let environment = self.grant.entry().connection.connection.environment;
        match reached {
            Reached::AsAlpaca(host) if *host != self.stream.host(environment) => Err(Denied::WrongHost),
            _ => Ok(()),
        }
    }

    /// A stream that could not begin is refused before anything is asked of the broker.
    fn opens(&self) -> Result<(), Denied> {
        open_credential(&self.shared, &self.grant).map(drop).map_err(|_| Denied::Sealed)
    }

    fn check(&mut self) -> Result<(), Denied> {
        let directory = self.shared.directory.load();
        let renewed = self.grant.renewed(&directory).ok_or(Denied::Revoked)?;
        let (before, now) = (&self.grant.entry().key.scope, &renewed.entry().key.scope);
        // What was subscribed to was right by the scope of then. Connecting again asks the scope of now.
        if before != now && scope::diff(before, now).forbids.iter().any(|lost| self.stream.is_of(&lost.limit))
        {
            return Err(Denied::Narrowed);
        }
        self.grant = renewed;
        let entry = self.grant.entry();
        let (operation, class) = self.stream.operation();
        let request = decide::Request {
            operation,
            class,
            at: self.shared.clock.now(),
            network: self.network,
            frozen: directory.frozen(entry),
            act: Act::Plain,
            account: decide::AccountFigures::default(),
        };
        match decide_request(&entry.key.scope, &request, &Usage::none(Date::ZERO)) {
            Decision::Permit(_) => Ok(()),
            Decision::Refuse(refusal) => Err(Denied::Refused(refusal)),
        }
    }

    async fn record(&self, lane: &Lane, opening: &Opening, refusal: &Refusal) {
        let event = AuditEvent::RequestRefused {
            request: opening.arrival.request,
            operation: self.stream.operation().0.to_owned(),
            target: format!("stream {}", self.stream.path()),
            reason: refusal.code,
            message: refusal.message.clone(),
            numbers: refusal.numbers.clone(),
            connection: Some(self.grant.entry().connection.connection.id),
            summary: None,
            network: Some(opening.arrival.network.to_canonical()),
        };
        // Logged where it failed. The stream is refused either way.
        _ = lane.record(actor(&self.grant), event, opening.arrival.at).await;
    }

    fn note(&self, opening: &Opening, outcome: Outcome) {
        let (key, connection) = (&self.grant.entry().key, &self.grant.entry().connection.connection);
        let arrival = opening.arrival;
        let line = RequestLine {
            user: Some(connection.user),
            network: Some(arrival.network.to_canonical()),
            key: Some(key.id),
            key_name: Some(key.name.clone()),
            connection: Some(connection.name.clone()),
            environment: Some(connection.environment),
            path: self.stream.path().to_owned(),
            operation: Some(self.stream.operation().0),
            summary: Some("stream".to_owned()),
            counted: Counted {
                meter: Some(self.shared.meters.of(self.grant.entry())),
                class: Some(self.stream.operation().1),
                ..Counted::default()
            },
            status: if outcome == Outcome::Permitted { 200 } else { 403 },
            outcome,
            ..RequestLine::begun(arrival.request, arrival.at, &http::Method::GET)
        };
        self.shared.key_books.note(&line, arrival.network, None);
        self.shared.log.note(line);
    }
}
