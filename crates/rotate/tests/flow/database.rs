//! A database for each test.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use paddock_core::SecretText;
use paddock_store::Target;
use sqlx::Connection as _;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

/// Runs a body on a SQLite database of its own.
pub fn on_sqlite<F: Future<Output = ()>>(body: impl FnOnce(Target) -> F) {
    let directory = tempfile::tempdir().unwrap();
    runtime().block_on(body(Target::Sqlite(directory.path().join("paddock.db"))));
}

/// Runs a body on a PostgreSQL schema of its own, which goes afterwards whatever the body does.
pub fn on_postgres<F: Future<Output = ()>>(body: impl FnOnce(Target) -> F) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Ok(server) = std::env::var("PADDOCK_TEST_POSTGRES_URL") else {
        eprintln!("skipped on PostgreSQL: PADDOCK_TEST_POSTGRES_URL is not set");
        return;
    };
    let schema = format!("rotate_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let runtime = runtime();
    runtime.block_on(execute(
        &server,
        &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"),
    ));
    let join = if server.contains('?') { '&' } else { '?' };
    let address = format!("{server}{join}options[search_path]={schema}");
    let target = Target::Postgres(SecretText::new(address));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(body(target))));
    runtime.block_on(execute(&server, &format!("DROP SCHEMA {schema} CASCADE")));
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn execute(server: &str, statements: &str) {
    let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
