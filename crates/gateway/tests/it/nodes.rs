//! Several gateways on one PostgreSQL. Needs `PADDOCK_TEST_POSTGRES_URL`, which `cargo xtask test` sets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use paddock_core::audit::Actor;
use paddock_core::{Clock as _, ManualClock, SecretText};
use paddock_gateway::Limits;
use paddock_store::{Subject, Target};
use serde_json::json;
use sqlx::Connection as _;

use crate::broker::FakeBroker;
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
