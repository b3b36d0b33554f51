//! The least that axum can answer: what the pages' bench (`cargo xtask bench web`) is compared with. Prints its address and serves until it is
//! ended.
#![expect(clippy::print_stdout, reason = "whoever started it reads the address")]

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/", get(|| async { "hello" }))).await
}
