//! Keeps the real secret out of what programs get to see.
//!
//! The broker has no reason to echo a credential. If it does, in an error text, a header or a stream, the echo stops here, in
//! whatever form of text it comes ([`forms`]) and however it is cut into pieces. Hardly any text has a run of letters and digits as
//! long as a credential ([`suspicion`]); only one that has is compared with the secret, which is opened for that alone when the answer
//! or stream is a long one.

mod forms;
mod suspicion;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use paddock_alpaca::Credential;

use crate::directory::ConnectionEntry;
use crate::shared::Shared;
use forms::Forms;
use suspicion::Suspicion;

/// What stands in place of an echoed secret; asterisks keep every text format intact.
const MASK: u8 = b'*';

/// Looks for one credential in one answer or stream.
pub(crate) struct Scrubber<'a> {
    suspicion: Suspicion,
    secret: Secret<'a>,
    /// The end of what came so far, held back because a form may go on in the next piece.
    held: BytesMut,
    /// How many bytes at the start of `held` belong to a form that began before.
    masked: usize,
}

/// What is looked for.
enum Secret<'a> {
    /// At hand for this one use.
    Open(&'a Credential),
    /// To be opened when there is something to compare it with: answers and streams may go on for hours.
    Sealed { entry: Arc<ConnectionEntry>, shared: Arc<Shared> },
}

/// The secret does not open any more, so that what may hold it cannot be told from what does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential does not open, so that the answer cannot be checked for it")]
pub(crate) struct Unsearchable;

impl<'a> Scrubber<'a> {
    /// Looks for both halves of a pair, or for a token. The Key ID is no secret to its owner, but an access key's holder has no
    /// use for it, and half a pair is half of what an attacker needs.
    pub(crate) fn new(credential: &'a Credential) -> Self {
        Self::looking_for(Suspicion::of(credential), Secret::Open(credential))
    }

    fn looking_for(suspicion: Suspicion, secret: Secret<'a>) -> Self {
        Self { suspicion, secret, held: BytesMut::new(), masked: 0 }
    }
}

impl Scrubber<'static> {
    /// Looks for the credential of a connection without holding it. `credential` is what it is now.
    pub(crate) fn sealed(
        credential: &Credential,
        entry: &Arc<ConnectionEntry>,
        shared: &Arc<Shared>,
    ) -> Self {
        let secret = Secret::Sealed { entry: Arc::clone(entry), shared: Arc::clone(shared) };
        Self::looking_for(Suspicion::of(credential), secret)
    }
}

impl Scrubber<'_> {
    /// Whether a text, such as a header's value, contains what must not pass.
    pub(crate) fn finds(&self, text: &[u8]) -> Result<bool, Unsearchable> {
        Ok(self.suspicion.is_raised_by(text) && self.with_forms(|forms| forms.finds(text))?)
    }

    /// Whether a header's name does. Names have lost their case on the way.
    pub(crate) fn finds_in_name(&self, name: &str) -> Result<bool, Unsearchable> {
        let name = name.as_bytes();
        Ok(self.suspicion.is_raised_by(name) && self.with_forms(|forms| forms.is_in_name(name))?)
    }

    /// Takes the next piece of a body and gives what may pass of it. An end that could be the beginning of a form is held back
    /// until the next piece or [`finish`](Self::finish); anything else passes at once.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<Bytes, Unsearchable> {
        if self.held.is_empty() {
            let may_pass = !self.suspicion.is_raised_by(&piece) && !self.suspicion.is_left_open_by(&piece);
            if may_pass || self.with_forms(|forms| forms.open_end(&piece) == 0 && !forms.finds(&piece))? {
                return Ok(piece);
            }
        }
        self.held.extend_from_slice(&piece);
        self.release(false)
    }

    /// Gives what was held back when the body is over.
    pub(crate) fn finish(&mut self) -> Result<Bytes, Unsearchable> {
        if self.held.is_empty() { Ok(Bytes::new()) } else { self.release(true) }
    }

    /// A text that is at hand as a whole.
    pub(crate) fn whole(&mut self, text: Bytes) -> Result<Bytes, Unsearchable> {
        let first = self.push(text)?;
        let rest = self.finish()?;
        Ok(if rest.is_empty() { first } else { [first, rest].concat().into() })
    }

    /// Lets go of what cannot go on in the next piece, with every form in it masked.
    fn release(&mut self, over: bool) -> Result<Bytes, Unsearchable> {
        let mut found: Vec<_> = std::iter::once(0..self.masked).collect();
        let open = self.with_forms(|forms| {
            forms.each_match(&self.held, |range| found.push(range));
            if over { 0 } else { forms.open_end(&self.held) }
        })?;
        let ready = self.held.len() - open;
        let mut passed = self.held.split_to(ready);
        self.masked = 0;
        for range in found.into_iter().filter(|range| range.start < ready) {
            if let Some(part) = passed.get_mut(range.start..range.end.min(ready)) {
                part.fill(MASK);
            }
            // A form may reach into what could be the beginning of another one.
            self.masked = self.masked.max(range.end.saturating_sub(ready));
        }
        Ok(passed.freeze())
    }

    fn with_forms<T>(&self, look: impl FnOnce(&Forms) -> T) -> Result<T, Unsearchable> {
        match &self.secret {
            Secret::Open(credential) => Ok(look(&Forms::of(credential, &self.suspicion))),
            Secret::Sealed { entry, shared } => {
                let credential = reopened(entry, shared)?;
                Ok(look(&Forms::of(&credential, &self.suspicion)))
            }
        }
    }
}

/// The credential that was in use when the entry was: with its own seal, or resealed since.
fn reopened(entry: &ConnectionEntry, shared: &Shared) -> Result<Credential, Unsearchable> {
    if let Ok(credential) = entry.open(&shared.opener) {
        return Ok(credential);
    }
    let directory = shared.directory.load();
    let current = directory.connection(entry.connection.id);
    let same = current.filter(|current| current.fingerprint() == entry.fingerprint());
    same.and_then(|same| same.open(&shared.opener).ok()).ok_or(Unsearchable)
}
