//! One of each thing that a team has, and what is sent about it: for who may do what, and for what another team finds.

use http::header;
use paddock_core::{Clock as _, Environment};
use paddock_paper::{DEFAULT_CASH, EphemeralBroker};
use serde_json::{Value, json};

use crate::approvals::ask;
use crate::harness::Paddock;
use crate::paper::{broker, paddock_before, pair};
use crate::visitor::Visitor;

/// What stands for a name or an identifier in a path.
pub(crate) struct Names {
    pub(crate) connection: String,
    pub(crate) key: String,
    pub(crate) consumer: String,
    pub(crate) person: String,
    pub(crate) token: String,
    token_id: String,
    session: String,
    invitation: String,
    approval: String,
    rotation: String,
    request: String,
}

impl Names {
    /// Names that nobody has: a route that lets somebody through then finds nothing and changes nothing.
    pub(crate) fn of_nobody() -> Self {
        let name = || "nothing-there".to_owned();
        let id = || "0190e000-0000-7000-8000-000000000000".to_owned();
        Self {
            connection: name(),
            key: name(),
            consumer: name(),
            person: name(),
            token: name(),
            token_id: id(),
            session: id(),
            invitation: id(),
            approval: id(),
            rotation: id(),
            request: id(),
        }
    }

    /// The path of a route.
    pub(crate) fn fill(&self, route: &str) -> String {
        let is = |area: &str| {
            route.starts_with(area) || route.split_once("/v1").is_some_and(|(_, rest)| rest.starts_with(area))
        };
        let name = match route {
            _ if is("/people/") || is("/settings/people/") => &self.person,
            _ if is("/keys/") => &self.key,
            _ if is("/tokens/") => &self.token,
            _ => &self.connection,
        };
        let id = match route {
            _ if is("/sessions/") || is("/settings/sessions/") => &self.session,
            _ if is("/invitations/") || is("/settings/people/invitations/") => &self.invitation,
            _ if is("/settings/tokens/") => &self.token_id,
            _ if is("/approvals/") => &self.approval,
            _ if is("/rotations/") => &self.rotation,
            // The story of a request has its identifier; the orders of a connection follow its name, which is not there.
            _ => &self.request,
        };
        let path = route
            .replace("{name}", name)
            .replace("{id}", id)
            .replace("{consumer}", &self.consumer)
            .replace("{symbol}", "AAPL")
            .replace("{token}", &"0".repeat(64));
        // What the page asks about stands in its query.
        if route == "/accounts/{name}/close" { format!("{path}?symbol=AAPL") } else { path }
    }

    /// What is sent there, as JSON or as a form, where an empty body would be refused before anything is looked for.
    pub(crate) fn body(&self, method: &str, route: &str) -> Option<(&'static str, String)> {
        const JSON: &str = "application/json";
        const FORM: &str = "application/x-www-form-urlencoded";
        let (pair, order) =
            (json!({ "key_id": "PKAAAABBBBCCCCDDDDEEEE2345", "secret_key": "x" }), "{\"symbol\":\"AAPL\"}");
        let about = json!({ "consumer": self.consumer, "reason": "tried" });
        let consumer = json!({ "name": "x", "kind": "heroku", "settings": { "apps": ["one"] }, "secret": "a-long-secret" });
        let body = match (method, route) {
            ("POST", "/connections/new/live") => {
                (FORM, "name=x&key_id=AKAAAABBBBCCCCDDDDEEEE2345&secret_key=x".to_owned())
            }
            ("POST", "/connections/new/live/oauth") => (FORM, "name=x".to_owned()),
            ("POST", "/connections/{name}/replace") => {
                (FORM, "key_id=PKAAAABBBBCCCCDDDDEEEE2345&secret_key=x".to_owned())
            }
            ("POST", "/connections/{name}/consumers/new") => {
                (FORM, "kind=heroku&name=x&settings.apps=one&secret=a-long-secret".to_owned())
            }
            ("POST", "/connections/{name}/consumers/{consumer}/edit") => {
                (FORM, "name=x&settings.apps=one".to_owned())
            }
            ("POST", "/connections/{name}/cadence") => (FORM, "days=30".to_owned()),
            ("POST", "/settings/people/invite") => (FORM, "role=viewer".to_owned()),
            ("POST", "/settings/people/{name}/role") => (FORM, "role=owner".to_owned()),
            ("POST", "/settings/tokens/new") => (FORM, "name=x&role=viewer&expires_in=1d".to_owned()),
            ("POST", "/rotations/{id}/say") => (FORM, "word=start".to_owned()),
            ("POST", "/rotations/{id}/paste") => {
                (FORM, "key_id=PKAAAABBBBCCCCDDDDEEEE2345&secret_key=x".to_owned())
            }
            ("POST", "/approvals/{id}") => (FORM, format!("answer=deny&request_hash={}", "00".repeat(32))),
            ("POST", "/api/v1/connections/{name}/consumers") => (JSON, consumer.to_string()),
            ("POST", "/api/v1/connections/{name}/cadence") => (JSON, json!({ "days": 30 }).to_string()),
            ("POST", "/api/v1/rotations/{id}/paste") => (JSON, pair.to_string()),
            ("POST", "/api/v1/rotations/{id}/abort") => (JSON, json!({ "reason": "tried" }).to_string()),
            ("POST", "/api/v1/rotations/{id}/leave-out" | "/api/v1/rotations/{id}/take-over") => {
                (JSON, about.to_string())
            }
            ("POST", "/api/v1/keys/{name}/explain") => (JSON, json!({ "order": order }).to_string()),
            ("POST", "/keys/{name}/replace") => (FORM, "name=anew&overlap=7d".to_owned()),
            ("POST", "/api/v1/keys/{name}/replace") => {
                (JSON, json!({ "name": "anew", "overlap": "7d" }).to_string())
            }
            ("PATCH", "/api/v1/people/{name}") => (JSON, json!({ "role": "owner" }).to_string()),
            _ => return None,
        };
        Some(body)
    }

    /// A text about these in which nobody's stand.
    pub(crate) fn as_nobodys(&self, text: &str) -> String {
        let nobodys = Self::of_nobody();
        let mut text = text.to_owned();
        for (own, nobodys) in self.all().into_iter().zip(nobodys.all()) {
            text = text.replace(own, nobodys);
        }
        text
    }

    fn all(&self) -> [&str; 11] {
        [
            &self.connection,
            &self.key,
            &self.consumer,
            &self.person,
            &self.token,
            &self.token_id,
            &self.session,
            &self.invitation,
            &self.approval,
            &self.rotation,
            &self.request,
        ]
    }
}

/// What the first team has, all of which is begun with `zebra` where it has a name.
pub(crate) struct FirstTeam {
    pub(crate) paddock: Paddock,
    pub(crate) names: Names,
    pub(crate) account_number: String,
    _broker: EphemeralBroker,
}

impl FirstTeam {
    /// A Paddock with one of each. `person` is of the team.
    pub(crate) async fn set(person: &str) -> Self {
        let broker = broker().await;
        let paddock = paddock_before(&broker).await;
        let account = broker.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
        paddock.connect("zebra-paper", "paper", &pair(&account)).await.expect(201);
        let made = async |path: &str, body: Value| {
            let made = paddock.post(path, &body).await;
            made.expect(201);
            made.json
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let limits = json!({ "name": "zebra-bot", "connection": "zebra-paper", "preset": "trader", "approval_over": "always" });
        let key = made("/api/v1/keys", limits).await;
        let approval = ask(&paddock, &(text(&key["key_id"]), text(&key["secret_key"])), "1").await;
        let herd = json!({ "name": "zebra-herd", "kind": "heroku", "settings": { "apps": ["one"] }, "secret": "a-long-secret" });
        made("/api/v1/connections/zebra-paper/consumers", herd).await;
        let rotation = made("/api/v1/connections/zebra-paper/rotations", json!({})).await;
        let invitation = made("/api/v1/invitations", json!({ "role": "viewer", "for": "zebra-guest" })).await;
        let owner = paddock.owner().await;
        let token = owner.call("POST", "/api/v1/tokens", &json!({ "name": "zebra-token" })).await;
        let of_owner = owner.person.as_ref().unwrap().id;
        let sessions = paddock.state.store.sessions(of_owner, paddock.clock.now()).await.unwrap();
        let activity = paddock.get("/api/v1/activity").await;
        let names = Names {
            connection: "zebra-paper".to_owned(),
            key: "zebra-bot".to_owned(),
            consumer: "zebra-herd".to_owned(),
            person: person.to_owned(),
            token: "zebra-token".to_owned(),
            token_id: text(&token.expect(201).json["token"]["id"]),
            session: sessions[0].id.to_string(),
            invitation: text(&invitation["invitation"]["id"]),
            approval: text(&approval["id"]),
            rotation: text(&rotation["id"]),
            request: text(&activity.json["items"][0]["request"]),
        };
        Self { paddock, names, account_number: account.account_number, _broker: broker }
    }

    /// All of it as it stands, each thing by its own address.
    pub(crate) async fn standing(&self) -> Vec<String> {
        let mut found = Vec::new();
        for route in [
            "/api/v1/connections/{name}/consumers/{consumer}",
            "/api/v1/keys/{name}",
            "/api/v1/approvals/{id}",
            "/api/v1/rotations/{id}",
            "/api/v1/activity/{id}",
            "/api/v1/connections",
            "/api/v1/people",
            "/api/v1/invitations",
            "/api/v1/tokens",
            "/api/v1/freezes",
            "/api/v1/trading",
        ] {
            found.push(self.paddock.get(&self.names.fill(route)).await.expect(200).text().to_owned());
        }
        let of_owner = self.paddock.owner().await.person.as_ref().unwrap().id;
        let sessions = self.paddock.state.store.sessions(of_owner, self.paddock.clock.now()).await.unwrap();
        found.extend(sessions.iter().map(|session| session.id.to_string()));
        found
    }

    /// Checks that each of the names and identifiers is one of something that is there.
    pub(crate) async fn is_there(&self) {
        let standing = self.standing().await.concat();
        for name in self.names.all() {
            assert!(standing.contains(name), "{name} is not there: {standing}");
        }
    }
}

/// An answer with nothing left out that would tell of something: its status, where it leads to, and its text.
pub(crate) async fn answer(
    visitor: &Visitor,
    method: &str,
    path: &str,
    body: Option<(&'static str, String)>,
) -> (u16, String, String) {
    use http_body_util::BodyExt as _;
    let request = visitor.request(method, path);
    let request = match body {
        None => request.body(axum::body::Body::empty()),
        Some((kind, body)) => request
            .header(header::ORIGIN, "http://localhost:7878")
            .header(header::CONTENT_TYPE, kind)
            .body(axum::body::Body::from(body)),
    };
    let response = visitor.send(request.unwrap()).await;
    let text = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, location) = (response.status().as_u16(), text(header::LOCATION).unwrap_or_default());
    // A stream of events has no end.
    let is_stream = text(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let bytes = if is_stream {
        Vec::new()
    } else {
        response.into_body().collect().await.unwrap().to_bytes().to_vec()
    };
    (status, location, String::from_utf8_lossy(&bytes).into_owned())
}
