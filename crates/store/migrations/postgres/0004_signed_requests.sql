-- With what requests of an access key are signed, sealed by the vault. The row goes when the access key is revoked.
CREATE TABLE signing_keys (
    access_key_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES access_keys (id),
    dek_id TEXT COLLATE "C" NOT NULL REFERENCES deks (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- Signatures of state-changing requests that were used, for as long as they would be good otherwise.
CREATE TABLE used_signatures (
    signature BYTEA NOT NULL PRIMARY KEY CHECK (length(signature) = 32),
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    at BIGINT NOT NULL
);
CREATE INDEX used_signatures_at ON used_signatures (at);
