//! The two databases behind one type, and the statements that are written once for both.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paddock_core::SecretText;
use paddock_core::audit::ChainHash;
use paddock_core::id::ConnectionId;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqlitePool,
    Transaction,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval};

use crate::audit::Unwritten;
use crate::audit_team::Teams;
use crate::caps::unwritten::{self, Unwritten as UnwrittenOrders};
use crate::caps::used::{self, Used};
use crate::writer::{self, Waiting};
use crate::{StoreError, audit, migrations};

/// How long a transaction waits for another process that writes, or for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon a file is opened again that somebody else was opening too.
const OPEN_AGAIN: Duration = Duration::from_millis(10);

/// How a transaction begins that nothing else writes beside. Whatever the server's defaults are: a statement after the lock must
/// see what was committed before it, a lock that is not given back is not waited for without end, and a node that has gone gives
/// back its own.
const BEGIN_POSTGRES: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '8s'; \
                              SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// Which database to open.
#[derive(Clone, Debug)]
pub enum Target {
    /// A file, made if it is missing, readable and writable by its owner only. Its directory must exist.
    Sqlite(PathBuf),
    /// An address of the form `postgres://user:password@host:5432/database`.
    Postgres(SecretText),
}

/// The database of one Paddock. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    connections: Connections,
    /// What is to be written together with whatever else is waiting; see `writer.rs`.
    pub(crate) queue: mpsc::Sender<Waiting>,
    /// How long a caller waits for that.
    pub(crate) patience: Duration,
}

/// The way to the database.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    db: Db,
    /// Position of the newest audit record that was written through this store or its clones.
    newest: watch::Sender<u64>,
    /// Whose things are.
    teams: Teams,
}

#[derive(Clone, Debug)]
pub(crate) enum Db {
    Sqlite(SqlitePools),
    Postgres(PgPool),
}

#[derive(Clone, Debug)]
pub(crate) struct SqlitePools {
    /// One connection, so that the writers of this process queue here in order and never meet SQLite's own lock.
    writer: SqlitePool,
    readers: SqlitePool,
}

/// A transaction. Dropped without [`Tx::commit`], it is rolled back.
pub(crate) struct Tx {
    pub(crate) on: TxOn,
    newest: watch::Sender<u64>,
    /// The last audit record that this transaction appended.
    pub(crate) appended: Option<u64>,
    /// The end of the audit chain, once it is known.
    pub(crate) head: Option<(u64, ChainHash)>,
    /// Whose things are.
    pub(crate) teams: Teams,
    /// Audit records that were appended and are written together at the end.
    pub(crate) unwritten: Vec<Unwritten>,
    /// What its requests add to the tables of caps; written at the end.
    pub(crate) orders: UnwrittenOrders,
    /// The version of the credential with which new orders of a connection may go, or none while a rotation holds them back, for those at
    /// which it has looked.
    pub(crate) passing: Vec<(ConnectionId, Option<u32>)>,
    /// What access keys have used, as far as this transaction has looked at it; written at the end.
    pub(crate) used: Vec<Used>,
    /// Statements that changed something, and records appended.
    pub(crate) changes: u64,
}

pub(crate) enum TxOn {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one statement in a transaction, with the same text on both databases. The first form yields the number of rows that
/// were touched, the others rows of a type made by [`row!`] or a tuple.
macro_rules! sql {
    ($tx:expr, execute $sql:expr $(, $bind:expr)* $(,)?) => {{
        $tx.changes += 1;
        match &mut $tx.on {
            $crate::db::TxOn::Sqlite(tx) => {
                sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            $crate::db::TxOn::Postgres(tx) => {
                sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::StoreError::from)
    }};
    ($tx:expr, $fetch:ident $row:ty: $sql:expr $(, $bind:expr)* $(,)?) => {
        match &mut $tx.on {
            $crate::db::TxOn::Sqlite(tx) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$fetch(&mut **tx).await
            }
            $crate::db::TxOn::Postgres(tx) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.$fetch(&mut **tx).await
            }
        }
        .map_err($crate::StoreError::from)
    };
}

/// Makes a struct of columns, read by name, that both databases yield.
macro_rules! row {
    ($visible:vis struct $name:ident { $($column:ident: $type:ty),+ $(,)? }) => {
        $visible struct $name { $($column: $type),+ }

        impl<'r, R> sqlx::FromRow<'r, R> for $name
        where
            R: sqlx::Row,
            for<'i> &'i str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self { $($column: row.try_get(stringify!($column))?),+ })
            }
        }
    };
}

/// What a statement selects from when its one parameter, `$1`, is the JSON of many rows: an array of arrays, each of which is `value`.
pub(crate) const fn rows_of_json(tx: &Tx) -> &'static str {
    match tx.on {
        TxOn::Sqlite(_) => "json_each($1)",
        TxOn::Postgres(_) => "json_array_elements($1::json) AS each (value)",
    }
}

/// Runs a statement over many rows, unless there are none. `{rows}` in its text becomes [`rows_of_json`].
pub(crate) async fn write_rows(tx: &mut Tx, rows: Vec<Value>, statement: &str) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = AssertSqlSafe(statement.replace("{rows}", rows_of_json(tx)));
    sql!(tx, execute statement, Value::Array(rows).to_string())?;
    Ok(())
}

pub(crate) use {row, sql};

impl Store {
    /// Opens the database and brings its tables up to date. Several processes may do so at once. Must be called on a runtime: the
    /// one that is to do the writing.
    ///
    /// # Errors
    /// When the database cannot be reached or used, or a newer version made it.
    pub async fn open(target: &Target) -> Result<Self, StoreError> {
        let db = match target {
            Target::Sqlite(file) => Db::Sqlite(open_sqlite(file).await?),
            Target::Postgres(address) => Db::Postgres(open_postgres(address).await?),
        };
        let connections = Connections { db, newest: watch::Sender::new(0), teams: Teams::default() };
        let (queue, waiting) = writer::queue();
        tokio::spawn(writer::write_all(connections.clone(), waiting));
        let store = Self { connections, queue, patience: writer::PATIENCE };
        let (newest, _) = store.audit_head().await?;
        store.connections.newest.send_replace(newest);
        Ok(store)
    }

    /// The same store, with another bound on how long a reservation, a settlement or an audit record may take to become durable. Five
    /// seconds unless told otherwise.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Waits for transactions under way, then closes all connections. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        match &self.connections.db {
            Db::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }

    /// The database behind it.
    pub(crate) const fn database(&self) -> &Db {
        &self.connections.db
    }

    /// Whether no other process can have this database.
    #[must_use]
    pub const fn is_alone(&self) -> bool {
        matches!(self.connections.db, Db::Sqlite(_))
    }

    /// Tells the position of the newest audit record that was written through this store or its clones, whenever it changes.
    /// Records of other processes are not seen.
    #[must_use]
    pub fn audit_changes(&self) -> watch::Receiver<u64> {
        self.connections.newest.subscribe()
    }

    /// A transaction that sees one state of the database from its first statement to its last.
    pub(crate) async fn begin_read(&self) -> Result<Tx, StoreError> {
        let on = match &self.connections.db {
            Db::Sqlite(pools) => TxOn::Sqlite(pools.readers.begin().await?),
            Db::Postgres(pool) => {
                TxOn::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        };
        Ok(self.connections.tx(on))
    }

    /// A transaction that nothing else writes beside. It waits for the one before it, and sees all that it did. What comes often
    /// goes through [`Store::write`] instead.
    pub(crate) async fn begin_write(&self) -> Result<Tx, StoreError> {
        self.connections.begin_write().await
    }
}

impl Connections {
    pub(crate) async fn begin_write(&self) -> Result<Tx, StoreError> {
        match &self.db {
            Db::Sqlite(pools) => {
                let tx = pools.writer.begin_with("BEGIN IMMEDIATE").await?;
                Ok(self.tx(TxOn::Sqlite(tx)))
            }
            Db::Postgres(pool) => {
                let tx = pool.begin_with(BEGIN_POSTGRES).await?;
                let mut tx = self.tx(TxOn::Postgres(tx));
                audit::lock_head(&mut tx).await?;
                Ok(tx)
            }
        }
    }

    fn tx(&self, on: TxOn) -> Tx {
        Tx {
            on,
            newest: self.newest.clone(),
            teams: self.teams.clone(),
            appended: None,
            head: None,
            unwritten: Vec::new(),
            orders: UnwrittenOrders::default(),
            passing: Vec::new(),
            used: Vec::new(),
            changes: 0,
        }
    }
}

impl Tx {
    /// Makes what was written durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        used::write_changed(&mut self).await?;
        unwritten::flush(&mut self).await?;
        audit::write_appended(&mut self).await?;
        match self.on {
            TxOn::Sqlite(tx) => tx.commit().await?,
            TxOn::Postgres(tx) => tx.commit().await?,
        }
        if let Some(appended) = self.appended {
            self.newest.send_if_modified(|newest| {
                let newer = appended > *newest;
                *newest = appended.max(*newest);
                newer
            });
        }
        Ok(())
    }
}

async fn open_sqlite(file: &Path) -> Result<SqlitePools, StoreError> {
    make_private(file)
        .map_err(|error| StoreError::File { path: file.to_owned(), cause: error.kind().to_string() })?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .journal_mode(SqliteJournalMode::Wal)
        // A commit is on the disk before it is reported: a reservation must outlive a power cut.
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "ON")
        // Sealed bytes of a removed credential are overwritten, not merely unlinked.
        .pragma("secure_delete", "ON")
        .disable_statement_logging();
    let pool = || {
        SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    // A full disk may end a transaction without a word to the driver, which then takes the connection for one within it and could
    // not begin another: it is replaced.
    let writer = pool().max_connections(1).after_release(|connection, _| {
        Box::pin(async move {
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    });
    let writer = connect_sqlite(writer, &options).await?;
    // SQLite's migrations take no lock of their own, and another process may be opening the same new file.
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrations::sqlite().run(&mut *tx).await?;
    tx.commit().await?;
    let readers = connect_sqlite(pool().max_connections(4), &options.pragma("query_only", "ON")).await?;
    Ok(SqlitePools { writer, readers })
}

/// Opens the first connection of a pool. A new file is switched to a write-ahead log by whoever opens it first, and for that SQLite does
/// not wait for somebody else who opens it at the same moment: it is tried again instead.
async fn connect_sqlite(
    pool: SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, StoreError> {
    let begun = Instant::now();
    let mut tries = interval(OPEN_AGAIN);
    loop {
        tries.tick().await;
        match pool.clone().connect_with(options.clone()).await.map_err(StoreError::from) {
            Err(StoreError::Busy) if begun.elapsed() < PATIENCE => {}
            outcome => return outcome,
        }
    }
}

async fn open_postgres(address: &SecretText) -> Result<PgPool, StoreError> {
    let options: PgConnectOptions = address.expose().parse().map_err(|_| StoreError::BadAddress)?;
    let options = options
        .application_name("paddock")
        // As for SQLite: a commit is on the disk before it is reported, whatever the server's default is.
        .options([("synchronous_commit", "on")])
        .disable_statement_logging();
    // A pool tries again until its patience ends and then only says that it did. The first attempt is made without it, to
    // learn at once why it fails.
    PgConnection::connect_with(&options).await?.close().await?;
    let pool =
        PgPoolOptions::new().max_connections(9).acquire_timeout(PATIENCE).connect_with(options).await?;
    migrations::postgres().run(&pool).await?;
    Ok(pool)
}

/// Makes the file before SQLite does, so that at no instant anyone else may read it. SQLite gives its side files the same mode.
fn make_private(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        let made = options.open(file)?;
        made.set_permissions(std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(file).map(drop)
}
