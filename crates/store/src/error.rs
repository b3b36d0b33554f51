//! What can go wrong, in words for a person. No message holds a value out of a statement.

use std::path::PathBuf;

use paddock_core::id::ConnectionId;

/// Why the store did not do what it was asked. Unless a variant says otherwise, nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another connection or access key of the same user has this name.
    #[error("the name {name} is taken: choose another one")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The account is connected in this environment already.
    #[error("this account is connected already as {name}: replace its credential instead")]
    AlreadyConnected {
        /// The connection that has the account.
        connection: ConnectionId,
        /// Its name.
        name: String,
    },
    /// Another team has the account.
    #[error(
        "this account is connected to this Paddock by another team: one account has one place, where its caps are counted"
    )]
    ConnectedElsewhere,
    /// A team must have an owner.
    #[error("this is the team's only owner: make somebody else an owner first")]
    LastOwner,
    /// A link that works once does not work, or not for this.
    #[error("this link was used, was withdrawn or has expired: ask for a new one")]
    LinkGone,
    /// What was named does not exist, or was removed or revoked.
    #[error("there is no such {what}, or not any more: list what there is and try again")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// A new credential must have the version after the present one.
    #[error("the credential was replaced meanwhile (version {found} came, {expected} was due): try again")]
    VersionConflict {
        /// The version that was due.
        expected: u32,
        /// The version that came.
        found: u32,
    },
    /// The scope of an access key is another by now than the caller has seen.
    #[error("what the access key may do was changed meanwhile: look at it and try again")]
    ScopeChanged,
    /// A new key that signs the audit must follow from the present one.
    #[error("the key that signs the audit was replaced meanwhile: try again")]
    KeyConflict,
    /// The audit event does not name the credential that it should witness. A defect of the caller.
    #[error("the audit event does not name the credential that is stored with it: report this as a defect")]
    WrongWitness,
    /// A data-encryption key cannot be retired yet.
    #[error("{credentials} secrets are still sealed under this data-encryption key: seal them anew first")]
    DekInUse {
        /// How many credentials and signing keys need it.
        credentials: u64,
    },
    /// An access key whose requests are signed comes without what they are signed with. A defect of the caller.
    #[error("an access key for signed requests needs a signing key: issue a new access key")]
    NoSigningKey,
    /// A second factor is set up where there is one already.
    #[error("a second factor is on already: turn it off first, then set up another one")]
    FactorIsOn,
    /// The connection has a rotation already that is not over.
    #[error("a rotation of this connection is open already: finish it, or call it off")]
    RotationIsOpen,
    /// A rotation is in another state by now than the caller has seen, or another process runs it.
    #[error("the rotation has moved on meanwhile: look at it and try again")]
    RotationMoved,
    /// A rotation holds back the connection's new orders, or has replaced its pair, and the caller has not heard of it.
    #[error("a rotation replaces the connection's key pair: wait until new orders pass, and try again")]
    RotationUnheard,
    /// Adding the charge to what was used before cannot be done exactly.
    #[error("these amounts are too large to be added up exactly: use smaller orders")]
    AmountTooLarge,
    /// A row holds what this version cannot read.
    #[error(
        "the database holds a {what} that cannot be read: restore a backup, or upgrade if a newer version wrote it"
    )]
    Malformed {
        /// What kind of thing it is.
        what: &'static str,
    },
    /// The database was made by another version.
    #[error(
        "the database has tables of another version of Paddock ({detail}): run the version that made it, or a newer one"
    )]
    OtherVersion {
        /// Which migration does not fit.
        detail: String,
    },
    /// The database's file or address cannot be used.
    #[error("cannot use the database file {path} ({cause}): check that its directory exists and is yours")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: String,
    },
    /// The PostgreSQL address cannot be read. It may hold a password, so it is not repeated.
    #[error(
        "the database address cannot be read: it has the form postgres://user:password@host:5432/database"
    )]
    BadAddress,
    /// The database cannot be reached.
    #[error("the database cannot be reached ({cause}): check that it runs and that its address is right")]
    Unreachable {
        /// What the operating system says.
        cause: String,
    },
    /// The database refused the user or the password, or has no such database.
    #[error("the database refused the login ({code}): check user, password and database name")]
    LoginRefused {
        /// The SQLSTATE code.
        code: String,
    },
    /// Another process or too much work keeps the database busy, or it does not answer any more.
    #[error("the database is busy or does not answer: try again, and stop other programs that have it open")]
    Busy,
    /// The disk is full.
    #[error("the disk of the database is full: make room and try again")]
    DiskFull,
    /// The database may be read but not written.
    #[error(
        "the database cannot be written to: make its file and its disk writable, or connect to a server that takes writes"
    )]
    ReadOnly,
    /// The disk does not do what it should.
    #[error("the disk of the database reports errors ({code}): check it, and have a backup at hand")]
    Disk {
        /// The database's code.
        code: String,
    },
    /// It took too long to become durable. It may still become so, a little later.
    #[error(
        "the database took too long to keep the record: check that its disk is fast enough and that nothing else holds it locked"
    )]
    TooSlow,
    /// The store was closed.
    #[error("the database was closed: Paddock is shutting down")]
    Closed,
    /// The file is not a database, or is damaged.
    #[error("the database file is damaged or is none ({code}): restore a backup")]
    Corrupt {
        /// The database's code.
        code: String,
    },
    /// Anything else that the database reports.
    #[error("the database reported an error ({code}): try again, and report it if it stays")]
    Failed {
        /// The database's code, or a word for what went wrong.
        code: String,
    },
    /// A backup can only be restored into a database without content.
    #[error("the database is not empty: restore into a new data directory")]
    NotEmpty,
    /// The archive is not a whole and unchanged backup. Nothing was restored.
    #[error("the backup is damaged ({detail}): use another copy of it")]
    DamagedBackup {
        /// What does not fit.
        detail: String,
    },
    /// The archive was written by another version.
    #[error(
        "the backup has tables of version {found}, and this Paddock reads version {expected}: use the version that wrote it"
    )]
    BackupOfOtherVersion {
        /// The version that this Paddock reads.
        expected: i64,
        /// The version of the archive.
        found: i64,
    },
    /// The archive cannot be read or written.
    #[error("the backup cannot be read or written ({cause}): check the file and the disk")]
    BackupFile {
        /// What the operating system says.
        cause: String,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            // The message of a database error may quote values, so only its code is taken over.
            sqlx::Error::Database(error) => from_code(error.code().as_deref().unwrap_or("unknown")),
            sqlx::Error::Io(error) => Self::Unreachable { cause: error.kind().to_string() },
            sqlx::Error::Tls(_) => Self::Unreachable { cause: "TLS failed".to_owned() },
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::Configuration(_) => Self::BadAddress,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Malformed { what: "row" },
            sqlx::Error::Migrate(error) => Self::from(*error),
            _ => Self::Failed { code: "protocol".to_owned() },
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError as E;
        match error {
            E::Execute(error) | E::ExecuteMigration(error, _) => Self::from(error),
            E::VersionMissing(version) | E::VersionMismatch(version) | E::Dirty(version) => {
                Self::OtherVersion { detail: format!("migration {version}") }
            }
            _ => Self::OtherVersion { detail: "migrations".to_owned() },
        }
    }
}

impl StoreError {
    /// Whether the database itself reports it. PostgreSQL then takes nothing more in the same transaction.
    pub(crate) const fn is_of_database(&self) -> bool {
        matches!(self, Self::Failed { .. }) || self.concerns_all()
    }

    /// Whether it has nothing to do with what was to be written, so that anything else would fail as well.
    pub(crate) const fn concerns_all(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::LoginRefused { .. }
                | Self::Busy
                | Self::DiskFull
                | Self::ReadOnly
                | Self::Disk { .. }
                | Self::TooSlow
                | Self::Closed
                | Self::Corrupt { .. }
        )
    }
}

/// Codes of SQLite are numbers (<https://sqlite.org/rescode.html>, the primary code in the low byte), those of PostgreSQL five
/// characters (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn from_code(code: &str) -> StoreError {
    let owned = code.to_owned();
    if code.len() == 5 {
        return match code {
            "28000" | "28P01" | "3D000" => StoreError::LoginRefused { code: owned },
            "53100" => StoreError::DiskFull,
            "25006" => StoreError::ReadOnly,
            "58030" => StoreError::Disk { code: owned },
            "55P03" | "57P03" | "53300" | "57014" => StoreError::Busy,
            "57P01" | "57P02" | "25P03" => StoreError::Unreachable { cause: "it was shut down".to_owned() },
            "XX001" | "XX002" => StoreError::Corrupt { code: owned },
            _ => StoreError::Failed { code: owned },
        };
    }
    match code.parse::<u32>().map(|number| number & 0xff) {
        Ok(5 | 6) => StoreError::Busy,
        Ok(13) => StoreError::DiskFull,
        Ok(8) => StoreError::ReadOnly,
        Ok(10) => StoreError::Disk { code: owned },
        Ok(11 | 26) => StoreError::Corrupt { code: owned },
        _ => StoreError::Failed { code: owned },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_understood() {
        assert!(matches!(from_code("517"), StoreError::Busy));
        assert!(matches!(from_code("26"), StoreError::Corrupt { .. }));
        assert!(matches!(from_code("28P01"), StoreError::LoginRefused { .. }));
        assert!(matches!(from_code("23505"), StoreError::Failed { .. }));
    }
}
