//! What is measured, and how it is told.

mod histogram;

pub(crate) use histogram::Histogram;
