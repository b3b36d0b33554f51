//! A body that is copied while it passes, so that recording changes nothing of what is sent and when.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// How much of a body is kept, bytes. The largest answer, 10,000 bars, has less than half of it.
const MAX_KEPT: usize = 4 << 20;

/// What has passed of a body so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Copy(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl Copy {
    fn keep(&self, data: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_KEPT - kept.bytes.len().min(MAX_KEPT);
        let (fits, rest) = data.split_at(data.len().min(room));
        kept.bytes.extend_from_slice(fits);
        kept.cut |= !rest.is_empty();
    }

    /// The text, what is no UTF-8 replaced, and whether it was cut off.
    pub fn text(&self) -> (String, bool) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (String::from_utf8_lossy(&kept.bytes).into_owned(), kept.cut)
    }
}

/// The body as it goes on. When it has passed or is given up, `at_end` is done, once.
pub(super) fn copied<F: FnOnce() + Send + Unpin + 'static>(body: Body, copy: Copy, at_end: F) -> Body {
    let mut copied = Copied { body, copy, at_end: Some(at_end) };
    if copied.body.is_end_stream() {
        copied.end();
    }
    Body::new(copied)
}

struct Copied<F: FnOnce() + Send + Unpin + 'static> {
    body: Body,
    copy: Copy,
    at_end: Option<F>,
}

impl<F: FnOnce() + Send + Unpin + 'static> Copied<F> {
    fn end(&mut self) {
        if let Some(act) = self.at_end.take() {
            act();
        }
    }
}

impl<F: FnOnce() + Send + Unpin + 'static> HttpBody for Copied<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.copy.keep(data);
        }
        // Before the last part leaves: who has the whole answer finds it recorded.
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream() {
            self.end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<F: FnOnce() + Send + Unpin + 'static> Drop for Copied<F> {
    fn drop(&mut self) {
        self.end();
    }
}
