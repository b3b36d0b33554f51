//! Who may do what: each route with the least role that it takes, and whether it asks for a fresh proof of who is there.
//!
//! A route that has no line here answers 404, whatever its handler would do.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use paddock_core::Role;

use crate::WebState;
use crate::desk::{Asker, Way, not_signed_in, not_your_team};
use crate::fresh::{FRESH_FACTOR_NEEDED, Matter};
use crate::oauth::OAUTH_CALLBACK;
use crate::pages::answer::{CONFIRMED, see};
use crate::people::{api_token, network, session};
use crate::problem::Problem;
use crate::same_origin;

/// One route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) least: Least,
    /// What a fresh proof is asked for, if one is.
    pub(crate) fresh: Option<Matter>,
    /// Whether its handler asks for that, and not the guard: it answers with the form, so that nothing that was typed is lost.
    pub(crate) in_its_form: bool,
    /// Whether it is of the whole of this Paddock, which only the first team runs.
    pub(crate) whole: bool,
}

/// Who it takes at the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Least {
    /// Nobody in particular: whoever reaches the listener.
    Anybody,
    /// Somebody who is signed in, with that role.
    Role(Role),
}

impl Line {
    const fn new(least: Least, method: &'static str, path: &'static str) -> Self {
        Self { method, path, least, fresh: None, in_its_form: false, whole: false }
    }

    /// It asks for a fresh proof, for what is done with accounts.
    const fn fresh(mut self) -> Self {
        self.fresh = Some(Matter::Work);
        self
    }

    /// It asks for a fresh proof, for who gets in.
    const fn fresh_for_access(mut self) -> Self {
        self.fresh = Some(Matter::Access);
        self
    }

    /// It asks for the proof in its handler, which shows the form again.
    const fn in_its_form(mut self) -> Self {
        self.in_its_form = true;
        self
    }

    /// It is of the whole of this Paddock.
    const fn of_the_whole(mut self) -> Self {
        self.whole = true;
        self
    }
}

const fn anybody(method: &'static str, path: &'static str) -> Line {
    Line::new(Least::Anybody, method, path)
}

const fn viewer(method: &'static str, path: &'static str) -> Line {
    Line::new(Least::Role(Role::Viewer), method, path)
}

const fn operator(method: &'static str, path: &'static str) -> Line {
    Line::new(Least::Role(Role::Operator), method, path)
}

const fn owner(method: &'static str, path: &'static str) -> Line {
    Line::new(Least::Role(Role::Owner), method, path)
}

/// All routes of pages and API, but those of the monitoring listener. What asks for a fresh proof only sometimes (a live connection, a
/// wider scope) asks in its handler.
pub(crate) const TABLE: &[Line] = &[
    // --- whether it runs, and what pages are made of
    anybody("GET", "/livez"),
    anybody("GET", "/readyz"),
    anybody("GET", "/assets/{name}"),
    // --- getting in
    anybody("GET", "/sign-in"),
    anybody("POST", "/sign-in"),
    anybody("GET", "/demo/{token}"),
    anybody("GET", "/setup/{token}"),
    anybody("POST", "/setup/{token}"),
    anybody("GET", "/invitations/{token}"),
    anybody("POST", "/invitations/{token}"),
    anybody("GET", "/reset/{token}"),
    anybody("POST", "/reset/{token}"),
    anybody("GET", "/sign-in/code"),
    anybody("POST", "/sign-in/code"),
    viewer("POST", "/sign-out"),
    // --- overview
    viewer("GET", "/"),
    viewer("GET", "/events"),
    // --- status
    viewer("GET", "/api/v1/openapi.json"),
    viewer("GET", "/api/v1/status"),
    viewer("GET", "/api/v1/health"),
    owner("GET", "/api/v1/metrics").of_the_whole(),
    // --- connections
    viewer("GET", "/welcome"),
    viewer("GET", "/paper-broker"),
    viewer("GET", "/connections"),
    viewer("GET", "/connections/{name}"),
    viewer("GET", "/connections/{name}/attestation"),
    viewer("GET", "/connections/{name}/rename"),
    viewer("GET", "/connections/{name}/check"),
    owner("GET", "/connections/new"),
    owner("GET", "/connections/new/paper"),
    owner("POST", "/connections/new/paper"),
    owner("GET", "/connections/new/live").fresh(),
    owner("POST", "/connections/new/live").fresh().in_its_form(),
    owner("POST", "/connections/new/paper/oauth"),
    owner("POST", "/connections/new/live/oauth").fresh().in_its_form(),
    owner("POST", "/connections/{name}/oauth").fresh(),
    // Whoever comes back proved who they are when they left.
    owner("GET", "/oauth/callback"),
    owner("POST", "/connections/{name}/rename"),
    operator("POST", "/connections/{name}/check"),
    owner("POST", "/connections/{name}/activate"),
    operator("POST", "/connections/{name}/freeze"),
    operator("POST", "/connections/{name}/unfreeze").fresh(),
    owner("GET", "/connections/{name}/replace").fresh(),
    owner("POST", "/connections/{name}/replace").fresh().in_its_form(),
    owner("GET", "/connections/{name}/remove").fresh(),
    owner("POST", "/connections/{name}/remove").fresh(),
    viewer("GET", "/api/v1/oauth"),
    viewer("GET", "/api/v1/attestation"),
    viewer("GET", "/api/v1/connections/{name}/attestation"),
    owner("POST", "/api/v1/connections/{name}/rename"),
    viewer("GET", "/api/v1/connections"),
    owner("POST", "/api/v1/connections"),
    owner("DELETE", "/api/v1/connections/{name}").fresh(),
    operator("POST", "/api/v1/connections/{name}/check"),
    owner("POST", "/api/v1/connections/{name}/activate"),
    operator("POST", "/api/v1/connections/{name}/freeze"),
    operator("POST", "/api/v1/connections/{name}/unfreeze").fresh(),
    // --- consumers and rotations
    viewer("GET", "/rotations"),
    viewer("GET", "/rotations/{id}"),
    viewer("GET", "/rotations/{id}/report"),
    viewer("GET", "/rotations/{id}/say"),
    viewer("GET", "/rotations/{id}/paste"),
    operator("POST", "/rotations/{id}/say"),
    operator("POST", "/rotations/{id}/paste"),
    operator("GET", "/connections/{name}/rotate"),
    operator("POST", "/connections/{name}/rotate"),
    operator("GET", "/connections/{name}/rehearse"),
    operator("POST", "/connections/{name}/rehearse"),
    owner("POST", "/connections/{name}/cadence"),
    viewer("GET", "/connections/{name}/consumers"),
    owner("GET", "/connections/{name}/consumers/new").fresh(),
    owner("POST", "/connections/{name}/consumers/new").fresh().in_its_form(),
    viewer("GET", "/connections/{name}/consumers/{consumer}"),
    operator("POST", "/connections/{name}/consumers/{consumer}/check"),
    owner("GET", "/connections/{name}/consumers/{consumer}/edit").fresh(),
    owner("POST", "/connections/{name}/consumers/{consumer}/edit").fresh().in_its_form(),
    owner("GET", "/connections/{name}/consumers/{consumer}/remove").fresh(),
    owner("POST", "/connections/{name}/consumers/{consumer}/remove").fresh(),
    viewer("GET", "/api/v1/consumer-kinds"),
    viewer("GET", "/api/v1/connections/{name}/consumers"),
    owner("POST", "/api/v1/connections/{name}/consumers").fresh(),
    viewer("GET", "/api/v1/connections/{name}/consumers/{consumer}"),
    owner("PATCH", "/api/v1/connections/{name}/consumers/{consumer}").fresh(),
    owner("DELETE", "/api/v1/connections/{name}/consumers/{consumer}").fresh(),
    operator("POST", "/api/v1/connections/{name}/consumers/{consumer}/check"),
    operator("POST", "/api/v1/connections/{name}/rotations"),
    operator("POST", "/api/v1/connections/{name}/rehearsals"),
    owner("POST", "/api/v1/connections/{name}/cadence"),
    viewer("GET", "/api/v1/rotation-matrix"),
    operator("POST", "/api/v1/rehearsal-broker"),
    viewer("GET", "/api/v1/rotations"),
    viewer("GET", "/api/v1/rotations/{id}"),
    viewer("GET", "/api/v1/rotations/{id}/report"),
    viewer("GET", "/api/v1/rotations/{id}/report.md"),
    operator("POST", "/api/v1/rotations/{id}/start"),
    operator("POST", "/api/v1/rotations/{id}/paste"),
    operator("POST", "/api/v1/rotations/{id}/resume"),
    operator("POST", "/api/v1/rotations/{id}/abort"),
    operator("POST", "/api/v1/rotations/{id}/leave-out"),
    operator("POST", "/api/v1/rotations/{id}/take-over"),
    operator("POST", "/api/v1/rotations/{id}/skip-test-order"),
    operator("POST", "/api/v1/rotations/{id}/go-on-with-open-orders"),
    owner("POST", "/api/v1/leaks/check"),
    // --- access keys
    viewer("GET", "/api/v1/keys"),
    operator("POST", "/api/v1/keys"),
    viewer("GET", "/api/v1/keys/{name}"),
    operator("PATCH", "/api/v1/keys/{name}"),
    viewer("GET", "/api/v1/keys/{name}/usage"),
    viewer("POST", "/api/v1/keys/{name}/diff"),
    viewer("POST", "/api/v1/keys/{name}/explain"),
    viewer("POST", "/api/v1/scope/describe"),
    operator("POST", "/api/v1/keys/{name}/freeze"),
    operator("POST", "/api/v1/keys/{name}/unfreeze").fresh(),
    operator("POST", "/api/v1/keys/{name}/replace"),
    operator("POST", "/api/v1/keys/{name}/revoke"),
    viewer("GET", "/keys"),
    operator("GET", "/keys/new"),
    operator("POST", "/keys/new"),
    operator("POST", "/keys/new/outlook"),
    viewer("GET", "/keys/{name}"),
    operator("GET", "/keys/{name}/edit"),
    operator("POST", "/keys/{name}/edit"),
    operator("POST", "/keys/{name}/edit/outlook"),
    viewer("POST", "/keys/{name}/try"),
    operator("POST", "/keys/{name}/freeze"),
    operator("GET", "/keys/{name}/unfreeze").fresh(),
    operator("POST", "/keys/{name}/unfreeze").fresh(),
    operator("GET", "/keys/{name}/replace"),
    operator("POST", "/keys/{name}/replace"),
    operator("GET", "/keys/{name}/revoke"),
    operator("POST", "/keys/{name}/revoke"),
    // --- approvals
    viewer("GET", "/api/v1/approvals"),
    viewer("GET", "/api/v1/approvals/{id}"),
    operator("POST", "/api/v1/approvals/{id}/approve"),
    operator("POST", "/api/v1/approvals/{id}/deny"),
    viewer("GET", "/approvals"),
    viewer("GET", "/approvals/{id}"),
    operator("POST", "/approvals/{id}"),
    // --- freezes
    viewer("GET", "/freeze"),
    operator("POST", "/freeze"),
    operator("POST", "/unfreeze").fresh(),
    operator("POST", "/api/v1/freeze"),
    operator("POST", "/api/v1/unfreeze").fresh(),
    viewer("GET", "/api/v1/freezes"),
    operator("POST", "/api/v1/check-in").of_the_whole(),
    // --- audit
    viewer("GET", "/api/v1/audit"),
    viewer("GET", "/api/v1/audit/verify").of_the_whole(),
    owner("GET", "/api/v1/audit/export").of_the_whole(),
    viewer("GET", "/api/v1/audit/key").of_the_whole(),
    owner("POST", "/api/v1/audit/key/rotate").of_the_whole().fresh(),
    owner("POST", "/api/v1/audit/prune").of_the_whole().fresh(),
    // --- vault and backup
    viewer("GET", "/api/v1/ca"),
    viewer("GET", "/api/v1/vault"),
    owner("POST", "/api/v1/vault/rotate").fresh(),
    owner("POST", "/api/v1/backup").of_the_whole().fresh(),
    // --- activity
    viewer("GET", "/activity"),
    viewer("GET", "/activity/export"),
    viewer("GET", "/activity/{id}"),
    viewer("GET", "/api/v1/activity"),
    viewer("GET", "/api/v1/activity/export"),
    viewer("GET", "/api/v1/activity/{id}"),
    // --- accounts
    viewer("GET", "/accounts"),
    viewer("GET", "/accounts/{name}"),
    viewer("GET", "/accounts/{name}/equity.json"),
    operator("GET", "/accounts/{name}/cancel"),
    operator("POST", "/accounts/{name}/cancel"),
    operator("GET", "/accounts/{name}/close"),
    operator("POST", "/accounts/{name}/close"),
    viewer("GET", "/api/v1/connections/{name}/account"),
    viewer("GET", "/api/v1/connections/{name}/equity"),
    viewer("GET", "/api/v1/connections/{name}/positions"),
    operator("DELETE", "/api/v1/connections/{name}/positions/{symbol}"),
    viewer("GET", "/api/v1/connections/{name}/orders"),
    operator("DELETE", "/api/v1/connections/{name}/orders"),
    viewer("GET", "/api/v1/connections/{name}/orders/{id}"),
    operator("DELETE", "/api/v1/connections/{name}/orders/{id}"),
    // --- the pages of audit and settings
    viewer("GET", "/audit"),
    viewer("POST", "/audit/verify").of_the_whole(),
    owner("GET", "/audit/export").of_the_whole(),
    viewer("GET", "/settings"),
    viewer("GET", "/settings/ca.pem"),
    owner("POST", "/settings/trading/mode"),
    operator("POST", "/settings/trading/pause"),
    operator("POST", "/settings/trading/resume"),
    owner("POST", "/settings/vault/rotate").of_the_whole().fresh(),
    owner("POST", "/settings/audit-key/rotate").of_the_whole().fresh(),
    owner("POST", "/settings/backup").of_the_whole().fresh(),
    // --- trading
    viewer("GET", "/api/v1/trading"),
    owner("POST", "/api/v1/trading/mode"),
    operator("POST", "/api/v1/trading/pause"),
    operator("POST", "/api/v1/trading/resume"),
    // --- requests
    viewer("GET", "/api/v1/requests"),
    viewer("GET", "/api/v1/events"),
    // --- people
    viewer("GET", "/api/v1/people"),
    owner("PATCH", "/api/v1/people/{name}").fresh_for_access(),
    owner("DELETE", "/api/v1/people/{name}").fresh_for_access(),
    owner("POST", "/api/v1/people/{name}/reset").fresh_for_access(),
    owner("GET", "/api/v1/invitations"),
    owner("POST", "/api/v1/invitations").fresh_for_access(),
    owner("DELETE", "/api/v1/invitations/{id}"),
    viewer("GET", "/api/v1/sessions"),
    viewer("DELETE", "/api/v1/sessions"),
    viewer("DELETE", "/api/v1/sessions/{id}"),
    viewer("POST", "/api/v1/password"),
    viewer("GET", "/settings/people"),
    owner("GET", "/settings/people/invite").fresh_for_access(),
    owner("POST", "/settings/people/invite").fresh_for_access().in_its_form(),
    owner("GET", "/settings/people/invitations/{id}/withdraw"),
    owner("POST", "/settings/people/invitations/{id}/withdraw"),
    owner("GET", "/settings/people/{name}").fresh_for_access(),
    owner("POST", "/settings/people/{name}/role").fresh_for_access(),
    owner("POST", "/settings/people/{name}/remove").fresh_for_access(),
    viewer("GET", "/settings/password"),
    viewer("POST", "/settings/password"),
    viewer("POST", "/settings/sessions/end"),
    viewer("POST", "/settings/sessions/{id}/end"),
    // --- second factors, proofs and tokens: each person's own
    viewer("GET", "/confirm"),
    viewer("POST", "/confirm"),
    viewer("POST", "/api/v1/confirm"),
    viewer("GET", "/settings/security"),
    viewer("GET", "/settings/security/second-factor").fresh_for_access(),
    viewer("POST", "/settings/security/second-factor").fresh_for_access(),
    viewer("GET", "/settings/security/second-factor/confirm").fresh_for_access(),
    viewer("POST", "/settings/security/second-factor/confirm").fresh_for_access(),
    viewer("GET", "/settings/security/second-factor/off").fresh_for_access(),
    viewer("POST", "/settings/security/second-factor/off").fresh_for_access(),
    viewer("GET", "/settings/security/recovery-codes").fresh_for_access(),
    viewer("POST", "/settings/security/recovery-codes").fresh_for_access(),
    viewer("GET", "/settings/tokens"),
    viewer("GET", "/settings/tokens/new").fresh_for_access(),
    viewer("POST", "/settings/tokens/new").fresh_for_access().in_its_form(),
    viewer("GET", "/settings/tokens/{id}/revoke"),
    viewer("POST", "/settings/tokens/{id}/revoke"),
    viewer("GET", "/api/v1/second-factor"),
    viewer("POST", "/api/v1/second-factor").fresh_for_access(),
    viewer("DELETE", "/api/v1/second-factor").fresh_for_access(),
    viewer("POST", "/api/v1/second-factor/confirm").fresh_for_access(),
    viewer("POST", "/api/v1/second-factor/recovery-codes").fresh_for_access(),
    owner("DELETE", "/api/v1/people/{name}/second-factor").fresh_for_access(),
    viewer("GET", "/api/v1/tokens"),
    viewer("POST", "/api/v1/tokens").fresh_for_access(),
    viewer("DELETE", "/api/v1/tokens/{name}"),
];

/// All routes, for tests that call each of them.
#[doc(hidden)]
pub fn access_routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|line| (line.method, line.path))
}

/// The line of a route.
pub(crate) fn line(method: &Method, path: &str) -> Option<&'static Line> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    TABLE.iter().find(|line| line.method == method && line.path == path)
}

/// Why it could not be found out who asks.
#[derive(Clone, Debug)]
struct Unknown(Problem);

/// Finds out who asks: a browser that sends the cookie of a session, or a program that sends an API token, which opens the API only and
/// with which no cookie counts. Whether they may is for [`guard`].
pub(crate) async fn identify(
    State(state): State<Arc<WebState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let network = network::of(request.extensions(), request.headers(), &state.people.proxies);
    let found = match api_token::sent(request.headers()) {
        Some(token) if !is_page(request.uri().path()) => {
            api_token::of(&state, token, network).await.map(Some)
        }
        Some(_) => Ok(None),
        None => session::of(&state, request.headers(), network)
            .await
            .map(|found| found.map(|(session, person)| Asker::signed_in(session, person))),
    };
    match found {
        Ok(Some(asker)) => _ = request.extensions_mut().insert(asker),
        Ok(None) => {}
        Err(problem) => _ = request.extensions_mut().insert(Unknown(problem)),
    }
    next.run(request).await
}

/// Lets a request through to its route if whoever asks may.
pub(crate) async fn guard(State(state): State<Arc<WebState>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match admit(&state, &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(Refusal::Problem(problem)) => problem.into_response(),
        Err(Refusal::Elsewhere(location)) => see(&location),
    }
}

/// Why a request does not go on.
enum Refusal {
    Problem(Box<Problem>),
    /// It is first to be said there who asks.
    Elsewhere(String),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

fn admit(state: &WebState, parts: &Parts) -> Result<(), Refusal> {
    // What leads nowhere is answered as that, to anybody.
    let Some(path) = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str) else { return Ok(()) };
    let asker = parts.extensions.get::<Asker>();
    if !asker.is_some_and(|asker| matches!(asker.way, Way::Socket)) {
        same_origin::check(state, parts)?;
    }
    // Asks which methods there are, and no handler takes it.
    if parts.method == Method::OPTIONS {
        return Ok(());
    }
    let line = line(&parts.method, path).ok_or_else(|| no_line(&parts.method, path))?;
    let Least::Role(least) = line.least else { return Ok(()) };
    let Some(asker) = asker else {
        return Err(match parts.extensions.get::<Unknown>() {
            Some(Unknown(problem)) => problem.clone().into(),
            None if is_page(path) => Refusal::Elsewhere(sign_in_first(parts)),
            None => not_signed_in().into(),
        });
    };
    if line.whole && asker.user != state.user {
        return Err(not_your_team().into());
    }
    if asker.role < least {
        return Err(role_needed(least, asker.role).into());
    }
    match line.fresh.map(|matter| asker.need_fresh(matter, state.now())) {
        None | Some(Ok(())) => Ok(()),
        Some(Err(_)) if line.in_its_form => Ok(()),
        Some(Err(problem)) if is_page(path) && problem.code == FRESH_FACTOR_NEEDED => {
            Err(Refusal::Elsewhere(confirm_first(parts)))
        }
        Some(Err(problem)) => Err(problem.into()),
    }
}

fn is_page(path: &str) -> bool {
    !path.starts_with("/api/") && path != "/events"
}

fn no_line(method: &Method, path: &str) -> Problem {
    if TABLE.iter().any(|line| line.path == path) {
        return Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            format!("this address does not take {method}"),
            "see that the command line and the server are of the same version",
        );
    }
    tracing::error!(%method, path, "a route has no line in the table of access, so nobody may use it");
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        "Unknown route",
        "there is nothing at this address",
        "see that the command line and the server are of the same version",
    )
}

fn role_needed(least: Role, role: Role) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "role_too_low",
        "Not with your role",
        format!("this takes the role {least}, and yours is {role}"),
        "ask an owner of your team to do it, or to change your role",
    )
    .with("needed", least.as_str())
    .with("role", role.as_str())
}

/// To the sign-in page, and back to what was wanted if that was a page.
fn sign_in_first(parts: &Parts) -> String {
    if parts.uri.path() == OAUTH_CALLBACK {
        // What stands in that address is for nobody else, and would be good for nothing afterwards.
        return with_next("/sign-in", Some("/connections/new"));
    }
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let back = matches!(parts.method, Method::GET | Method::HEAD) && wanted != "/";
    with_next("/sign-in", back.then_some(wanted))
}

/// To the page that asks for a proof, and back: to the page that was wanted, or to the one whose form was sent.
pub(crate) fn confirm_first(parts: &Parts) -> String {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return with_next("/confirm", parts.uri.path_and_query().map(|wanted| wanted.as_str()));
    }
    let referer = parts.headers.get(header::REFERER).and_then(|text| text.to_str().ok());
    let form = referer.and_then(|text| text.parse::<http::Uri>().ok());
    let form = form.as_ref().map(without_done);
    // What was sent was not done, which the page says afterwards.
    let form =
        form.map(|form| format!("{form}{}done={CONFIRMED}", if form.contains('?') { '&' } else { '?' }));
    with_next("/confirm", form.as_deref())
}

/// The page from which somebody comes, if it is one of ours and not the one that asks for a proof.
pub(crate) fn came_from(headers: &HeaderMap) -> Option<String> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?.parse::<http::Uri>().ok()?;
    let page = without_done(&referer);
    local(&page).filter(|_| referer.path() != "/confirm").map(str::to_owned)
}

/// The address of a page, without the word for what was done before it was shown.
fn without_done(form: &http::Uri) -> String {
    let query = form.query().unwrap_or_default();
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done=")).collect();
    let joint = if kept.is_empty() { "" } else { "?" };
    format!("{}{joint}{}", form.path(), kept.join("&"))
}

pub(crate) fn with_next(page: &str, next: Option<&str>) -> String {
    let mut location = page.to_owned();
    if let Some(next) = next.and_then(local) {
        location.push_str("?next=");
        for byte in next.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
                location.push(char::from(byte));
            } else {
                location.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    location
}

/// The address, if it is one of a page of ours: a path from the root, and not of another host, whatever a browser makes of it.
pub(crate) fn local(next: &str) -> Option<&str> {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let rooted = next.starts_with('/') && !next.starts_with("//");
    (plain && rooted && next.len() <= 2000).then_some(next)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", true)]
    #[case("/keys?revoked=true", true)]
    #[case("/a//b", true)]
    #[case("", false)]
    #[case("keys", false)]
    #[case("//evil.example", false)]
    #[case("/\\evil.example", false)]
    #[case("/\t/evil.example", false)]
    #[case("/\n/evil.example", false)]
    #[case("https://evil.example", false)]
    #[case("javascript:alert(1)", false)]
    #[case("/é", false)]
    fn only_our_own_pages_are_gone_back_to(#[case] next: &str, #[case] fine: bool) {
        assert_eq!(local(next).is_some(), fine, "{next:?}");
    }

    #[rstest]
    #[case("https://p.example/freeze?done=frozen", "/freeze")]
    #[case("https://p.example/freeze?what=key&done=frozen&name=bot", "/freeze?what=key&name=bot")]
    #[case("https://p.example/", "/")]
    fn after_a_proof_the_page_does_not_say_again_what_was_done(#[case] page: &str, #[case] back: &str) {
        assert_eq!(without_done(&page.parse().unwrap()), back);
    }

    #[test]
    fn no_route_stands_twice() {
        let mut seen = BTreeSet::new();
        for line in TABLE {
            assert!(seen.insert((line.method, line.path)), "{} {}", line.method, line.path);
        }
    }

    /// The routes that the sources of this crate make, which is all that there are: `.route("PATH", get(..).post(..))`.
    fn routes(folder: &Path, routes: &mut BTreeMap<String, BTreeSet<String>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self::routes(&path, routes);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("access.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                for piece in text.split(".route(").skip(1) {
                    let inside = within_parentheses(piece);
                    let inside = inside.trim_start();
                    let Some(rest) = inside.strip_prefix('"') else {
                        panic!("{}: a route must be given as a literal: {inside}", path.display())
                    };
                    let (route, handlers) = rest.split_once('"').unwrap();
                    let methods = routes.entry(route.to_owned()).or_default();
                    for method in ["get", "post", "patch", "delete", "put"] {
                        let call = format!("{method}(");
                        let is_call = |at: usize| {
                            !handlers[..at]
                                .ends_with(|before: char| before.is_alphanumeric() || before == '_')
                        };
                        if handlers.match_indices(&call).any(|(at, _)| is_call(at)) {
                            methods.insert(method.to_uppercase());
                        }
                    }
                    assert!(!methods.is_empty(), "{route} takes no method that this test knows");
                }
            }
        }
    }

    fn within_parentheses(text: &str) -> &str {
        let mut depth = 1;
        for (at, letter) in text.char_indices() {
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return &text[..at];
            }
        }
        text
    }

    #[test]
    fn every_route_has_a_line_and_every_line_a_route() {
        let mut found = BTreeMap::new();
        routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let mut made = BTreeSet::new();
        for (route, methods) in found {
            // What stands in the table of api.rs is nested under /api/v1; pages stand at the root.
            for method in methods {
                made.insert((method, route.clone()));
            }
        }
        // The monitoring listener is its own.
        let in_table: BTreeSet<(String, String)> = TABLE
            .iter()
            .map(|line| {
                let path = line.path.strip_prefix("/api/v1").unwrap_or(line.path);
                (line.method.to_owned(), path.to_owned())
            })
            .collect();
        let without: Vec<_> =
            made.iter().filter(|route| !in_table.contains(*route) && route.1 != "/metrics").collect();
        assert!(without.is_empty(), "routes without a line in TABLE of access.rs: {without:?}");
        let idle: Vec<_> = in_table.iter().filter(|line| !made.contains(*line)).collect();
        assert!(idle.is_empty(), "lines of TABLE without a route: {idle:?}");
    }
}
