//! Which access key placed which order, and what a key gets that sees only its own.
//!
//! Every order that comes about through Paddock is written down with its access key, in the transaction that settles its request. What an
//! answer does not say is learnt from look-ups after lost answers and from trade updates: the order that takes the place of another is of
//! the same key, and so are the legs of an order. An order whose key is not known is nobody's, and a key whose scope has
//! `only_own_orders` does not see it.

mod cancel;
mod ledger;
mod owners;
mod pages;
mod reads;
mod touch;
mod updates;

pub(crate) use ledger::{Claim, Ledger};
pub(crate) use owners::Owners;
pub(crate) use reads::read;
pub(crate) use touch::Touched;
pub(crate) use updates::{Attributed, Attribution, Unattributed};
