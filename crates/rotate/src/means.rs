//! What consumers may use of the world and of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use paddock_core::{Clock, Entropy};

use crate::Outbound;
use crate::consumers::Started;

/// Given to every consumer when it is connected.
#[derive(Clone, Debug)]
pub struct Means {
    /// The way to the network.
    pub outbound: Outbound,
    /// The clock: for signatures with a time, and for tokens that expire.
    pub clock: Arc<dyn Clock>,
    /// Randomness: for encryption, and for what must not be guessed.
    pub entropy: Arc<dyn Entropy>,
    /// What the operator allows on this machine.
    pub machine: Machine,
    /// What consumers remember while this process lives. They are made anew for every question; clones are the same.
    pub memory: Memory,
}

/// What consumers remember while a process lives. Nothing depends on it but how often something is asked.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub(crate) started: Started,
}

/// Files and programs of this machine that consumers may touch. They come from the operator's configuration and not from a page: whoever may set up
/// a consumer would otherwise write and run whatever this process may. Nothing is allowed until it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Folders, absolute, in which and below which files may be written.
    pub folders: Vec<PathBuf>,
    /// Programs, absolute, that may be run.
    pub programs: Vec<PathBuf>,
}

impl Machine {
    /// Whether files of this folder may be written.
    #[must_use]
    pub fn allows_folder(&self, folder: &Path) -> bool {
        // `starts_with` compares whole parts; a folder with `..` in it is not below anything.
        let plain = folder.components().all(|part| !matches!(part, std::path::Component::ParentDir));
        plain && folder.is_absolute() && self.folders.iter().any(|allowed| folder.starts_with(allowed))
    }

    /// Whether this program may be run.
    #[must_use]
    pub fn allows_program(&self, program: &Path) -> bool {
        program.is_absolute() && self.programs.iter().any(|allowed| allowed == program)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/srv/bots", true)]
    #[case("/srv/bots/one", true)]
    #[case("/srv/botsy", false)]
    #[case("/srv/bots/../secret", false)]
    #[case("/srv", false)]
    #[case("srv/bots", false)]
    fn only_named_folders_are_allowed(#[case] folder: &str, #[case] allowed: bool) {
        let machine = Machine { folders: vec!["/srv/bots".into()], ..Machine::default() };
        assert_eq!(machine.allows_folder(Path::new(folder)), allowed);
        assert!(!Machine::default().allows_folder(Path::new(folder)));
    }

    #[test]
    fn only_named_programs_are_allowed() {
        let machine = Machine { programs: vec!["/usr/local/bin/push".into()], ..Machine::default() };
        assert!(machine.allows_program(Path::new("/usr/local/bin/push")));
        assert!(!machine.allows_program(Path::new("/usr/local/bin/push2")));
        assert!(!machine.allows_program(Path::new("push")));
    }
}
