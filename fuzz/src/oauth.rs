//! The forms of OAuth: what programs send for a token, and what they ask a person for.
//!
//! The first byte of an input chooses the request; the rest is its form or query, in which `CLIENT` and `SECRET` stand for those of
//! a registered program.

use std::cell::RefCell;

use paddock_alpaca::path::Query;
use serde_json::{Value, json};

use crate::desk::{Answer, Desk};

const BACK: &str = "http://localhost:9/back";

struct Known {
    desk: Desk,
    client_id: String,
    secret: String,
    inputs: u32,
}

/// A broker gives out so many tokens at most, and is then thrown away.
const INPUTS: u32 = 500;

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// Checks an input.
pub fn check(data: &[u8]) {
    let Some((&choice, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    KNOWN.with_borrow_mut(|kept| {
        if kept.as_ref().is_none_or(|known| known.inputs >= INPUTS) {
            *kept = Some(Known::open());
        }
        let Some(known) = kept else { return };
        known.inputs += 1;
        let form = text.replace("CLIENT", &known.client_id).replace("SECRET", &known.secret);
        match choice % 4 {
            0 => known.token(&form),
            1 => known.authx(&form),
            2 => known.authorize(&form),
            _ => known.decide(&form),
        }
    });
}

impl Known {
    fn open() -> Self {
        let desk = Desk::open();
        let program = json!({"name": "fuzz", "redirect_uris": [BACK]}).to_string();
        let target = "/dashboard/v1/oauth/clients";
        let made = desk.ask_locally("POST", target, false, program.as_bytes()).unwrap();
        assert_eq!(made.status, 201, "{made:?}");
        let made: Value = serde_json::from_slice(&made.body).unwrap();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self { client_id: text("client_id"), secret: text("client_secret"), desk, inputs: 0 }
    }

    fn post(&self, target: &str, form: &str) -> Answer {
        self.desk.ask_locally("POST", target, true, form.as_bytes()).unwrap()
    }

    /// No person has said yes, so that there is no code and no token.
    fn token(&self, form: &str) {
        let answer = self.post("/oauth/token", form);
        assert!(answer.success().is_none(), "{answer:?}");
    }

    /// A token is for who says everything right, as the strict reader of forms reads it.
    fn authx(&self, form: &str) {
        let answer = self.post("/v1/oauth2/token", form);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        if answer.status == 200 {
            let form = Query::parse(form).unwrap();
            assert_eq!(form.get("client_id"), Some(self.client_id.as_str()));
            assert_eq!(form.get("client_secret"), Some(self.secret.as_str()));
            assert_eq!(form.get("grant_type"), Some("client_credentials"));
            assert!(body["access_token"].is_string(), "{answer:?}");
        } else {
            assert!((400..500).contains(&answer.status) && body["error"].is_string(), "{answer:?}");
        }
    }

    /// A person is sent to the program's own address or nowhere, and sees nothing that is not escaped.
    fn authorize(&self, query: &str) {
        if let Some(answer) = self.desk.ask_locally("GET", &format!("/oauth/authorize?{query}"), true, b"") {
            leads_back(&answer);
        }
    }

    /// Without the page's own token a yes is no yes.
    fn decide(&self, form: &str) {
        let answer = self.post("/oauth/authorize", form);
        leads_back(&answer);
        assert!(!answer.location.is_some_and(|location| location.contains("code=")));
    }
}

fn leads_back(answer: &Answer) {
    assert!((200..500).contains(&answer.status), "{answer:?}");
    assert!(answer.location.as_ref().is_none_or(|location| location.starts_with(BACK)), "{answer:?}");
    let page = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    assert!(!page.contains("<script"), "{page}");
}
