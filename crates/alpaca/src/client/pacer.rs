//! Whoever counts an account's requests says when one may be sent.

use std::fmt::Debug;
use std::pin::Pin;

use http::{HeaderMap, StatusCode};

use super::ClientError;
use crate::operation::Api;

/// Ends when a request may be sent.
pub type NextTurn<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Turn>, ClientError>> + Send + 'a>>;

/// Counts an account's requests. Alpaca allows so many in a minute, whoever sends them.
pub trait Pacer: Debug + Send + Sync {
    /// Waits until a request to that API may be sent.
    ///
    /// # Errors
    /// [`ClientError::RateLimited`] when it may not be sent in time.
    fn turn(&self, api: Api) -> NextTurn<'_>;
}

/// The right to send one request. It is used up when it is dropped, answered or not.
pub trait Turn: Send {
    /// The head of the answer, which says how many requests are left.
    fn answered(self: Box<Self>, status: StatusCode, headers: &HeaderMap);
}
