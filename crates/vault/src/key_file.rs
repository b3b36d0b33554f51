//! The file in which the key-encryption keys live.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use paddock_core::Entropy;
use zeroize::Zeroizing;

use crate::key_set::KeySet;

/// A key file has a few hundred bytes; anything much larger is another file.
const MAX_BYTES: u64 = 16 * 1024;

/// The path of a key file: a text file, readable by its owner only (0600), that must be kept apart from the database and
/// from its backups. It is replaced as a whole, so that after a crash either the old or the new content is there.
///
/// One process at a time may write it; the lock on the data directory sees to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
}

/// Why a key file cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("the key file {} does not exist", .0.display())]
    Missing(PathBuf),
    /// A new key file was to be made, and there is one already.
    #[error("the key file {} exists already", .0.display())]
    Exists(PathBuf),
    /// The path is a symbolic link, which another user might turn elsewhere.
    #[error("the key file {} is a symbolic link", .0.display())]
    Symlink(PathBuf),
    /// The path is a directory, a device or a pipe, or changed while it was opened.
    #[error("the key file {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The file's permissions let its group or everybody in.
    #[error("the key file {} is open to other users (mode {mode:04o})", .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is not that of a key file, or is damaged.
    #[error("line {line} of the key file {}: {problem}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it, without quoting it.
        problem: &'static str,
    },
    /// The operating system refused.
    #[error("cannot {act} the key file {}: {kind}", .path.display())]
    Io {
        /// `read` or `write`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        kind: io::ErrorKind,
    },
}

impl KeyFileError {
    /// What to do about it, as one clause.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing(_) => "put the key file that belongs to this database back in its place".to_owned(),
            Self::Exists(_) => "use the existing key file, or choose another path".to_owned(),
            Self::Symlink(_) => "give the path of the file itself".to_owned(),
            Self::NotAFile(path) => format!("see what is at {}, and give the path of a file", path.display()),
            Self::TooOpen { path, .. } => format!("run `chmod 600 {}`", path.display()),
            Self::Malformed { .. } => "restore the key file from its backup".to_owned(),
            Self::Io { .. } => {
                "see that the path is right and that this user owns the file and its directory".to_owned()
            }
        }
    }
}

impl KeyFile {
    /// A key file at `path`, which need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file with new random keys. Do so only for a database in which nothing is sealed yet: what other keys
    /// sealed, these do not open.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Exists`] if there is a file, which is left alone; [`KeyFileError::Io`] if the system refuses.
    pub fn create(&self, entropy: &dyn Entropy) -> Result<(), KeyFileError> {
        let staged = self.stage(&KeySet::generate(entropy)).map_err(|error| self.io("write", &error))?;
        // A hard link, unlike a rename, fails if the name is taken.
        let linked = std::fs::hard_link(&staged, &self.path);
        let removed = std::fs::remove_file(&staged);
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyFileError::Exists(self.path.clone()))
            }
            linked => linked
                .and(removed)
                .and_then(|()| self.sync_directory())
                .map_err(|error| self.io("write", &error)),
        }
    }

    /// Reads the keys.
    pub(crate) fn load(&self) -> Result<KeySet, KeyFileError> {
        let file = self.open_checked()?;
        // With the whole capacity reserved, reading leaves no copy behind in memory that was given back.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| self.io("read", &error))?;
        let malformed = |line, problem| KeyFileError::Malformed { path: self.path.clone(), line, problem };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(malformed(1, "this is much too long for a key file"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| malformed(1, "this is not text"))?;
        KeySet::from_text(text).map_err(|error| malformed(error.line, error.problem))
    }

    /// Replaces the file.
    pub(crate) fn replace(&self, keys: &KeySet) -> Result<(), KeyFileError> {
        self.stage(keys)
            .and_then(|staged| std::fs::rename(staged, &self.path))
            .and_then(|()| self.sync_directory())
            .map_err(|error| self.io("write", &error))
    }

    /// Opens the file for reading if it is a regular file that only its owner can read.
    fn open_checked(&self) -> Result<File, KeyFileError> {
        let named = std::fs::symlink_metadata(&self.path).map_err(|error| self.io("read", &error))?;
        if named.is_symlink() {
            return Err(KeyFileError::Symlink(self.path.clone()));
        }
        // Before opening: opening a pipe would wait for a writer.
        if !named.is_file() {
            return Err(KeyFileError::NotAFile(self.path.clone()));
        }
        let file = File::open(&self.path).map_err(|error| self.io("read", &error))?;
        // What was opened must be what was looked at, or a link may have been slipped in between.
        let opened = file.metadata().map_err(|error| self.io("read", &error))?;
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        if identity(&opened) != identity(&named) {
            return Err(KeyFileError::NotAFile(self.path.clone()));
        }
        match opened.mode() & 0o7777 {
            mode if mode & 0o077 != 0 => Err(KeyFileError::TooOpen { path: self.path.clone(), mode }),
            _ => Ok(file),
        }
    }

    /// Writes the keys to a new file beside this one, down to the disk.
    fn stage(&self, keys: &KeySet) -> io::Result<PathBuf> {
        let mut name = self.path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        name.push(".new");
        let staged = self.path.with_file_name(name);
        // What a crash left behind is a file that never counted.
        match std::fs::remove_file(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
        file.write_all(keys.to_text().as_bytes())?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Makes a change of names in the directory survive a power cut.
    fn sync_directory(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }

    fn io(&self, act: &'static str, error: &io::Error) -> KeyFileError {
        match error.kind() {
            io::ErrorKind::NotFound if act == "read" => KeyFileError::Missing(self.path.clone()),
            kind => KeyFileError::Io { act, path: self.path.clone(), kind },
        }
    }
}
