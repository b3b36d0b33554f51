-- The secret behind a person's six-digit codes, sealed by the vault. While confirmed_at is null it is being set up and is asked for
-- nowhere. last_step is the last step of 30 seconds whose code was used.
CREATE TABLE second_factors (
    person_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES persons (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    dek_id TEXT COLLATE "C" NOT NULL REFERENCES deks (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT
);

-- Codes that stand in for a lost second factor, each once.
CREATE TABLE recovery_codes (
    person_id TEXT COLLATE "C" NOT NULL REFERENCES persons (id),
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    used_at BIGINT,
    PRIMARY KEY (person_id, hash)
);

-- What programs send as `Authorization: Bearer` to the JSON API, on a person's behalf. networks is a list in JSON, null for any.
CREATE TABLE api_tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person_id TEXT COLLATE "C" NOT NULL REFERENCES persons (id),
    name TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    role TEXT COLLATE "C" NOT NULL,
    may_without_factor BOOLEAN NOT NULL,
    networks TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT,
    last_used_from TEXT
);
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (person_id, name) WHERE revoked_at IS NULL;

-- Requests that came with an Idempotency-Key, kept for a day. run names the process that works on it; status is null until it is
-- answered, and body where the answer held a secret or was too long to keep.
CREATE TABLE idempotency_keys (
    who TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request_hash BYTEA NOT NULL CHECK (length(request_hash) = 32),
    run TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    status BIGINT,
    content_type TEXT,
    body BYTEA,
    PRIMARY KEY (who, key)
);
CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
