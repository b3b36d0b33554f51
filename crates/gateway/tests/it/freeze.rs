//! Freezing: what stops, what passes, and from when on.

use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use rstest::rstest;

use crate::rig::{Rig, trader};

#[derive(Clone, Copy, Debug)]
enum What {
    Key,
    Connection,
    Everything,
}

#[rstest]
#[tokio::test]
async fn only_cancels_pass_until_it_is_lifted(
    #[values(What::Key, What::Connection, What::Everything)] what: What,
) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let set = async |frozen: bool| {
        let (store, now, actor) = (&rig.store, rig.clock.now(), &Actor::Operator);
        match what {
            What::Key => store.set_key_frozen(pair.id, frozen, actor, now).await.unwrap(),
            What::Connection => {
                store.set_connection_frozen(rig.connection, frozen, actor, now).await.unwrap()
            }
            What::Everything => store.set_everything_frozen(frozen, actor, now).await.unwrap(),
        }
        rig.control.reload().await.unwrap();
    };
    set(true).await;
    let order =
        serde_json::json!({"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"});
    let (status, body) = rig.order(&pair, order.clone()).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("frozen")));
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await.0, 403);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 403);
    assert!(rig.broker.got().is_empty());
    assert_eq!(rig.send("DELETE", "/v2/orders", &pair, None).await.0, 207);
    let one = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    assert_eq!(rig.send("DELETE", one, &pair, None).await.0, 204);
    set(false).await;
    assert_eq!(rig.order(&pair, order).await.0, 200);
}
