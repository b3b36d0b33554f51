//! For real money a name is typed before something is done that costs it.

use paddock_core::Environment;
use paddock_store::Connection;

use crate::problem::Problem;

/// Whether that is the name.
pub(super) fn is_typed(name: &str, typed: &str) -> Result<(), Problem> {
    if typed.trim() == name {
        return Ok(());
    }
    Err(Problem::field("typed", format!("`{name}`, since this is real money")))
}

/// Whether what is about a connection may be done: on paper without more, for real money with its name.
pub(super) fn confirm(connection: &Connection, typed: Option<&str>) -> Result<(), Problem> {
    match connection.environment {
        Environment::Paper => Ok(()),
        Environment::Live => is_typed(&connection.name, typed.unwrap_or_default()),
    }
}
