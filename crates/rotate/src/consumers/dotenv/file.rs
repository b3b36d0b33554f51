//! Replaces a file as a whole: whoever reads it sees the old or the new text, also after a loss of power.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Gid, Mode, OFlags, RawMode, Stat, Uid};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::{Fault, FaultKind};

/// Largest file that is edited, in bytes.
const LARGEST: i64 = 1024 * 1024;

/// The folder of a file, opened without following links.
pub(super) struct Folder {
    fd: OwnedFd,
    name: OsString,
    path: PathBuf,
}

/// A file that was read.
pub(super) struct Found {
    pub(super) text: Zeroizing<Vec<u8>>,
    /// Changes whenever the file does.
    pub(super) version: String,
    stat: Stat,
}

impl Folder {
    /// Opens the folder of `path`.
    ///
    /// # Errors
    /// [`Fault`] when the way there leads through a link, or everybody may write there.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(trap("the path names no file", "Write the whole path of the file."));
        };
        let real = folder.canonicalize().map_err(|error| failed(&error, path))?;
        if real != folder {
            let next_step = format!("Name the folder itself: {}", real.display());
            return Err(trap("the way to the file leads through a link", &next_step));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::open(folder, flags, Mode::empty()).map_err(|error| failed(&error.into(), path))?;
        let mode = fs::fstat(&fd).map_err(|error| failed(&error.into(), path))?.st_mode;
        if Mode::from_raw_mode(mode).contains(Mode::WOTH) {
            let next_step = "Take that right away: chmod o-w on the folder.";
            return Err(trap("everybody on the machine may write in the folder", next_step));
        }
        Ok(Self { fd, name: name.to_owned(), path: path.to_owned() })
    }

    /// Keeps other Paddocks out until this is dropped.
    pub(super) fn lock(&self) -> Result<(), Fault> {
        fs::flock(&self.fd, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == Errno::WOULDBLOCK {
                let message = "another process is changing a file in the folder";
                return Fault::new(FaultKind::Conflict, message, "It is tried again.");
            }
            self.failed(error)
        })
    }

    /// Reads the file; `None` when there is none.
    pub(super) fn read(&self) -> Result<Option<Found>, Fault> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match fs::openat(&self.fd, &self.name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => {
                return Err(trap("the file is a link", "Name the file that it leads to."));
            }
            Err(error) => return Err(self.failed(error)),
        };
        let stat = fs::fstat(&fd).map_err(|error| self.failed(error))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(trap("it is no file", "Name a file, not a folder or a device."));
        }
        if stat.st_nlink > 1 {
            let next_step = "Keep one name: the others would go on holding the old pair.";
            return Err(trap("the file has several names (hard links)", next_step));
        }
        if stat.st_size > LARGEST {
            return Err(trap("the file has more than 1 MiB", "Check the path."));
        }
        let mut text =
            Zeroizing::new(Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or_default() + 1));
        let mut file = File::from(fd);
        file.read_to_end(&mut text).map_err(|error| failed(&error, &self.path))?;
        Ok(Some(Found { text, version: version(&stat), stat }))
    }

    /// Whether the file can be replaced: the folder can be written, and the file is ours or we may give it back to its owner.
    pub(super) fn check_writable(&self, found: Option<&Found>) -> Result<(), Fault> {
        let access = fs::Access::WRITE_OK | fs::Access::EXEC_OK;
        fs::accessat(&self.fd, ".", access, AtFlags::EACCESS).map_err(|error| self.failed(error))?;
        let us = rustix::process::geteuid();
        if let Some(found) = found.filter(|found| !us.is_root() && found.stat.st_uid != us.as_raw()) {
            let message =
                format!("the file belongs to user {}, and Paddock runs as {us:?}", found.stat.st_uid);
            let next_step =
                "Give the file to the user that Paddock runs as, and let programs read it by its group.";
            return Err(Fault::new(FaultKind::Forbidden, message, next_step));
        }
        Ok(())
    }

    /// Puts the text in the place of what was found, with its owner and mode; a new file only its owner may read. Tells the new version.
    pub(super) fn replace(&self, found: Option<&Found>, text: &[u8]) -> Result<String, Fault> {
        let name = self.new_name();
        let result = self.replace_by(&name, found, text);
        if result.is_err() {
            // It may not be there, and nothing more can be done about it.
            _ = fs::unlinkat(&self.fd, &name, AtFlags::empty());
        }
        result
    }

    fn new_name(&self) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(".paddock-new");
        name
    }

    fn replace_by(&self, name: &OsStr, found: Option<&Found>, text: &[u8]) -> Result<String, Fault> {
        let to_fault = |error: Errno| self.failed(error);
        let create = || {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
        };
        // Under the lock, a file of this name is what a crash left behind.
        let fd = match create() {
            Err(Errno::EXIST) => {
                fs::unlinkat(&self.fd, name, AtFlags::empty()).map_err(to_fault)?;
                create()
            }
            other => other,
        };
        let mut file = File::from(fd.map_err(to_fault)?);
        if let Some(found) = found {
            let now = fs::fstat(&file).map_err(to_fault)?;
            if (now.st_uid, now.st_gid) != (found.stat.st_uid, found.stat.st_gid) {
                let (user, group) = (Uid::from_raw(found.stat.st_uid), Gid::from_raw(found.stat.st_gid));
                fs::fchown(&file, Some(user), Some(group)).map_err(to_fault)?;
            }
            fs::fchmod(&file, mode_of(found.stat.st_mode)).map_err(to_fault)?;
        }
        file.write_all(text).map_err(|error| failed(&error, &self.path))?;
        file.sync_all().map_err(|error| failed(&error, &self.path))?;
        // An editor that knows nothing of the lock may have been at work.
        let now = self.read()?.map(|now| now.version);
        if now.as_deref() != found.map(|found| found.version.as_str()) {
            return Err(changed());
        }
        fs::renameat(&self.fd, name, &self.fd, &self.name).map_err(to_fault)?;
        fs::fsync(&self.fd).map_err(|error| self.failed(error).perhaps_applied())?;
        let stat = fs::fstat(&file).map_err(|error| self.failed(error).perhaps_applied())?;
        Ok(version(&stat))
    }

    fn failed(&self, error: Errno) -> Fault {
        failed(&error.into(), &self.path)
    }
}

/// The file was changed since it was looked at.
pub(super) fn changed() -> Fault {
    Fault::new(FaultKind::Conflict, "the file was changed meanwhile", "It is looked at again.")
}

fn mode_of(mode: RawMode) -> Mode {
    Mode::from_raw_mode(mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO)
}

/// Which file it is, how long, and when it and its rights were last changed.
fn version(stat: &Stat) -> String {
    let Stat { st_ino, st_size, st_mtime, st_mtime_nsec, st_ctime, st_ctime_nsec, .. } = stat;
    format!("{st_ino}-{st_size}-{st_mtime}.{st_mtime_nsec:09}-{st_ctime}.{st_ctime_nsec:09}")
}

fn trap(message: &str, next_step: &str) -> Fault {
    Fault::new(FaultKind::Settings, message, next_step)
}

fn failed(error: &std::io::Error, path: &Path) -> Fault {
    use std::io::ErrorKind;
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound => Fault::new(
            FaultKind::NotFound,
            format!("the folder of {shown} does not exist"),
            "Make it, or name another.",
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            let message = format!("Paddock may not write {shown}");
            Fault::new(
                FaultKind::Forbidden,
                message,
                "Let the user that Paddock runs as write in the folder.",
            )
        }
        ErrorKind::NotADirectory => trap("a part of the path is no folder", "Check the path."),
        _ => {
            let message = format!("{shown} could not be read or written: {error}");
            Fault::new(FaultKind::Server, message, "See whether the disk is full or broken.")
        }
    }
}
