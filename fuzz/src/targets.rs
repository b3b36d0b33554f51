//! Methods, paths and queries: one spelling, one meaning, and an answer in Alpaca's form.
//!
//! An input is a request target, with a method before it if it is not to be `GET`, and a body in the lines after it.

use std::cell::RefCell;

use paddock_alpaca::operation;
use paddock_alpaca::path::{CanonicalPath, Query};

use crate::desk::Desk;

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Checks an input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    let (method, target) = head.split_once(' ').unwrap_or(("GET", head));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));

    let canonical = CanonicalPath::parse(path);
    if let Ok(canonical) = &canonical {
        let upstream = canonical.to_upstream();
        assert_eq!(CanonicalPath::parse(upstream).as_ref(), Ok(canonical));
        let found = operation::find(method, canonical);
        let again = CanonicalPath::parse(upstream).ok().and_then(|path| operation::find(method, &path));
        let id = |found: &Option<(&'static operation::Operation, _)>| {
            found.as_ref().map(|(operation, _)| operation.id)
        };
        assert_eq!(id(&found), id(&again));
    }
    let parsed = Query::parse(query);
    if let Ok(parsed) = &parsed {
        let upstream = parsed.to_upstream();
        assert_eq!(Query::parse(&upstream).as_ref(), Ok(parsed));
        // What is sent upstream can be read in one way only, by any reader.
        assert!(upstream.bytes().all(|byte| byte.is_ascii_graphic()), "{upstream}");
    }
    // The pages and the forms of OAuth have a form of their own.
    if !path.starts_with("/v") || path.contains("oauth") {
        return;
    }
    DESK.with_borrow_mut(|kept| {
        Desk::with(kept, |desk| {
            let Some(answer) = desk.ask(method, target, body.as_bytes()) else {
                return;
            };
            let success = answer.success().is_some();
            // A fragment never reaches a server.
            if success && !target.contains('#') {
                assert!(canonical.is_ok() && parsed.is_ok(), "{target} is answered though it is ambiguous");
            }
        });
    });
}
