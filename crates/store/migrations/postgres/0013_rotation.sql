-- Places outside Paddock that hold a copy of a connection's key pair. settings is JSON without secrets; what Paddock logs in with is
-- sealed by the vault.
CREATE TABLE consumers (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    dek_id TEXT COLLATE "C" REFERENCES deks (id),
    secret_version BIGINT NOT NULL CHECK (secret_version >= 0),
    sealed BYTEA,
    created_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE UNIQUE INDEX consumers_name ON consumers (connection_id, name) WHERE removed_at IS NULL;

-- Rotations of key pairs. body is the whole state as JSON; version counts its transitions, and whoever changes it names the one that was
-- seen. The other columns repeat parts of it. Nobody but lease_node runs it until lease_until.
CREATE TABLE rotations (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connections (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    state TEXT NOT NULL,
    rehearsal BOOLEAN NOT NULL,
    open BOOLEAN NOT NULL,
    holds_trading BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    lease_node TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX rotations_open ON rotations (connection_id, rehearsal) WHERE open;
CREATE INDEX rotations_of ON rotations (connection_id, created_at);
CREATE TRIGGER tell_of_changes AFTER INSERT OR UPDATE OF open, holds_trading
    ON rotations FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changes();

-- Pairs that a rotation needs, sealed by the vault: the one that was pasted, until it is committed, and the one that is replaced, until
-- Alpaca refuses it. number tells pasted pairs apart.
CREATE TABLE rotation_pairs (
    rotation_id TEXT COLLATE "C" NOT NULL REFERENCES rotations (id),
    what TEXT COLLATE "C" NOT NULL CHECK (what IN ('candidate', 'retiring')),
    number BIGINT NOT NULL,
    dek_id TEXT COLLATE "C" NOT NULL REFERENCES deks (id),
    version BIGINT NOT NULL CHECK (version >= 1),
    key_id BYTEA NOT NULL,
    secret_key BYTEA NOT NULL,
    key_id_fingerprint BYTEA NOT NULL,
    secret_fingerprint BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (rotation_id, what)
);

-- One row for each transition of a rotation.
CREATE TABLE rotation_events (
    rotation_id TEXT COLLATE "C" NOT NULL REFERENCES rotations (id),
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    step TEXT NOT NULL,
    state_before TEXT NOT NULL,
    state_after TEXT NOT NULL,
    consumer_id TEXT COLLATE "C",
    detail TEXT,
    PRIMARY KEY (rotation_id, version)
);

-- What Paddock has written to consumers, or tried to. The row is there before anything is sent; while outcome is 'begun' it may have been
-- written. settings is what the consumer's settings were, with the names that were written to.
CREATE TABLE deliveries (
    rotation_id TEXT COLLATE "C" NOT NULL REFERENCES rotations (id),
    consumer_id TEXT COLLATE "C" NOT NULL REFERENCES consumers (id),
    attempt BIGINT NOT NULL,
    token TEXT NOT NULL,
    settings TEXT NOT NULL,
    key_id_fingerprint BYTEA NOT NULL,
    secret_fingerprint BYTEA NOT NULL,
    seen_version TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('begun', 'written', 'there', 'pending', 'failed', 'unknown')),
    version TEXT,
    detail TEXT,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (rotation_id, consumer_id, attempt)
);
CREATE INDEX deliveries_of ON deliveries (consumer_id, begun_at);

-- How often a connection's pair is to be replaced, where somebody said so.
CREATE TABLE rotation_policy (
    connection_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES connections (id),
    days BIGINT NOT NULL CHECK (days >= 1),
    actor TEXT NOT NULL,
    at BIGINT NOT NULL
);
