//! What the vault does not open: told by the step that needed it, so that everything else goes on and a person reads what to do.

use paddock_core::rotation::{Event, Failure};
use paddock_store::StoreError;
use paddock_vault::VaultError;

use crate::RotateError;

/// The failure of a step that needed `what`.
///
/// # Errors
/// Any other error as it is: the database cannot take part, and the step is done again.
pub(crate) fn unreadable(error: RotateError, what: &str) -> Result<Failure, RotateError> {
    let fault = match error {
        RotateError::Vault(fault) => fault,
        RotateError::Store(StoreError::NotFound { what: lacking }) => {
            let message = format!("{what} cannot be read: there is no {lacking}");
            return Ok(Failure::new("secret_unreadable", message, "put it there again, then resume"));
        }
        other => return Err(other),
    };
    let message = format!("{what} cannot be read: {fault}");
    let failure = Failure::new("secret_unreadable", message, fault.hint());
    Ok(match fault {
        // Nothing is wrong with what is stored.
        VaultError::Locked(_) | VaultError::NoMemory => failure.passing(),
        // A hint for connections: consumers have their own, and a pair is pasted again.
        VaultError::DoesNotOpen(_) | VaultError::Malformed(_) | VaultError::WrongDek => {
            let next_step = "find out who changed the database; then put it there again, and resume";
            Failure { next_step: next_step.to_owned(), ..failure }
        }
        _ => failure,
    })
}

/// The same for a step that makes an event.
pub(crate) fn or_told(
    done: Result<Event, RotateError>,
    what: &str,
    failed: impl FnOnce(Failure) -> Event,
) -> Result<Event, RotateError> {
    done.or_else(|error| unreadable(error, what).map(failed))
}
