-- Instants are microseconds since 1970 UTC, decimals are text, identifiers are UUIDs as text. The PostgreSQL file of the same
-- name makes the same tables.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT;

-- A retired key keeps its row, but its wrapped bytes are erased.
CREATE TABLE deks (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    wrapped BLOB,
    seals INTEGER NOT NULL CHECK (seals >= 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('paper', 'live')),
    account_id TEXT NOT NULL,
    account_number TEXT NOT NULL,
    status TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),
    created_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    credential_version INTEGER NOT NULL CHECK (credential_version >= 1),
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX connections_account ON connections (account_id, environment) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX connections_name ON connections (user_id, name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX connections_active ON connections (user_id) WHERE active;

-- Versions that were replaced keep their fingerprints; their sealed bytes are erased.
CREATE TABLE credentials (
    connection_id TEXT NOT NULL REFERENCES connections (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    dek_id TEXT REFERENCES deks (id),
    key_id BLOB,
    secret_key BLOB,
    key_id_fingerprint BLOB NOT NULL,
    secret_fingerprint BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, version)
) STRICT;
CREATE INDEX credentials_key_id_fingerprint ON credentials (key_id_fingerprint);
CREATE INDEX credentials_secret_fingerprint ON credentials (secret_fingerprint);

CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    name TEXT NOT NULL,
    key_id TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    scope TEXT NOT NULL,
    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX access_keys_name ON access_keys (user_id, name) WHERE revoked_at IS NULL;

-- One row: whether everything is frozen.
CREATE TABLE everything (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    frozen INTEGER NOT NULL CHECK (frozen IN (0, 1))
) STRICT;
INSERT INTO everything (id, frozen) VALUES (1, 0);

-- What an access key has used of its caps on one New York day, reservations included.
CREATE TABLE usage (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    day TEXT NOT NULL,
    orders INTEGER NOT NULL CHECK (orders >= 0),
    notional TEXT NOT NULL,
    PRIMARY KEY (access_key_id, day)
) STRICT;

-- order_total is what the access key has been charged for the order that came of the request, replacements included.
CREATE TABLE reservations (
    request_id TEXT NOT NULL PRIMARY KEY,
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    day TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    operation TEXT NOT NULL,
    client_order_id TEXT,
    orders INTEGER NOT NULL CHECK (orders >= 0),
    notional TEXT NOT NULL,
    order_total TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'unknown', 'confirmed', 'released')),
    status INTEGER,
    order_id TEXT,
    settled_at INTEGER
) STRICT;
CREATE INDEX reservations_open ON reservations (at) WHERE state IN ('reserved', 'unknown');
CREATE INDEX reservations_order ON reservations (order_id, access_key_id) WHERE order_id IS NOT NULL;

CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    event_name TEXT NOT NULL,
    event TEXT NOT NULL,
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_event_name ON audit (event_name, seq);

-- The chain only grows.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

-- One row: the last record of the chain. Whoever writes anything locks it first.
CREATE TABLE audit_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, zeroblob(32));
