//! Every trouble at every request of a delivery.

use paddock_fakes::{Fake, Running, Trouble};
use paddock_rotate::{Applied, Consumer, Delivery, Fault, FaultKind, Looked, Outcome, Proof, Put};

/// How one step of a delivery ended under a trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Which request was hit: its method and path, with numbers and names as they were.
    pub(crate) request: String,
    /// Which trouble.
    pub(crate) trouble: &'static str,
    /// What the consumer told; nothing when it was no fault.
    pub(crate) told: Option<Fault>,
}

/// One delivery from start to end, as the workflow does it.
pub(crate) async fn deliver(
    consumer: &dyn Consumer,
    delivery: &Delivery,
) -> Result<(Looked, Put, Proof), Fault> {
    let looked = consumer.look().await?;
    let (put, proof) = finish(consumer, delivery, &looked).await?;
    Ok((looked, put, proof))
}

async fn finish(
    consumer: &dyn Consumer,
    delivery: &Delivery,
    looked: &Looked,
) -> Result<(Put, Proof), Fault> {
    let put = consumer.put(delivery, looked.version.as_deref()).await?;
    assert!(!matches!(put.outcome, Outcome::Pending(_)), "{put:?}");
    // A release or a run takes its time.
    let mut proof = consumer.prove(delivery, &put).await;
    for _ in 0..6 {
        if !proof.as_ref().is_err_and(|fault| fault.kind == FaultKind::NotYet) {
            break;
        }
        proof = consumer.prove(delivery, &put).await;
    }
    Ok((put, proof?))
}

/// Fails each request of a delivery in each way, and delivers again until it is through. `make` gives a fresh fake, its consumer, and `check` looks at the
/// fake when the delivery is proven. Tells what was seen.
pub(crate) async fn every_trouble<F, M, C>(make: M, check: C) -> Vec<Seen>
where
    F: Fake,
    M: AsyncFn() -> (Running<F>, Box<dyn Consumer>),
    C: Fn(&mut F),
{
    let delivery = super::delivery(0);
    let (calm, consumer) = make().await;
    through(&calm, &*consumer, &delivery).await;
    let requests = calm.heard();
    calm.with(&check);
    let mut seen = Vec::new();
    for (place, request) in requests.iter().enumerate() {
        for (trouble, name) in Trouble::ALL {
            if trouble == Trouble::Stale && !F::reads(request) {
                continue;
            }
            let (fake, consumer) = make().await;
            if place == 0 && trouble == Trouble::Refused {
                fake.close().await;
            } else {
                fake.fail(place, trouble);
            }
            let told = until_hit(&fake, &*consumer, &delivery, place).await;
            if let Some((looking, fault)) = &told {
                // A look changes nothing, whatever its method.
                judge(fault, trouble, *looking || F::reads(request));
            }
            let told = told.map(|(_, fault)| fault);
            fake.reopen().await;
            through(&fake, &*consumer, &delivery).await;
            fake.with(&check);
            let request = format!("{} {}", request.method, request.path);
            seen.push(Seen { request, trouble: name, told });
        }
    }
    seen
}

/// Delivers until request number `place` was had, and tells the fault that came of it, and whether it came of looking.
async fn until_hit<F: Fake>(
    fake: &Running<F>,
    consumer: &dyn Consumer,
    delivery: &Delivery,
    place: usize,
) -> Option<(bool, Fault)> {
    for _ in 0..8 {
        let told = match consumer.look().await {
            Ok(looked) => (false, finish(consumer, delivery, &looked).await.err()?),
            Err(fault) => (true, fault),
        };
        if fake.heard().len() > place || told.1.kind == FaultKind::Unreachable {
            return Some(told);
        }
    }
    panic!("request {place} did not come");
}

/// Delivers until it is proven, as the workflow does, which asks again what may pass.
async fn through<F: Fake>(fake: &Running<F>, consumer: &dyn Consumer, delivery: &Delivery) {
    for _ in 0..8 {
        match deliver(consumer, delivery).await {
            Ok(_) => return,
            Err(fault) if fault.kind.may_pass() => {}
            Err(fault) => panic!("{fault:?} at {}", fake.url),
        }
    }
    panic!("not proven in eight turns");
}

/// What a consumer may say of a trouble: nothing that hides a change, and no secret.
fn judge(fault: &Fault, trouble: Trouble, reading: bool) {
    let text = format!("{fault:?}");
    assert!(!text.contains(super::KEY_ID) && !text.contains(super::SECRET_KEY), "{text}");
    assert!(!fault.next_step.is_empty(), "{text}");
    if matches!(trouble, Trouble::ResetAfter | Trouble::FailsAfter) && !reading {
        assert_eq!(fault.applied, Applied::Unknown, "{text}");
    }
    if let Trouble::Limited(seconds) = trouble {
        let wait = Some(std::time::Duration::from_secs(seconds));
        assert_eq!(fault.kind, FaultKind::Limited(wait), "{text}");
    }
    // Who may not see its own account is not hindered by that, and goes on to what comes later.
    if trouble == Trouble::Forbidden && fault.kind != FaultKind::NotYet {
        assert!(!fault.kind.may_pass(), "{text}");
    }
}

/// Checks that the table of docs/consumers.md tells what was seen: for each trouble, the codes of the faults that came of it, over all requests.
pub(crate) fn documented(consumer: &str, seen: &[Seen]) {
    let requests = seen.iter().filter(|one| one.trouble == Trouble::ALL[0].1).count();
    let cells = Trouble::ALL.map(|(_, trouble)| {
        let hit = seen.iter().filter(|one| one.trouble == trouble);
        let codes: std::collections::BTreeSet<_> =
            hit.map(|one| one.told.as_ref().map_or("-", |fault| fault.kind.code())).collect();
        codes.into_iter().collect::<Vec<_>>().join(", ")
    });
    let row = format!("| {consumer} | {requests} | {} |", cells.join(" | "));
    let page = include_str!("../../../../../docs/consumers.md");
    assert!(page.lines().any(|line| line == row), "docs/consumers.md lacks this line:\n{row}");
}
