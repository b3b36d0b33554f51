//! A request's place among those of its key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use paddock_core::PermissionClass;
use paddock_core::Refusal;
use paddock_core::decide::ReasonCode;

use super::{Meter, take_place};
use crate::answer::{AnswerBody, Fault};
use crate::authenticate::Grant;
use crate::door::Arrival;
use crate::lane::Lane;
use crate::requests::{Counted, RequestLine};
use crate::stop::Stop;
use crate::target::Target;

/// A request that is under way, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entered {
    meter: Arc<Meter>,
    is_cancel: bool,
}

/// Counts a request. What goes beyond the scope's rate, or is too much at once, is refused before anything is read, asked or recorded
/// for it; `target` is `None` where the request names no operation.
pub(crate) async fn enter(
    lane: &Lane,
    arrival: Arrival,
    grant: &Grant,
    target: Option<&Target>,
    line: &mut RequestLine,
) -> Result<Entered, Stop> {
    let meter = lane.shared.meters.of(grant.entry());
    let most = grant.entry().key.scope.max_requests_per_minute;
    let operation = target.map(|target| target.operation);
    line.counted = Counted {
        meter: Some(Arc::clone(&meter)),
        api: operation.map(|operation| operation.api),
        class: operation.map(|operation| operation.class),
        most,
    };
    let is_cancel = target.is_some_and(|target| target.operation.class == PermissionClass::Cancel);
    if let Some(most) = most
        && let Err(too_many) = meter.count(most, is_cancel, arrival.at)
    {
        let recorded = meter.should_record(arrival.at);
        let refusal = too_often(most, too_many.retry_after, recorded);
        return Err(if recorded.is_some() {
            lane.record_refusal(arrival, grant, target, refusal.into()).await
        } else {
            refusal.into()
        });
    }
    let (places, most) = meter.places(is_cancel);
    if !take_place(places, most) {
        return Err(Fault::too_many_at_once(most).into());
    }
    Ok(Entered { meter, is_cancel })
}

/// The refusal of a request that comes too soon. `unrecorded` are those before it that have no record of their own.
fn too_often(most: u32, retry_after: u64, unrecorded: Option<u64>) -> Refusal {
    let message =
        format!("this access key may make {most} requests in a minute: try again in {retry_after} seconds");
    let mut numbers =
        vec![("max_requests_per_minute", most.to_string()), ("retry_after", retry_after.to_string())];
    if let Some(unrecorded) = unrecorded.filter(|count| *count > 0) {
        numbers.push(("unrecorded_before", unrecorded.to_string()));
    }
    Refusal::new(ReasonCode::RequestRateExceeded, message, &numbers)
}

impl Meter {
    fn places(&self, is_cancel: bool) -> (&AtomicU32, u32) {
        (if is_cancel { &self.cancels } else { &self.requests }, self.limits.requests_at_once)
    }
}

impl Entered {
    /// A held request that a person has approved goes on, whatever else its key has under way.
    pub(crate) fn approved(meter: Arc<Meter>) -> Self {
        meter.requests.fetch_add(1, Ordering::AcqRel);
        Self { meter, is_cancel: false }
    }

    pub(crate) const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Has the request count as under way until an answer that comes bit by bit has ended.
    pub(crate) fn hold(self, answer: http::Response<AnswerBody>) -> http::Response<AnswerBody> {
        if answer.body().size_hint().exact().is_some() {
            return answer;
        }
        answer.map(|body| {
            let held = self;
            body.map_frame(move |frame| {
                let _under_way = &held;
                frame
            })
            .boxed_unsync()
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.meter.places(self.is_cancel).0.fetch_sub(1, Ordering::AcqRel);
    }
}
