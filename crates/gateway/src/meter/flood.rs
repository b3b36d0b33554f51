//! What is left to record of a flood of requests that has ended.

use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::ReasonCode;
use paddock_core::id::RequestId;
use paddock_store::StoreError;

use crate::shared::Shared;

/// Records, for each access key, how many requests were refused for the sake of its rate and have no record yet, one record for all.
pub(crate) async fn record_floods(shared: &Shared) -> Result<(), StoreError> {
    let directory = shared.directory.load_full();
    let now = shared.clock.now();
    for entry in directory.keys() {
        let Some(count) = shared.meters.of(entry).unrecorded(now) else { continue };
        let key = &entry.key;
        let event = AuditEvent::RequestRefused {
            request: RequestId::generate(now, &*shared.entropy),
            operation: "several".to_owned(),
            target: "several requests".to_owned(),
            reason: ReasonCode::RequestRateExceeded,
            message: format!(
                "{count} requests of this access key came too soon after others and were refused"
            ),
            numbers: [("unrecorded_before".to_owned(), count.to_string())].into(),
            connection: Some(key.connection),
            summary: None,
            network: None,
        };
        let actor = Actor::AccessKey { id: key.id, name: key.name.clone() };
        shared.store.append_audit(&actor, &event, now).await?;
    }
    Ok(())
}
