//! The folder of an import: what is there, and putting a piece there as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use paddock_alpaca::wire::Bar;
use paddock_core::Symbol;
use paddock_paper::market::{BarsFileName, Timeframe};

use super::pieces::Piece;
use crate::failure::{Failure, Outcome};
use crate::files::remove_if_there;

/// The end of the name of a file that is not finished; it begins with a point, so that nobody reads it.
const UNFINISHED: &str = ".part";

pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is not there, and takes away what an import that was cut off left unfinished.
    pub fn open(path: &Path) -> Outcome<Self> {
        fs::create_dir_all(path).map_err(Failure::cannot(format!("create {}", path.display())))?;
        let folder = Self(path.to_owned());
        for name in folder.names()? {
            if name.starts_with('.') && name.ends_with(UNFINISHED) {
                remove_if_there(&path.join(name)).map_err(folder.cannot("clean up"))?;
            }
        }
        Ok(folder)
    }

    /// The pieces of a symbol that are there. One that another one covers was about to be removed, and now is.
    pub fn pieces(&self, symbol: &Symbol, timeframe: Timeframe) -> Outcome<Vec<Piece>> {
        let names = self.names()?;
        let all: Vec<Piece> = names
            .iter()
            .filter_map(|name| {
                let piece = Piece::parse(name.strip_suffix(".csv.gz")?.rsplit_once('.')?.1)?;
                (*name == file_name(symbol, timeframe, piece)).then_some(piece)
            })
            .collect();
        let is_covered = |piece: &Piece| all.iter().any(|other| other != piece && other.covers(*piece));
        let (covered, kept): (Vec<Piece>, Vec<Piece>) = all.iter().partition(|piece| is_covered(piece));
        self.remove(symbol, timeframe, &covered)?;
        Ok(kept)
    }

    /// Puts a piece there, durably, and then takes those away that it replaces.
    pub fn put(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        piece: Piece,
        bars: &[Bar],
        replaced: &[Piece],
    ) -> Outcome {
        let name = file_name(symbol, timeframe, piece);
        let unfinished = self.0.join(format!(".{name}{UNFINISHED}"));
        let written = || -> io::Result<()> {
            let mut packer = GzEncoder::new(File::create(&unfinished)?, Compression::default());
            packer.write_all(b"timestamp,open,high,low,close,volume,trade_count,vwap\n")?;
            for Bar { t, o, h, l, c, v, n, vw } in bars {
                writeln!(packer, "{t},{o},{h},{l},{c},{v},{n},{vw}")?;
            }
            packer.finish()?.sync_all()?;
            fs::rename(&unfinished, self.0.join(&name))?;
            File::open(&self.0)?.sync_all()
        };
        written().map_err(self.cannot(&format!("write {name}")))?;
        let replaced: Vec<Piece> = replaced.iter().copied().filter(|old| *old != piece).collect();
        self.remove(symbol, timeframe, &replaced)
    }

    fn remove(&self, symbol: &Symbol, timeframe: Timeframe, pieces: &[Piece]) -> Outcome {
        for piece in pieces {
            let path = self.0.join(file_name(symbol, timeframe, *piece));
            remove_if_there(&path).map_err(self.cannot("replace a file"))?;
        }
        Ok(())
    }

    fn names(&self) -> Outcome<Vec<String>> {
        let listed = || -> io::Result<Vec<String>> {
            let name =
                |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
            fs::read_dir(&self.0)?.map(name).collect()
        };
        listed().map_err(self.cannot("list the files"))
    }

    fn cannot(&self, act: &str) -> impl FnOnce(io::Error) -> Failure + use<> {
        let message = format!("cannot {act} in {}", self.0.display());
        move |error| {
            Failure::new(format!("{message}: {error}")).hint(
                "check the folder's permissions and the space on its disk, then run the same command again",
            )
        }
    }
}

fn file_name(symbol: &Symbol, timeframe: Timeframe, piece: Piece) -> String {
    BarsFileName::compressed_csv(symbol, timeframe, &piece.to_string())
}
