//! Alpaca's HTTP interface: the only place that knows its JSON, its paths and its error bodies.
//!
//! The gateway reads requests with it, the paper broker answers them with it, and the client asks Alpaca with it.

pub mod client;
pub mod close_position;
pub mod connect_fault;
pub mod credential;
pub mod endpoints;
pub mod error;
pub mod oauth;
pub mod operation;
pub mod order_body;
pub mod path;
pub mod probe;
pub mod request_head;
pub mod socket;
pub mod stream;
pub mod strict_json;
pub mod test_order;
#[cfg(test)]
mod testing;
pub mod wire;

pub use client::{AlpacaClient, ClientError};
pub use connect_fault::ConnectFault;
pub use credential::Credential;
pub use endpoints::Endpoints;
pub use error::AlpacaError;
pub use probe::probe;
