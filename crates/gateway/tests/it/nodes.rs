//! Several gateways on one PostgreSQL. Needs `PADDOCK_TEST_POSTGRES_URL`, which `cargo xtask test` sets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use paddock_core::audit::{Actor, WindDown};
use paddock_core::{Clock as _, ManualClock, Scope, SecretText};
use paddock_gateway::{Limits, Unanswered};
use paddock_store::{Subject, Target};
use serde_json::json;
use sqlx::Connection as _;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::broker::{FakeBroker, Got, well_behaved};
use crate::rig::{Pair, REAL_ID, REAL_SECRET, Rig, second_node, trader};

/// A notification takes milliseconds; where it is lost, the look after two seconds finds it.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    address: String,
    schema: String,
}

impl Server {
    /// A schema of that name, where there is a server.
    async fn of_environment(name: &str) -> Option<Self> {
        let address = std::env::var("PADDOCK_TEST_POSTGRES_URL").ok()?;
        let server = Self { address, schema: format!("paddock_{name}_{}", std::process::id()) };
        let schema = &server.schema;
        server.execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
        Some(server)
    }

    async fn execute(&self, statements: &str) {
        let mut connection = sqlx::PgConnection::connect(&self.address).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// A gateway with a database here.
    async fn rig(&self) -> Rig {
        let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
        let broker = FakeBroker::start().await;
        let upstream = broker.address;
        let directory = tempfile::tempdir().unwrap();
        let (pair, limits) = ((REAL_ID, REAL_SECRET), Limits::default());
        Rig::on(self.target(), directory, broker, upstream, clock, pair, limits).await
    }

    async fn clear(&self) {
        self.execute(&format!("DROP SCHEMA {} CASCADE", self.schema)).await;
    }

    fn target(&self) -> Target {
        let join = if self.address.contains('?') { '&' } else { '?' };
        let address = format!("{}{join}options[search_path]={}", self.address, self.schema);
        Target::Postgres(SecretText::new(address))
    }
}

async fn status_at(rig: &Rig, address: SocketAddr, pair: &Pair) -> u16 {
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    let request = rig.http.post(format!("http://{address}/v2/orders")).body(order.to_string());
    let request = request
        .header("content-type", "application/json")
        .header("APCA-API-KEY-ID", &pair.key_id)
        .header("APCA-API-SECRET-KEY", &pair.secret);
    request.send().await.unwrap().status().as_u16()
}

/// Orders at a node until it answers as it should.
async fn until(rig: &Rig, address: SocketAddr, pair: &Pair, expected: u16) {
    let answers = async { while status_at(rig, address, pair).await != expected {} };
    tokio::time::timeout(PATIENCE, answers).await.unwrap();
}

#[tokio::test]
async fn what_one_node_changes_reaches_the_other() {
    let Some(server) = Server::of_environment("nodes").await else { return };
    let rig = server.rig().await;
    let (_control, other) = second_node(&rig, &server.target()).await;
    let now = rig.clock.now();
    // A key that was issued at the one is known at the other.
    let pair = rig.key(trader()).await;
    until(&rig, other, &pair, 200).await;
    rig.store.set_everything_frozen(true, &Actor::Operator, now).await.unwrap();
    until(&rig, other, &pair, 403).await;
    rig.store.set_everything_frozen(false, &Actor::Operator, now).await.unwrap();
    until(&rig, other, &pair, 200).await;
    // The connection on which it listens breaks.
    server
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE pid <> pg_backend_pid() AND application_name = 'paddock' AND query ILIKE 'listen%'",
        )
        .await;
    let freezing = paddock_store::Freezing::of(Subject::Key(pair.id));
    rig.store.freeze(&freezing, &Actor::Operator, now).await.unwrap();
    until(&rig, other, &pair, 403).await;
    rig.store.unfreeze(Subject::Key(pair.id), &Actor::Operator, now).await.unwrap();
    until(&rig, other, &pair, 200).await;
    rig.store.revoke_key(pair.id, &Actor::Operator, now).await.unwrap();
    until(&rig, other, &pair, 401).await;
    server.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_is_given_at_both_is_sent_once() {
    let Some(server) = Server::of_environment("approvals").await else { return };
    let rig = server.rig().await;
    let (other, _) = second_node(&rig, &server.target()).await;
    crate::approvals::approved_at_both(&rig, &other).await;
    server.clear().await;
}

/// Has the broker wait with its answer to what is meant. Tells when it is asked, and answers when it is told.
fn stall(rig: &Rig, is_meant: fn(&Got) -> bool) -> (UnboundedReceiver<()>, mpsc::Sender<()>) {
    let (asked, is_asked) = tokio::sync::mpsc::unbounded_channel();
    let (answers, may_answer) = mpsc::channel::<()>();
    let may_answer = Mutex::new(may_answer);
    rig.broker.script(move |got| {
        if is_meant(got) {
            asked.send(()).unwrap();
            tokio::task::block_in_place(|| may_answer.lock().unwrap().recv().unwrap());
        }
        well_behaved(got)
    });
    (is_asked, answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pause_of_trading_is_not_confirmed_while_another_node_sends_an_order() {
    let Some(server) = Server::of_environment("pause_sent").await else { return };
    let rig = Arc::new(server.rig().await);
    let (_control, other) = second_node(&rig, &server.target()).await;
    let pair = rig.key(trader()).await;
    until(&rig, other, &pair, 200).await;
    let (mut is_asked, answers) = stall(&rig, |got| got.method == "POST");
    let sending = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { status_at(&rig, other, &pair).await }
    });
    is_asked.recv().await.unwrap();
    crate::rotating::opened(&rig).await;
    let unanswered = rig.control.confirm_pause(rig.connection).await.unwrap();
    assert_eq!(unanswered, Unanswered { here: 0, elsewhere: 1 });
    answers.send(()).unwrap();
    assert_eq!(sending.await.unwrap(), 200);
    let unanswered = rig.control.confirm_pause(rig.connection).await.unwrap();
    assert_eq!(unanswered, Unanswered::default());
    server.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_has_not_heard_of_a_pause_sends_no_order_and_its_order_waits() {
    let Some(server) = Server::of_environment("pause_unheard").await else { return };
    let rig = Arc::new(server.rig().await);
    let (_control, other) = second_node(&rig, &server.target()).await;
    // A market order under a cap needs a quote.
    let pair = rig.key(Scope { max_daily_notional: Some(1000.into()), ..trader() }).await;
    until(&rig, other, &pair, 200).await;
    // Nobody is notified of rotations any more.
    server.execute(&format!("ALTER TABLE {}.rotations DISABLE TRIGGER tell_of_changes", server.schema)).await;
    let (mut is_asked, answers) = stall(&rig, |got| got.target.contains("/quotes/latest"));
    let before = rig.broker.changes().len();
    // The quote of before is too old by then.
    rig.clock.advance(Duration::from_secs(60));
    let ordering = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { status_at(&rig, other, &pair).await }
    });
    is_asked.recv().await.unwrap();
    let row = crate::rotating::opened(&rig).await;
    assert_eq!(rig.control.confirm_pause(rig.connection).await.unwrap(), Unanswered::default());
    answers.send(()).unwrap();
    crate::rotating::finish(&rig, row).await;
    assert_eq!(ordering.await.unwrap(), 200);
    let orders = rig.broker.changes().split_off(before);
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].headers["apca-api-key-id"], crate::rotating::NEW_ID);
    server.clear().await;
}

#[tokio::test]
async fn a_node_that_is_stopped_lets_go_of_what_a_freeze_has_left_to_do() {
    let Some(server) = Server::of_environment("let_go").await else { return };
    let rig = server.rig().await;
    // Nothing can be read, so that there is always something left to do.
    rig.broker.script(|_| crate::broker::json(500, &json!({})));
    let freezing = paddock_store::Freezing {
        wind_down: Some(WindDown::CancelAll),
        ..paddock_store::Freezing::of(Subject::Connection(rig.connection))
    };
    let now = rig.clock.now();
    rig.store.freeze(&freezing, &Actor::Operator, now).await.unwrap();
    rig.control.wind_down(Duration::ZERO).await.unwrap();
    let row = rig.store.open_wind_downs().await.unwrap().remove(0);
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while rig.broker.got().is_empty() {
        looks.tick().await;
    }
    let until = now + Duration::from_secs(60);
    assert_eq!(rig.store.claim_wind_down(&row, "another", now, until).await.unwrap(), None);
    rig.shut_down().await;
    assert!(rig.store.claim_wind_down(&row, "another", now, until).await.unwrap().is_some());
    server.clear().await;
}
