//! A folder of the user's own bars, which take the place of the prices that the broker would make up.
//!
//! Reading goes through three hands: a reader for each format (`csv`, `json`, `parquet`) finds the fields of each bar, the
//! `intake` makes checked integers of them, and a `series` keeps one symbol's bars in packed columns. The layout, the columns
//! and the rules are in `docs/paper-broker-data.md`.

mod columns;
mod csv;
mod error;
mod file_name;
mod intake;
mod json;
mod minutes;
mod number;
#[cfg(feature = "parquet")]
mod parquet;
mod series;
mod stamp;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use paddock_core::Symbol;

pub use error::BarsError;
pub use file_name::BarsFileName;

pub(in crate::market) use series::Series;

use error::Fault;
use file_name::Format;
use intake::Intake;

/// The bars of a folder, checked and packed. Cheap to clone; clones share the bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnBars {
    series: Arc<BTreeMap<Symbol, Arc<Series>>>,
    digest: String,
    outside: u64,
}

impl OwnBars {
    /// Reads every file of a folder. All of them are good, or nothing is loaded. Names that begin with a point, and Markdown, are
    /// not looked at.
    ///
    /// # Errors
    /// [`BarsError`] with the file, the place in it, and what to do.
    pub fn load(directory: &Path) -> Result<Self, BarsError> {
        let mut intake = Intake::default();
        for path in files_of(directory)? {
            let at = |fault| BarsError::in_file(&path, fault);
            let name = BarsFileName::parse(&name_of(&path)).map_err(|text| at(Fault::whole(text)))?;
            intake.begin(&path, &name);
            let outside_before = intake.outside();
            read(&path, &name, &mut intake).map_err(at)?;
            if intake.is_all_outside(outside_before) {
                return Err(at(Fault::whole(
                    "none of its bars is inside a regular session: check that its times are instants with the right offset"
                        .to_owned(),
                )));
            }
        }
        let outside = intake.outside();
        let series = intake.finish()?;
        if series.is_empty() {
            return Err(BarsError::empty(directory));
        }
        let digest = series::digest(&series);
        let series = series.into_iter().map(|(symbol, series)| (symbol, Arc::new(series))).collect();
        Ok(Self { series: Arc::new(series), digest, outside })
    }

    /// Whose bars they are.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.series.keys()
    }

    /// Whose, how many, and how many were left out, as a person reads it.
    #[must_use]
    pub fn summary(&self) -> String {
        let (bars, symbols) = (self.count(), self.series.len());
        let of = if symbols == 1 { "symbol" } else { "symbols" };
        match self.outside {
            0 => format!("{bars} bars of {symbols} {of}"),
            outside => {
                format!("{bars} bars of {symbols} {of}; {outside} outside regular sessions are left out")
            }
        }
    }

    /// How many bars there are, of minutes, and of days without minutes.
    #[must_use]
    pub fn count(&self) -> usize {
        self.series.values().map(|series| series.bars()).sum()
    }

    /// How many bars of stocks were left out because they are outside regular sessions.
    #[must_use]
    pub const fn outside_sessions(&self) -> u64 {
        self.outside
    }

    /// What the bars are, in 64 hexadecimal digits: the same for equal bars, in whatever files they came.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(in crate::market) fn series(&self, symbol: &Symbol) -> Option<Arc<Series>> {
        self.series.get(symbol).map(Arc::clone)
    }
}

/// The visible files, by name, so that errors do not depend on the order in which the directory lists them.
fn files_of(directory: &Path) -> Result<Vec<PathBuf>, BarsError> {
    let unreadable = |error: std::io::Error| BarsError::folder(directory, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = name_of(&path);
        if name.starts_with('.') || name.to_ascii_lowercase().ends_with(".md") {
            continue;
        }
        if path.is_dir() {
            let text =
                "bars are read from the folder itself, not from folders in it: move its files up, or it away";
            return Err(BarsError::in_file(&path, Fault::whole(text.to_owned())));
        }
        files.push(path);
    }
    files.sort();
    Ok(files)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read(path: &Path, name: &BarsFileName, intake: &mut Intake) -> Result<(), Fault> {
    let unreadable = |error: std::io::Error| {
        Fault::whole(format!("it cannot be read ({error}): check the file, or move it away"))
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    if name.packed {
        MultiGzDecoder::new(file).read_to_end(&mut content).map_err(unreadable)?;
    } else {
        file.read_to_end(&mut content).map_err(unreadable)?;
    }
    match name.format {
        Format::Csv => csv::read(&content, intake),
        Format::Json => json::read(&content, intake),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::read(content, intake),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(Fault::whole(
            "this build reads no Parquet: write the file as CSV, or build with the feature `parquet`"
                .to_owned(),
        )),
    }
}
