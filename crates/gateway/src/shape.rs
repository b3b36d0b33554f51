//! The head and the body of a request, as far as every reader of them must read the same.

use bytes::Bytes;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use paddock_alpaca::request_head::{self, HeadFault};

use crate::answer::Fault;

/// The largest request body in bytes. The largest order there is has well under 4 KiB.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Refuses heads that can be read in more than one way, and those that ask for another protocol.
pub(crate) fn check_head(parts: &Parts) -> Result<(), Fault> {
    request_head::check(parts).map_err(fault)
}

/// The same for a request that opens a stream.
pub(crate) fn check_stream_head(parts: &Parts) -> Result<(), Fault> {
    request_head::check_of_stream(parts).map_err(fault)
}

fn fault(found: HeadFault) -> Fault {
    match found {
        HeadFault::Target => Fault::bad_target(),
        HeadFault::Host => Fault::bad_host(),
        HeadFault::TransferCoding => Fault::transfer_coding(),
        HeadFault::ContentCoding => Fault::content_coding(),
        HeadFault::Upgrade => Fault::upgrade(),
    }
}

/// A request's body, before or after it was read.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// Still on its way.
    Coming(Incoming),
    /// Read, to check the signature over it.
    Read(Bytes),
}

impl RequestBody {
    /// The whole body, at most [`MAX_BODY`] bytes.
    pub(crate) async fn whole(self) -> Result<Bytes, Fault> {
        match self {
            Self::Coming(body) => read_body(body).await,
            Self::Read(body) => Ok(body),
        }
    }
}

/// Reads the whole body, at most [`MAX_BODY`] bytes.
pub(crate) async fn read_body(body: Incoming) -> Result<Bytes, Fault> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Fault::body_too_large());
    }
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Fault::body_too_large()),
        Err(_) => Err(Fault::body_unreadable()),
    }
}
