//! The export of the audit chain: a file of JSON lines that can be verified anywhere, without Paddock and without its database.
//!
//! The first line says where the part of the chain begins and lists the public keys, then come records and checkpoints in the order of
//! the chain, and the last line is a signature over everything before it. `docs/audit.md` describes the format for whoever wants to
//! write a verifier.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::audit::{AuditRecord, ChainBreak, ChainHash, ChainVerifier};
use crate::checkpoint::{Checkpoint, PublicKey, Signature, SigningKey, VerifySignature};

/// The version of the format.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub paddock_audit: u32,
    /// The record before the first one of the file.
    pub after: Position,
    /// The keys that sign, oldest first, each endorsed by the one before.
    pub keys: Vec<SigningKey>,
}

/// A record's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Its number; 0 is before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: ChainHash,
}

impl Position {
    /// Before the first record.
    pub const START: Self = Self { seq: 0, hash: ChainHash::START };
}

/// A line that holds a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointLine {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndLine {
    /// What it says.
    pub end: End,
}

/// The signature over all lines before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// How many lines come before, the first included.
    pub lines: u64,
    /// SHA-256 of these lines, line feeds included.
    pub sha256: ChainHash,
    /// When the file was written; resolution one microsecond.
    pub at: Timestamp,
    /// Whose signature it is.
    pub key: PublicKey,
    /// The signature over [`End::message`].
    pub signature: Signature,
}

impl End {
    /// What is signed: a label, the number of lines, the hash, and the time in microseconds; numbers big-endian in eight bytes.
    #[must_use]
    pub fn message(lines: u64, sha256: ChainHash, at: Timestamp) -> Vec<u8> {
        let label = b"paddock audit export v1\0";
        [&label[..], &lines.to_be_bytes(), sha256.as_bytes(), &at.as_microsecond().to_be_bytes()].concat()
    }
}

/// Counts and hashes the lines of a file as they are written or read.
#[derive(Clone, Debug, Default)]
pub struct LineDigest {
    lines: u64,
    hasher: Sha256,
}

impl LineDigest {
    /// Takes in one line, with its line feed.
    pub fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.hasher.update(line);
    }

    /// How many lines there were, and their hash.
    #[must_use]
    pub fn finish(&self) -> (u64, ChainHash) {
        (self.lines, ChainHash::from_bytes(self.hasher.clone().finalize().into()))
    }
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct FileFault {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong.
    pub problem: FileProblem,
}

/// What can be wrong with a line, or with the file as of that line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// It is not what it should be.
    #[error("this is not {0}: it was changed, or the file is no export of this format")]
    Unreadable(&'static str),
    /// The chain is broken.
    #[error(transparent)]
    Chain(#[from] ChainBreak),
    /// A checkpoint is not of the record before it.
    #[error(
        "the checkpoint is of record {found} or of another content of it, and stands after record {expected}: lines were changed, removed or moved"
    )]
    Misplaced {
        /// Where it stands.
        expected: u64,
        /// What it is of.
        found: u64,
    },
    /// A signature is wrong.
    #[error("the signature is not that of key {0}: the line was changed or forged")]
    BadSignature(PublicKey),
    /// A key is not in the list.
    #[error(
        "it is signed with key {0}, which the first line does not list or which is no longer trusted here"
    )]
    UnknownKey(PublicKey),
    /// A key does not follow from the one before.
    #[error("key {0} is not endorsed by the key before it: the list of keys was changed")]
    KeyNotEndorsed(PublicKey),
    /// The key that was asked for is not in the list.
    #[error("the file is not signed with the key that you trust: it is of another Paddock, or forged")]
    NotTrusted,
    /// Something stands after the last line.
    #[error("something was added after the end of the file")]
    AfterEnd,
    /// The last line is missing.
    #[error(
        "the file ends here without its last line, which would sign it: lines were cut off, or it was not written to its end"
    )]
    Cut,
    /// The last line is of other lines.
    #[error("the lines before are not those that were signed: one was changed, removed, added or moved")]
    OtherLines,
}

/// What a good file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedFile {
    /// The record before the first one.
    pub after: Position,
    /// The last record.
    pub last: Position,
    /// How many records there are.
    pub records: u64,
    /// How many checkpoints there are.
    pub checkpoints: u64,
    /// Whether a checkpoint vouches for what was before the first record; so too when there was nothing.
    pub start_is_signed: bool,
    /// When it was written. Whatever happened later is not in it.
    pub written_at: Timestamp,
    /// The key that signed it.
    pub key: PublicKey,
}

/// Checks a file line by line.
#[derive(Clone, Debug)]
pub struct FileVerifier {
    verify: VerifySignature,
    /// The key that the auditor knows from elsewhere.
    trusted: Option<PublicKey>,
    digest: LineDigest,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Empty,
    Within(Box<Within>),
    Ended(VerifiedFile),
}

#[derive(Clone, Debug)]
struct Within {
    after: Position,
    chain: ChainVerifier,
    /// The keys whose signatures count.
    keys: Vec<PublicKey>,
    checkpoints: u64,
    start_is_signed: bool,
}

impl FileVerifier {
    /// A verifier that trusts the keys of the file, or, if one is given, only that key and those that follow from it.
    #[must_use]
    pub fn new(trusted: Option<PublicKey>, verify: VerifySignature) -> Self {
        Self { verify, trusted, digest: LineDigest::default(), state: State::Empty }
    }

    /// Checks the next line, which includes its line feed.
    ///
    /// # Errors
    /// [`FileFault`] at the first line that does not fit.
    pub fn line(&mut self, line: &[u8]) -> Result<(), FileFault> {
        let number = self.digest.lines + 1;
        let outcome = self.check(line);
        self.digest.add(line);
        outcome.map_err(|problem| FileFault { line: number, problem })
    }

    /// What the file says, after its last line.
    ///
    /// # Errors
    /// [`FileProblem::Cut`] when that is missing.
    pub fn finish(self) -> Result<VerifiedFile, FileFault> {
        match self.state {
            State::Ended(verified) => Ok(verified),
            State::Empty | State::Within(_) => {
                Err(FileFault { line: self.digest.lines, problem: FileProblem::Cut })
            }
        }
    }

    fn check(&mut self, line: &[u8]) -> Result<(), FileProblem> {
        match &mut self.state {
            State::Empty => {
                let header = serde_json::from_slice::<Header>(line)
                    .ok()
                    .filter(|header| {
                        header.paddock_audit == FORMAT && i64::try_from(header.after.seq).is_ok()
                    })
                    .ok_or(FileProblem::Unreadable("the first line of an export"))?;
                self.state = State::Within(Box::new(self.begin(&header)?));
                Ok(())
            }
            State::Within(_) if line.last() != Some(&b'\n') => Err(FileProblem::Cut),
            State::Within(within) => {
                if line.starts_with(b"{\"end\":") {
                    let EndLine { end } = serde_json::from_slice(line)
                        .map_err(|_| FileProblem::Unreadable("the last line of an export"))?;
                    let verified = within.end(&end, &self.digest, self.verify)?;
                    self.state = State::Ended(verified);
                    Ok(())
                } else if line.starts_with(b"{\"checkpoint\":") {
                    let CheckpointLine { checkpoint } =
                        serde_json::from_slice(line).map_err(|_| FileProblem::Unreadable("a checkpoint"))?;
                    within.checkpoint(&checkpoint, self.verify)
                } else {
                    let record: AuditRecord =
                        serde_json::from_slice(line).map_err(|_| FileProblem::Unreadable("a record"))?;
                    Ok(within.chain.check(&record)?)
                }
            }
            State::Ended(_) => Err(FileProblem::AfterEnd),
        }
    }

    fn begin(&self, header: &Header) -> Result<Within, FileProblem> {
        for (before, key) in header.keys.iter().zip(header.keys.iter().skip(1)) {
            if !key.follows(before.public_key, self.verify) {
                return Err(FileProblem::KeyNotEndorsed(key.public_key));
            }
        }
        let mut keys: Vec<PublicKey> = header.keys.iter().map(|key| key.public_key).collect();
        if let Some(trusted) = self.trusted
            && !keys.contains(&trusted)
        {
            return Err(FileProblem::NotTrusted);
        }
        // What an older key signed says nothing to whoever trusts a newer one only; the newer one's own signatures cover it.
        if let Some(trusted) = self.trusted {
            keys = keys.into_iter().skip_while(|key| *key != trusted).collect();
        }
        let Position { seq, hash } = header.after;
        Ok(Within {
            after: header.after,
            chain: ChainVerifier::after(seq, hash),
            keys,
            checkpoints: 0,
            start_is_signed: header.after == Position::START,
        })
    }
}

impl Within {
    fn checkpoint(&mut self, checkpoint: &Checkpoint, verify: VerifySignature) -> Result<(), FileProblem> {
        let expected = self.chain.last();
        if checkpoint.seq != expected || checkpoint.hash != self.chain.head() {
            return Err(FileProblem::Misplaced { expected, found: checkpoint.seq });
        }
        if !checkpoint.is_signed(verify) {
            return Err(FileProblem::BadSignature(checkpoint.key));
        }
        self.checkpoints += 1;
        if self.chain.count() == 0 && self.keys.contains(&checkpoint.key) {
            self.start_is_signed = true;
        }
        Ok(())
    }

    fn end(
        &self,
        end: &End,
        digest: &LineDigest,
        verify: VerifySignature,
    ) -> Result<VerifiedFile, FileProblem> {
        if (end.lines, end.sha256) != digest.finish() {
            return Err(FileProblem::OtherLines);
        }
        if !self.keys.contains(&end.key) {
            return Err(FileProblem::UnknownKey(end.key));
        }
        if !verify(&end.key, &End::message(end.lines, end.sha256, end.at), &end.signature) {
            return Err(FileProblem::BadSignature(end.key));
        }
        Ok(VerifiedFile {
            after: self.after,
            last: Position { seq: self.chain.last(), hash: self.chain.head() },
            records: self.chain.count(),
            checkpoints: self.checkpoints,
            start_is_signed: self.start_is_signed,
            written_at: end.at,
            key: end.key,
        })
    }
}
