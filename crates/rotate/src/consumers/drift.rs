//! When what is there is not what should be there, and how settings of paths are checked.

use crate::{Fault, FaultKind, SettingsFault};

/// Somebody else changed it between the look and now.
pub(super) fn changed_meanwhile(what: &str) -> Fault {
    let message = format!("{what} was changed by somebody else since it was looked at");
    Fault::new(FaultKind::Conflict, message, "It is looked at again before anything is written.")
}

/// What was written cannot be seen yet.
pub(super) fn not_yet(what: &str) -> Fault {
    let message = format!("{what} does not show the new pair yet");
    Fault::new(FaultKind::NotYet, message, "It is asked again.")
}

/// What a person does when somebody else wrote there after us.
pub(super) const PUT_AGAIN: &str =
    "Find out who else writes there; then take it over, which puts the pair there again, or leave it out.";

/// What was written is gone again.
pub(super) fn overwritten(what: &str) -> Fault {
    let message = format!("{what} holds another pair than the one that was written");
    Fault::new(FaultKind::Overwritten, message, PUT_AGAIN)
}

/// A proof of something that was put by a Paddock that did not tell which change it was.
pub(super) fn not_told(what: &str) -> Fault {
    let message = format!("which change of {what} has the pair was not seen");
    Fault::new(FaultKind::Unexpected, message, "Resume: the pair is put there once more.")
}

/// Checks that a setting is given, has no control characters and at most `most` bytes.
pub(super) fn check_text(field: &'static str, text: &str, most: usize) -> Result<(), SettingsFault> {
    let problem = if text.trim().is_empty() {
        "it is missing".to_owned()
    } else if text.len() > most {
        format!("it has more than {most} characters")
    } else if text.chars().any(char::is_control) {
        "it has a line break or another control character".to_owned()
    } else {
        return Ok(());
    };
    Err(SettingsFault { field, problem })
}

/// Checks a name that becomes one segment of a path.
pub(super) fn check_segment(field: &'static str, name: &str) -> Result<(), SettingsFault> {
    check_text(field, name, 255)?;
    if name.contains('/') || matches!(name, "." | "..") {
        return Err(SettingsFault { field, problem: "write a name without slashes".to_owned() });
    }
    Ok(())
}

/// Checks a path of several segments: none may lead elsewhere.
pub(super) fn check_path(field: &'static str, path: &str) -> Result<(), SettingsFault> {
    check_text(field, path, 500)?;
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(SettingsFault { field, problem: "write the path without . and ..".to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("apps/bot", true)]
    #[case("apps/../bot", false)]
    #[case("", false)]
    #[case("a\nb", false)]
    fn paths_are_judged(#[case] path: &str, #[case] good: bool) {
        assert_eq!(check_path("path", path).is_ok(), good);
    }
}
