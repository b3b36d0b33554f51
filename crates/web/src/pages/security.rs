//! `/settings/security`: the second factor and the sessions of whoever is signed in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};
use paddock_core::SecretText;

use super::answer::{self, Done};
use super::form::FormView;
use super::sessions::{self, SessionRow};
use super::shell::{Section, Shell};
use super::text::Moment;
use crate::WebState;
use crate::api;
use crate::api::second_factor::{live_accounts, turn_off_own};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::fresh::Matter;
use crate::problem::Problem;
use crate::second_factor::{self, Offer};
use crate::{qr, recovery};

const HOME: &str = "/settings/security";

/// What may just have been done, by its code in the address.
const DONE: [(&str, &str); 6] = [
    (
        "recovery-code-used",
        "A recovery code stood in for your app, and is used up. See below how many are left.",
    ),
    ("second-factor-off", "The second factor is off, and its recovery codes are good for nothing any more."),
    ("password-changed", "Your password is changed, and your other sessions are signed out."),
    (
        "password-changed-and-tokens",
        "Your password is changed. Your other sessions are signed out, and your API tokens are revoked.",
    ),
    ("session-ended", "The session was signed out."),
    ("sessions-ended", "All your other sessions were signed out."),
];

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/settings/security", get(show))
        .route("/settings/security/second-factor", get(before_setup).post(set_up))
        .route("/settings/security/second-factor/confirm", get(before_confirm).post(confirm))
        .route("/settings/security/second-factor/off", get(before_off).post(turn_off))
        .route("/settings/security/recovery-codes", get(before_codes).post(new_codes))
}

#[derive(Debug, Template)]
#[template(path = "security/show.html")]
struct Security {
    shell: Shell,
    /// Whether the visitor was sent here on the way to real money.
    needed: bool,
    on_since: Option<Moment>,
    codes_left: u32,
    codes: usize,
    sessions: Vec<SessionRow>,
}

/// A second factor that is being set up.
#[derive(Template)]
#[template(path = "security/setup.html")]
struct Setup {
    shell: Shell,
    offer: Option<Shown>,
    /// Whether a secret was shown already.
    begun: bool,
    form: FormView,
}

/// What the visitor puts into their app.
struct Shown {
    secret: String,
    picture: Option<String>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
        zeroize::Zeroize::zeroize(&mut self.picture);
    }
}

#[derive(Template)]
#[template(path = "security/codes.html")]
struct Codes<'a> {
    shell: Shell,
    codes: Vec<&'a str>,
    /// The same as a file.
    download: String,
    turned_on: bool,
}

/// One question with one button.
#[derive(Debug, Template)]
#[template(path = "security/ask.html")]
struct Ask {
    shell: Shell,
    words: &'static str,
    action: &'static str,
    button: &'static str,
    danger: bool,
    /// The live accounts that it is done in spite of.
    live: Vec<String>,
    form: FormView,
}

async fn show(desk: Desk, done: Done, uri: Uri) -> Result<Response, Problem> {
    let person = desk.somebody()?;
    let now = desk.now();
    let factor = desk.store.second_factor(person.id).await?;
    let on_since = factor.and_then(|factor| factor.confirmed_at).map(|at| Moment::ago(at, now));
    answer::page(&Security {
        shell: Shell::load(&desk, Section::Settings, "Your sign-in").await?.done(&done, &DONE),
        needed: uri.query() == Some("needed=live") && on_since.is_none(),
        on_since,
        codes_left: desk.store.recovery_codes_left(person.id).await?,
        codes: recovery::CODES,
        sessions: sessions::rows(&desk).await?,
    })
}

async fn before_setup(desk: Desk) -> Result<Response, Problem> {
    desk.need_fresh(Matter::Access)?;
    if second_factor::is_on(&desk, desk.somebody()?.id).await? {
        return Ok(answer::see(HOME));
    }
    setup_page(&desk, None, false, FormView::blank()).await
}

/// Makes a secret and shows it, in this answer and no other.
async fn set_up(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    desk.need_fresh(Matter::Access)?;
    let offer = second_factor::begin(&desk, desk.somebody()?).await?;
    setup_page(&desk, Some(&offer), true, FormView::blank()).await
}

async fn setup_page(
    desk: &Desk,
    offer: Option<&Offer>,
    begun: bool,
    form: FormView,
) -> Result<Response, Problem> {
    let status = form.problem.as_ref().map_or(StatusCode::OK, Problem::http_status);
    let shell = Shell::load(desk, Section::Settings, "Turn on the second factor").await?;
    let offer = offer.map(|offer| Shown {
        secret: offer.secret.expose().to_owned(),
        picture: qr::svg(offer.uri.expose()),
    });
    answer::page_with(status, &Setup { shell, offer, begun, form })
}

async fn before_confirm(desk: Desk) -> Result<Response, Problem> {
    desk.need_fresh(Matter::Access)?;
    setup_page(&desk, None, true, FormView::blank()).await
}

async fn confirm(desk: Desk, mut fields: FormFields) -> Result<Response, Problem> {
    let code = fields.0.need_secret("code", "the six digits that the app shows");
    let turned_on = match code {
        Ok(code) => api::second_factor::turn_on(&desk, &code).await,
        Err(problem) => Err(problem),
    };
    match turned_on {
        Ok(codes) => codes_page(&desk, &codes, true).await,
        Err(problem) if problem.at_field().is_some() => {
            setup_page(&desk, None, true, FormView::blank().refused(problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn codes_page(desk: &Desk, codes: &[SecretText], turned_on: bool) -> Result<Response, Problem> {
    let shell = Shell::load(desk, Section::Settings, "Your recovery codes").await?;
    let codes: Vec<&str> = codes.iter().map(SecretText::expose).collect();
    // A file without a round to the server, which has forgotten them by then.
    let download =
        format!("data:text/plain;charset=utf-8,Paddock%20recovery%20codes%0A{}%0A", codes.join("%0A"));
    answer::page(&Codes { shell, codes, download, turned_on })
}

async fn before_codes(desk: Desk) -> Result<Response, Problem> {
    desk.need_fresh(Matter::Access)?;
    answer::page(&Ask {
        shell: Shell::load(&desk, Section::Settings, "New recovery codes").await?,
        words: "You get ten new codes, shown once. Those that you have now are good for nothing from then on.",
        action: "/settings/security/recovery-codes",
        button: "Make new codes",
        danger: false,
        live: Vec::new(),
        form: FormView::blank(),
    })
}

async fn new_codes(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    desk.need_fresh(Matter::Access)?;
    let codes = second_factor::new_codes(&desk, desk.somebody()?).await?;
    codes_page(&desk, &codes, false).await
}

async fn before_off(desk: Desk) -> Result<Response, Problem> {
    desk.need_fresh(Matter::Access)?;
    let live = live_accounts(&desk).await?;
    off_page(&desk, live, FormView::blank()).await
}

async fn off_page(desk: &Desk, live: Vec<String>, form: FormView) -> Result<Response, Problem> {
    let status = form.problem.as_ref().map_or(StatusCode::OK, Problem::http_status);
    let page = Ask {
        shell: Shell::load(desk, Section::Settings, "Turn the second factor off").await?,
        words: "Your password alone will then let you in. Your recovery codes end with it.",
        action: "/settings/security/second-factor/off",
        button: "Turn it off",
        danger: true,
        live,
        form,
    };
    answer::page_with(status, &page)
}

async fn turn_off(desk: Desk, FormFields(mut fields): FormFields) -> Result<Response, Problem> {
    let knowingly = fields.text("knowingly")?.is_some();
    fields.finish(&["knowingly"])?;
    match turn_off_own(&desk, knowingly).await {
        Ok(()) => Ok(answer::done(HOME, "second-factor-off")),
        Err(problem) if problem.code == "live_accounts" => {
            let live = live_accounts(&desk).await?;
            off_page(&desk, live, FormView::blank().refused(problem)).await
        }
        Err(problem) => Err(problem),
    }
}
