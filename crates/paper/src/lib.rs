//! The built-in broker: an Alpaca that runs anywhere, with recorded and generated prices.

pub mod market;
