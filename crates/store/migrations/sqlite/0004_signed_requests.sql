-- With what requests of an access key are signed, sealed by the vault. The row goes when the access key is revoked.
CREATE TABLE signing_keys (
    access_key_id TEXT NOT NULL PRIMARY KEY REFERENCES access_keys (id),
    dek_id TEXT NOT NULL REFERENCES deks (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Signatures of state-changing requests that were used, for as long as they would be good otherwise.
CREATE TABLE used_signatures (
    signature BLOB NOT NULL PRIMARY KEY CHECK (length(signature) = 32),
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX used_signatures_at ON used_signatures (at);
