//! The built-in broker: an Alpaca that runs anywhere, with recorded and generated prices.

mod access;
pub mod broker;
pub mod clock;
mod contracts;
mod dashboard;
mod fast_map;
pub mod faults;
mod http;
pub mod journal;
pub mod keys;
pub mod market;
mod news;
mod oauth;
mod options;
mod pages;
mod paper_broker;
mod serve;
mod stream;

pub use clock::ClockMode;
pub use http::record::{ExchangeFileError, SeenRequest};
pub use market::DateLaying;
pub use options::{DEFAULT_CASH, MAX_CASH, PaperError, PaperOptions};
pub use paper_broker::{NewAccount, PaperBroker};
pub use serve::{EphemeralBroker, serve};
pub use stream::StreamOptions;
