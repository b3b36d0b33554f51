//! One running Paddock, as the binary wires it, except that its clock stands still and its Alpaca is ours.

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::oauth::OauthApp;
use paddock_alpaca::{AlpacaClient, Endpoints};
use paddock_core::{Environment, ManualClock};
use paddock_gateway::{Gateway, GatewayOptions, Limits};
use paddock_rotate::{
    Machine, Means, Memory, Outbound, OutboundOptions, RehearsalBroker, Rotations, RotationsOptions, registry,
};
use paddock_store::{Begun, KeyedRequest, Store, Target};
use paddock_vault::{KeyFile, OsEntropy, Purpose, Vault};
use paddock_web::{
    AllowedHosts, ChainWatch, ControlGate, Pace, PaperAccount, People, PeopleOptions, RehearsalHost,
    WebState, api_router, pages_router,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::fake_alpaca::FakeAlpaca;
use crate::visitor::Visitor;

/// Pairs of the newer form. The secrets are what must never be seen again.
pub(crate) const PAPER: (&str, &str) =
    ("PKAAAABBBBCCCCDDDDEEEE2345", "CanaryPaperSecretAbcdefghijklmnopqrstuvwxyz1");
pub(crate) const PAPER_TWO: (&str, &str) =
    ("PKQQQQRRRRSSSSTTTTUUUU2345", "CanaryOtherSecretZyxwvutsrqponmlkjihgfedcba2");
pub(crate) const LIVE: (&str, &str) =
    ("AKAAAABBBBCCCCDDDDEEEE2345", "CanaryLiveSecretAbcdefghijklmnopqrstuvwxyz12");

pub(crate) struct Paddock {
    pub(crate) state: Arc<WebState>,
    pub(crate) alpaca: FakeAlpaca,
    pub(crate) gateway_url: String,
    pub(crate) dir: TempDir,
    pub(crate) api: Router,
    pub(crate) pages: Router,
    pub(crate) clock: Arc<ManualClock>,
    /// The first owner's browser, once somebody uses it.
    owner: OnceCell<Visitor>,
    closing: CancellationToken,
}

impl Drop for Paddock {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Starts nothing: there is one.
#[derive(Debug)]
struct NoHost;

const NO_HOST: &str = "there is none in these tests";

impl RehearsalHost for NoHost {
    fn start(&self) -> BoxFuture<'_, Result<AlpacaClient, String>> {
        Box::pin(async { Err(NO_HOST.to_owned()) })
    }

    fn open<'a>(&'a self, _: &'a str, _: Environment) -> BoxFuture<'a, Result<PaperAccount, String>> {
        Box::pin(async { Err(NO_HOST.to_owned()) })
    }

    fn regenerate<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<PaperAccount, String>> {
        Box::pin(async { Err(NO_HOST.to_owned()) })
    }

    fn delete<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Err(NO_HOST.to_owned()) })
    }
}

impl Paddock {
    pub(crate) async fn start() -> Self {
        let alpaca = FakeAlpaca::start().await;
        alpaca.issue(Environment::Paper, &PAPER, "PA3XK7Q2M9TD", |_| ());
        alpaca.issue(Environment::Live, &LIVE, "884120953", |_| ());
        let endpoints = EndpointOverrides {
            paper: Some(alpaca.url(Environment::Paper)),
            live: Some(alpaca.url(Environment::Live)),
            data: Some(alpaca.url(Environment::Paper)),
            stream: None,
        };
        Self::start_against(alpaca, &endpoints).await
    }

    pub(crate) async fn start_against(alpaca: FakeAlpaca, endpoints: &EndpointOverrides) -> Self {
        let address = "http://localhost:7878".to_owned();
        let people = PeopleOptions { address, cheap_passwords: true, ..PeopleOptions::default() };
        Self::start_with(alpaca, endpoints, people).await
    }

    pub(crate) async fn start_with(
        alpaca: FakeAlpaca,
        endpoints: &EndpointOverrides,
        people: PeopleOptions,
    ) -> Self {
        Self::start_as_app(alpaca, endpoints, people, None).await
    }

    /// The same, registered as an app at Alpaca.
    pub(crate) async fn start_as_app(
        alpaca: FakeAlpaca,
        endpoints: &EndpointOverrides,
        people: PeopleOptions,
        oauth: Option<OauthApp>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-23T15:00:00Z".parse::<Timestamp>().unwrap()));
        let store = Store::open(&Target::Sqlite(dir.path().join("paddock.db"))).await.unwrap();
        let user = store.ensure_owner("2026-11-23T15:00:00Z".parse().unwrap(), &OsEntropy).await.unwrap();
        let key_file = KeyFile::new(dir.path().join("vault.key"));
        key_file.create(&OsEntropy).unwrap();
        let vault = Vault::open(key_file);
        let sealer = Arc::new(vault.sealer());
        let second_factor = vault.second_factor();
        let client =
            AlpacaClient::new(Endpoints::new(endpoints).unwrap(), &ClientOptions::default()).unwrap();
        let (for_rotations, opener) = (vault.sealer(), vault.opener());
        let gateway = Gateway::start(GatewayOptions {
            store: store.clone(),
            vault,
            client: client.clone(),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            user,
            limits: Limits::default(),
        })
        .await
        .unwrap();
        let closing = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway_url = format!("http://{}", listener.local_addr().unwrap());
        let means = means(clock.clone(), dir.path());
        let rehearsal = RehearsalBroker::of(client.clone());
        let rotations = Rotations::new(RotationsOptions {
            store: store.clone(),
            sealer: for_rotations,
            opener,
            client: client.clone(),
            rehearsal: rehearsal.clone(),
            gate: Arc::new(ControlGate::new(gateway.control())),
            registry: registry(means.clone()),
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            node: "this-run".to_owned(),
        });
        let state = Arc::new(WebState {
            program: "paddock".to_owned(),
            rotations: rotations.clone(),
            rehearsal,
            rehearsal_host: Arc::new(NoHost),
            rehearsals: TaskTracker::new(),
            store,
            sealer,
            second_factor,
            run: "this-run".to_owned(),
            control: gateway.control(),
            client,
            oauth,
            means,
            clock: clock.clone(),
            entropy: Arc::new(OsEntropy),
            user,
            data_dir: dir.path().to_owned(),
            gateway_url: gateway_url.clone(),
            tls_url: None,
            proxy_url: None,
            metrics_url: None,
            keep: None,
            hosts: AllowedHosts::new("127.0.0.1:7878".parse().unwrap(), []),
            closing: closing.clone(),
            pace: Pace::new(paddock_web::USUAL_PER_MINUTE),
            people: People::new(people, &OsEntropy).unwrap(),
            chain: ChainWatch::default(),
        });
        let shutdown = closing.clone();
        tokio::spawn(async move { gateway.serve(listener, shutdown).await });
        let stop = closing.clone();
        tokio::spawn(async move { rotations.serve(stop).await });
        Self {
            api: api_router(Arc::clone(&state)),
            pages: pages_router(Arc::clone(&state)),
            state,
            clock,
            owner: OnceCell::new(),
            alpaca,
            gateway_url,
            dir,
            closing,
        }
    }

    /// Ends streams, as a shutdown does.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Calls the API with a JSON body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_with(method, path, body.to_string()).await
    }

    /// Calls the API with any body.
    pub(crate) async fn call_with(&self, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        let reply = Reply::of(self.api.clone().oneshot(request).await.unwrap()).await;
        crate::document::check_answer(method, path, &reply);
        reply
    }

    /// Calls the API under a name that is carried out once.
    pub(crate) async fn call_as(&self, method: &str, path: &str, once: &str) -> Reply {
        let request = Request::builder().method(method).uri(path).header("idempotency-key", once);
        let request = request.body(Body::empty()).unwrap();
        Reply::of(self.api.clone().oneshot(request).await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call_with("GET", path, Body::empty()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call("PATCH", path, body).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, body).await
    }

    /// `POST` with an `Idempotency-Key`.
    pub(crate) async fn post_keyed(&self, path: &str, body: &Value, key: &str) -> Reply {
        self.keyed("POST", path, body, key).await
    }

    /// Calls the API with an `Idempotency-Key`.
    pub(crate) async fn keyed(&self, method: &str, path: &str, body: &Value, key: &str) -> Reply {
        let request = Request::builder().method(method).uri(path).header("idempotency-key", key);
        let request = request.body(Body::from(body.to_string())).unwrap();
        Reply::of(self.api.clone().oneshot(request).await.unwrap()).await
    }

    /// What is left in the database when a process dies in the middle of such a request.
    pub(crate) async fn leave_unfinished(&self, path: &str, body: &Value, key: &str) {
        let message = format!("{}\n{body}", path.strip_prefix("/api/v1").unwrap());
        let request = self.state.sealer.mark(Purpose::Request, message.as_bytes()).unwrap();
        let who = format!("team {}", self.state.user);
        let it = KeyedRequest { who: &who, key, request: &request, run: "a process that died" };
        assert_eq!(self.state.store.begin_keyed(it, self.state.clock.now()).await.unwrap(), Begun::Fresh);
    }

    /// The answer of the API before its body is read.
    pub(crate) async fn open(&self, path: &str) -> Response {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        self.api.clone().oneshot(request).await.unwrap()
    }

    /// The first owner, signed in.
    pub(crate) async fn owner(&self) -> &Visitor {
        self.owner.get_or_init(|| Visitor::first_owner(self)).await
    }

    /// A page, as the first owner sees it.
    pub(crate) async fn page(&self, path: &str) -> Reply {
        self.owner().await.page(path).await
    }

    /// The same.
    pub(crate) async fn visit(&self, path: &str) -> Reply {
        self.page(path).await
    }

    pub(crate) async fn visit_as(&self, host: &str, method: &str, path: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .body(Body::empty())
            .unwrap();
        self.pages.clone().oneshot(request).await.unwrap()
    }

    /// Sends a form to the web listener, as the first owner's browser does from one of its pages.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.owner().await.submit(path, fields).await
    }

    /// Connects the first paper account.
    pub(crate) async fn connect_paper(&self) {
        self.connect("my-paper", "paper", &PAPER).await.expect(201);
    }

    pub(crate) async fn connect(&self, name: &str, environment: &str, pair: &(&str, &str)) -> Reply {
        let body =
            json!({ "name": name, "environment": environment, "key_id": pair.0, "secret_key": pair.1 });
        self.post("/api/v1/connections", &body).await
    }

    /// Issues an access key for the first paper account; its Key ID and secret.
    pub(crate) async fn issue_key(&self, name: &str, scope: &Value) -> (String, String) {
        let mut body = json!({ "name": name, "connection": "my-paper" });
        for (field, value) in scope.as_object().unwrap() {
            body[field] = value.clone();
        }
        let reply = self.post("/api/v1/keys", &body).await;
        reply.expect(201);
        let text = |field: &str| reply.json[field].as_str().unwrap().to_owned();
        (text("key_id"), text("secret_key"))
    }

    /// Sends `GET path` through the gateway as a program does; the status.
    pub(crate) async fn through_gateway(&self, path: &str, key: &(String, String)) -> u16 {
        self.send("GET", path, "", key).await
    }

    /// Sends a request through the gateway as a program does; the status.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &str, key: &(String, String)) -> u16 {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let address = self.gateway_url.strip_prefix("http://").unwrap();
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            key.0,
            key.1,
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let head = String::from_utf8_lossy(&answer);
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// Consumers may reach this machine, and write below the data directory.
fn means(clock: Arc<ManualClock>, folder: &std::path::Path) -> Means {
    let allowed_hosts = ["127.0.0.1".to_owned()].into();
    let options = OutboundOptions { allowed_hosts, ..OutboundOptions::default() };
    let machine = Machine { folders: vec![folder.to_owned()], programs: Vec::new() };
    Means {
        outbound: Outbound::new(options).unwrap(),
        clock,
        entropy: Arc::new(OsEntropy),
        machine,
        memory: Memory::default(),
    }
}

/// An answer, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// `null` when the body is no JSON.
    pub(crate) json: Value,
}

impl Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.bytes))
    }
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, bytes, json }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Checks that the visitor is sent on to there.
    #[track_caller]
    pub(crate) fn expect_redirect(&self, to: &str) -> &Self {
        self.expect(303);
        assert_eq!(self.headers[header::LOCATION], to);
        self
    }

    /// Checks that this is a problem as people and programs need it.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, code: &str) -> &Self {
        self.expect(status);
        assert_eq!(self.json["code"], code, "{self:?}");
        assert_eq!(self.json["status"], status);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        for field in ["title", "detail", "next_step"] {
            let text = self.json[field].as_str().unwrap_or_default();
            assert!(!text.is_empty() && !text.ends_with('.'), "{field}: {text}");
        }
        self
    }
}
