//! Verifying an export of the audit chain, without a data directory.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use paddock_core::audit_file::{FileFault, FileVerifier, VerifiedFile};
use paddock_core::checkpoint::PublicKey;

use crate::failure::{Failure, Outcome};

/// Bytes of the longest line that is read. The longest record is far below.
const LONGEST_LINE: u64 = 1 << 20;

/// Checks every line. `trusted` is the public key that the auditor knows from elsewhere.
pub(crate) fn verify(path: &Path, trusted: Option<PublicKey>) -> Outcome<Result<VerifiedFile, FileFault>> {
    let unreadable = |error: std::io::Error| {
        Failure::new(format!("cannot read {}: {error}", path.display())).hint("see that the path is right")
    };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut verifier = FileVerifier::new(trusted, paddock_vault::verify_signature);
    let mut line = Vec::new();
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.is_empty() {
            return Ok(verifier.finish());
        }
        if let Err(fault) = verifier.line(&line) {
            return Ok(Err(fault));
        }
    }
}
