//! The audit chain: whole, and not rolled back.

use paddock_store::Store;

use super::Checkup;
use crate::anchor::{Anchor, Comparison};
use crate::data_dir::DataDir;
use crate::failure::Failure;

/// Whether the database holds what was last seen of it.
pub(super) async fn anchor(dir: &DataDir, store: &Store) -> Checkup {
    const NAME: &str = "audit anchor";
    let anchor = Anchor::of(dir);
    match anchor.compare(store).await {
        Ok(Comparison::NothingSeen) => Checkup::warn(
            NAME,
            "there is none, so a rolled-back database would not be noticed",
            "start `paddock serve`, which makes it",
        ),
        Ok(Comparison::Holds) => Checkup::ok(NAME, "the database holds the record that was last seen"),
        Ok(Comparison::RolledBack(_)) => match anchor.check(store).await {
            Err(failure) => Checkup::fail(NAME, &failure),
            Ok(()) => Checkup::ok(NAME, "the database holds the record that was last seen"),
        },
        Err(failure) => Checkup::fail(NAME, &failure),
    }
}

/// Whether every record and every link is as it was written.
pub(super) async fn verify(store: &Store) -> Checkup {
    const NAME: &str = "audit chain";
    match store.verify_signed_audit(paddock_vault::verify_signature).await {
        Ok(chain) => Checkup::ok(NAME, format!("whole: {} records", chain.count)),
        Err(fault) => {
            let failure = Failure::new(fault.to_string())
                .hint("keep this data directory as evidence, and restore a backup into a new one");
            Checkup::fail(NAME, &failure)
        }
    }
}
