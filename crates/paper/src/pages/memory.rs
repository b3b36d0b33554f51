//! What the pages remember while the broker runs: how to know their own forms, and what to tell once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_core::{Entropy, SecretText};
use subtle::ConstantTimeEq;

use crate::keys::{hex_secret, sha256_hex};

/// What the dashboard's forms are for.
pub(super) const DASHBOARD: &str = "dashboard";

/// How long a notice waits to be shown.
const NOTICE_LIFE: SignedDuration = SignedDuration::from_mins(2);

/// How many notices wait at once.
const MAX_NOTICES: usize = 32;

/// Something to tell a person, once.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) good: bool,
    pub(super) title: String,
    pub(super) text: String,
    /// What to copy, and what it is.
    pub(super) secrets: Vec<(&'static str, SecretText)>,
    /// The same for a shell.
    pub(super) block: Option<SecretText>,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    until: Timestamp,
    notice: Notice,
}

/// What the pages remember.
#[derive(Debug)]
pub(crate) struct PageMemory {
    /// Only this process can make the token of a form.
    secret: SecretText,
    notices: Mutex<VecDeque<Waiting>>,
}

impl PageMemory {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self { secret: hex_secret(64, entropy), notices: Mutex::default() }
    }

    /// What a form for this purpose holds. Another site cannot read it, and so cannot send it. The outer hash is over a text of
    /// fixed length, so that no token leads to another.
    pub(crate) fn form_token(&self, purpose: &str) -> String {
        sha256_hex(&format!("{}{}", self.secret.expose(), sha256_hex(purpose)))
    }

    pub(crate) fn is_form_token(&self, purpose: &str, shown: &str) -> bool {
        self.form_token(purpose).as_bytes().ct_eq(shown.as_bytes()).into()
    }

    /// Keeps a notice until it is shown, and tells its name.
    pub(super) fn keep(&self, notice: Notice, now: Timestamp, entropy: &dyn Entropy) -> String {
        let id = hex_secret(32, entropy).expose().to_owned();
        let until = now.saturating_add(NOTICE_LIFE).unwrap_or(now);
        let mut notices = self.lock();
        notices.retain(|waiting| waiting.until > now);
        if notices.len() == MAX_NOTICES {
            notices.pop_front();
        }
        notices.push_back(Waiting { id: id.clone(), until, notice });
        id
    }

    /// The notice of that name. It is not shown again.
    pub(super) fn take(&self, id: &str, now: Timestamp) -> Option<Notice> {
        let mut notices = self.lock();
        notices.retain(|waiting| waiting.until > now);
        let index = notices.iter().position(|waiting| waiting.id == id)?;
        notices.remove(index).map(|waiting| waiting.notice)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
