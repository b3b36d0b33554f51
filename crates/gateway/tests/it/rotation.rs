//! The vault's keys are replaced under a gateway that goes on serving.

use paddock_core::audit::Actor;

use crate::rig::{REAL_SECRET, Rig, trader};

#[tokio::test]
async fn both_keys_are_replaced_and_the_credential_still_opens() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let before = rig.store.credential(rig.connection).await.unwrap().unwrap();
    assert_eq!(rig.control.rotate_kek(&Actor::Operator).await.unwrap().rewrapped, 1);
    assert_eq!(rig.control.rotate_dek(rig.user, &Actor::Operator).await.unwrap().resealed, 1);
    let after = rig.store.credential(rig.connection).await.unwrap().unwrap();
    assert_ne!((before.version, before.dek), (after.version, after.dek));
    assert_eq!(rig.store.deks().await.unwrap().len(), 1, "the older data-encryption key is gone");
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    assert_eq!(rig.broker.got()[0].headers["apca-api-secret-key"], REAL_SECRET);
    assert!(rig.store.verify_audit().await.is_ok());
}
