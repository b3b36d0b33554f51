//! The pages behind links that work once: `/setup/{token}` makes the first owner, `/invitations/{token}` anybody else, and
//! `/reset/{token}` sets another password.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::request::Parts;
use paddock_core::SecretText;
use paddock_core::id::{PersonId, UserId};
use paddock_store::{Link, LinkFor, Newcomer, StoreError};

use super::answer;
use super::assets::Frame;
use super::form::FormView;
use super::sign_in::with_cookie;
use crate::WebState;
use crate::api::tokens;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::people::{network, password, person_name, session, sign_in, token};
use crate::problem::Problem;

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/setup/{token}", get(show).post(submit))
        .route("/invitations/{token}", get(show).post(submit))
        .route("/reset/{token}", get(show).post(submit))
}

#[derive(Debug, Template)]
#[template(path = "people/join.html")]
struct Join {
    frame: Frame,
    form: FormView,
    /// The page's own address, to which its form goes.
    action: String,
    what: What,
}

/// What the link is for, in words.
#[derive(Debug)]
enum What {
    Setup,
    /// The team's name and the role.
    Join(String, &'static str),
    /// The name of the team to be.
    Found(String),
    /// The person's name, and how many API tokens of theirs open something.
    Reset(String, usize),
}

/// The link does not work, or not any more. Whether there ever was one is not said.
pub(super) fn gone() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "link_gone",
        "This link does not work",
        "it was used, was withdrawn or has expired, or it was not copied whole",
        "ask whoever gave it to you for a new one; a new set-up link is printed when Paddock starts",
    )
}

struct Opened {
    link: Link,
    hash: [u8; 32],
    what: What,
    action: String,
}

async fn open(state: &WebState, parts: &Parts, typed: String) -> Result<Opened, Problem> {
    let hash = token::hash(SecretText::new(typed).expose()).ok_or_else(gone)?;
    let link = state.store.link(&hash, state.now()).await?.ok_or_else(gone)?;
    let action = parts.uri.path().to_owned();
    let folder = action.split('/').nth(1).unwrap_or_default();
    let what = match (&link.purpose, folder) {
        (LinkFor::Setup, "setup") if !state.store.has_persons().await? => What::Setup,
        (LinkFor::Join { team, role }, "invitations") => {
            let team = state.store.team(*team).await?.ok_or_else(gone)?;
            What::Join(team.name, role.as_str())
        }
        (LinkFor::Found { name, .. }, "invitations") => What::Found(name.clone()),
        (LinkFor::Reset(person), "reset") => {
            let (person, _) = state.store.person(*person).await?.ok_or_else(gone)?;
            let tokens = tokens::count_of(state, &person).await?;
            What::Reset(person.name, tokens)
        }
        _ => return Err(gone()),
    };
    Ok(Opened { link, hash, what, action })
}

async fn show(
    State(state): State<Arc<WebState>>,
    PathName(token): PathName,
    parts: Parts,
) -> Result<Response, Problem> {
    let Opened { what, action, .. } = open(&state, &parts, token).await?;
    answer::page(&Join { frame: Frame::new(), form: FormView::blank(), action, what })
}

async fn submit(
    State(state): State<Arc<WebState>>,
    PathName(token): PathName,
    parts: Parts,
    fields: FormFields,
) -> Result<Response, Problem> {
    let opened = open(&state, &parts, token).await?;
    let form = FormView::keep(&fields, &["name"]);
    match take(&state, &parts, &opened, fields).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            let status = problem.http_status();
            let Opened { what, action, .. } = opened;
            answer::page_with(
                status,
                &Join { frame: Frame::new(), form: form.refused(problem), action, what },
            )
        }
    }
}

/// Uses the link up. A problem leaves it as it is.
async fn take(
    state: &Arc<WebState>,
    parts: &Parts,
    opened: &Opened,
    fields: FormFields,
) -> Result<Response, Problem> {
    let mut fields = fields.0;
    let name = match &opened.what {
        What::Reset(name, _) => name.clone(),
        _ => person_name::choose(&fields.need_text("name", "the name by which you will sign in")?)?,
    };
    let chosen = fields.need_secret("password", "a password of at least 12 characters")?;
    let again = fields.need_secret("again", "the same password once more")?;
    fields.finish(&["name", "password", "again"])?;
    password::check_choice("password", &chosen, &name)?;
    if chosen != again {
        return Err(passwords_differ());
    }
    let from = network::of_parts(parts, state);
    // A hash costs this machine something, whoever asks for it: a link is a secret, but tries are few all the same.
    let attempt = state.people.throttle.begin(&hex::encode(opened.hash), from, state.now());
    let attempt = attempt.map_err(|wait| sign_in::too_often(wait.as_secs() + 1))?;
    let kept = state.people.passwords.hash(chosen, Arc::clone(&state.entropy)).await?;
    let now = state.now();
    if let LinkFor::Reset(_) = opened.link.purpose {
        state.store.reset_password(&opened.hash, &kept, now).await.map_err(of_link)?;
        state.people.throttle.succeeded(&attempt);
        return Ok(answer::see("/sign-in?done=password-set"));
    }
    let newcomer = Newcomer {
        id: PersonId::generate(now, &*state.entropy),
        name,
        password: kept,
        team: UserId::generate(now, &*state.entropy),
    };
    let person = state.store.join(&opened.hash, &newcomer, now).await.map_err(of_link)?;
    state.people.throttle.succeeded(&attempt);
    let token = session::begin(state, person.id, &parts.headers, from, Some(now)).await?;
    Ok(with_cookie(answer::see("/welcome"), state.people.set_cookie(&token)))
}

/// The password was typed twice, and not the same.
pub(super) fn passwords_differ() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "passwords_differ",
        "The two passwords differ",
        "what was typed the second time is not what was typed the first time",
        "type the same password twice",
    )
    .with("field", "again")
}

fn of_link(error: StoreError) -> Problem {
    match error {
        StoreError::LinkGone => gone(),
        StoreError::NameTaken { .. } => Problem::new(
            StatusCode::CONFLICT,
            "name_taken",
            "Name taken",
            "somebody here signs in under this name",
            "choose another name, for example with your family name",
        )
        .with("field", "name"),
        other => other.into(),
    }
}
