//! What is around every page: places to go, who is here, what is frozen, what waits.

use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::audit::Actor;
use paddock_core::decide::Passing;
use paddock_store::{Connection, Subject};

use super::answer::Done;
use super::assets::Frame;
use super::text::{Moment, passing_words};
use crate::desk::Desk;
use crate::problem::Problem;

/// A place of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Connections,
    Keys,
    Rotations,
    Approvals,
    Activity,
    Account,
    Audit,
    Settings,
    /// A page that belongs to none, for example the one that freezes.
    Elsewhere,
}

/// One link of the navigation.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) label: &'static str,
    pub(crate) path: String,
    /// The letter that goes there after `g`.
    pub(crate) key: char,
    /// Whether this page is there.
    pub(crate) here: bool,
    /// How many things wait there.
    pub(crate) count: usize,
}

/// The account that the visitor works with unless they choose another.
#[derive(Debug)]
pub(crate) struct ActiveConnection {
    pub(crate) name: String,
    pub(crate) environment: &'static str,
}

/// The connection that a page is about. Its band says whether that is real money.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) environment: &'static str,
    pub(crate) connection: String,
    pub(crate) account_number: String,
}

/// The freeze of everything.
#[derive(Debug)]
pub(crate) struct EverythingFrozen {
    pub(crate) since: Option<Moment>,
    pub(crate) reason: Option<String>,
    /// What passes all the same, as a clause.
    pub(crate) passes: String,
}

/// What is around every page. A page is a template with a field `shell` that extends `base.html`.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    pub(crate) places: Vec<Place>,
    /// The name of the person who is signed in; nobody is named at the admin socket.
    pub(crate) person: Option<String>,
    /// Whether the visitor may do what takes an operator: what would be refused is not offered.
    pub(crate) operates: bool,
    /// Whether the visitor may do what takes an owner.
    pub(crate) owns: bool,
    pub(crate) active: Option<ActiveConnection>,
    pub(crate) about: Option<About>,
    pub(crate) everything_frozen: Option<EverythingFrozen>,
    /// How many connections are frozen by themselves.
    pub(crate) frozen_connections: usize,
    /// How many held requests wait for a person.
    pub(crate) approvals: usize,
    /// What was just done, as a sentence.
    pub(crate) done: Option<&'static str>,
}

impl Shell {
    /// Gathers what stands around the page `title` in `section`.
    pub(crate) async fn load(
        desk: &Desk,
        section: Section,
        title: impl Into<String>,
    ) -> Result<Self, Problem> {
        let now = desk.now();
        let connections = desk.store.connections(desk.user).await?;
        let waiting = desk.store.approvals(desk.user, Some(now), None, 1000).await?;
        let is_ours = |id| connections.iter().any(|row| row.id == id);
        let approvals = waiting.iter().filter(|approval| is_ours(approval.held.connection)).count();
        let person = match desk.actor() {
            Actor::Person { name, .. } => Some(name),
            _ => None,
        };
        Ok(Self {
            frame: Frame::new(),
            title: title.into(),
            places: places(section, &connections, approvals),
            person,
            operates: desk.may(Role::Operator),
            owns: desk.may(Role::Owner),
            active: connections.iter().find(|row| row.active).map(|row| ActiveConnection {
                name: row.name.clone(),
                environment: row.environment.as_str(),
            }),
            about: None,
            everything_frozen: everything_frozen(desk, now).await?,
            frozen_connections: connections.iter().filter(|row| row.frozen).count(),
            approvals,
            done: None,
        })
    }

    /// The page is about one connection: a band says which, and whether that is real money.
    #[must_use]
    pub(crate) fn about(mut self, connection: &Connection) -> Self {
        self.about = Some(About {
            environment: connection.environment.as_str(),
            connection: connection.name.clone(),
            account_number: connection.account_number.clone(),
        });
        self
    }

    /// Says what was just done. `sentences` are those of the page, by their code in the address; of another code nothing is said.
    #[must_use]
    pub(crate) fn done(mut self, done: &Done, sentences: &[(&str, &'static str)]) -> Self {
        self.done = done.among(sentences);
        self
    }
}

fn places(section: Section, connections: &[Connection], approvals: usize) -> Vec<Place> {
    let working = connections.iter().find(|row| row.active).or_else(|| connections.first());
    let account = working.map_or_else(|| "/connections".to_owned(), |row| format!("/accounts/{}", row.name));
    let place = |label, path: &str, key, own, count| Place {
        label,
        path: path.to_owned(),
        key,
        here: section == own,
        count,
    };
    vec![
        place("Overview", "/", 'o', Section::Overview, 0),
        place("Connections", "/connections", 'c', Section::Connections, 0),
        place("Access keys", "/keys", 'k', Section::Keys, 0),
        place("Rotations", "/rotations", 'r', Section::Rotations, 0),
        place("Approvals", "/approvals", 'p', Section::Approvals, approvals),
        place("Activity", "/activity", 'a', Section::Activity, 0),
        place("Account", &account, 't', Section::Account, 0),
        place("Audit", "/audit", 'u', Section::Audit, 0),
        place("Settings", "/settings", 's', Section::Settings, 0),
    ]
}

async fn everything_frozen(desk: &Desk, now: Timestamp) -> Result<Option<EverythingFrozen>, Problem> {
    let row = desk.store.freezes().await?.into_iter().find(|row| row.subject == Subject::Everything);
    Ok(match row {
        Some(row) => Some(EverythingFrozen {
            since: Some(Moment::ago(row.at, now)),
            // Whose words these are is the first team's.
            reason: row.reason.filter(|_| desk.runs_this()),
            passes: passing_words(row.passing),
        }),
        // The file or the signal holds, whatever the database says.
        None if desk.control.is_frozen_in_memory() => Some(EverythingFrozen {
            since: None,
            reason: Some("the file FREEZE in the data directory, or a signal".to_owned()),
            passes: passing_words(Passing::default()),
        }),
        None => None,
    })
}
