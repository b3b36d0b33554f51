//! The record from which a broker comes back: one JSON line for each command that changed something.
//!
//! A line is on disk before the reply to its command leaves. After a crash the last line may be half written; its
//! command was never answered, so it is cut off. Any other damage refuses to start.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::broker::{Entry, Rules};

/// The journal's name in the data directory.
pub const FILE_NAME: &str = "paper-journal.jsonl";

/// What the first line says: the world in which the commands were given. In another one they would not have the same
/// outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The journal's form.
    pub version: u32,
    /// The seed of all prices.
    pub seed: u64,
    /// How recorded days are laid onto the calendar.
    pub laying: String,
    /// Whether the market is held open around the clock.
    pub hold_open: bool,
    /// Whether one order in ten is filled in parts.
    #[serde(default)]
    pub partial_fills: bool,
    /// Which bars of the user's own take the place of made-up prices: [`crate::market::OwnBars::digest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bars: Option<String>,
    /// Which rules were in force when it was begun; it goes on under them.
    #[serde(default)]
    pub rules: Rules,
}

/// The journal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be opened, read or written.
    #[error("cannot use the paper broker's journal {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error(
        "another process uses the paper broker's journal {path}: stop it, or choose another data directory"
    )]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// A line before the last is not what was written.
    #[error(
        "line {line} of the paper broker's journal {path} is damaged: restore it from a backup, or move it away to start anew"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It was made with other options.
    #[error(
        "the paper broker's journal {path} was made with {made:?}: use the same options, or another data directory"
    )]
    OtherWorld {
        /// Which file.
        path: PathBuf,
        /// The options of the journal.
        made: Box<World>,
    },
}

/// Writes entries; several that arrive together are made durable together.
#[derive(Debug)]
pub struct Journal {
    /// Taken on drop, so that the writer ends.
    lines: Option<mpsc::Sender<Line>>,
    durable: watch::Receiver<Durable>,
    /// Joined on drop, so that the file is closed and unlocked when the journal is gone.
    writer: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

#[derive(Debug)]
struct Line {
    number: u64,
    text: Vec<u8>,
}

/// How far the journal is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durable {
    UpTo(u64),
    Failed,
}

/// The journal cannot be written any more, so that nothing can be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the paper broker's journal cannot be written")]
pub struct JournalFailed;

impl Journal {
    /// Opens or makes the journal in `directory` and reads what is in it, and under which rules it goes on.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be used, is in use, is damaged, or belongs to another world.
    pub fn open(directory: &Path, world: &World) -> Result<(Self, Rules, Vec<Entry>), JournalError> {
        let path = directory.join(FILE_NAME);
        let io = |source| JournalError::Io { path: path.clone(), source };
        std::fs::create_dir_all(directory).map_err(io)?;
        let mut file = open_private(&path).map_err(io)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => JournalError::InUse { path: path.clone() },
            std::fs::TryLockError::Error(source) => io(source),
        })?;

        let (rules, entries, end) = read(&file, &path, world)?;
        file.set_len(end).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        if end == 0 {
            file.write_all(&line_of(world)).map_err(io)?;
        }
        file.sync_all().map_err(io)?;
        sync_directory(directory).map_err(io)?;

        let (lines, received) = mpsc::channel();
        let (progress, durable) = watch::channel(Durable::UpTo(0));
        let writer = std::thread::Builder::new()
            .name("paper-journal".to_owned())
            .spawn(move || write_lines(file, &received, &progress))
            .map_err(io)?;
        Ok((Self { lines: Some(lines), durable, writer: Some(writer) }, rules, entries))
    }

    /// Hands over the entry with that number; numbers start at 1 and rise by 1.
    pub fn append(&self, number: u64, entry: &Entry) {
        // If the writing thread is gone, `durable` says so to everyone who waits.
        if let Some(lines) = &self.lines {
            let _ = lines.send(Line { number, text: line_of(entry) });
        }
    }

    /// Waits until the entry with that number, and all before it, are on disk.
    ///
    /// # Errors
    /// [`JournalFailed`] when they never will be.
    pub async fn durable(&self, number: u64) -> Result<(), JournalFailed> {
        let mut durable = self.durable.clone();
        let reached = durable
            .wait_for(|progress| match progress {
                Durable::UpTo(written) => *written >= number,
                Durable::Failed => true,
            })
            .await;
        match reached.as_deref() {
            Ok(Durable::UpTo(_)) => Ok(()),
            Ok(Durable::Failed) | Err(_) => Err(JournalFailed),
        }
    }
}

fn write_lines(mut file: File, lines: &mpsc::Receiver<Line>, progress: &watch::Sender<Durable>) {
    while let Ok(first) = lines.recv() {
        let mut batch = first.text;
        let mut last = first.number;
        for line in lines.try_iter() {
            batch.extend_from_slice(&line.text);
            last = line.number;
        }
        if let Err(error) = file.write_all(&batch).and_then(|()| file.sync_data()) {
            tracing::error!(%error, "the paper broker's journal cannot be written");
            progress.send_replace(Durable::Failed);
            return;
        }
        progress.send_replace(Durable::UpTo(last));
    }
}

/// One line of JSON. Worlds and entries have only string keys and plain values, so that this cannot fail.
fn line_of<T: Serialize>(value: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The rules, the entries, and the length of the file up to the end of the last whole line.
fn read(file: &File, path: &Path, world: &World) -> Result<(Rules, Vec<Entry>, u64), JournalError> {
    let io = |source| JournalError::Io { path: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let (mut rules, mut entries, mut end) = (world.rules, Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(io)?;
        if length == 0 || line.last() != Some(&b'\n') {
            break;
        }
        let damaged = |_| JournalError::Damaged { path: path.to_owned(), line: number };
        if number == 1 {
            let made: World = serde_json::from_slice(&line).map_err(damaged)?;
            if made.rules > world.rules || (World { rules: world.rules, ..made.clone() }) != *world {
                return Err(JournalError::OtherWorld { path: path.to_owned(), made: Box::new(made) });
            }
            rules = made.rules;
        } else {
            entries.push(serde_json::from_slice(&line).map_err(damaged)?);
        }
        end += length as u64;
    }
    Ok((rules, entries, end))
}

/// Readable by its owner only: it names accounts and what they trade.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A new file's name is durable only when its directory is.
fn sync_directory(directory: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}
