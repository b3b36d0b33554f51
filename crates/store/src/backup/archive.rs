//! The archive: its files, their order and their hashes.

use std::io::{self, BufRead as _, BufReader, Read, Write};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::backup::tables::{TABLES, Table};
use crate::migrations::SCHEMA;

const HEADER: &str = "paddock-backup.json";
const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

/// A part is closed when it has reached this many bytes.
const PART_BYTES: usize = 1 << 20;

/// No file of an archive is larger, so a hostile one cannot fill the memory. A part ends with one whole row more than
/// [`PART_BYTES`], and the manifest has about 150 bytes for each part.
const MAX_FILE_BYTES: u64 = 64 << 20;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    schema: i64,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    files: Vec<ManifestEntry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestEntry {
    path: String,
    sha256: String,
}

impl ManifestEntry {
    fn of(path: &str, content: &[u8]) -> Self {
        Self { path: path.to_owned(), sha256: hex::encode(Sha256::digest(content)) }
    }
}

/// Writes an archive.
pub(crate) struct ArchiveWriter<W: Write> {
    tar: tar::Builder<GzEncoder<W>>,
    manifest: Manifest,
    part: Vec<u8>,
    number: usize,
}

impl<W: Write> ArchiveWriter<W> {
    pub(crate) fn new(writer: W) -> Result<Self, StoreError> {
        let tar = tar::Builder::new(GzBuilder::new().write(writer, Compression::default()));
        let mut archive = Self { tar, manifest: Manifest::default(), part: Vec::new(), number: 0 };
        let header = serde_json::to_vec(&Header { format: FORMAT, schema: SCHEMA }).map_err(io::Error::from);
        archive.file(HEADER, &header.map_err(failed)?)?;
        Ok(archive)
    }

    /// Adds one row to the table that is being written.
    pub(crate) fn row(&mut self, table: &Table, row: &serde_json::Value) -> Result<(), StoreError> {
        serde_json::to_writer(&mut self.part, row).map_err(|error| failed(error.into()))?;
        self.part.push(b'\n');
        if self.part.len() >= PART_BYTES { self.end_part(table) } else { Ok(()) }
    }

    /// Ends the table that is being written.
    pub(crate) fn end_table(&mut self, table: &Table) -> Result<(), StoreError> {
        if !self.part.is_empty() {
            self.end_part(table)?;
        }
        self.number = 0;
        Ok(())
    }

    fn end_part(&mut self, table: &Table) -> Result<(), StoreError> {
        let content = std::mem::take(&mut self.part);
        self.number += 1;
        self.file(&part_path(table, self.number), &content)
    }

    /// Writes the manifest and ends the archive.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        let manifest = serde_json::to_vec(&self.manifest).map_err(|error| failed(error.into()))?;
        self.file(MANIFEST, &manifest)?;
        let mut writer = self.tar.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(failed)?;
        writer.flush().map_err(failed)
    }

    fn file(&mut self, path: &str, content: &[u8]) -> Result<(), StoreError> {
        self.manifest.files.push(ManifestEntry::of(path, content));
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        self.tar.append_data(&mut header, path, content).map_err(failed)
    }
}

fn part_path(table: &Table, number: usize) -> String {
    format!("tables/{}/{number:06}.jsonl", table.name)
}

/// Reads an archive from its first byte to its last and hands each part of a table to `part`, in the order of [`TABLES`]. Only when
/// this has returned without an error is what was handed out known to be whole and unchanged.
pub(crate) fn read_archive(
    reader: impl Read,
    mut part: impl FnMut(&'static Table, Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(reader)));
    let mut seen = Manifest::default();
    let mut manifest: Option<Manifest> = None;
    let mut place = Place::default();
    for entry in tar.entries().map_err(unreadable)? {
        let (path, content) = read_entry(entry.map_err(unreadable)?)?;
        if manifest.is_some() {
            return Err(damaged("something follows the manifest"));
        }
        if path == MANIFEST {
            manifest = Some(serde_json::from_slice(&content).map_err(|_| damaged("the manifest"))?);
            continue;
        }
        seen.files.push(ManifestEntry::of(&path, &content));
        if seen.files.len() == 1 {
            check_header(&path, &content)?;
        } else {
            part(place.expect(&path)?, content)?;
        }
    }
    match manifest {
        None => return Err(damaged("its end is missing")),
        Some(manifest) if manifest != seen => return Err(damaged("a file is not as it was written")),
        Some(_) => {}
    }
    check_end(tar.into_inner())
}

/// The tar ends before the gzip does, whose checksum is only looked at when it is read to the end.
fn check_end(mut gzip: GzDecoder<BufReader<impl Read>>) -> Result<(), StoreError> {
    let mut padding = [0; 4096];
    loop {
        let length = gzip.read(&mut padding).map_err(unreadable)?;
        if length == 0 {
            break;
        }
        if padding[..length].iter().any(|byte| *byte != 0) {
            return Err(damaged("something follows its end"));
        }
    }
    let rest = gzip.get_mut().fill_buf().map_err(unreadable)?;
    if rest.is_empty() { Ok(()) } else { Err(damaged("something follows its end")) }
}

fn read_entry(entry: tar::Entry<'_, impl Read>) -> Result<(String, Vec<u8>), StoreError> {
    let path = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| damaged("a file's name"))?;
    if entry.header().entry_type() != tar::EntryType::Regular {
        return Err(damaged("something that is not a file"));
    }
    let mut content = Vec::new();
    entry.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(damaged("a file is too large"));
    }
    Ok((path, content))
}

fn check_header(path: &str, content: &[u8]) -> Result<(), StoreError> {
    if path != HEADER {
        return Err(damaged("it is no backup of Paddock"));
    }
    let header: Header = serde_json::from_slice(content).map_err(|_| damaged("its header"))?;
    if header.format != FORMAT || header.schema != SCHEMA {
        return Err(StoreError::BackupOfOtherVersion { expected: SCHEMA, found: header.schema });
    }
    Ok(())
}

/// Where in the order of tables and parts the reader is.
#[derive(Default)]
struct Place {
    table: usize,
    number: usize,
}

impl Place {
    /// The table that the file belongs to, when it may come next.
    fn expect(&mut self, path: &str) -> Result<&'static Table, StoreError> {
        while let Some(table) = TABLES.get(self.table) {
            if path == part_path(table, self.number + 1) {
                self.number += 1;
                return Ok(table);
            }
            *self = Self { table: self.table + 1, number: 0 };
        }
        Err(damaged("a file that is unknown or out of order"))
    }
}

pub(crate) fn damaged(detail: &str) -> StoreError {
    StoreError::DamagedBackup { detail: detail.to_owned() }
}

/// What the tar or gzip reader finds wrong is damage; what the operating system reports is not.
fn unreadable(error: io::Error) -> StoreError {
    if error.raw_os_error().is_some() { failed(error) } else { damaged("it cannot be unpacked") }
}

fn failed(error: io::Error) -> StoreError {
    StoreError::BackupFile { cause: error.kind().to_string() }
}
