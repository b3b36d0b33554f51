-- What makes the audit chain verifiable elsewhere and prunable, and how access keys are used.

-- The keys that sign checkpoints. The private half is sealed, and erased when another key has taken its place.
CREATE TABLE audit_keys (
    public_key BLOB NOT NULL PRIMARY KEY CHECK (length(public_key) = 32),
    created_at INTEGER NOT NULL,
    endorsed_by BLOB,
    endorsement BLOB,
    dek_id TEXT REFERENCES deks (id),
    sealed BLOB
) STRICT;

CREATE TABLE audit_checkpoints (
    seq INTEGER NOT NULL PRIMARY KEY CHECK (seq >= 1),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    at INTEGER NOT NULL,
    public_key BLOB NOT NULL REFERENCES audit_keys (public_key),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

-- One row: the last record that was removed, and what the removed ones say about what there is.
CREATE TABLE audit_start (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    kept TEXT NOT NULL
) STRICT;
INSERT INTO audit_start (id, seq, hash, kept) VALUES (1, 0, zeroblob(32), '{}');

-- The start only moves forward, to a signed checkpoint, and only what is before it may be removed.
CREATE TRIGGER audit_start_moves BEFORE UPDATE ON audit_start
WHEN NEW.seq <> OLD.seq AND (NEW.seq < OLD.seq OR NOT EXISTS (
    SELECT 1 FROM audit_checkpoints WHERE audit_checkpoints.seq = NEW.seq AND audit_checkpoints.hash = NEW.hash))
BEGIN SELECT RAISE(ABORT, 'the audit begins at a checkpoint'); END;
DROP TRIGGER audit_no_delete;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN OLD.seq > (SELECT seq FROM audit_start)
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

-- Counted by New York day. The busiest minute is that with the most requests.
CREATE TABLE key_use (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    day TEXT NOT NULL,
    requests INTEGER NOT NULL CHECK (requests >= 0),
    reads INTEGER NOT NULL CHECK (reads >= 0),
    orders INTEGER NOT NULL CHECK (orders >= 0),
    failed INTEGER NOT NULL CHECK (failed >= 0),
    busiest_minute INTEGER NOT NULL CHECK (busiest_minute >= 0),
    PRIMARY KEY (access_key_id, day)
) STRICT;

CREATE TABLE key_refusals (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    day TEXT NOT NULL,
    reason TEXT NOT NULL,
    requests INTEGER NOT NULL CHECK (requests >= 0),
    PRIMARY KEY (access_key_id, day, reason)
) STRICT;

CREATE TABLE key_seen (
    access_key_id TEXT NOT NULL PRIMARY KEY REFERENCES access_keys (id),
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
) STRICT;

CREATE TABLE key_networks (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    network TEXT NOT NULL,
    PRIMARY KEY (access_key_id, network)
) STRICT;

-- Hours of the week in New York, from 0 to 167.
CREATE TABLE key_hours (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    hour INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 167),
    PRIMARY KEY (access_key_id, hour)
) STRICT;

-- The last day on which a kind of unusual use was said.
CREATE TABLE key_unusual (
    access_key_id TEXT NOT NULL REFERENCES access_keys (id),
    what TEXT NOT NULL,
    day TEXT NOT NULL,
    PRIMARY KEY (access_key_id, what)
) STRICT;
