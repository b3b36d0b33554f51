-- The secret behind a person's six-digit codes, sealed by the vault. While confirmed_at is null it is being set up and is asked for
-- nowhere. last_step is the last step of 30 seconds whose code was used.
CREATE TABLE second_factors (
    person_id TEXT NOT NULL PRIMARY KEY REFERENCES persons (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    dek_id TEXT NOT NULL REFERENCES deks (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER
) STRICT;

-- Codes that stand in for a lost second factor, each once.
CREATE TABLE recovery_codes (
    person_id TEXT NOT NULL REFERENCES persons (id),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    used_at INTEGER,
    PRIMARY KEY (person_id, hash)
) STRICT;

-- What programs send as `Authorization: Bearer` to the JSON API, on a person's behalf. networks is a list in JSON, null for any.
CREATE TABLE api_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES persons (id),
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    role TEXT NOT NULL,
    may_without_factor INTEGER NOT NULL CHECK (may_without_factor IN (0, 1)),
    networks TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER,
    last_used_from TEXT
) STRICT;
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (person_id, name) WHERE revoked_at IS NULL;

-- Requests that came with an Idempotency-Key, kept for a day. run names the process that works on it; status is null until it is
-- answered, and body where the answer held a secret or was too long to keep.
CREATE TABLE idempotency_keys (
    who TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    run TEXT NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER,
    content_type TEXT,
    body BLOB,
    PRIMARY KEY (who, key)
) STRICT;
CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
