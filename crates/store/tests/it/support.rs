//! A database for each test, and the things that tests fill it with.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::{AccountFigures, Act, Opens, OrderFacts};
use paddock_core::id::{AccessKeyId, ApprovalId, ConnectionId, DekId, RequestId, UserId};
use paddock_core::order::{Amount, OrderRequest, Side, TimeInForce};
use paddock_core::scope::Preset;
use paddock_core::{
    Decision, Entropy, Environment, PermissionClass, Permit, Request, Scope, SecretText, Symbol, decide,
};
use paddock_store::{
    AccessKey, Connection, Decide, DekRow, Intent, NewApproval, SealedCredential, SealedParts,
    SealedSigningKey, Store, Target,
};
use rust_decimal::Decimal;
use sqlx::Connection as _;

/// Runs each named `async fn(Database)` on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                $crate::support::on_sqlite(super::$name);
            }

            #[test]
            fn postgres() {
                $crate::support::on_postgres(super::$name);
            }
        }
    )+};
}

/// An empty database, which is removed after the test.
pub struct Database {
    pub target: Target,
    file: Option<PathBuf>,
    address: Option<String>,
}

/// A connection that has the database locked.
pub struct Held {
    _sqlite: Option<sqlx::SqliteConnection>,
    _postgres: Option<sqlx::PgConnection>,
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap()
}

pub fn on_sqlite<F: Future<Output = ()>>(body: impl FnOnce(Database) -> F) {
    let directory = tempfile::tempdir().unwrap();
    runtime().block_on(body(Database::in_directory(directory.path())));
}

pub fn on_postgres<F: Future<Output = ()>>(body: impl FnOnce(Database) -> F) {
    let Some(server) = Server::of_environment() else { return };
    let runtime = runtime();
    let (schema, database) = runtime.block_on(server.new_schema());
    // The schema must go whatever the test does.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(body(database))));
    runtime.block_on(server.execute(&format!("DROP SCHEMA {schema} CASCADE")));
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

pub struct Server(String);

impl Server {
    pub fn of_environment() -> Option<Self> {
        let address = std::env::var("PADDOCK_TEST_POSTGRES_URL").ok();
        if address.is_none() {
            eprintln!("skipped on PostgreSQL: PADDOCK_TEST_POSTGRES_URL is not set");
        }
        address.map(Self)
    }

    pub async fn new_schema(&self) -> (String, Database) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let schema = format!("paddock_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
        let join = if self.0.contains('?') { '&' } else { '?' };
        let address = format!("{}{join}options[search_path]={schema}", self.0);
        (schema, Database::at_address(address))
    }

    pub async fn execute(&self, statements: &str) {
        let mut connection = sqlx::PgConnection::connect(&self.0).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Database {
    pub fn in_directory(directory: &std::path::Path) -> Self {
        let file = directory.join("paddock.db");
        Self { target: Target::Sqlite(file.clone()), file: Some(file), address: None }
    }

    pub fn at_address(address: String) -> Self {
        Self {
            target: Target::Postgres(SecretText::new(address.clone())),
            file: None,
            address: Some(address),
        }
    }

    /// How another process finds it.
    pub fn location(&self) -> String {
        self.address.clone().or_else(|| Some(self.file.as_ref()?.to_str()?.to_owned())).unwrap()
    }

    pub fn at_location(location: String) -> Self {
        if location.starts_with("postgres") {
            Self::at_address(location)
        } else {
            let file = PathBuf::from(location);
            Self { target: Target::Sqlite(file.clone()), file: Some(file), address: None }
        }
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.target).await.unwrap()
    }

    /// Changes rows behind the store's back, past the guards of the tables.
    pub async fn tamper(&self, statements: &str) {
        let off = if self.file.is_some() {
            "DROP TRIGGER IF EXISTS audit_no_update; DROP TRIGGER IF EXISTS audit_no_delete;"
        } else {
            "ALTER TABLE audit DISABLE TRIGGER USER;"
        };
        self.try_execute(&format!("{off} {statements}")).await.unwrap();
    }

    /// Runs statements behind the store's back.
    pub async fn try_execute(&self, statements: &str) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
        if let Some(file) = &self.file {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).foreign_keys(false);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
            statements.execute(&mut connection).await?;
            connection.close().await
        } else {
            let mut connection = sqlx::PgConnection::connect(self.address.as_ref().unwrap()).await?;
            statements.execute(&mut connection).await?;
            connection.close().await
        }
    }

    pub fn is_sqlite(&self) -> bool {
        self.file.is_some()
    }

    /// Keeps every writer waiting until it is dropped, as a program that has the database open may.
    pub async fn hold(&self) -> Held {
        if let Some(file) = &self.file {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            Held { _sqlite: Some(connection), _postgres: None }
        } else {
            let mut connection = sqlx::PgConnection::connect(self.address.as_ref().unwrap()).await.unwrap();
            let lock = "BEGIN; SELECT id FROM audit_head FOR UPDATE";
            sqlx::raw_sql(lock).execute(&mut connection).await.unwrap();
            Held { _sqlite: None, _postgres: Some(connection) }
        }
    }

    /// Hexadecimal digits as a literal.
    pub fn bytes(&self, hex: &str) -> String {
        if self.file.is_some() { format!("x'{hex}'") } else { format!("decode('{hex}', 'hex')") }
    }

    /// The values of one text column, read behind the store's back.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let query = sqlx::AssertSqlSafe(query);
        if let Some(file) = &self.file {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
        } else {
            let mut connection = sqlx::PgConnection::connect(self.address.as_ref().unwrap()).await.unwrap();
            sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
        }
    }
}

/// Bytes that never repeat within a process and are the same in every run.
#[derive(Debug, Default)]
pub struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

pub static ENTROPY: Counting = Counting(AtomicU64::new(1));

pub fn at() -> Timestamp {
    "2026-11-20T15:00:00.123456Z".parse().unwrap()
}

pub fn later(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(at().as_microsecond() + micros).unwrap()
}

pub fn day() -> Date {
    jiff::civil::date(2026, 11, 20)
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub const PERSON: Actor = Actor::Operator;

pub fn trader() -> Scope {
    let mut scope = Scope::default();
    Preset::Trader.apply(&mut scope);
    scope
}

/// A user with a data-encryption key, a connection `main` and an access key `bot`.
pub struct Furnished {
    pub user: UserId,
    pub dek: DekId,
    pub connection: Connection,
    pub credential: SealedCredential,
    pub key: AccessKey,
}

pub async fn furnish(store: &Store, scope: Scope) -> Furnished {
    let user = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let dek = dek(user);
    store.insert_dek(&dek).await.unwrap();
    let (connection, credential) = connection(user, dek.id, "main", "account-1");
    let connection = store.add_connection(&connection, &credential, &PERSON, at()).await.unwrap();
    let key = access_key(connection.id, "bot", scope);
    store.insert_key(&key, &PERSON, at()).await.unwrap();
    Furnished { user, dek: dek.id, connection, credential, key }
}

pub fn dek(user: UserId) -> DekRow {
    DekRow { id: DekId::generate(at(), &ENTROPY), user, wrapped: vec![1, 2, 3], seals: 0, created_at: at() }
}

pub fn connection(user: UserId, dek: DekId, name: &str, account: &str) -> (Connection, SealedCredential) {
    let connection = Connection {
        id: ConnectionId::generate(at(), &ENTROPY),
        user,
        name: name.to_owned(),
        environment: Environment::Paper,
        account_id: account.to_owned(),
        account_number: format!("PA-{account}"),
        status: "ACTIVE".to_owned(),
        active: false,
        frozen: false,
        created_at: at(),
        checked_at: at(),
        credential_version: 1,
        removed_at: None,
    };
    let credential = credential(connection.id, 1, dek, &format!("{account}-1"));
    (connection, credential)
}

/// A credential whose bytes and fingerprints are made of `content`.
pub fn credential(connection: ConnectionId, version: u32, dek: DekId, content: &str) -> SealedCredential {
    let bytes = |label: &str| format!("{label} {content}").into_bytes();
    SealedCredential {
        connection,
        version,
        dek,
        secret: SealedParts::KeyPair {
            key_id: bytes("sealed key id"),
            secret_key: bytes("sealed secret key"),
            key_id_fingerprint: bytes("fingerprint of key id"),
            secret_fingerprint: bytes("fingerprint of secret key"),
        },
        created_at: at(),
    }
}

/// A token whose bytes and fingerprint are made of `content`.
pub fn token(connection: ConnectionId, version: u32, dek: DekId, content: &str) -> SealedCredential {
    SealedCredential {
        connection,
        version,
        dek,
        secret: SealedParts::OauthToken {
            token: format!("sealed token {content}").into_bytes(),
            fingerprint: format!("fingerprint of token {content}").into_bytes(),
            scopes: "account:write trading data".to_owned(),
        },
        created_at: at(),
    }
}

/// The fingerprints of a pair's halves.
pub fn fingerprints(credential: &SealedCredential) -> (&[u8], &[u8]) {
    match &credential.secret {
        SealedParts::KeyPair { key_id_fingerprint, secret_fingerprint, .. } => {
            (key_id_fingerprint, secret_fingerprint)
        }
        SealedParts::OauthToken { .. } => panic!("a token has no halves"),
    }
}

pub fn access_key(connection: ConnectionId, name: &str, scope: Scope) -> AccessKey {
    let id = AccessKeyId::generate(at(), &ENTROPY);
    AccessKey {
        id,
        connection,
        name: name.to_owned(),
        key_id: format!("PDK{id}"),
        secret_hash: [7; 32],
        scope,
        frozen: false,
        revoked_at: None,
        created_at: at(),
        last_used_at: None,
    }
}

pub fn signing_key(key: &AccessKey, dek: DekId) -> SealedSigningKey {
    SealedSigningKey {
        key: key.id,
        version: 1,
        dek,
        sealed: b"sealed signing key".to_vec(),
        created_at: at(),
    }
}

/// A request that is to be held, of which `number` makes another one.
pub fn new_approval(key: &AccessKey, number: u8) -> NewApproval {
    NewApproval {
        id: ApprovalId::generate(at(), &ENTROPY),
        request: request_id(),
        key: key.id,
        connection: key.connection,
        request_hash: [number; 32],
        operation: "postOrder".to_owned(),
        method: "POST".to_owned(),
        target: "/v2/orders".to_owned(),
        body: b"{}".to_vec(),
        network: "127.0.0.1".parse().unwrap(),
        summary: "buy 1 AAPL market".to_owned(),
        notional: Some(dec("100.50")),
        market_price: None,
        price_band: dec("2"),
        requested_at: at(),
        expires_at: later(60_000_000),
    }
}

pub fn request_id() -> RequestId {
    RequestId::generate(at(), &ENTROPY)
}

pub fn intent(key: &AccessKey) -> Intent {
    let request = request_id();
    Intent {
        request,
        key: key.id,
        connection: key.connection,
        day: day(),
        at: at(),
        actor: Actor::AccessKey { id: key.id, name: key.name.clone() },
        operation: "postOrder".to_owned(),
        pair: None,
        client_order_id: Some(format!("client-{request}")),
        already_charged: Decimal::ZERO,
        replaces: None,
        quantity: None,
        figures: None,
    }
}

pub fn permitted(intent: &Intent, permit: &Permit) -> AuditEvent {
    AuditEvent::RequestPermitted {
        request: intent.request,
        connection: intent.connection,
        operation: intent.operation.clone(),
        target: "POST /v2/orders".to_owned(),
        body_digest: None,
        summary: None,
        orders: permit.charge().orders,
        notional: permit.charge().notional,
        network: None,
    }
}

/// Decides a market buy of AAPL for so many dollars as the gateway does; none at all is a request that takes nothing.
pub fn deciding(scope: &Scope, intent: &Intent, dollars: Option<Decimal>) -> Decide {
    let (scope, intent) = (scope.clone(), intent.clone());
    Box::new(move |usage| {
        let act = dollars.map_or(Act::Plain, |dollars| {
            let facts = OrderFacts {
                order: market_buy(dollars),
                quote: None,
                closes: false,
                already_charged: intent.already_charged,
                replaced_quantity: None,
                opens: Opens::All,
            };
            Act::Orders(vec![facts])
        });
        let request = Request {
            operation: "postOrder",
            class: PermissionClass::Order,
            at: intent.at,
            network: "127.0.0.1".parse().unwrap(),
            frozen: None,
            act,
            account: AccountFigures::default(),
        };
        match decide(&scope, &request, usage) {
            Decision::Permit(permit) => {
                let event = permitted(&intent, &permit);
                Ok((permit, event))
            }
            Decision::Refuse(refusal) => Err(refusal),
        }
    })
}

fn market_buy(dollars: Decimal) -> OrderRequest {
    let symbol = Symbol::parse("AAPL").unwrap();
    OrderRequest::market(symbol, Side::Buy, TimeInForce::Day, Amount::Notional(dollars))
}

/// Reserves an order of so many dollars, which must be permitted.
pub async fn reserve(store: &Store, key: &AccessKey, dollars: &str) -> Intent {
    let intent = intent(key);
    let decision = deciding(&key.scope, &intent, Some(dec(dollars)));
    _ = store.reserve(&intent, decision).await.unwrap().unwrap();
    intent
}
