//! The three ways in, as a program takes them.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::Clock;
use paddock_gateway::{Authority, Certificates, Encrypted, Listeners, ServerName};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::rig::Pair;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Plain,
    Tls,
    /// As if the program had reached Alpaca's paper host.
    Proxy,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Tls, Self::Proxy];

    /// What a well-behaved program writes into `Host`.
    pub const fn host(self) -> &'static str {
        match self {
            Self::Plain | Self::Tls => "localhost",
            Self::Proxy => "paper-api.alpaca.markets",
        }
    }
}

/// A connection of whatever kind.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A program's side of a stream.
pub type ClientStream = WebSocketStream<Box<dyn Duplex>>;

/// The addresses of the three ways, and what a client trusts.
#[derive(Clone, Debug)]
pub struct Ways {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub proxy: SocketAddr,
    connector: Connector,
}

#[derive(Clone)]
struct Connector(TlsConnector);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

/// The clock of the tests, for the client's check of dates.
#[derive(Debug)]
struct At(Timestamp);

impl rustls::time_provider::TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.0.as_second().unsigned_abs())))
    }
}

impl Ways {
    /// Opens all three on free ports.
    pub async fn open(clock: Arc<dyn Clock>) -> (Self, Listeners) {
        let now = clock.now();
        let new = Authority::create(now).unwrap();
        let authority = Authority::load(&new.key, &new.certificate).unwrap();
        let names = vec![ServerName::parse("localhost").unwrap()];
        let certificates = Certificates::new(authority, names, None, clock).unwrap();
        let listen = || TcpListener::bind("127.0.0.1:0");
        let (plain, tls, proxy) = (listen().await.unwrap(), listen().await.unwrap(), listen().await.unwrap());
        let ways = Self {
            plain: plain.local_addr().unwrap(),
            tls: tls.local_addr().unwrap(),
            proxy: proxy.local_addr().unwrap(),
            connector: Connector(trusting(&new.certificate, now)),
        };
        let encrypted = Some(Encrypted { tls: Some(tls), proxy: Some(proxy), certificates });
        (ways, Listeners { plain, encrypted })
    }

    /// Writes bytes as they are by one of the ways and reads until the gateway closes.
    pub async fn raw(&self, way: Way, bytes: &[u8]) -> String {
        match way {
            Way::Plain => exchange(TcpStream::connect(self.plain).await.unwrap(), bytes).await,
            Way::Tls => {
                let socket = TcpStream::connect(self.tls).await.unwrap();
                exchange(self.encrypt(socket, "localhost").await.unwrap(), bytes).await
            }
            Way::Proxy => exchange(self.tunnel(way.host(), way.host()).await.unwrap(), bytes).await,
        }
    }

    /// Opens a connection by one of the ways, as if to Alpaca's paper host.
    pub async fn open_by(&self, way: Way) -> Box<dyn Duplex> {
        self.open_by_host(way, Way::Proxy.host()).await
    }

    /// Opens a connection by one of the ways, as if to a host of Alpaca's where that matters.
    pub async fn open_by_host(&self, way: Way, host: &str) -> Box<dyn Duplex> {
        match way {
            Way::Plain => Box::new(TcpStream::connect(self.plain).await.unwrap()),
            Way::Tls => {
                let socket = TcpStream::connect(self.tls).await.unwrap();
                Box::new(self.encrypt(socket, "localhost").await.unwrap())
            }
            Way::Proxy => Box::new(self.tunnel(host, host).await.unwrap()),
        }
    }

    /// Opens a stream, logged in by the headers of the handshake.
    pub async fn stream(&self, way: Way, path: &str, pair: &Pair, packed: bool) -> ClientStream {
        let mut headers =
            vec![("apca-api-key-id", pair.key_id.as_str()), ("apca-api-secret-key", &pair.secret)];
        if packed {
            headers.push(("content-type", "application/msgpack"));
        }
        self.handshake(way, path, &headers).await
    }

    /// Opens a stream without a login.
    pub async fn stream_without_key(&self, way: Way, path: &str) -> ClientStream {
        self.handshake(way, path, &[]).await
    }

    async fn handshake(&self, way: Way, path: &str, headers: &[(&'static str, &str)]) -> ClientStream {
        let alpaca =
            if path == "/stream" { "paper-api.alpaca.markets" } else { "stream.data.alpaca.markets" };
        let socket = self.open_by_host(way, alpaca).await;
        let host = if way == Way::Proxy { alpaca } else { way.host() };
        let mut request = format!("ws://{host}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        client_async(request, socket).await.unwrap().0
    }

    /// What the TLS entrance agrees to speak with a client that asks for `name` and offers one protocol.
    pub async fn tls_speaks(&self, name: &str, protocol: &[u8]) -> Option<Vec<u8>> {
        let mut config = ClientConfig::clone(self.connector.0.config());
        config.alpn_protocols = vec![protocol.to_vec()];
        let socket = TcpStream::connect(self.tls).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
        let socket = TlsConnector::from(Arc::new(config)).connect(name, socket).await.ok()?;
        socket.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
    }

    /// Opens a tunnel to `host` and asks for `name` in TLS.
    pub async fn tunnel(&self, host: &str, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let (answer, socket) =
            self.connect(&format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        self.encrypt(socket, name).await
    }

    /// Sends a head to the proxy and reads the head of its answer.
    pub async fn connect(&self, head: &str) -> (String, TcpStream) {
        let mut socket = TcpStream::connect(self.proxy).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            match socket.read_u8().await {
                Ok(byte) => answer.push(byte),
                Err(_) => break,
            }
        }
        (String::from_utf8(answer).unwrap(), socket)
    }

    async fn encrypt(&self, socket: TcpStream, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let name = rustls::pki_types::ServerName::try_from(name.to_owned()).unwrap();
        self.connector.0.connect(name, socket).await
    }
}

fn trusting(certificate: &str, now: Timestamp) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(now)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

async fn exchange(mut socket: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    // The gateway may answer and close before all is written.
    _ = socket.write_all(bytes).await;
    _ = socket.flush().await;
    let mut answer = Vec::new();
    _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
