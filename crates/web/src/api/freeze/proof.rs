//! Who may let go on what was frozen: that depends on whose money it is about.

use paddock_core::Environment;
use paddock_store::{Connection, Subject};

use crate::desk::Desk;
use crate::problem::Problem;

/// What was frozen goes on only for whoever has proved who they are, and where it is about real money, has a second factor at all.
pub(crate) async fn need(desk: &Desk, subject: Subject) -> Result<(), Problem> {
    let of_key = match subject {
        Subject::Key(id) => desk.store.key(id).await?.map(|key| key.connection),
        Subject::Everything | Subject::Connection(_) => None,
    };
    let is_meant = |row: &Connection| match subject {
        Subject::Everything => true,
        Subject::Connection(id) => row.id == id,
        Subject::Key(_) => of_key == Some(row.id),
    };
    let mut connections = desk.store.connections(desk.user).await?;
    if subject == Subject::Everything {
        connections.extend(others(desk).await?);
    }
    let is_live = connections.iter().any(|row| is_meant(row) && row.environment == Environment::Live);
    desk.need_proof_for(if is_live { Environment::Live } else { Environment::Paper }).await
}

/// The connections of other teams, which a freeze of everything is of too where the first team freezes it.
pub(crate) async fn others(desk: &Desk) -> Result<Vec<Connection>, Problem> {
    let mut others = Vec::new();
    if desk.runs_this() {
        for team in desk.store.teams().await?.into_iter().filter(|team| team.id != desk.user) {
            others.extend(desk.store.connections(team.id).await?);
        }
    }
    Ok(others)
}
