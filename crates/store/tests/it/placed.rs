//! Which access key placed which order.

use paddock_store::{PlacedOrder, Settlement, Store};

use crate::support::*;

on_both!(
    an_order_is_of_whom_it_was_first,
    what_replaces_an_order_is_of_the_same_key,
    orders_are_written_with_the_settlement_of_their_request,
    many_are_looked_up_at_once,
    what_is_sent_is_known_until_it_is_settled,
    orders_of_before_the_table_are_taken_over,
);

fn order(id: &str, name: Option<&str>, replaces: Option<&str>) -> PlacedOrder {
    PlacedOrder {
        order_id: id.to_owned(),
        client_order_id: name.map(str::to_owned),
        replaces: replaces.map(str::to_owned),
    }
}

async fn owner(store: &Store, it: &Furnished, id: &str) -> Option<paddock_core::id::AccessKeyId> {
    store.who_placed(it.connection.id, &[id.to_owned()]).await.unwrap().remove(id)
}

async fn another_key(store: &Store, it: &Furnished) -> paddock_store::AccessKey {
    let key = access_key(it.connection.id, "other", trader());
    store.insert_key(&key, &PERSON, at()).await.unwrap();
    key
}

async fn an_order_is_of_whom_it_was_first(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let other = another_key(&store, &it).await;
    store.record_placed(it.connection.id, it.key.id, &[order("a", Some("name"), None)], at()).await.unwrap();
    store.record_placed(it.connection.id, other.id, &[order("a", None, None)], later(1)).await.unwrap();
    let store = database.open().await;
    assert_eq!(owner(&store, &it, "a").await, Some(it.key.id));
    assert_eq!(store.placed_by_name(it.connection.id, "name").await.unwrap(), Some(it.key.id));
    assert_eq!(store.placed_by_name(it.connection.id, "nam").await.unwrap(), None);
    assert_eq!(owner(&store, &it, "b").await, None);
}

async fn what_replaces_an_order_is_of_the_same_key(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let other = another_key(&store, &it).await;
    let first = [order("a", None, None), order("leg", None, Some("a"))];
    store.record_placed(it.connection.id, it.key.id, &first, at()).await.unwrap();
    let second =
        [order("b", None, Some("a")), order("c", None, Some("b")), order("d", None, Some("outside"))];
    store.record_placed(it.connection.id, other.id, &second, later(1)).await.unwrap();
    for id in ["leg", "b", "c"] {
        assert_eq!(owner(&store, &it, id).await, Some(it.key.id), "{id}");
    }
    assert_eq!(owner(&store, &it, "d").await, Some(other.id));
}

async fn orders_are_written_with_the_settlement_of_their_request(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = reserve(&store, &it.key, "5").await;
    let confirmed = Settlement::Confirmed { status: Some(200), order_id: Some("a".to_owned()) };
    let placed = [order("a", intent.client_order_id.as_deref(), None), order("leg", None, Some("a"))];
    store.settle_placing(intent.request, &confirmed, &placed, at()).await.unwrap();
    assert_eq!(owner(&store, &it, "leg").await, Some(it.key.id));
    // What is learnt when it is settled already is kept too.
    store.settle_placing(intent.request, &confirmed, &[order("b", None, Some("a"))], at()).await.unwrap();
    assert_eq!(owner(&store, &it, "b").await, Some(it.key.id));
    store.verify_audit().await.unwrap();
}

async fn many_are_looked_up_at_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let orders: Vec<PlacedOrder> =
        (0..250).map(|number| order(&format!("id-{number}"), None, None)).collect();
    store.record_placed(it.connection.id, it.key.id, &orders, at()).await.unwrap();
    let asked: Vec<String> = (100..400).map(|number| format!("id-{number}")).collect();
    let found = store.who_placed(it.connection.id, &asked).await.unwrap();
    assert_eq!(found.len(), 150);
    assert!(store.who_placed(it.connection.id, &[]).await.unwrap().is_empty());
}

async fn what_is_sent_is_known_until_it_is_settled(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (one, two) = (reserve(&store, &it.key, "1").await, reserve(&store, &it.key, "2").await);
    store.settle(two.request, &Settlement::Unknown, at()).await.unwrap();
    let sent = store.sent(it.connection.id).await.unwrap();
    let known: Vec<_> = sent.iter().map(|sent| (sent.request, sent.is_unknown)).collect();
    assert!(
        known.contains(&(one.request, false)) && known.contains(&(two.request, true)) && known.len() == 2
    );
    assert_eq!((sent[0].key, sent[0].at), (it.key.id, one.at));
    for intent in [&one, &two] {
        store.settle(intent.request, &Settlement::Released { status: Some(422) }, at()).await.unwrap();
    }
    assert_eq!(store.sent(it.connection.id).await.unwrap(), []);
}

async fn orders_of_before_the_table_are_taken_over(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = reserve(&store, &it.key, "5").await;
    let confirmed = Settlement::Confirmed { status: Some(200), order_id: Some("a".to_owned()) };
    store.settle(intent.request, &confirmed, at()).await.unwrap();
    assert_eq!(owner(&store, &it, "a").await, None);
    // As the database was made by the version before.
    let script = match &database.target {
        paddock_store::Target::Sqlite(_) => include_str!("../../migrations/sqlite/0002_placed_orders.sql"),
        paddock_store::Target::Postgres(_) => {
            include_str!("../../migrations/postgres/0002_placed_orders.sql")
        }
    };
    database.try_execute(&format!("DROP TABLE placed_orders; {script}")).await.unwrap();
    assert_eq!(owner(&store, &it, "a").await, Some(it.key.id));
    let name = intent.client_order_id.unwrap();
    assert_eq!(store.placed_by_name(it.connection.id, &name).await.unwrap(), Some(it.key.id));
}
