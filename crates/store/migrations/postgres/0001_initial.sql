-- Instants are microseconds since 1970 UTC, decimals are text, identifiers are UUIDs as text. The SQLite file of the same
-- name makes the same tables.

CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

-- A retired key keeps its row, but its wrapped bytes are erased.
CREATE TABLE deks (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    wrapped BYTEA,
    seals BIGINT NOT NULL CHECK (seals >= 0),
    created_at BIGINT NOT NULL
);

CREATE TABLE connections (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('paper', 'live')),
    account_id TEXT COLLATE "C" NOT NULL,
    account_number TEXT NOT NULL,
    status TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    frozen BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    credential_version BIGINT NOT NULL CHECK (credential_version >= 1),
    removed_at BIGINT
);
CREATE UNIQUE INDEX connections_account ON connections (account_id, environment) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX connections_name ON connections (user_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX connections_active ON connections (user_id) WHERE active;

-- Versions that were replaced keep their fingerprints; their sealed bytes are erased.
CREATE TABLE credentials (
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    dek_id TEXT COLLATE "C" REFERENCES deks (id),
    key_id BYTEA,
    secret_key BYTEA,
    key_id_fingerprint BYTEA NOT NULL,
    secret_fingerprint BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, version)
);
CREATE INDEX credentials_key_id_fingerprint ON credentials (key_id_fingerprint);
CREATE INDEX credentials_secret_fingerprint ON credentials (secret_fingerprint);

CREATE TABLE access_keys (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    name TEXT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_hash BYTEA NOT NULL CHECK (length(secret_hash) = 32),
    scope TEXT NOT NULL,
    frozen BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX access_keys_name ON access_keys (user_id, name) WHERE revoked_at IS NULL;

-- One row: whether everything is frozen.
CREATE TABLE everything (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    frozen BOOLEAN NOT NULL
);
INSERT INTO everything (id, frozen) VALUES (1, FALSE);

-- What an access key has used of its caps on one New York day, reservations included.
CREATE TABLE usage (
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    day TEXT COLLATE "C" NOT NULL,
    orders BIGINT NOT NULL CHECK (orders >= 0),
    notional TEXT NOT NULL,
    PRIMARY KEY (access_key_id, day)
);

-- order_total is what the access key has been charged for the order that came of the request, replacements included.
CREATE TABLE reservations (
    request_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    access_key_id TEXT COLLATE "C" NOT NULL REFERENCES access_keys (id),
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    day TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    operation TEXT NOT NULL,
    client_order_id TEXT,
    orders BIGINT NOT NULL CHECK (orders >= 0),
    notional TEXT NOT NULL,
    order_total TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'unknown', 'confirmed', 'released')),
    status BIGINT,
    order_id TEXT COLLATE "C",
    settled_at BIGINT
);
CREATE INDEX reservations_open ON reservations (at) WHERE state IN ('reserved', 'unknown');
CREATE INDEX reservations_order ON reservations (order_id, access_key_id) WHERE order_id IS NOT NULL;

CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    event_name TEXT NOT NULL,
    event TEXT NOT NULL,
    previous BYTEA NOT NULL CHECK (length(previous) = 32),
    hash BYTEA NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_event_name ON audit (event_name, seq);

-- The chain only grows.
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();

-- One row: the last record of the chain. Whoever writes anything locks it first.
CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL CHECK (seq >= 0),
    hash BYTEA NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
