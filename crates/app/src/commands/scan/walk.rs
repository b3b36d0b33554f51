//! Files and folders, as they are on the disk.

use std::fs;
use std::io;
use std::path::Path;

use super::finding::Finding;
use super::{Looked, leaks};
use crate::failure::{Failure, Outcome};

/// Larger files are not looked at.
pub(super) const MAX_BYTES: u64 = 50 * 1024 * 1024;

/// Looks through a file, or through a folder and all below it. Links are not followed, and what git keeps for itself is left to `--git`.
pub(super) fn files(path: &Path, exclude: &[String], looked: &mut Looked) -> Outcome {
    let kind = fs::symlink_metadata(path)
        .map_err(|error| Failure::new(format!("cannot look at {}: {error}", path.display())))?;
    if kind.is_dir() {
        folder(path, exclude, looked);
    } else {
        file(path, looked);
    }
    Ok(())
}

fn folder(path: &Path, exclude: &[String], looked: &mut Looked) {
    let entries = match fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>()) {
        Ok(mut entries) => {
            entries.sort_by_key(fs::DirEntry::file_name);
            entries
        }
        Err(error) => return looked.skipped.push(format!("{}: {error}", path.display())),
    };
    for entry in entries {
        let name = entry.file_name();
        if name == ".git" || exclude.iter().any(|excluded| name == excluded.as_str()) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folder(&entry.path(), exclude, looked),
            Ok(kind) if kind.is_file() => file(&entry.path(), looked),
            Ok(_) => {}
            Err(error) => looked.skipped.push(format!("{}: {error}", entry.path().display())),
        }
    }
}

fn file(path: &Path, looked: &mut Looked) {
    let shown = shown(path);
    match fs::metadata(path) {
        Ok(about) if about.len() > MAX_BYTES => {
            return looked.skipped.push(format!("{shown}: it has more than 50 MiB"));
        }
        Ok(_) => {}
        Err(error) => return looked.skipped.push(format!("{shown}: {error}")),
    }
    match fs::read(path) {
        Ok(bytes) => {
            looked.findings.extend(leaks(&bytes).into_iter().map(|leak| Finding::new(leak, shown.clone())));
        }
        Err(error) => looked.skipped.push(format!("{shown}: {error}")),
    }
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
