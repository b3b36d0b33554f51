//! How a request can fail.

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection is refused. Nothing listens until [`crate::Running::reopen`].
    Refused,
    /// The connection is reset when the request was read; it was not carried out.
    ResetBefore,
    /// It is carried out, and the connection is reset in the middle of the answer, after its headers.
    ResetAfter,
    /// It is carried out, and the answer is status 500.
    FailsAfter,
    /// It is not carried out: too many requests, come back after so many seconds.
    Limited(u64),
    /// A read is answered with what was there before the last change.
    Stale,
    /// The login has lost the right to do this.
    Forbidden,
}

impl Trouble {
    /// All of them, with what a table calls them.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Refused, "connection refused"),
        (Self::ResetBefore, "reset before"),
        (Self::ResetAfter, "done, reset after headers"),
        (Self::FailsAfter, "done, 500"),
        (Self::Limited(7), "429"),
        (Self::Stale, "stale read"),
        (Self::Forbidden, "right lost"),
    ];
}
