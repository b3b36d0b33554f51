//! A gateway with a database, a vault and a broker of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_alpaca::client::{AlpacaClient, ClientOptions};
use paddock_alpaca::endpoints::{EndpointOverrides, Endpoints};
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{AccessKeyId, ConnectionId, UserId};
use paddock_core::scope::Preset;
use paddock_core::{Clock, Entropy, Environment, ManualClock, Scope, SecretText};
use paddock_gateway::{Control, Gateway, GatewayOptions, Limits};
use paddock_paper::{EphemeralBroker, PaperOptions};
use paddock_store::{
    AccessKey, AuditQuery, Connection, DekRow, SealedCredential, SealedParts, Store, Target,
};
use paddock_vault::{Binding, Field, KeyFile, OsEntropy, Vault};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::FakeBroker;
use crate::ways::{Way, Ways};

/// The real pair: what no program may ever see.
pub const REAL_ID: &str = "PKREALREALREALREALREALREAL";
pub const REAL_SECRET: &str = "canaryCANARYcanaryCANARYcanaryCANARYcanary77";

/// An access key as a program holds it.
#[derive(Clone, Debug)]
pub struct Pair {
    pub id: AccessKeyId,
    pub key_id: String,
    pub secret: String,
}

pub struct Rig {
    pub broker: FakeBroker,
    pub store: Store,
    pub vault: Vault,
    pub control: Control,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    pub ways: Ways,
    pub connection: ConnectionId,
    pub user: UserId,
    pub http: reqwest::Client,
    directory: tempfile::TempDir,
    stop: CancellationToken,
    serving: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn trader() -> Scope {
    let mut scope = Scope::default();
    Preset::Trader.apply(&mut scope);
    scope
}

impl Rig {
    pub async fn start() -> Self {
        Self::limited(Limits::default()).await
    }

    /// The same, with other limits than the usual ones.
    pub async fn limited(limits: Limits) -> Self {
        let broker = FakeBroker::start().await;
        let address = broker.address;
        let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
        Self::build(broker, address, clock, (REAL_ID, REAL_SECRET), limits).await
    }

    /// A gateway before another broker, with a connected account whose pair is given.
    pub async fn before(
        broker: FakeBroker,
        upstream: SocketAddr,
        clock: Arc<ManualClock>,
        pair: (&str, &str),
    ) -> Self {
        Self::build(broker, upstream, clock, pair, Limits::default()).await
    }

    /// A gateway before the built-in broker while the market is open, with an account of 100,000 dollars whose own pair is given too. The broker
    /// goes when it is dropped.
    pub async fn at_built_in_broker() -> (Self, EphemeralBroker, Pair) {
        let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
        let options = PaperOptions::new(clock.clone(), Arc::new(OsEntropy));
        let broker = EphemeralBroker::start(options).await.unwrap();
        let account = broker.broker.create_account(Environment::Paper, 100_000.into()).await.unwrap();
        let (key_id, secret) = (account.key_id.as_str().to_owned(), account.secret_key.expose().to_owned());
        let rig =
            Self::before(FakeBroker::start().await, broker.paper_address, clock, (&key_id, &secret)).await;
        let id = AccessKeyId::generate(rig.clock.now(), &OsEntropy);
        (rig, broker, Pair { id, key_id, secret })
    }

    /// The names of the newest audit events, oldest first.
    pub async fn newest_events(&self, count: u32) -> Vec<String> {
        let query = AuditQuery { limit: count, ..AuditQuery::default() };
        let mut records = self.store.audit_page(&query).await.unwrap();
        records.reverse();
        records.iter().map(|record| record.event().unwrap().name().to_owned()).collect()
    }

    async fn build(
        broker: FakeBroker,
        upstream: SocketAddr,
        clock: Arc<ManualClock>,
        pair: (&str, &str),
        limits: Limits,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(directory.path().join("paddock.db"));
        Self::on(target, directory, broker, upstream, clock, pair, limits).await
    }

    /// The same with a database of one's own.
    pub async fn on(
        target: Target,
        directory: tempfile::TempDir,
        broker: FakeBroker,
        upstream: SocketAddr,
        clock: Arc<ManualClock>,
        pair: (&str, &str),
        limits: Limits,
    ) -> Self {
        let store = Store::open(&target).await.unwrap();
        let key_file = KeyFile::new(directory.path().join("vault.key"));
        key_file.create(&OsEntropy).unwrap();
        let vault = Vault::open(key_file);
        let user = store.ensure_owner(clock.now(), &OsEntropy).await.unwrap();
        let connection = connect(&store, &vault, user, clock.now(), pair).await;
        let gateway = Gateway::start(GatewayOptions {
            store: store.clone(),
            vault: vault.clone(),
            client: client(upstream),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            user,
            limits,
        })
        .await
        .unwrap();
        let control = gateway.control();
        let (ways, listeners) = Ways::open(clock.clone()).await;
        let address = ways.plain;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = tokio::spawn(async move { gateway.serve(listeners, stopped).await.unwrap() });
        let serving = tokio::sync::Mutex::new(Some(serving));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            broker,
            store,
            vault,
            control,
            clock,
            address,
            ways,
            connection,
            user,
            http,
            directory,
            stop,
            serving,
        }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Ends the gateway, and with it the gateways beside it, and waits until it has written what it had to write. The database stays open.
    pub async fn shut_down(&self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.lock().await.take() {
            serving.await.unwrap();
        }
    }

    /// Issues an access key.
    pub async fn key(&self, scope: Scope) -> Pair {
        let mut random = [0; 8];
        OsEntropy.fill(&mut random);
        let pair = Pair {
            id: AccessKeyId::generate(self.clock.now(), &OsEntropy),
            key_id: format!("PDK{}", hex::encode_upper(random)),
            secret: format!("pdks_{}", hex::encode(Sha256::digest(random))),
        };
        let key = AccessKey {
            id: pair.id,
            connection: self.connection,
            name: format!("bot-{}", hex::encode(random)),
            key_id: pair.key_id.clone(),
            secret_hash: Sha256::digest(&pair.secret).into(),
            scope,
            frozen: false,
            revoked_at: None,
            created_at: self.clock.now(),
            last_used_at: None,
        };
        self.store.insert_key(&key, &Actor::Operator, self.clock.now()).await.unwrap();
        self.control.reload().await.unwrap();
        pair
    }

    /// Sends a request with a pair in the APCA headers.
    pub async fn send(&self, method: &str, path: &str, pair: &Pair, body: Option<&str>) -> (u16, Value) {
        let (status, _, body) = self.send_for_head(method, path, pair, body).await;
        (status, body)
    }

    /// The same to another address.
    pub async fn send_to(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        pair: &Pair,
        body: Option<&str>,
    ) -> (u16, Value) {
        let (status, _, body) = self.send_to_for_head(address, method, path, pair, body).await;
        (status, body)
    }

    /// The same, with the answer's headers.
    pub async fn send_for_head(
        &self,
        method: &str,
        path: &str,
        pair: &Pair,
        body: Option<&str>,
    ) -> (u16, http::HeaderMap, Value) {
        self.send_to_for_head(self.address, method, path, pair, body).await
    }

    async fn send_to_for_head(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        pair: &Pair,
        body: Option<&str>,
    ) -> (u16, http::HeaderMap, Value) {
        let url = format!("http://{address}{path}");
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("APCA-API-KEY-ID", &pair.key_id)
            .header("APCA-API-SECRET-KEY", &pair.secret);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        assert!(!text.contains(REAL_SECRET), "the real secret came out: {text}");
        (status, headers, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Puts another pair in the place of the connection's, as a rotation does.
    pub async fn replace_credential(&self, key_id: &str, secret: &str) {
        let now = self.clock.now();
        let pair = (key_id, secret);
        let credential = sealed(&self.store, &self.vault, self.user, self.connection, 2, now, pair).await;
        let event = AuditEvent::CredentialReplaced {
            connection: self.connection,
            version: 2,
            sealed_digest: credential.digest(),
        };
        let store = &self.store;
        store.replace_credential(self.connection, &credential, &event, &Actor::Operator, now).await.unwrap();
        self.control.reload().await.unwrap();
    }

    /// Puts a token of OAuth in the place of the connection's pair.
    pub async fn replace_by_token(&self, token: &str) {
        let now = self.clock.now();
        let sealer = self.vault.sealer();
        let dek = sealer.new_dek(self.user, now, &OsEntropy).unwrap();
        let row =
            DekRow { id: dek.id(), user: self.user, wrapped: dek.to_bytes(), seals: 1, created_at: now };
        self.store.insert_dek(&row).await.unwrap();
        let (connection, version) = (self.connection, 2);
        let token = SecretText::new(token.to_owned());
        let place = Binding { user: self.user, connection, field: Field::OauthToken, version };
        let sealed = sealer.seal(&dek, 0, &place, &token, &OsEntropy).unwrap().to_bytes();
        let fingerprint = sealer.fingerprint(&token).unwrap().as_bytes().to_vec();
        let scopes = "account:write trading data".to_owned();
        let secret = SealedParts::OauthToken { token: sealed, fingerprint, scopes };
        let credential = SealedCredential { connection, version, dek: dek.id(), secret, created_at: now };
        let sealed_digest = credential.digest();
        let event = AuditEvent::CredentialReplaced { connection, version, sealed_digest };
        self.store.replace_credential(connection, &credential, &event, &Actor::Operator, now).await.unwrap();
        self.control.reload().await.unwrap();
    }

    /// Connects a live account beside the paper account.
    pub async fn connect_live(&self) -> ConnectionId {
        let (now, id) = (self.clock.now(), ConnectionId::generate(self.clock.now(), &OsEntropy));
        let pair = ("AKREALREALREALREALREALREAL", REAL_SECRET);
        let credential = sealed(&self.store, &self.vault, self.user, id, 1, now, pair).await;
        let paper = self.store.connection(self.connection).await.unwrap().unwrap();
        let row = Connection {
            id,
            name: "real".to_owned(),
            environment: Environment::Live,
            account_id: "22222222-2222-4333-8444-555555555555".to_owned(),
            account_number: "123456789".to_owned(),
            active: false,
            ..paper
        };
        self.store.add_connection(&row, &credential, &Actor::Operator, now).await.unwrap();
        self.control.reload().await.unwrap();
        id
    }

    /// A pair, sealed as the connection's next credential.
    pub async fn next_credential(&self, key_id: &str, secret: &str) -> SealedCredential {
        let now = self.clock.now();
        sealed(&self.store, &self.vault, self.user, self.connection, 2, now, (key_id, secret)).await
    }

    /// Places an order.
    pub async fn order(&self, pair: &Pair, body: Value) -> (u16, Value) {
        self.send("POST", "/v2/orders", pair, Some(&body.to_string())).await
    }

    /// Writes bytes to the gateway as they are and reads until it closes or has answered once.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        self.ways.raw(Way::Plain, bytes).await
    }
}

/// Another gateway on the same database, with connections of its own to it. Gives how it is steered and its address.
pub async fn second_node(rig: &Rig, target: &Target) -> (Control, SocketAddr) {
    limited_node(rig, target, Limits::default()).await
}

/// The same with other limits than the usual ones.
pub async fn limited_node(rig: &Rig, target: &Target, limits: Limits) -> (Control, SocketAddr) {
    let gateway = Gateway::start(GatewayOptions {
        store: Store::open(target).await.unwrap(),
        vault: rig.vault.clone(),
        client: client(rig.broker.address),
        clock: rig.clock.clone(),
        entropy: Arc::new(OsEntropy),
        user: rig.user,
        limits,
    })
    .await
    .unwrap();
    let control = gateway.control();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = rig.stop.clone();
    tokio::spawn(async move { gateway.serve(listener, stop).await });
    (control, address)
}

/// A second gateway on the same database, whose broker is not there. Gives its address.
pub async fn unreachable_rig(rig: &Rig) -> SocketAddr {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = nobody.local_addr().unwrap();
    drop(nobody);
    second_gateway(rig, nowhere).await
}

/// A second gateway on the same database: another node, or this one after a restart. Gives its address.
pub async fn second_gateway(rig: &Rig, upstream: SocketAddr) -> SocketAddr {
    let gateway = Gateway::start(GatewayOptions {
        store: rig.store.clone(),
        vault: rig.vault.clone(),
        client: client(upstream),
        clock: rig.clock.clone(),
        entropy: Arc::new(OsEntropy),
        user: rig.user,
        limits: Limits::default(),
    })
    .await
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = rig.stop.clone();
    tokio::spawn(async move { gateway.serve(listener, stop).await });
    address
}

/// A second gateway on the same database, whose vault's key file is missing.
pub async fn locked_rig(rig: &Rig) -> (Control, SocketAddr) {
    let gateway = Gateway::start(GatewayOptions {
        store: rig.store.clone(),
        vault: Vault::open(KeyFile::new(rig.path("missing.key"))),
        client: client(rig.broker.address),
        clock: rig.clock.clone(),
        entropy: Arc::new(OsEntropy),
        user: rig.user,
        limits: Limits::default(),
    })
    .await
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (control, address) = (gateway.control(), listener.local_addr().unwrap());
    let stop = rig.stop.clone();
    tokio::spawn(async move { gateway.serve(listener, stop).await });
    (control, address)
}

/// A client whose paper and data hosts are the broker; nobody answers at the live host.
fn client(broker: SocketAddr) -> AlpacaClient {
    let url = format!("http://{broker}");
    let overrides = EndpointOverrides {
        paper: Some(url.clone()),
        live: Some("http://127.0.0.1:9".to_owned()),
        data: Some(url),
        stream: Some(format!("ws://{broker}")),
    };
    AlpacaClient::new(Endpoints::new(&overrides).unwrap(), &ClientOptions::default()).unwrap()
}

/// A pair, sealed under a data-encryption key of its own.
async fn sealed(
    store: &Store,
    vault: &Vault,
    user: UserId,
    connection: ConnectionId,
    version: u32,
    now: Timestamp,
    (key_id, secret): (&str, &str),
) -> SealedCredential {
    let sealer = vault.sealer();
    let dek = sealer.new_dek(user, now, &OsEntropy).unwrap();
    let row = DekRow { id: dek.id(), user, wrapped: dek.to_bytes(), seals: 2, created_at: now };
    store.insert_dek(&row).await.unwrap();
    let (key_id, secret) = (SecretText::new(key_id.to_owned()), SecretText::new(secret.to_owned()));
    let seal = |field, seals, text: &SecretText| {
        let place = Binding { user, connection, field, version };
        sealer.seal(&dek, seals, &place, text, &OsEntropy).unwrap().to_bytes()
    };
    SealedCredential {
        connection,
        version,
        dek: dek.id(),
        secret: SealedParts::KeyPair {
            key_id: seal(Field::KeyId, 0, &key_id),
            secret_key: seal(Field::SecretKey, 1, &secret),
            key_id_fingerprint: sealer.fingerprint(&key_id).unwrap().as_bytes().to_vec(),
            secret_fingerprint: sealer.fingerprint(&secret).unwrap().as_bytes().to_vec(),
        },
        created_at: now,
    }
}

async fn connect(
    store: &Store,
    vault: &Vault,
    user: UserId,
    now: Timestamp,
    pair: (&str, &str),
) -> ConnectionId {
    let connection = ConnectionId::generate(now, &OsEntropy);
    let credential = sealed(store, vault, user, connection, 1, now, pair).await;
    let row = Connection {
        id: connection,
        user,
        name: "main".to_owned(),
        environment: Environment::Paper,
        account_id: "11111111-2222-4333-8444-555555555555".to_owned(),
        account_number: "PA0000000001".to_owned(),
        status: "ACTIVE".to_owned(),
        active: true,
        frozen: false,
        created_at: now,
        checked_at: now,
        credential_version: 1,
        removed_at: None,
    };
    store.add_connection(&row, &credential, &Actor::Operator, now).await.unwrap();
    connection
}
