//! A browser at the web listener: somebody who is signed in, or nobody.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, header};
use paddock_core::audit::Actor;
use paddock_core::id::{LinkId, PersonId, SessionId, UserId};
use paddock_core::{Clock as _, Entropy as _, Role};
use paddock_store::{Link, LinkFor, Newcomer, Person, Session};
use paddock_vault::OsEntropy;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;

use crate::harness::{Paddock, Reply};

/// A browser at the web listener.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) pages: Router,
    /// What it sends as `Cookie`.
    pub(crate) cookie: Option<String>,
    pub(crate) person: Option<Person>,
}

impl Visitor {
    /// Nobody in particular.
    pub(crate) fn nobody(paddock: &Paddock) -> Self {
        Self { pages: paddock.pages.clone(), cookie: None, person: None }
    }

    /// The owner of the first team, `ada`, signed in and with a fresh factor.
    pub(crate) async fn first_owner(paddock: &Paddock) -> Self {
        Self::by(paddock, LinkFor::Setup, "ada").await
    }

    /// Somebody else of the first team, who has an owner already, signed in and with a fresh factor.
    pub(crate) async fn member(paddock: &Paddock, name: &str, role: Role) -> Self {
        paddock.owner().await;
        Self::by(paddock, LinkFor::Join { team: paddock.state.user, role }, name).await
    }

    /// The owner of another team, likewise.
    pub(crate) async fn stranger(paddock: &Paddock, name: &str) -> Self {
        paddock.owner().await;
        let purpose = LinkFor::Found { invited_by: paddock.state.user, name: format!("team-of-{name}") };
        Self::by(paddock, purpose, name).await
    }

    async fn by(paddock: &Paddock, purpose: LinkFor, name: &str) -> Self {
        let store = &paddock.state.store;
        let now = paddock.clock.now();
        let mut token_hash = [0; 32];
        OsEntropy.fill(&mut token_hash);
        let link = Link {
            id: LinkId::generate(now, &OsEntropy),
            purpose,
            label: name.to_owned(),
            actor: Actor::System,
            created_at: now,
            expires_at: now + jiff::SignedDuration::from_secs(60),
        };
        store.insert_link(&link, &token_hash).await.unwrap();
        let newcomer = Newcomer {
            id: PersonId::generate(now, &OsEntropy),
            name: name.to_owned(),
            password: "no password fits this".to_owned(),
            team: UserId::generate(now, &OsEntropy),
        };
        let person = store.join(&token_hash, &newcomer, now).await.unwrap();
        Self::signed_in(paddock, person).await
    }

    /// A browser in which that person is signed in, with a fresh factor.
    pub(crate) async fn signed_in(paddock: &Paddock, person: Person) -> Self {
        let now = paddock.clock.now();
        Self::with_factor_at(paddock, person, now).await
    }

    /// The same, but the factor was proved ten minutes ago.
    pub(crate) async fn stale(paddock: &Paddock, person: Person) -> Self {
        let then = paddock.clock.now() - jiff::SignedDuration::from_mins(10);
        Self::with_factor_at(paddock, person, then).await
    }

    async fn with_factor_at(paddock: &Paddock, person: Person, factor_at: jiff::Timestamp) -> Self {
        let now = paddock.clock.now();
        let mut random = [0; 32];
        OsEntropy.fill(&mut random);
        let token = hex::encode(random);
        let session = Session {
            id: SessionId::generate(now, &OsEntropy),
            person: person.id,
            created_at: now,
            last_seen_at: now,
            expires_at: now + Session::LIFETIME,
            network: "127.0.0.1".to_owned(),
            user_agent: "tests".to_owned(),
            factor_at: Some(factor_at),
        };
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        paddock.state.store.begin_session(&session, &hash, None).await.unwrap();
        Self { pages: paddock.pages.clone(), cookie: Some(format!("paddock={token}")), person: Some(person) }
    }

    /// A request as a browser sends it from a page of Paddock's own.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:7878")
            .header("sec-fetch-site", "same-origin");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        request
    }

    /// What comes back, before its body is read.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        self.pages.clone().oneshot(request).await.unwrap()
    }

    /// A page.
    pub(crate) async fn page(&self, path: &str) -> Reply {
        let request = self.request("GET", path).body(Body::empty()).unwrap();
        Reply::of(self.send(request).await).await
    }

    /// Sends a form.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let request = self
            .request("POST", path)
            .header(header::ORIGIN, "http://localhost:7878")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form(fields)))
            .unwrap();
        Reply::of(self.send(request).await).await
    }

    /// Calls the JSON API with the cookie.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = self.request(method, path).body(body).unwrap();
        let reply = Reply::of(self.send(request).await).await;
        crate::document::check_answer(method, path, &reply);
        reply
    }

    /// Takes over the cookie that an answer sets, as a browser does.
    pub(crate) fn take_cookie(&mut self, reply: &Reply) {
        let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap();
        let pair = cookie.split(';').next().unwrap();
        self.cookie = pair.split_once('=').filter(|(_, value)| !value.is_empty()).map(|_| pair.to_owned());
    }
}

/// Fields as a browser writes them.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        text.bytes().fold(String::new(), |mut written, byte| {
            if byte.is_ascii_alphanumeric() {
                written.push(char::from(byte));
            } else {
                written += &format!("%{byte:02X}");
            }
            written
        })
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}
