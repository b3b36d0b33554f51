-- Places outside Paddock that hold a copy of a connection's key pair. settings is JSON without secrets; what Paddock logs in with is
-- sealed by the vault.
CREATE TABLE consumers (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    dek_id TEXT REFERENCES deks (id),
    secret_version INTEGER NOT NULL CHECK (secret_version >= 0),
    sealed BLOB,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX consumers_name ON consumers (connection_id, name) WHERE removed_at IS NULL;

-- Rotations of key pairs. body is the whole state as JSON; version counts its transitions, and whoever changes it names the one that was
-- seen. The other columns repeat parts of it. Nobody but lease_node runs it until lease_until.
CREATE TABLE rotations (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    connection_id TEXT NOT NULL REFERENCES connections (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    state TEXT NOT NULL,
    rehearsal INTEGER NOT NULL CHECK (rehearsal IN (0, 1)),
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    holds_trading INTEGER NOT NULL CHECK (holds_trading IN (0, 1)),
    body TEXT NOT NULL,
    lease_node TEXT,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX rotations_open ON rotations (connection_id, rehearsal) WHERE open;
CREATE INDEX rotations_of ON rotations (connection_id, created_at);

-- Pairs that a rotation needs, sealed by the vault: the one that was pasted, until it is committed, and the one that is replaced, until
-- Alpaca refuses it. number tells pasted pairs apart.
CREATE TABLE rotation_pairs (
    rotation_id TEXT NOT NULL REFERENCES rotations (id),
    what TEXT NOT NULL CHECK (what IN ('candidate', 'retiring')),
    number INTEGER NOT NULL,
    dek_id TEXT NOT NULL REFERENCES deks (id),
    version INTEGER NOT NULL CHECK (version >= 1),
    key_id BLOB NOT NULL,
    secret_key BLOB NOT NULL,
    key_id_fingerprint BLOB NOT NULL,
    secret_fingerprint BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (rotation_id, what)
) STRICT;

-- One row for each transition of a rotation.
CREATE TABLE rotation_events (
    rotation_id TEXT NOT NULL REFERENCES rotations (id),
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    step TEXT NOT NULL,
    state_before TEXT NOT NULL,
    state_after TEXT NOT NULL,
    consumer_id TEXT,
    detail TEXT,
    PRIMARY KEY (rotation_id, version)
) STRICT;

-- What Paddock has written to consumers, or tried to. The row is there before anything is sent; while outcome is 'begun' it may have been
-- written. settings is what the consumer's settings were, with the names that were written to.
CREATE TABLE deliveries (
    rotation_id TEXT NOT NULL REFERENCES rotations (id),
    consumer_id TEXT NOT NULL REFERENCES consumers (id),
    attempt INTEGER NOT NULL,
    token TEXT NOT NULL,
    settings TEXT NOT NULL,
    key_id_fingerprint BLOB NOT NULL,
    secret_fingerprint BLOB NOT NULL,
    seen_version TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('begun', 'written', 'there', 'pending', 'failed', 'unknown')),
    version TEXT,
    detail TEXT,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (rotation_id, consumer_id, attempt)
) STRICT;
CREATE INDEX deliveries_of ON deliveries (consumer_id, begun_at);

-- How often a connection's pair is to be replaced, where somebody said so.
CREATE TABLE rotation_policy (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES connections (id),
    days INTEGER NOT NULL CHECK (days >= 1),
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
