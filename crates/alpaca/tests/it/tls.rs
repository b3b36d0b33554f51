use std::sync::Arc;

use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::probe;
use paddock_core::Environment;
use rstest::rstest;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{client, credential, nobody};

const KEY: &str = include_str!("fixtures/key.pem");
const EXPIRED: &str = include_str!("fixtures/expired.pem");
const NOT_YET_VALID: &str = include_str!("fixtures/not_yet_valid.pem");
const VALID: &str = include_str!("fixtures/valid.pem");

/// A server that does no more than to shake hands; the address at which it listens.
async fn server(certificate: &str) -> String {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            _ = acceptor.accept(stream).await;
        }
    });
    address
}

#[rstest]
#[case(EXPIRED, Some(EXPIRED), "clock_skew")]
#[case(NOT_YET_VALID, Some(NOT_YET_VALID), "clock_skew")]
#[case(VALID, None, "tls_failure")]
// Trusted and in date: the handshake succeeds, and then the server hangs up.
#[case(VALID, Some(VALID), "host_unreachable")]
#[tokio::test]
async fn certificates_are_told_apart(
    #[case] certificate: &str,
    #[case] trusted: Option<&str>,
    #[case] expected: &str,
) {
    let extra_roots = trusted.into_iter().map(str::to_owned).collect();
    let options = ClientOptions { extra_roots, ..ClientOptions::default() };
    let client = client(&server(certificate).await, &nobody(), &options);
    let fault = probe(&client, &credential(), Environment::Paper).await.unwrap_err();
    assert_eq!(fault.code(), expected);
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let client = client(&address, &nobody(), &ClientOptions::default());
    let fault = probe(&client, &credential(), Environment::Paper).await.unwrap_err();
    assert_eq!(fault.code(), "tls_failure");
}
