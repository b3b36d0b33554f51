//! `/settings/people`: who is in the team, who is invited, and changes of both.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use paddock_core::Role;

use super::answer::{self, Done};
use super::form::FormView;
use super::shell::{Section, Shell};
use super::text::Moment;
use crate::WebState;
use crate::api::people::{self, InvitationView, change, invitations};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::name::PathName;
use crate::problem::Problem;

const HOME: &str = "/settings/people";

/// What may just have been done, by its code in the address.
const DONE: [(&str, &str); 3] = [
    ("role", "The role is changed. It holds from their next click on."),
    ("removed", "The person is removed and signed out everywhere. What they did stays in the audit."),
    ("withdrawn", "The invitation is withdrawn; its link does not work any more."),
];

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/settings/people", get(show))
        .route("/settings/people/invite", get(before_invite).post(invite))
        .route("/settings/people/invitations/{id}/withdraw", get(ask_withdraw).post(withdraw))
        .route("/settings/people/{name}", get(person))
        .route("/settings/people/{name}/role", post(set_role))
        .route("/settings/people/{name}/remove", post(remove))
}

#[derive(Debug, Template)]
#[template(path = "people/people.html")]
struct People {
    shell: Shell,
    team: String,
    people: Vec<Row>,
    invitations: Vec<Invitation>,
    /// Whether the visitor may change any of it.
    owner: bool,
}

#[derive(Debug)]
struct Row {
    name: String,
    role: &'static str,
    joined: Moment,
    /// Whether it is the visitor.
    own: bool,
}

#[derive(Debug)]
struct Invitation {
    id: String,
    label: String,
    what: String,
    given: Moment,
    expires: Moment,
}

impl Invitation {
    fn new(view: InvitationView, now: Timestamp) -> Self {
        Self {
            id: view.id.to_string(),
            label: view.label,
            what: match view.founds {
                Some(team) => format!("founds the team {team}"),
                None => format!("joins as {}", view.role),
            },
            given: Moment::ago(view.created_at, now),
            expires: Moment::clock(view.expires_at, now),
        }
    }
}

async fn show(desk: Desk, done: Done) -> Result<Response, Problem> {
    let now = desk.now();
    let own = desk.person.as_ref().map(|person| person.id);
    let owner = desk.may(Role::Owner);
    let open = if owner { invitations::open(&desk).await? } else { Vec::new() };
    answer::page(&People {
        shell: Shell::load(&desk, Section::Settings, "People").await?.done(&done, &DONE),
        team: desk.store.team(desk.user).await?.map(|team| team.name).unwrap_or_default(),
        people: desk
            .store
            .persons(desk.user)
            .await?
            .into_iter()
            .map(|person| Row {
                own: Some(person.id) == own,
                name: person.name,
                role: person.role.as_str(),
                joined: Moment::ago(person.created_at, now),
            })
            .collect(),
        invitations: open.into_iter().map(|view| Invitation::new(view, now)).collect(),
        owner,
    })
}

#[derive(Debug, Template)]
#[template(path = "people/invite.html")]
struct Invite {
    shell: Shell,
    form: FormView,
    /// Whether another team may be founded.
    founds: bool,
}

async fn invite_page(desk: &Desk, form: FormView) -> Result<Response, Problem> {
    let status = form.problem.as_ref().map_or(http::StatusCode::OK, Problem::http_status);
    let shell = Shell::load(desk, Section::Settings, "Invite somebody").await?;
    answer::page_with(status, &Invite { shell, form, founds: desk.runs_this() })
}

async fn before_invite(desk: Desk) -> Result<Response, Problem> {
    invite_page(&desk, FormView::blank().with("role", "viewer")).await
}

#[derive(Template)]
#[template(path = "people/invited.html")]
struct Invited<'a> {
    shell: Shell,
    link: &'a str,
    label: &'a str,
    expires: Moment,
}

async fn invite(desk: Desk, fields: FormFields) -> Result<Response, Problem> {
    let form = FormView::keep(&fields, &["for", "role", "team"]);
    match invitations::give(&desk, fields.0).await {
        // The link is told in this answer and no other.
        Ok(made) => answer::page(&Invited {
            shell: Shell::load(&desk, Section::Settings, "Invitation").await?,
            link: made.address.expose(),
            label: &made.link.label,
            expires: Moment::clock(made.link.expires_at, desk.now()),
        }),
        Err(problem) => invite_page(&desk, form.refused(problem)).await,
    }
}

#[derive(Debug, Template)]
#[template(path = "people/withdraw.html")]
struct Withdraw {
    shell: Shell,
    invitation: Invitation,
}

/// Asks whether an invitation shall be withdrawn.
async fn ask_withdraw(desk: Desk, PathName(id): PathName) -> Result<Response, Problem> {
    let invitation = Invitation::new(invitations::named(&desk, &id).await?, desk.now());
    let shell = Shell::load(&desk, Section::Settings, "Withdraw an invitation").await?;
    answer::page(&Withdraw { shell, invitation })
}

async fn withdraw(desk: Desk, PathName(id): PathName, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    invitations::take_back(&desk, &id).await?;
    Ok(answer::done(HOME, "withdrawn"))
}

#[derive(Debug, Template)]
#[template(path = "people/person.html")]
struct OnePerson {
    shell: Shell,
    name: String,
    role: &'static str,
    joined: Moment,
    own: bool,
    form: FormView,
}

async fn person_page(desk: &Desk, name: &str, form: FormView) -> Result<Response, Problem> {
    let person = people::named(desk, name).await?;
    let status = form.problem.as_ref().map_or(http::StatusCode::OK, Problem::http_status);
    let form = if form.value("role").is_empty() { form.with("role", person.role.as_str()) } else { form };
    answer::page_with(
        status,
        &OnePerson {
            shell: Shell::load(desk, Section::Settings, person.name.clone()).await?,
            own: desk.person.as_ref().is_some_and(|own| own.id == person.id),
            name: person.name,
            role: person.role.as_str(),
            joined: Moment::ago(person.created_at, desk.now()),
            form,
        },
    )
}

async fn person(desk: Desk, PathName(name): PathName) -> Result<Response, Problem> {
    person_page(&desk, &name, FormView::blank()).await
}

async fn set_role(desk: Desk, PathName(name): PathName, fields: FormFields) -> Result<Response, Problem> {
    let form = FormView::keep(&fields, &["role"]);
    let mut fields = fields.0;
    let role = change::need_role(&mut fields)?;
    fields.finish(&["role"])?;
    match change::set_role(&desk, &name, role).await {
        Ok(_) => Ok(answer::done(HOME, "role")),
        Err(problem) => person_page(&desk, &name, form.refused(problem)).await,
    }
}

async fn remove(desk: Desk, PathName(name): PathName, fields: FormFields) -> Result<Response, Problem> {
    fields.0.finish(&[])?;
    match change::take_out(&desk, &name).await {
        Ok(_) if desk.person.as_ref().is_some_and(|own| own.name == name) => {
            Ok(super::sign_in::with_cookie(answer::see("/sign-in"), desk.people.forget_cookie()))
        }
        Ok(_) => Ok(answer::done(HOME, "removed")),
        Err(problem) => person_page(&desk, &name, FormView::blank().refused(problem)).await,
    }
}
