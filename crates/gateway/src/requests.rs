//! The last requests and their decisions, for people who watch.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use jiff::Timestamp;
use paddock_alpaca::operation::Api;
use paddock_core::id::{AccessKeyId, RequestId, UserId};
use paddock_core::{Environment, PermissionClass};
use serde::Serialize;
use tokio::sync::broadcast;

use crate::budget::Priority;
use crate::id_map::IdMap;
use crate::meter::Meter;
use crate::metrics::RequestMetrics;

/// How many requests are remembered of each team, and of nobody.
const REMEMBERED: usize = 500;
/// How many are remembered of all teams together: with more teams than this is for, those that send the most lose their oldest.
const REMEMBERED_OF_ALL: usize = 20 * REMEMBERED;

/// One request as people see it. It holds no query, no body and no secret.
#[derive(Clone, Debug, Serialize)]
pub struct RequestLine {
    /// The request's identifier, as in the audit and in the answer's `X-Paddock-Request-Id`.
    pub request: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// Whose connection it is for; nobody's, if no access key was recognised.
    #[serde(skip)]
    pub user: Option<UserId>,
    /// Where it came from, if not from this machine's command line.
    pub network: Option<IpAddr>,
    /// The access key, if one was recognised.
    pub key: Option<AccessKeyId>,
    /// The access key's name.
    pub key_name: Option<String>,
    /// Who acted by hand, if a person did.
    pub person: Option<String>,
    /// The connection's name.
    pub connection: Option<String>,
    /// The connection's environment.
    pub environment: Option<Environment>,
    /// HTTP method.
    pub method: String,
    /// Canonical path without the query; the raw one where it is not canonical, cut to 200 characters.
    pub path: String,
    /// Alpaca's operationId.
    pub operation: Option<&'static str>,
    /// What was decided.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The HTTP status that the program got.
    pub status: u16,
    /// Microseconds from the request's arrival to the head of its answer.
    pub micros: u64,
    /// The order in one line, where there is one.
    pub summary: Option<String>,
    /// Where it is counted.
    #[serde(skip)]
    pub(crate) counted: Counted,
}

/// Where a request is counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// The access key's meter.
    pub(crate) meter: Option<Arc<Meter>>,
    /// Which of Alpaca's APIs it is for.
    pub(crate) api: Option<Api>,
    /// What kind of power its operation has.
    pub(crate) class: Option<PermissionClass>,
    /// Requests a minute that the key's scope allows.
    pub(crate) most: Option<u32>,
}

impl Counted {
    /// Tells a program its share of the budget, and when to try again if there were too many requests.
    pub(crate) fn tell_share<B>(&self, answer: &mut Response<B>, now: Timestamp) {
        let (Some(meter), Some(api)) = (&self.meter, self.api) else { return };
        meter.share(api, self.most, now).tell(answer.headers_mut());
        if answer.status() == StatusCode::TOO_MANY_REQUESTS && !answer.headers().contains_key(RETRY_AFTER) {
            let seconds = meter.account().budget(api).retry_after(Priority::Read, now);
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
    }
}

impl RequestLine {
    /// The line of a request about which nothing is known yet but its method.
    pub(crate) fn begun(request: RequestId, at: Timestamp, method: &http::Method) -> Self {
        Self {
            request,
            at,
            user: None,
            network: None,
            person: None,
            key: None,
            key_name: None,
            connection: None,
            environment: None,
            method: method.as_str().get(..10).unwrap_or(method.as_str()).to_owned(),
            path: String::new(),
            operation: None,
            outcome: Outcome::Permitted,
            status: 0,
            micros: 0,
            summary: None,
            counted: Counted::default(),
        }
    }
}

/// What was decided about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Outcome {
    /// It was forwarded.
    Permitted,
    /// The scope, a cap or a freeze refused it.
    Refused {
        /// Stable name of the reason.
        reason: String,
        /// The sentence that was answered.
        message: String,
    },
    /// Nobody was recognised.
    Unauthenticated,
    /// It was malformed, or could not be served.
    Failed {
        /// Stable name of the reason.
        reason: String,
        /// The sentence that was answered.
        message: String,
    },
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// All requests.
    pub requests: u64,
    /// Forwarded.
    pub permitted: u64,
    /// Refused by a scope, a cap or a freeze.
    pub refused: u64,
    /// Without a valid access key.
    pub unauthenticated: u64,
    /// Malformed or not servable.
    pub failed: u64,
}

impl Counters {
    const fn count(&mut self, outcome: &Outcome) {
        self.requests += 1;
        *match outcome {
            Outcome::Permitted => &mut self.permitted,
            Outcome::Refused { .. } => &mut self.refused,
            Outcome::Unauthenticated => &mut self.unauthenticated,
            Outcome::Failed { .. } => &mut self.failed,
        } += 1;
    }

    /// Both together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            permitted: self.permitted + other.permitted,
            refused: self.refused + other.refused,
            unauthenticated: self.unauthenticated + other.unauthenticated,
            failed: self.failed + other.failed,
        }
    }
}

/// The memory of requests.
#[derive(Debug)]
pub(crate) struct RequestLog {
    memory: Mutex<Memory>,
    watchers: broadcast::Sender<RequestLine>,
    pub(crate) metrics: RequestMetrics,
}

#[derive(Debug, Default)]
struct Memory {
    teams: IdMap<Option<UserId>, TeamMemory>,
    /// How many lines all teams have together.
    lines: usize,
    /// When keys were used last.
    used: IdMap<AccessKeyId, Timestamp>,
}

/// What one team has sent; a busy one takes no place from another.
#[derive(Debug, Default)]
struct TeamMemory {
    /// The newest first.
    lines: VecDeque<RequestLine>,
    counters: Counters,
}

impl Memory {
    /// Takes a line in, and gives the one that has no place any more.
    fn take_in(&mut self, line: RequestLine) -> Option<RequestLine> {
        let team = self.teams.entry(line.user).or_default();
        team.counters.count(&line.outcome);
        team.lines.push_front(line);
        self.lines += 1;
        let over = if team.lines.len() > REMEMBERED {
            team.lines.pop_back()
        } else if self.lines > REMEMBERED_OF_ALL {
            self.teams.values_mut().max_by_key(|team| team.lines.len())?.lines.pop_back()
        } else {
            None
        };
        self.lines -= usize::from(over.is_some());
        over
    }
}

impl Default for RequestLog {
    fn default() -> Self {
        Self {
            memory: Mutex::default(),
            watchers: broadcast::channel(256).0,
            metrics: RequestMetrics::default(),
        }
    }
}

impl RequestLog {
    pub(crate) fn note(&self, line: RequestLine) {
        self.metrics.note(&line);
        if self.watchers.receiver_count() > 0 {
            _ = self.watchers.send(line.clone());
        }
        let mut memory = self.memory();
        if let Some(key) = line.key {
            memory.used.insert(key, line.at);
        }
        let oldest = memory.take_in(line);
        // It is dropped while others may go on.
        drop(memory);
        drop(oldest);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest lines of these teams, the newest first.
    pub(crate) fn recent(&self, teams: &[Option<UserId>]) -> Vec<RequestLine> {
        let memory = self.memory();
        let of_teams = teams.iter().filter_map(|team| memory.teams.get(team));
        let mut lines: Vec<RequestLine> = of_teams.flat_map(|team| team.lines.iter().cloned()).collect();
        drop(memory);
        lines.sort_by_key(|line| std::cmp::Reverse(line.at));
        lines
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<RequestLine> {
        self.watchers.subscribe()
    }

    /// Which keys were used since the last call, and when last.
    pub(crate) fn take_used(&self) -> Vec<(AccessKeyId, Timestamp)> {
        self.memory().used.drain().collect()
    }

    /// The totals of one team's requests, or of those of nobody.
    pub(crate) fn counters_of(&self, user: Option<UserId>) -> Counters {
        self.memory().teams.get(&user).map(|team| team.counters).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use paddock_vault::OsEntropy;

    use super::*;

    fn send(log: &RequestLog, team: UserId, count: usize) {
        for _ in 0..count {
            let id = RequestId::generate(Timestamp::UNIX_EPOCH, &OsEntropy);
            let mut line = RequestLine::begun(id, Timestamp::UNIX_EPOCH, &http::Method::GET);
            line.user = Some(team);
            log.note(line);
        }
    }

    fn team() -> UserId {
        UserId::generate(Timestamp::UNIX_EPOCH, &OsEntropy)
    }

    #[test]
    fn a_busy_team_takes_no_place_from_another() {
        let log = RequestLog::default();
        let (quiet, busy) = (team(), team());
        send(&log, quiet, 1);
        send(&log, busy, 3 * REMEMBERED);
        assert_eq!(log.recent(&[Some(quiet)]).len(), 1);
        assert_eq!(log.recent(&[Some(busy)]).len(), REMEMBERED);
        assert_eq!(log.counters_of(Some(busy)).requests, 3 * REMEMBERED as u64);
    }

    #[test]
    fn with_very_many_teams_the_busiest_lose_their_oldest() {
        let log = RequestLog::default();
        let teams: Vec<UserId> = (0..25).map(|_| team()).collect();
        send(&log, teams[0], 1);
        for team in &teams[1..] {
            send(&log, *team, REMEMBERED);
        }
        let kept: Vec<usize> = teams.iter().map(|team| log.recent(&[Some(*team)]).len()).collect();
        assert_eq!(kept.iter().sum::<usize>(), REMEMBERED_OF_ALL);
        assert!(kept[0] == 1 && kept[1..].iter().all(|count| *count > REMEMBERED / 2), "{kept:?}");
    }

    #[test]
    fn what_several_teams_sent_comes_in_the_order_of_time() {
        let log = RequestLog::default();
        let (one, other) = (team(), team());
        for (second, user) in [(1, one), (2, other), (3, one)] {
            let at = Timestamp::from_second(second).unwrap();
            let mut line = RequestLine::begun(RequestId::generate(at, &OsEntropy), at, &http::Method::GET);
            line.user = Some(user);
            log.note(line);
        }
        let seconds: Vec<i64> =
            log.recent(&[Some(one), Some(other)]).iter().map(|line| line.at.as_second()).collect();
        assert_eq!(seconds, [3, 2, 1]);
    }
}
