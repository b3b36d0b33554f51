//! What the fuzz targets check. Each target is a function over bytes, so that a found input can be tried as a plain test.

pub mod bars;
mod desk;
pub mod oauth;
pub mod orders;
pub mod requests;
pub mod stream;
pub mod targets;
